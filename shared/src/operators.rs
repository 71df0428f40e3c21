//! Decisions of the operators' console and program, and the JSON between the two.
//!
//! - [`letter`]: the life of a dead letter.
//! - [`settle`]: what the consumer and its sweep write about letters and grants.
//! - [`audit`]: the chain of the audit trail.
//! - [`cursor`]: where a page of a list ended.
//! - [`replay`]: plans, and how they are carried out.
//! - [`api`]: requests and answers of `/api/v1`, in the console and in the program `rolecall`.

pub mod api;
pub mod audit;
pub mod cursor;
pub mod letter;
pub mod replay;
pub mod settle;
