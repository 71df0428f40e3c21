//! Builds the statements of a D1 batch from a plan: the merge law of [`crate::merge`] in SQL.
//!
//! A statement that writes many rows takes them as one JSON list. The text is fixed: no value ever
//! becomes part of it. Tests run exactly this text on SQLite and compare the result with that of
//! the Rust code.

#[macro_use]
mod text;
pub mod audit;
pub mod canary;
pub mod explain;
mod fill_rows;
pub mod grants;
mod json_lists;
pub mod letter_lists;
pub mod letters;
pub mod meter;
pub mod metrics;
pub mod operations;
pub mod overview;
pub mod replays;
mod rows;

use std::collections::BTreeSet;

use serde_json::json;

pub use fill_rows::{FillRow, parse_fill};

use crate::cache::FillRequest;
use crate::id::UserId;
use crate::merge::{EntityKind, MergeContext};
use crate::outbox::{HINTS_PER_ROUND_MAX, HintResults, PendingHint};
use crate::plan::BatchPlan;
use crate::time::UnixMillis;
use json_lists::{json_list_of, json_statements, json_statements_at};

/// One statement and its parameters, `?1`, `?2` and so on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The text.
    pub sql: &'static str,
    /// The parameters.
    pub args: Vec<Arg>,
}

/// One parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arg {
    /// A text; JSON for the statements that take a batch.
    Text(String),
    /// A whole number below 2^53, as D1 carries it.
    Int(i64),
}

/// Reads the watch, the roles and the organizations of user `?1` in ONE statement: two statements
/// could combine the version of one state with the roles of another. [`parse_fill`] parses its
/// rows.
pub const FILL: &str = text!("fill");

/// Registers the watch of user `?1` with owner `?2` and floor `?3`. See [`crate::cache`].
pub const REGISTER: &str = text!("register");

/// Raises the version of user `?1`'s watch if a change for all users is newer. Runs before [`FILL`]
/// in the same batch: a fill that reads a new default role must not return it with the old version.
pub const CATCH_UP: &str = text!("catch_up");

/// As [`CATCH_UP`], for at most `?1` watches that are behind.
pub const CATCH_UP_SOME: &str = text!("catch_up_some");

/// Ends the watch of user `?1` if owner `?2` still holds it.
pub const UNWATCH: &str = text!("unwatch");

/// At most `?3` watches with a pending hint, oldest first, after version `?1` and user `?2`.
pub const PENDING: &str = text!("pending");

/// As [`PENDING`], but only for the users in the JSON list `?1`.
pub const PENDING_OF: &str = text!("pending_of");

/// Marks hints as acknowledged: `?1` is a JSON list of `{user_id, owner, version}`.
pub const ACK: &str = text!("ack");

/// Ends the watches that no object owns: `?1` is a JSON list of `{user_id, owner}`.
pub const GONE: &str = text!("gone");

/// Grants or revokes a role: `?1` user, `?2` role id, `?3` 1 or 0, `?4` time in milliseconds, `?5`
/// id, `?6` actor, `?7` reason, `?8` end in milliseconds or 0. The greatest (time, id) wins.
pub const GRANT: &str = text!("grant");

const SETTING: &str = text!("setting");
const ROLE_NAMES: &str = text!("role_names");
const DELIVERIES: &str = text!("deliveries");

const PAIRS: &str = text!("membership_pairs");
const ROLE_KEYS: &str = text!("org_role_keys");
const PERMISSION_KEYS: &str = text!("org_permission_keys");

fn upsert_of(entity: EntityKind) -> &'static str {
    match entity {
        EntityKind::User => text!("users"),
        EntityKind::Organization => text!("organizations"),
        EntityKind::Membership => text!("memberships"),
        EntityKind::Role => text!("org_roles"),
        EntityKind::Permission => text!("org_permissions"),
    }
}

/// The batch of a fill: registers the watch if the fill says so, applies changes for all users
/// ([`CATCH_UP`]), and reads version and roles in the last statement.
#[must_use]
pub fn fill(user_id: &str, fill: &FillRequest) -> Vec<Statement> {
    let user = || Arg::Text(user_id.into());
    let register = fill.registers.then(|| Statement {
        sql: REGISTER,
        args: vec![user(), Arg::Int(fill.owner), Arg::Int(fill.floor)],
    });
    let last = [CATCH_UP, FILL].map(|sql| Statement { sql, args: vec![user()] });
    register.into_iter().chain(last).collect()
}

