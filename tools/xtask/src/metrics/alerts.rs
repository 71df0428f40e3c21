//! Every alert. Its name is also its heading in `docs/runbook.md`.

mod backlog;
mod canary;
mod database;
mod door;
mod freshness;
mod itself;

use super::alert::Alert;

/// A group of rules that are evaluated together.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) alerts: Vec<Alert>,
}

/// All groups, in the order of the file.
pub(crate) fn all() -> Vec<Group> {
    vec![
        Group { name: "rolecall-freshness", alerts: freshness::alerts() },
        Group { name: "rolecall-door", alerts: door::alerts() },
        Group { name: "rolecall-backlog", alerts: backlog::alerts() },
        Group { name: "rolecall-database", alerts: database::alerts() },
        Group { name: "rolecall-canary", alerts: canary::alerts() },
        Group { name: "rolecall-metrics", alerts: itself::alerts() },
    ]
}
