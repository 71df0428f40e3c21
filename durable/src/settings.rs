//! What the objects are set to.

use std::cell::OnceCell;

use shared::cache::AgeLimits;
use worker::Env;

use crate::error::{CacheError, CacheResult};

/// The ages that a set may reach, read once per isolate: a change of a variable is a deployment,
/// and a deployment is a new isolate.
pub(crate) fn ages(env: &Env) -> CacheResult<AgeLimits> {
    thread_local! {
        static READ: OnceCell<CacheResult<AgeLimits>> = const { OnceCell::new() };
    }
    READ.with(|read| read.get_or_init(|| read_age_limits(env)).clone())
}

fn read_age_limits(env: &Env) -> CacheResult<AgeLimits> {
    shared::settings::durable::age_limits_from_env(&|name| edge::settings::raw(env, name)).map_err(
        |mistakes| {
            edge::settings::log_errors(&mistakes);
            CacheError::Misconfigured
        },
    )
}
