//! Decisions of the operators' console and program, and the JSON between the two.
//!
//! - [`letter`]: the life of a dead letter.
//! - [`audit`]: the chain of the audit trail.
//! - [`explain`]: what is known of an id, and why.
//! - [`grants`]: grants and revocations of app roles.
//! - [`api`]: requests and answers of `/api/v1`, in the console and in the program `rolecall`.

pub mod api;
pub mod audit;
pub mod explain;
pub mod grants;
pub mod letter;
