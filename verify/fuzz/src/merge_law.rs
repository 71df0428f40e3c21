//! Random events in two orders, with repetitions: the law in Rust and in the SQL of the consumer.
//!
//! I1: both orders end in the same rows, with the ranks of the Rust law, and the same that its
//! winners give with what was heard. I2: what was dead at any step is dead. I9: all of it once more
//! writes no row. And what a role cache reads never changes without a greater version.

mod case;

use std::collections::{BTreeMap, BTreeSet};

use arbitrary::Unstructured;
use rusqlite::types::Value as Cell;
use shared::envelope::Envelope;
use shared::event::Payload;
use shared::id::{EntityId, SvixId};
use shared::merge::{EntityChange, EntityKind, EntityState, LiveState, MergeContext, join};
use shared::plan::{BatchPlan, OpenedMessage, plan};
use shared::projection::ContentDigest;
use shared::roles::RoleSet;
use shared::sql::{Arg, REGISTER, Statement, default_role, statements};
use shared::time::UnixMillis;
use testkit::sqlite::{Cells, Database, START};

use crate::Target;
use case::USERS;

pub use case::{Case, Event, Turn};

/// See the module.
pub const TARGET: Target = Target {
    name: "merge_law",
    run,
    met: &["nothing happened", "everything lives", "something is dead"],
};

/// The rows that are a function of the events.
const TABLES: [&str; 8] = [
    "SELECT * FROM membership_pairs ORDER BY org_id, user_id",
    "SELECT * FROM org_role_keys ORDER BY key",
    "SELECT * FROM org_permission_keys ORDER BY key",
    "SELECT * FROM users ORDER BY id",
    "SELECT * FROM organizations ORDER BY id",
    "SELECT * FROM memberships ORDER BY id",
    "SELECT * FROM org_roles ORDER BY id",
    "SELECT * FROM org_permissions ORDER BY id",
];

const RANKS: &str =
    "SELECT id, deleted, updated_at, event_at, projection, digest FROM synced ORDER BY id";

thread_local! {
    /// Migrated once; each case is undone.
    static DATABASE: Database = database();
}

/// Gives one history in two orders.
///
/// # Panics
/// When the law does not hold.
#[must_use]
pub fn run(data: &[u8]) -> &'static str {
    let case: Case = Unstructured::new(data).arbitrary().unwrap_or_else(|_| Case::default());
    DATABASE.with(|db| check_case(db, &case))
}

/// What the Rust law knows.
type Known = BTreeMap<(EntityKind, EntityId), EntityState>;

/// What SQL knows at the end of an order: the rows, and what each user's role cache reads.
type Found = (Vec<Vec<Cells>>, Vec<RoleSet>);

fn database() -> Database {
    let db = Database::migrated().expect("every migration applies");
    db.run(&default_role("member")).expect("a default role");
    let watch = |user: &&str| Statement {
        sql: REGISTER,
        args: vec![Arg::Text((*user).to_owned()), Arg::Int(1), Arg::Int(0)],
    };
    db.run(&USERS.iter().map(watch).collect::<Vec<_>>()).expect("two watches");
    db
}

fn check_case(db: &Database, case: &Case) -> &'static str {
    let law = case.events.iter().fold(Known::new(), apply_event);
    let found = rolled_back(db, || {
        for event in &case.events {
            write_events(db, &[event]);
        }
        without_versions(read_all(db))
    });
    let other = rolled_back(db, || run_batches(db, case, &case.batches()));
    assert_eq!(found, other, "two orders of {case:?}");
    let winners = law.iter().map(|((entity, id), state)| EntityChange {
        kind: *entity,
        id: id.clone(),
        state: state.clone(),
    });
    let winners = Event { changes: winners.collect() };
    let mut heard = MergeContext::default();
    case.events.iter().flat_map(|event| &event.changes).for_each(|change| heard.observe(change));
    let alone = rolled_back(db, || {
        commit(db, &BatchPlan { context: heard, ..plan_of(&[&winners]) });
        without_versions(read_all(db))
    });
    assert_eq!(found, alone, "the winners and what was heard, of {case:?}");
    match () {
        () if law.is_empty() => "nothing happened",
        () if law.values().any(|state| *state == EntityState::Deleted) => "something is dead",
        () => "everything lives",
    }
}

/// Writes one batch. How many rows that changes.
fn write_batch(db: &Database, case: &Case, batch: &[usize]) -> usize {
    let events: Vec<&Event> = batch.iter().filter_map(|at| case.events.get(*at)).collect();
    write_events(db, &events)
}

