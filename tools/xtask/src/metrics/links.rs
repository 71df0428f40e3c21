//! Where dashboards and alerts lead.

/// The addresses that dashboards and alerts link.
#[derive(Debug, clap::Args)]
pub(crate) struct Links {
    /// The address of docs/runbook.md, without a heading
    #[arg(long, value_name = "BASE", default_value = "docs/runbook.md")]
    pub(crate) runbook: String,
    /// The address of your Grafana
    #[arg(long, value_name = "BASE", default_value = "")]
    pub(crate) grafana: String,
    /// The address of your console
    #[arg(long, value_name = "BASE", default_value = "https://console.example.com")]
    pub(crate) console: String,
}

impl Links {
    /// The address of an alert's part of the runbook.
    pub(super) fn runbook_of(&self, alert: &str) -> String {
        format!("{}#{}", self.runbook, anchor(alert))
    }

    /// The address of a dashboard.
    pub(super) fn dashboard(&self, name: &str) -> String {
        format!("{}/d/{}", self.grafana.trim_end_matches('/'), uid(name))
    }
}

/// The anchor that the heading of an alert's name has.
pub(super) fn anchor(alert: &str) -> String {
    alert.to_lowercase()
}

/// The id of a dashboard, which its address holds.
pub(super) fn uid(name: &str) -> String {
    format!("rolecall-{name}")
}
