//! A plan as the statements of one D1 batch: the SQL twin of [`crate::merge`].
//!
//! Each statement takes a whole batch as one JSON parameter. The text is fixed: no value ever
//! becomes part of it. Tests run exactly this text on SQLite and compare it with the Rust law.

#[macro_use]
mod text;
mod fill_rows;
mod rows;

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::json;

pub use fill_rows::{FillRow, parse_fill};

use crate::cache::FillRequest;
use crate::id::UserId;
use crate::limits::PARAMETER_BYTES_MAX;
use crate::merge::{EntityKind, MergeContext};
use crate::outbox::{HintResults, PendingHint, ROUND_MAX};
use crate::plan::BatchPlan;
use crate::time::UnixMillis;

/// One statement and its parameters, `?1`, `?2` and so on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The text.
    pub sql: &'static str,
    /// The parameters.
    pub args: Vec<Arg>,
}

/// One parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arg {
    /// A text; JSON for the statements that take a batch.
    Text(String),
    /// A whole number below 2^53, as D1 carries it.
    Int(i64),
}

/// Reads the watch, the roles and the organizations of user `?1` in ONE statement: two read apart
/// could pair one version with the roles of another. [`parse_fill`] reads its rows.
pub const FILL: &str = text!("fill");

/// Takes the watch over for user `?1` with owner `?2` and floor `?3`. See `cache`.
pub const REGISTER: &str = text!("register");

/// Lets the watch of user `?1` take in what has changed for everybody: its version rises. Stands
/// before [`FILL`] in the same batch: a fill that reads a new default role must not give it the
/// version of the old one.
pub const CATCH_UP: &str = text!("catch_up");

/// As [`CATCH_UP`], for at most `?1` watches that are behind.
pub const CATCH_UP_SOME: &str = text!("catch_up_some");

/// Ends the watch of user `?1` if owner `?2` still holds it.
pub const UNWATCH: &str = text!("unwatch");

/// The outbox: at most `?3` watches whose hint is owed, oldest first, after version `?1` and user
/// `?2`. See [`pending`].
pub const PENDING: &str = text!("pending");

/// As [`PENDING`], of the users in the JSON list `?1` alone.
pub const PENDING_OF: &str = text!("pending_of");

/// Marks hints as taken: `?1` is a JSON list of `{user_id, owner, version}`.
pub const ACK: &str = text!("ack");

/// Ends the watches that no object owns: `?1` is a JSON list of `{user_id, owner}`.
pub const GONE: &str = text!("gone");

/// One operator's word on one role: `?1` user, `?2` role id, `?3` 1 or 0, `?4` time in
/// milliseconds, `?5` id, `?6` actor, `?7` reason. The latest by (time, id) stays.
pub const GRANT: &str = text!("grant");

const SETTING: &str = text!("setting");
const ROLE_NAMES: &str = text!("role_names");
const DEAD_LETTERS: &str = text!("dead_letters");
const DELIVERIES: &str = text!("deliveries");

const PAIRS: &str = text!("membership_pairs");
const ROLE_KEYS: &str = text!("org_role_keys");
const PERMISSION_KEYS: &str = text!("org_permission_keys");

fn upsert_of(entity: EntityKind) -> &'static str {
    match entity {
        EntityKind::User => text!("users"),
        EntityKind::Organization => text!("organizations"),
        EntityKind::Membership => text!("memberships"),
        EntityKind::Role => text!("org_roles"),
        EntityKind::Permission => text!("org_permissions"),
    }
}

/// The batch of a fill of one user's role cache: registers the watch where the fill says so, lets
/// it catch up with what has changed for everybody, and reads version and roles, always last.
#[must_use]
pub fn fill(user_id: &str, fill: &FillRequest) -> Vec<Statement> {
    let user = || Arg::Text(user_id.into());
    let register = fill.registers.then(|| Statement {
        sql: REGISTER,
        args: vec![user(), Arg::Int(fill.owner), Arg::Int(fill.floor)],
    });
    let last = [CATCH_UP, FILL].map(|sql| Statement { sql, args: vec![user()] });
    register.into_iter().chain(last).collect()
}

/// The outbox after `last`, or from its beginning.
#[must_use]
pub fn pending(last: Option<&PendingHint>) -> Statement {
    let (version, user_id) = last.map_or((-1, ""), |last| (last.version, &last.user_id));
    let args = vec![Arg::Int(version), Arg::Text(user_id.into()), Arg::Int(ROUND_MAX)];
    Statement { sql: PENDING, args }
}

/// One step behind a change for everybody: the next watches, a bounded number, rise and are owed a
/// hint.
#[must_use]
pub fn catch_up() -> Statement {
    Statement { sql: CATCH_UP_SOME, args: vec![Arg::Int(ROUND_MAX)] }
}

/// A page of the sweep: one step behind a change for everybody, and the outbox after `last`,
/// always last.
#[must_use]
pub fn sweep_page(last: Option<&PendingHint>) -> Vec<Statement> {
    vec![catch_up(), pending(last)]
}

