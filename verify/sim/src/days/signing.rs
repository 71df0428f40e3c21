//! The secret that Svix and ingest share: the settings that hold it, and what Svix signs with it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use shared::settings::RawSetting;
use shared::settings::ingest::{IngestSettings, WEBHOOK_SECRET};
use shared::signature::SvixHeaders;

use super::Broken;

/// The secret that Svix and ingest share.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const KEY: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The settings of ingest.
pub(super) fn ingest_settings() -> Result<IngestSettings, Broken> {
    let raw = |name: &str| match name {
        WEBHOOK_SECRET => RawSetting::Text(SECRET.to_owned()),
        _ => RawSetting::Absent,
    };
    IngestSettings::from_env(&raw).map_err(|errors| Broken::harness(&format!("{errors:?}")))
}

/// The headers of an attempt, signed as Svix signs: by an implementation that is not the door's.
pub(super) fn sign(svix_id: &str, signed_s: i64, body: &[u8]) -> SvixHeaders {
    let mut signed = format!("{svix_id}.{signed_s}.").into_bytes();
    signed.extend_from_slice(body);
    let key = STANDARD.decode(KEY).unwrap_or_default();
    let tag = STANDARD.encode(hmac_sha256::HMAC::mac(&signed, &key));
    SvixHeaders::from_fn(|name| match name {
        "svix-id" => Some(svix_id.to_owned()),
        "svix-timestamp" => Some(signed_s.to_string()),
        "svix-signature" => Some(format!("v1,{tag}")),
        _ => None,
    })
}
