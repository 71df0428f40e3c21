//! The consumer's settings.

use super::{RawSetting, SettingError, SettingProblem, SettingsReader};
use crate::roles::is_app_role;

/// The app role of every live user.
pub const DEFAULT_ROLE: &str = "DEFAULT_ROLE";

/// What [`DEFAULT_ROLE`] is where it is absent. Set to nothing it means none.
pub const DEFAULT_ROLE_DEFAULT: &str = "member";

/// The queue that the door fills.
pub const EVENTS_QUEUE: &str = "EVENTS_QUEUE";

/// The queue that takes the dead letters of that one.
pub const DEAD_QUEUE: &str = "DEAD_QUEUE";

/// What the consumer is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerSettings {
    /// The app role of every live user, empty for none. `None` when what is set is no role: the
    /// database keeps the one it has, and every delivery is applied, for a queue that stands still
    /// would let revoked roles live on.
    pub default_role: Option<String>,
    /// The name of the queue that the door fills; blank when it is not known.
    pub events_queue: String,
    /// The name of its dead-letter queue; blank when it is not known.
    pub dead_queue: String,
    /// Everything that is wrong.
    pub mistakes: Vec<SettingError>,
}

impl ConsumerSettings {
    /// Reads the consumer's settings; `raw` gives what stands under a name.
    #[must_use]
    pub fn from_env(raw: &dyn Fn(&str) -> RawSetting) -> Self {
        let mut reader = SettingsReader::new(raw);
        let default_role = default_role(&mut reader);
        let events_queue = queue(&mut reader, EVENTS_QUEUE);
        let dead_queue = queue(&mut reader, DEAD_QUEUE);
        Self { default_role, events_queue, dead_queue, mistakes: reader.mistakes }
    }
}

/// What comes from a queue that is not named is given back, so nothing is lost without it.
fn queue(reader: &mut SettingsReader<'_>, name: &'static str) -> String {
    match reader.text(name) {
        Ok(Some(queue)) => queue,
        Ok(None) => {
            let said = "is not set: write the name of the queue, as the consumer's block has it";
            reader.report(name, SettingProblem::Missing(said));
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
    let said = if name.starts_with("org:") {
        "names an organization's role: write the name of an app role, or nothing for none"
    } else {
        "is not the name of a role: write one of at most 128 bytes without control characters"
    };
    reader.report(DEFAULT_ROLE, SettingProblem::Other(said));
    None
}
