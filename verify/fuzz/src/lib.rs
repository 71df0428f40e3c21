//! Fuzz targets of the pure core.
//!
//! Each target takes bytes, gives them to the code that a stranger's bytes reach, and holds the
//! answer against a second opinion: a reference written apart, another library, or a law. What is
//! wrong is a panic. `cargo xtask sim fuzz` searches; the ordinary tests only give each input of
//! `corpus/` once, so that a target that no longer runs, or tells nothing, is found out.

#![expect(clippy::panic, clippy::expect_used, reason = "a panic is how a target reports")]

pub mod svix_signature;
pub mod session_token;
pub mod key_set;
pub mod cookie_header;
pub mod redirect_url;
pub mod clerk_event;
pub mod odd_member;
pub mod queue_message;
pub mod merge_law;
pub mod seeds;

mod reference;

/// One fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: of its program, of its module, of its folder in `corpus/`.
    pub name: &'static str,
    /// Gives it one input. Says what came of it, and panics when something is wrong.
    pub run: fn(&[u8]) -> &'static str,
    /// What the committed corpus must come to, so that no branch is out of reach.
    pub met: &'static [&'static str],
}

/// All of them, cheapest inputs first.
pub const TARGETS: [Target; 9] = [
    svix_signature::TARGET,
    session_token::TARGET,
    key_set::TARGET,
    cookie_header::TARGET,
    redirect_url::TARGET,
    clerk_event::TARGET,
    odd_member::TARGET,
    queue_message::TARGET,
    merge_law::TARGET,
];

#[cfg(test)]
mod tests;
