//! Settings of ingest, read at each request, so that a rotated secret works at once.

use shared::settings::SettingError;
use shared::settings::ingest::IngestSettings;
use worker::Env;

/// The settings, or all errors in them.
pub(crate) fn settings(env: &Env) -> Result<IngestSettings, Vec<SettingError>> {
    let settings = IngestSettings::from_env(&|name| edge::settings::raw(env, name));
    settings.inspect_err(|errors| edge::settings::log_errors(errors))
}
