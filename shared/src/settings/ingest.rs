//! The door's settings.

use super::{NumberSetting, RawSetting, Reported, SettingError, SettingProblem, SettingsReader};
use crate::limits::{BODY_BYTES_MAX_DEFAULT, BODY_BYTES_MAX_MAX};
use crate::signature::{WebhookSecretError, WebhookSecrets};

/// The endpoint's signing secret, or several.
pub const WEBHOOK_SECRET: &str = "CLERK_WEBHOOK_SECRET";

/// The Clerk instance whose deliveries are taken.
pub const INSTANCE_ID: &str = "CLERK_INSTANCE_ID";

/// The largest body that is read.
pub const BODY_BYTES_MAX: NumberSetting = NumberSetting {
    name: "BODY_BYTES_MAX",
    unit: "bytes",
    min: 1,
    max: BODY_BYTES_MAX_MAX,
    default: BODY_BYTES_MAX_DEFAULT,
};

/// What the door is set to.
#[derive(Debug)]
pub struct IngestSettings {
    /// Every secret that may have signed a delivery.
    pub secrets: WebhookSecrets,
    /// The Clerk instance whose deliveries are taken; any when absent.
    pub instance_id: Option<String>,
    /// Bytes in a body; as many still pass.
    pub body_bytes_max: usize,
}

impl IngestSettings {
    /// Reads the door's settings; `raw` gives what stands under a name.
    ///
    /// # Errors
    /// Everything that is wrong: any of it closes the door.
    pub fn from_env(raw: &dyn Fn(&str) -> RawSetting) -> Result<Self, Vec<SettingError>> {
        let mut reader = SettingsReader::new(raw);
        let secrets = secrets(&mut reader);
        let instance_id = reader.parsed(INSTANCE_ID, instance_id);
        let body_bytes_max = reader.number(&BODY_BYTES_MAX);
        let (Ok(secrets), Ok(instance_id), Ok(bytes)) = (secrets, instance_id, body_bytes_max)
        else {
            return Err(reader.mistakes);
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
    // How long a short one is may help to guess it, and this is told to strangers.
    WebhookSecrets::parse(&text).map_err(|error| {
        let wrong = match error {
            WebhookSecretError::Missing => missing,
            WebhookSecretError::Undecodable { position } => {
                SettingProblem::Secret { position, is: "is not base64 after `whsec_`" }
            }
            WebhookSecretError::Short { position, .. } => {
                SettingProblem::Secret { position, is: "is too short" }
            }
            WebhookSecretError::Asymmetric { position } => {
                SettingProblem::Secret { position, is: "is a key of the asymmetric scheme" }
            }
        };
        reader.report(WEBHOOK_SECRET, wrong)
    })
}

/// Clerk's own ids: another text could equal none of them, and every delivery would be refused.
fn instance_id(text: &str) -> Result<String, &'static str> {
    let tail = text.strip_prefix("ins_").unwrap_or_default();
    if tail.is_empty() || !tail.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err("is not the id of a Clerk instance: write `ins_` and its letters and digits, \
                    as `instance_id` of a delivery has them");
    }
    Ok(text.to_owned())
}
