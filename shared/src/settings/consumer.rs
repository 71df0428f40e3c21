//! The consumer's settings.

use std::fmt;

use url::Url;

use super::address::https_or_loopback;
use super::{RawSetting, Reported, SettingError, SettingProblem, SettingsReader};
use crate::id::UserId;
use crate::roles::is_app_role;

/// The app role of every live user.
pub const DEFAULT_ROLE: &str = "DEFAULT_ROLE";

/// The default of [`DEFAULT_ROLE`]. An empty value means no role.
pub const DEFAULT_ROLE_DEFAULT: &str = "member";

/// The events queue.
pub const EVENTS_QUEUE: &str = "EVENTS_QUEUE";

/// The dead-letter queue of the events queue.
pub const DEAD_QUEUE: &str = "DEAD_QUEUE";

/// The user that the canary changes.
pub const CANARY_USER_ID: &str = "CANARY_USER_ID";

/// The key of Clerk's Backend API.
pub const CLERK_SECRET_KEY: &str = "CLERK_SECRET_KEY";

/// The address of Clerk's Backend API.
pub const CLERK_API_URL: &str = "CLERK_API_URL";

/// The default of [`CLERK_API_URL`].
pub const CLERK_API_URL_DEFAULT: &str = "https://api.clerk.com/v1";

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
    /// The canary.
    pub canary: CanarySetting,
    /// All errors.
    pub errors: Vec<SettingError>,
}

/// Whether there is a canary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CanarySetting {
    /// Neither of its settings is there.
    Off,
    /// One of them is missing or invalid: the canary rests, and its silence is an alarm.
    Invalid,
    /// It is on.
    On(CanarySettings),
}

/// What the canary needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanarySettings {
    /// Its user.
    pub user_id: UserId,
    /// The key of Clerk's Backend API.
    pub secret_key: SecretKey,
    /// The address of Clerk's Backend API.
    pub api_url: Url,
}

/// A secret key of Clerk. Only [`bearer`](Self::bearer) shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey(String);

impl SecretKey {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let rest = text.strip_prefix("sk_live_").or_else(|| text.strip_prefix("sk_test_"));
        let is_word = |rest: &str| {
            !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        if rest.is_some_and(is_word) {
            return Ok(Self(text.to_owned()));
        }
        Err("is not a secret key of Clerk: copy `sk_live_…` or `sk_test_…` from the API keys of \
             Clerk's Dashboard")
    }

    /// The value of the header `Authorization`.
    #[must_use]
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey([redacted])")
    }
}

impl ConsumerSettings {
    /// Parses the consumer's settings; `raw` returns the raw value of a name.
    #[must_use]
    pub fn from_env(raw: &dyn Fn(&str) -> RawSetting) -> Self {
        let mut reader = SettingsReader::new(raw);
        let default_role = default_role(&mut reader);
        let events_queue = queue(&mut reader, EVENTS_QUEUE);
        let dead_queue = queue(&mut reader, DEAD_QUEUE);
        let canary = canary(&mut reader).unwrap_or(CanarySetting::Invalid);
        Self { default_role, events_queue, dead_queue, canary, errors: reader.errors }
    }
}

/// Both settings or none: one alone is a canary that somebody believes to be on.
fn canary(reader: &mut SettingsReader<'_>) -> Result<CanarySetting, Reported> {
    let user_id = reader.parsed(CANARY_USER_ID, user_id);
    let secret_key = reader.parsed(CLERK_SECRET_KEY, SecretKey::parse);
    let api_url = reader.parsed(CLERK_API_URL, https_or_loopback);
    let problem = match (user_id?, secret_key?) {
        (None, None) => return Ok(CanarySetting::Off),
        (Some(user_id), Some(secret_key)) => {
            let default = || https_or_loopback(CLERK_API_URL_DEFAULT);
            let api_url = api_url?.map_or_else(default, Ok);
            let api_url = api_url
                .map_err(|error| reader.report(CLERK_API_URL, SettingProblem::Other(error)))?;
            return Ok(CanarySetting::On(CanarySettings { user_id, secret_key, api_url }));
        }
        (Some(_), None) => (
            CLERK_SECRET_KEY,
            "is not set, and the canary of CANARY_USER_ID needs it: run `npx wrangler secret put \
             CLERK_SECRET_KEY --env consumer`, or remove CANARY_USER_ID",
        ),
        (None, Some(_)) => (
            CANARY_USER_ID,
            "is not set, and CLERK_SECRET_KEY is for its canary alone: write the id of a user \
             made for it, or remove the secret",
        ),
    };
    Err(reader.report(problem.0, SettingProblem::Missing(problem.1)))
}

fn user_id(text: &str) -> Result<UserId, &'static str> {
    let is_user = |id: &UserId| {
        let mut letters = id.as_str().bytes();
        id.as_str().starts_with("user_") && letters.all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    UserId::parse(text)
        .ok()
        .filter(is_user)
        .ok_or("is not the id of a user: copy `user_…` from the user's page in Clerk's Dashboard")
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
