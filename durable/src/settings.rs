//! What the objects are set to.

use std::cell::OnceCell;

use shared::cache::Ages;
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
    shared::settings::durable::read(&|name| edge::settings::raw(env, name)).map_err(|mistakes| {
        edge::settings::tell(&mistakes);
        Trouble::Misconfigured
    })
}
