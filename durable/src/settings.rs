//! What the objects are set to.

use std::cell::OnceCell;

use shared::cache::{Ages, IDLE_MS_DEFAULT};
use shared::limits::{ROLES_HARD_MS_DEFAULT, ROLES_SOFT_MS_DEFAULT};
use worker::Env;

use crate::trouble::{Outcome, Trouble};

/// The ages that a set may reach, read once per isolate: a change of a variable is a deployment,
/// and a deployment is a new isolate.
pub(crate) fn ages(env: &Env) -> Outcome<Ages> {
    thread_local! {
        static READ: OnceCell<Outcome<Ages>> = const { OnceCell::new() };
    }
    READ.with(|read| read.get_or_init(|| self::read(env)).clone())
}

fn read(env: &Env) -> Outcome<Ages> {
    let number = |name, default| {
        edge::vars::number(env, name, default)
            .map_err(|error| Trouble::Misconfigured(error.to_string()))
    };
    let ages = Ages {
        soft_ms: number("ROLES_SOFT_MS", ROLES_SOFT_MS_DEFAULT)?,
        hard_ms: number("ROLES_HARD_MS", ROLES_HARD_MS_DEFAULT)?,
        idle_ms: number("ROLES_IDLE_MS", IDLE_MS_DEFAULT)?,
    };
    ages.checked().map_err(|why| Trouble::Misconfigured(why.into()))
}
