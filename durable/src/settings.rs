//! Settings of the role cache.

use std::cell::OnceCell;

use shared::cache::AgeLimits;
use worker::Env;

use crate::error::{CacheError, CacheResult};

/// The age limits, read once per isolate: changing a variable is a deployment, which starts new
/// isolates.
pub(crate) fn ages(env: &Env) -> CacheResult<AgeLimits> {
    thread_local! {
        static AGES: OnceCell<CacheResult<AgeLimits>> = const { OnceCell::new() };
    }
    AGES.with(|ages| ages.get_or_init(|| read_age_limits(env)).clone())
}

fn read_age_limits(env: &Env) -> CacheResult<AgeLimits> {
    shared::settings::durable::age_limits_from_env(&|name| edge::settings::raw(env, name)).map_err(
        |errors| {
            edge::settings::log_errors(&errors);
            CacheError::Misconfigured
        },
    )
}
