//! The Worker `durable`: the role caches, one object per user, named by the user's id. It has no
//! public route.
//!
//! `shared::cache` decides; here is the I/O. It relies on two platform guarantees: at most one
//! instance of an object runs at a time, and no response leaves the object while a storage write is
//! running (its output gate), so whatever was acknowledged is saved.
//! <https://developers.cloudflare.com/durable-objects/reference/in-memory-state/>
//! Neither covers D1: other queries run during a fill, so the result of a fill is checked against
//! the current state.

mod role_cache;
mod meter;
mod object;
mod d1;
mod storage;
mod traced_hint;
mod settings;
mod error;

use worker::event;

#[event(start)]
fn start() {
    edge::start("durable");
}
