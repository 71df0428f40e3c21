//! Decisions of the operators' console and program, and the JSON between the two.
//!
//! - [`bearer`]: the tokens of operators and of the metrics.
//! - [`access`]: the assertions of Cloudflare Access.
//! - [`sign_in_cookie`]: the cookie that a browser gets for a token.
//! - [`authentication`]: who asks, what they may do, and why something is refused.
//! - [`refusal`]: why something is refused.
//! - [`refusals`]: how many refused attempts the audit trail takes.
//! - [`query`]: strict queries.
//! - [`letter`]: the life of a dead letter.
//! - [`letter_reason`]: why letters are parked.
//! - [`settle`]: what the consumer and its sweep write about letters and grants.
//! - [`audit`]: the chain of the audit trail.
//! - [`explain`]: what is known of an id, and why.
//! - [`grants`]: grants and revocations of app roles.
//! - [`cursor`]: where a page of a list ended.
//! - [`replay`]: plans, and how they are carried out.
//! - [`words`]: counts in sentences.
//! - [`api`]: requests and answers of `/api/v1`, in the console and in the program `rolecall`.

pub mod access;
pub mod activity;
pub mod api;
pub mod audit;
pub mod authentication;
pub mod bearer;
pub mod cursor;
pub mod explain;
pub mod grants;
mod hash;
pub mod letter;
pub mod letter_reason;
pub mod query;
pub mod refusal;
pub mod refusals;
pub mod replay;
pub mod settle;
pub mod sign_in_cookie;
pub mod words;
