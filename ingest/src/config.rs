//! What the door is set to. Read at each request: a rotated secret counts at once.

use shared::settings::Mistake;
use shared::settings::ingest::Ingest;
use worker::Env;

/// The door's settings, or all that is wrong with them.
pub(crate) fn read(env: &Env) -> Result<Ingest, Vec<Mistake>> {
    let read = Ingest::read(&|name| edge::settings::raw(env, name));
    read.inspect_err(|mistakes| edge::settings::tell(mistakes))
}