/// Writes the events in these batches and checks the rows after each, then writes all of them
/// once more.
fn run_batches(db: &Database, case: &Case, batches: &[Vec<usize>]) -> Found {
    let mut known = Known::new();
    let (mut ranks_before, mut sets_before) = (vec![], role_sets(db));
    for batch in batches {
        write_batch(db, case, batch);
        let events = batch.iter().filter_map(|at| case.events.get(*at));
        known = events.fold(known, apply_event);
        let (ranks, sets) = (db.rows(RANKS, []).expect("the ranks"), role_sets(db));
        assert_eq!(ranks, self::ranks(&known), "{batches:?} of {case:?}");
        assert!(dead(&ranks_before).is_subset(&dead(&ranks)), "{batches:?} of {case:?}");
        let versioned =
            sets_before.iter().zip(&sets).all(|(before, after)| is_versioned(before, after));
        assert!(versioned, "{sets_before:?} became {sets:?} in {batches:?} of {case:?}");
        (ranks_before, sets_before) = (ranks, sets);
    }
    let found = read_all(db);
    let all: Vec<usize> = (0..case.events.len()).collect();
    assert_eq!(write_batch(db, case, &all), 0, "once more, {case:?}");
    assert_eq!(read_all(db), found, "once more, {case:?}");
    without_versions(found)
}

/// Versions count the changes on the way, which are other ones in each order.
fn without_versions((rows, sets): Found) -> Found {
    (rows, sets.into_iter().map(|set| RoleSet { version: 0, ..set }).collect())
}

fn apply_event(mut known: Known, event: &Event) -> Known {
    for EntityChange { kind: entity, id, state } in &event.changes {
        let key = (*entity, id.clone());
        let joined = match known.remove(&key) {
            Some(stored) => join(stored, state.clone()),
            None => state.clone(),
        };
        known.insert(key, joined);
    }
    known
}

/// What a role cache reads changed only under a greater version.
fn is_versioned(before: &RoleSet, after: &RoleSet) -> bool {
    before.version < after.version || before == after
}

/// One batch, as the consumer sends it. How many rows of the synced tables it writes.
fn write_events(db: &Database, events: &[&Event]) -> usize {
    commit(db, &plan_of(events))
}

fn plan_of(events: &[&Event]) -> BatchPlan {
    let messages: Vec<OpenedMessage> =
        events.iter().zip(1..).map(|(event, at)| message(event, at)).collect();
    plan("rolecall-events", &messages, vec![])
}

fn commit(db: &Database, plan: &BatchPlan) -> usize {
    let batch = statements(plan, UnixMillis(START));
    let written = db.run(&batch).expect("a batch that D1 takes");
    let is_account = |statement: &Statement| statement.sql.contains("INTO deliveries");
    batch.iter().zip(written).filter(|(it, _)| !is_account(it)).map(|(_, rows)| rows).sum()
}

fn message(event: &Event, at: i64) -> OpenedMessage {
    let id = format!("msg_{}", ContentDigest::of(format!("{event:?}").as_bytes()).as_str());
    let (changes, users) = (event.changes.clone(), event.users());
    let envelope = Envelope {
        svix_id: SvixId::parse(&id).expect("a message id"),
        attempted_at: UnixMillis(START),
        received_at: UnixMillis(START),
        event_at: None,
        body_digest: ContentDigest::of(b""),
        event_type: String::new(),
        note: String::new(),
        replay: None,
        payload: Payload::Event(shared::event::Event { changes, users }),
    };
    let (id, sent_at) = (format!("queue-{at}"), UnixMillis(START));
    OpenedMessage { id, attempts: 1, sent_at, text: String::new(), envelope }
}

fn read_all(db: &Database) -> Found {
    let rows = TABLES.map(|query| db.rows(query, []).expect("the rows"));
    (rows.to_vec(), role_sets(db))
}

fn role_sets(db: &Database) -> Vec<RoleSet> {
    let fill = |user: &str| db.fill(user).expect("a fill").expect("a watch").set;
    USERS.map(fill).to_vec()
}

/// The ids that these ranks call dead.
fn dead(ranks: &[Cells]) -> BTreeSet<String> {
    let id = |row: &Cells| match row.as_slice() {
        [Cell::Text(id), Cell::Integer(1), ..] => Some(id.clone()),
        _ => None,
    };
    ranks.iter().filter_map(id).collect()
}

/// The ranks as SQL keeps them: those of the dead are blank.
fn ranks(known: &Known) -> Vec<Cells> {
    let mut rows: Vec<(String, Cells)> = known
        .iter()
        .map(|((_, id), state)| {
            let (numbers, digest) = match state {
                EntityState::Deleted => ([1, 0, 0, 0], ""),
                EntityState::Live(LiveState { rank, .. }) => (
                    [0, rank.updated_at.0, rank.event_at.0, rank.projection.into()],
                    rank.digest.as_str(),
                ),
            };
            let mut cells: Cells = vec![id.to_string().into()];
            cells.extend(numbers.map(Into::into));
            cells.push(digest.to_owned().into());
            (id.to_string(), cells)
        })
        .collect();
    rows.sort_by(|one, other| one.0.cmp(&other.0));
    rows.into_iter().map(|(_, cells)| cells).collect()
}

/// Does the work and rolls it back.
fn rolled_back<T>(db: &Database, work: impl FnOnce() -> T) -> T {
    db.sql.execute_batch("SAVEPOINT whole").expect("a savepoint");
    let done = work();
    db.sql.execute_batch("ROLLBACK TO whole; RELEASE whole").expect("a way back");
    done
}
