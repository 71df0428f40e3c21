//! A local stand-in for Clerk: keys, a sign-in page, signed webhooks, and switches for faults.
//!
//! ```text
//!  sign-in page, POST /local/tokens -> session_key -> RS256 session token, JWKS
//!  GET /v1/client/handshake         -> session_key -> new cookies for the browser
//!  GET /v1/users and others         -> resources: as the events of the webhooks leave them
//!  day, POST /local/deliveries      -> faults -> delivery, signed by `svix` == POST => receiver
//! ```
//!
//! It listens on 127.0.0.1 only. It shares no code with what it tests: what it signs and sends
//! follows the rules of Clerk and Svix, not ours. It is for development and tests: every program
//! that can reach it can sign in as any of the sample users.

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
pub mod invalid_tokens;
pub mod nonces;
mod origin;
pub mod payload;
pub mod redirect;
pub mod resources;
pub mod sample_users;
pub mod sender;
pub mod server;
pub mod session_key;
mod sign_in_page;
mod state;
mod tokens;
