//! What the door is set to. Read at each request: a rotated secret counts at once.

use shared::settings::SettingError;
use shared::settings::ingest::IngestSettings;
use worker::Env;

/// The door's settings, or all that is wrong with them.
pub(crate) fn settings(env: &Env) -> Result<IngestSettings, Vec<SettingError>> {
    let read = IngestSettings::from_env(&|name| edge::settings::raw(env, name));
    read.inspect_err(|mistakes| edge::settings::log_errors(mistakes))
}
