//! The consumer's settings.

use super::{RawSetting, SettingError, SettingProblem, SettingsReader};
use crate::roles::is_app_role;

/// The app role of every live user.
pub const DEFAULT_ROLE: &str = "DEFAULT_ROLE";

/// The default of [`DEFAULT_ROLE`]. An empty value means no role.
pub const DEFAULT_ROLE_DEFAULT: &str = "member";

/// The events queue.
pub const EVENTS_QUEUE: &str = "EVENTS_QUEUE";

/// The dead-letter queue of the events queue.
pub const DEAD_QUEUE: &str = "DEAD_QUEUE";

/// The consumer's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerSettings {
    /// The app role of every live user, empty for none. `None` if the value is not a role: the
    /// database then keeps its role and deliveries are still applied, because a stopped queue would
    /// keep revoked roles alive.
    pub default_role: Option<String>,
    /// The name of the events queue; blank if it is unknown.
    pub events_queue: String,
    /// The name of its dead-letter queue; blank if it is unknown.
    pub dead_queue: String,
    /// All errors.
    pub errors: Vec<SettingError>,
}

impl ConsumerSettings {
    /// Parses the consumer's settings; `raw` returns the raw value of a name.
    #[must_use]
    pub fn from_env(raw: &dyn Fn(&str) -> RawSetting) -> Self {
        let mut reader = SettingsReader::new(raw);
        let default_role = default_role(&mut reader);
        let events_queue = queue(&mut reader, EVENTS_QUEUE);
        let dead_queue = queue(&mut reader, DEAD_QUEUE);
        Self { default_role, events_queue, dead_queue, errors: reader.errors }
    }
}

/// Messages of an unnamed queue are retried, so nothing is lost without this setting.
fn queue(reader: &mut SettingsReader<'_>, name: &'static str) -> String {
    match reader.text(name) {
        Ok(Some(queue)) => queue,
        Ok(None) => {
            let problem =
                "is not set: write the queue name from the consumer's block in wrangler.toml";
            reader.report(name, SettingProblem::Missing(problem));
            String::new()
        }
        Err(_) => String::new(),
    }
}

fn default_role(reader: &mut SettingsReader<'_>) -> Option<String> {
    if (reader.raw)(DEFAULT_ROLE) == RawSetting::Absent {
        return Some(DEFAULT_ROLE_DEFAULT.to_owned());
    }
    let name = reader.text(DEFAULT_ROLE).ok()?.unwrap_or_default();
    if name.is_empty() || is_app_role(&name) {
        return Some(name);
    }
    let problem = if name.starts_with("org:") {
        "is an organization role (org:…): write an app role, or leave it empty for none"
    } else {
        "is not a valid role name: write at most 128 bytes without control characters"
    };
    reader.report(DEFAULT_ROLE, SettingProblem::Other(problem));
    None
}
