//! A local stand-in for Clerk: keys, a sign-in page, signed webhooks, and switches for faults.
//!
//! ```text
//!  sign-in page, POST /local/tokens ─▶ keys   ─▶ RS256 session token, JWKS
//!  GET /v1/client/handshake         ─▶ keys   ─▶ new cookies for who is signed in here, or none
//!  GET /v1/users and others         ─▶ objects: what the day and later deliveries tell
//!  day, POST /local/deliveries      ─▶ faults ─▶ delivery, signed by `svix` ══POST══▶ receiver
//! ```
//!
//! It listens on 127.0.0.1 alone and shares no code with what it tests: what it signs and sends is
//! right by Clerk's and Svix's rules, not by ours. It is for development and tests; whoever can
//! reach it can sign in as any of the sample users.

mod api;
mod backend;
pub mod claims;
pub mod clock;
pub mod config;
mod cookies;
pub mod day;
pub mod delivery;
pub mod faults;
mod handshake;
mod ids;
pub mod session_key;
pub mod nonces;
pub mod resources;
mod origin;
mod page;
pub mod payload;
pub mod sample_users;
pub mod redirect;
pub mod sender;
pub mod server;
mod state;
mod tokens;
pub mod invalid_tokens;
