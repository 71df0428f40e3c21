//! The console is reached by its own hosts alone: an application of Cloudflare Access protects a
//! host, and each further address would be a way around it.

use anyhow::{Result, bail};

/// The environment of the console.
pub(in crate::deploy) const CONSOLE: &str = "console";

/// Refuses an address of the console beside its routes.
///
/// # Errors
/// When it would have one.
pub(super) fn refuse(env: &str, workers_dev: bool, has_previews: bool) -> Result<()> {
    let key = match (workers_dev, has_previews) {
        _ if env != CONSOLE => return Ok(()),
        (true, _) => "workers_dev",
        (_, true) => "preview_urls",
        (false, false) => return Ok(()),
    };
    bail!(
        "[env.{CONSOLE}] has an address beside its routes, around Cloudflare Access; write \
         `{key} = false` into the block or at the top of the file, and give the console a host by \
         `routes`"
    )
}
