//! What the door is set to. Read at each request: a rotated secret counts at once.

use edge::vars;
use shared::limits::{BODY_BYTES_MAX_DEFAULT, UPLOADS_BYTES_MAX};
use shared::signature::Secrets;
use worker::Env;

use crate::receive::Rejection;

/// The door's configuration.
#[derive(Debug)]
pub(crate) struct Config {
    /// Every secret that may have signed a delivery.
    pub(crate) secrets: Secrets,
    /// The Clerk instance whose deliveries are taken; any when absent.
    pub(crate) instance_id: Option<String>,
    /// Bytes in a body; as many still pass.
    pub(crate) body_bytes_max: usize,
}

impl Config {
    pub(crate) fn read(env: &Env) -> Result<Self, Rejection> {
        let secret = vars::text(env, "CLERK_WEBHOOK_SECRET").ok_or(Rejection::NoSecret)?;
        let secrets = Secrets::parse(&secret).map_err(Rejection::BadSecret)?;
        let instance_id = vars::text(env, "CLERK_INSTANCE_ID");
        let body_bytes_max = vars::number(env, "BODY_BYTES_MAX", BODY_BYTES_MAX_DEFAULT)
            .map_err(Rejection::BadVariable)?;
        if UPLOADS_BYTES_MAX < body_bytes_max {
            return Err(Rejection::BadLimit { max: body_bytes_max });
        }
        Ok(Self { secrets, instance_id, body_bytes_max })
    }
}
