//! What native tests and the simulator share: D1 as SQLite has it, its twin in Rust, and
//! the payloads of Clerk.

pub mod payload;
pub mod sqlite;
pub mod twin;
