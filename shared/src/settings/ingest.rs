//! Settings of ingest.

use super::{NumberSetting, RawSetting, Reported, SettingError, SettingProblem, SettingsReader};
use crate::limits::{BODY_BYTES_MAX_DEFAULT, BODY_BYTES_MAX_MAX};
use crate::signature::{WebhookSecretError, WebhookSecrets};

/// The endpoint's signing secret, or several.
pub const WEBHOOK_SECRET: &str = "CLERK_WEBHOOK_SECRET";

/// The Clerk instance whose deliveries are accepted.
pub const INSTANCE_ID: &str = "CLERK_INSTANCE_ID";

/// The largest accepted body.
pub const BODY_BYTES_MAX: NumberSetting = NumberSetting {
    name: "BODY_BYTES_MAX",
    unit: "bytes",
    min: 1,
    max: BODY_BYTES_MAX_MAX,
    default: BODY_BYTES_MAX_DEFAULT,
};

/// The settings of ingest.
#[derive(Debug)]
pub struct IngestSettings {
    /// The secrets that are accepted.
    pub secrets: WebhookSecrets,
    /// The Clerk instance whose deliveries are accepted; `None` accepts any.
    pub instance_id: Option<String>,
    /// Bytes in a body, inclusive.
    pub body_bytes_max: usize,
}

impl IngestSettings {
    /// Parses the settings; `raw` returns the raw value of a name.
    ///
    /// # Errors
    /// All errors. With any error ingest answers 500.
    pub fn from_env(raw: &dyn Fn(&str) -> RawSetting) -> Result<Self, Vec<SettingError>> {
        let mut reader = SettingsReader::new(raw);
        let secrets = secrets(&mut reader);
        let instance_id = reader.parsed(INSTANCE_ID, instance_id);
        let body_bytes_max = reader.number(&BODY_BYTES_MAX);
        let (Ok(secrets), Ok(instance_id), Ok(bytes)) = (secrets, instance_id, body_bytes_max)
        else {
            return Err(reader.errors);
        };
        let bytes = bytes.unwrap_or(BODY_BYTES_MAX.default);
        let body_bytes_max = usize::try_from(bytes).unwrap_or(usize::MAX);
        Ok(Self { secrets, instance_id, body_bytes_max })
    }
}

fn secrets(reader: &mut SettingsReader<'_>) -> Result<WebhookSecrets, Reported> {
    let missing =
        SettingProblem::Missing("is not set: copy the endpoint's signing secret from Clerk");
    let Some(text) = reader.text(WEBHOOK_SECRET)? else {
        return Err(reader.report(WEBHOOK_SECRET, missing));
    };
    // Do not reveal the length of a short secret: `/healthz` is public.
    WebhookSecrets::parse(&text).map_err(|error| {
        let problem = match error {
            WebhookSecretError::Missing => missing,
            WebhookSecretError::Undecodable { position } => {
                secret(position, "is not base64 after `whsec_`")
            }
            WebhookSecretError::Short { position, .. } => secret(position, "is too short"),
            WebhookSecretError::Asymmetric { position } => {
                secret(position, "is an asymmetric key (whpk_/whsk_)")
            }
        };
        reader.report(WEBHOOK_SECRET, problem)
    })
}

fn secret(position: usize, problem: &'static str) -> SettingProblem {
    SettingProblem::Secret { position, problem, next: "copy it from the endpoint's page in Clerk" }
}

/// Parses a Clerk instance id. Other values never match, so every delivery would be rejected.
fn instance_id(text: &str) -> Result<String, &'static str> {
    let tail = text.strip_prefix("ins_").unwrap_or_default();
    if tail.is_empty() || !tail.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err("is not a Clerk instance id: copy `instance_id` (ins_…) from a delivery");
    }
    Ok(text.to_owned())
}