/// The outbox after `last`, or from its beginning.
#[must_use]
pub fn pending(last: Option<&PendingHint>) -> Statement {
    let (version, user_id) = last.map_or((-1, ""), |last| (last.version, &last.user_id));
    let args = vec![Arg::Int(version), Arg::Text(user_id.into()), Arg::Int(HINTS_PER_ROUND_MAX)];
    Statement { sql: PENDING, args }
}

/// One step of a change for all users: raises the versions of the next [`HINTS_PER_ROUND_MAX`]
/// watches, so that their hints become pending.
#[must_use]
pub fn catch_up() -> Statement {
    Statement { sql: CATCH_UP_SOME, args: vec![Arg::Int(HINTS_PER_ROUND_MAX)] }
}

/// A page of the sweep: [`catch_up`], and as the last statement the outbox after `last`.
#[must_use]
pub fn sweep_page(last: Option<&PendingHint>) -> Vec<Statement> {
    vec![catch_up(), pending(last)]
}

/// The outbox of the users that a plan touched.
#[must_use]
pub fn pending_of(touched: &BTreeSet<UserId>) -> Statement {
    let users: Vec<&str> = touched.iter().map(UserId::as_str).collect();
    Statement { sql: PENDING_OF, args: vec![Arg::Text(json!(users).to_string())] }
}

/// Records the results of one round of hints; no statements if there is nothing to record.
#[must_use]
pub fn record_hint_results(results: &HintResults) -> Vec<Statement> {
    let acked = json_statements(ACK, &results.acked);
    let gone = json_statements(GONE, &results.gone);
    acked.chain(gone).collect()
}

/// The statements of one batch: rows and merge context, then the outcome of each replayed letter
/// and of each delivery, then the dead letters.
///
/// `now` is the time of the write.
#[must_use]
pub fn statements(plan: &BatchPlan, now: UnixMillis) -> Vec<Statement> {
    let mut statements = merged(plan, now);
    statements.extend(letters::parked(plan, now));
    statements
}

/// The same, with what the batch adds to the exact counters and to the flow. One of them reads what
/// the batch decided, see [`metrics::is_decided`].
#[must_use]
pub fn counted_statements(plan: &BatchPlan, now: UnixMillis) -> Vec<Statement> {
    let mut statements = merged(plan, now);
    statements.push(metrics::totals_raised(plan));
    statements.push(metrics::decided(plan));
    statements.extend(letters::parked(plan, now));
    statements.push(operations::flow(plan, now));
    statements
}

/// The statements of one batch up to its dead letters.
fn merged(plan: &BatchPlan, now: UnixMillis) -> Vec<Statement> {
    let mut statements = Vec::new();
    statements.extend(json_statements(ROLE_NAMES, &plan.role_names));
    for (entity, changes) in &plan.changes {
        let rows: Vec<_> = changes.iter().map(rows::synced_row).collect();
        statements.extend(json_statements(upsert_of(*entity), &rows));
        statements.extend(context_statements(*entity, &plan.context));
    }
    let deliveries: Vec<_> = plan.deliveries.iter().map(rows::delivery_row).collect();
    statements.extend(letters::settled(plan, now));
    statements.extend(json_statements_at(now, DELIVERIES, &deliveries).map(|mut statement| {
        statement.args.push(Arg::Text(plan.batch.clone()));
        statement
    }));
    statements
}

/// The merge context of one table's changes. It is written after them: otherwise the pair's rank
/// would already be above that of the stored membership.
fn context_statements(entity: EntityKind, context: &MergeContext) -> Vec<Statement> {
    match entity {
        EntityKind::Membership => {
            let pairs = context.pairs.iter().map(|(pair, rank)| rows::pair_row(pair, rank));
            json_statements(PAIRS, pairs).collect()
        }
        EntityKind::Role => json_statements(ROLE_KEYS, &context.role_keys).collect(),
        EntityKind::Permission => {
            json_statements(PERMISSION_KEYS, &context.permission_keys).collect()
        }
        EntityKind::User | EntityKind::Organization => vec![],
    }
}

/// Stores the default role in `settings`, adds its name to `roles`, and raises the first watches
/// that are behind. Writes nothing if the role is unchanged and no watch is behind.
#[must_use]
pub fn default_role(name: &str) -> Vec<Statement> {
    let names = if name.is_empty() { vec![] } else { vec![name] };
    let mut statements: Vec<_> = json_statements(ROLE_NAMES, names).collect();
    let args = vec![Arg::Text("default_role".into()), Arg::Text(name.into())];
    statements.push(Statement { sql: SETTING, args });
    statements.push(catch_up());
    statements
}
