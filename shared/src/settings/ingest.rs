//! The door's settings.

use super::{Count, Mistake, Noted, Raw, Reader, Wrong};
use crate::limits::{BODY_BYTES_MAX_DEFAULT, BODY_BYTES_MAX_MAX};
use crate::signature::{SecretError, Secrets};

/// The endpoint's signing secret, or several.
pub const WEBHOOK_SECRET: &str = "CLERK_WEBHOOK_SECRET";

/// The Clerk instance whose deliveries are taken.
pub const INSTANCE_ID: &str = "CLERK_INSTANCE_ID";

/// The largest body that is read.
pub const BODY_BYTES_MAX: Count = Count {
    name: "BODY_BYTES_MAX",
    unit: "bytes",
    min: 1,
    max: BODY_BYTES_MAX_MAX,
    default: BODY_BYTES_MAX_DEFAULT,
};

/// What the door is set to.
#[derive(Debug)]
pub struct Ingest {
    /// Every secret that may have signed a delivery.
    pub secrets: Secrets,
    /// The Clerk instance whose deliveries are taken; any when absent.
    pub instance_id: Option<String>,
    /// Bytes in a body; as many still pass.
    pub body_bytes_max: usize,
}

impl Ingest {
    /// Reads the door's settings; `raw` gives what stands under a name.
    ///
    /// # Errors
    /// Everything that is wrong: any of it closes the door.
    pub fn read(raw: &dyn Fn(&str) -> Raw) -> Result<Self, Vec<Mistake>> {
        let mut reader = Reader::new(raw);
        let secrets = secrets(&mut reader);
        let instance_id = reader.read(INSTANCE_ID, instance_id);
        let body_bytes_max = reader.count(&BODY_BYTES_MAX);
        let (Ok(secrets), Ok(instance_id), Ok(bytes)) = (secrets, instance_id, body_bytes_max)
        else {
            return Err(reader.mistakes);
        };
        let bytes = bytes.unwrap_or(BODY_BYTES_MAX.default);
        let body_bytes_max = usize::try_from(bytes).unwrap_or(usize::MAX);
        Ok(Self { secrets, instance_id, body_bytes_max })
    }
}

fn secrets(reader: &mut Reader<'_>) -> Result<Secrets, Noted> {
    let missing = Wrong::Missing("is not set: copy the endpoint's signing secret from Clerk");
    let Some(text) = reader.text(WEBHOOK_SECRET)? else {
        return Err(reader.note(WEBHOOK_SECRET, missing));
    };
    // How long a short one is may help to guess it, and this is told to strangers.
    Secrets::parse(&text).map_err(|error| {
        let wrong = match error {
            SecretError::Missing => missing,
            SecretError::Undecodable { position } => {
                Wrong::Secret { position, is: "is not base64 after `whsec_`" }
            }
            SecretError::Short { position, .. } => Wrong::Secret { position, is: "is too short" },
            SecretError::Asymmetric { position } => {
                Wrong::Secret { position, is: "is a key of the asymmetric scheme" }
            }
        };
        reader.note(WEBHOOK_SECRET, wrong)
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
