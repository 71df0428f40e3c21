//! The role caches: one object per user, named by the user's id. No public route.
//!
//! What an object decides is `shared::cache`; here is its I/O. Two facts of the platform carry it:
//! at most one instance of an object runs at a time, and while a storage write is under way no
//! answer leaves the object (its output gate), so whatever was answered for is on disk.
//! <https://developers.cloudflare.com/durable-objects/reference/in-memory-state/>
//! Neither covers D1: other questions run while a fill is under way, so a fill is judged when it
//! comes back.

mod role_cache;
mod object;
mod storage;
mod fill;
mod settings;
mod error;

use worker::event;

#[event(start)]
fn start() {
    edge::log::init();
}