/// The outbox of the users that a plan touched.
#[must_use]
pub fn pending_of(touched: &BTreeSet<UserId>) -> Statement {
    let users: Vec<&str> = touched.iter().map(UserId::as_str).collect();
    Statement { sql: PENDING_OF, args: vec![Arg::Text(json!(users).to_string())] }
}

/// Writes down what one round of hints settled; none when nothing was.
#[must_use]
pub fn settle(settled: &HintResults) -> Vec<Statement> {
    let acked = json_statements(ACK, &settled.acked);
    let gone = json_statements(GONE, &settled.gone);
    acked.chain(gone).collect()
}

/// The statements of one batch: rows and what was heard, then what became of each delivery, then
/// the dead letters.
///
/// `now` is when the batch is written.
#[must_use]
pub fn statements(plan: &BatchPlan, now: UnixMillis) -> Vec<Statement> {
    let mut statements = Vec::new();
    statements.extend(json_statements(ROLE_NAMES, &plan.role_names));
    for (entity, changes) in &plan.changes {
        let rows: Vec<_> = changes.iter().map(rows::synced_row).collect();
        statements.extend(json_statements(upsert_of(*entity), &rows));
        statements.extend(remembered(*entity, &plan.context));
    }
    let deliveries: Vec<_> = plan.deliveries.iter().map(rows::delivery_row).collect();
    statements.extend(json_statements_at(now, DELIVERIES, &deliveries));
    let letters: Vec<_> = plan.dead_letters.iter().map(rows::dead_letter_row).collect();
    statements.extend(json_statements_at(now, DEAD_LETTERS, &letters));
    statements
}

/// What is remembered of the changes to one table, behind those: a membership's row is written
/// before its pair's rank rises, or the row would lie below its own rank for a moment.
fn remembered(entity: EntityKind, heard: &MergeContext) -> Vec<Statement> {
    match entity {
        EntityKind::Membership => {
            let pairs = heard.pairs.iter().map(|(pair, rank)| rows::pair_row(pair, rank));
            json_statements(PAIRS, pairs).collect()
        }
        EntityKind::Role => json_statements(ROLE_KEYS, &heard.role_keys).collect(),
        EntityKind::Permission => {
            json_statements(PERMISSION_KEYS, &heard.permission_keys).collect()
        }
        EntityKind::User | EntityKind::Organization => vec![],
    }
}

/// The default role in `settings`, its name among the roles, and the first step behind the change.
/// Writes nothing when it stands so and nobody is behind.
#[must_use]
pub fn default_role(name: &str) -> Vec<Statement> {
    let names = if name.is_empty() { vec![] } else { vec![name] };
    let mut statements: Vec<_> = json_statements(ROLE_NAMES, names).collect();
    let args = vec![Arg::Text("default_role".into()), Arg::Text(name.into())];
    statements.push(Statement { sql: SETTING, args });
    statements.push(catch_up());
    statements
}

/// `sql` with `rows` as the JSON list `?1`, in as many statements as keep each list small; none for
/// no rows.
fn json_statements<T: Serialize>(
    sql: &'static str,
    rows: impl IntoIterator<Item = T>,
) -> impl Iterator<Item = Statement> {
    let lists = json_lists(rows).into_iter();
    lists.map(move |list| Statement { sql, args: vec![Arg::Text(list)] })
}

/// As [`json_statements`], with the time `?2` beside each list.
fn json_statements_at<T: Serialize>(
    now: UnixMillis,
    sql: &'static str,
    rows: impl IntoIterator<Item = T>,
) -> impl Iterator<Item = Statement> {
    json_statements(sql, rows).map(move |mut statement| {
        statement.args.push(Arg::Int(now.0));
        statement
    })
}

/// JSON lists, each at most [`PARAMETER_BYTES_MAX`] long unless one row alone is longer.
fn json_lists<T: Serialize>(rows: impl IntoIterator<Item = T>) -> Vec<String> {
    let mut lists: Vec<String> = Vec::new();
    for row in rows {
        // Strings, numbers and lists always become JSON; null would be refused by NOT NULL.
        let row = serde_json::to_string(&row).unwrap_or_else(|_| "null".into());
        match lists.last_mut() {
            Some(list) if list.len() + row.len() < PARAMETER_BYTES_MAX => {
                list.pop();
                list.extend([",", &row, "]"]);
            }
            _ => lists.push(format!("[{row}]")),
        }
    }
    lists
}

#[cfg(test)]
mod tests {
    use super::json_lists;
    use crate::limits::PARAMETER_BYTES_MAX;

    #[test]
    fn rows_become_json_lists_below_the_parameter_limit() {
        assert_eq!(json_lists([1, 2, 3]), ["[1,2,3]"]);
        assert!(json_lists(Vec::<u8>::new()).is_empty());
        let rows = vec!["x".repeat(PARAMETER_BYTES_MAX / 3); 7];
        let lists = json_lists(&rows);
        assert!(lists.iter().all(|list| list.len() <= PARAMETER_BYTES_MAX));
        let back: Vec<String> =
            lists.iter().flat_map(|l| serde_json::from_str::<Vec<String>>(l).unwrap()).collect();
        assert_eq!(back, rows);
    }
}
