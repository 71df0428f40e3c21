//! The simulator: whole days of deliveries, each decided by one seed.
//!
//! The decisions are the Workers' own, called as they call them: `admission::admit`,
//! `Envelope::encode`, `inbox`, `plan::plan`, `sql::statements`, `batch`, `d1_error`, `retry`,
//! `outbox`, `CacheState`, `UserRoles::from_answer`, and `guard::roles_meet`, which decides as
//! `guard::permit` for a session of the user's own. D1 is SQLite with the real migrations. Around
//! them the order of the Workers' awaits is mirrored step by step, and a crash, or another actor,
//! may step in at each:
//!
//! | here | there |
//! |---|---|
//! | `door` | `ingest/src/webhook.rs`, around `shared/src/admission.rs` |
//! | `drain`, `open` | `consumer/src/process_batch.rs`, around `shared/src/inbox.rs` |
//! | `push` | `consumer/src/send_hints.rs`, `consumer/src/sweep.rs` |
//! | `database` | `consumer/src/db.rs`, `durable/src/d1.rs` |
//! | `object`, `fill` | `durable/src/object.rs` |
//! | `idle`, `persist` | `durable/src/object/idle.rs`, `durable/src/object/persist.rs` |
//! | `guard` | `ssr/src/roles.rs` |
//!
//! The files depend on each other in one direction. The data come first: the agenda and its steps,
//! the database, what the laws remember, what each actor knows. `world` holds them all and knows no
//! actor. The actors are methods of `World`. `dispatch` hands them the steps and asks the laws.
//!
//! Each seed draws sizes and a mix of faults of its own. Time is an agenda of steps; nothing reads
//! a clock, and nothing is iterated in an order that is not the same each time. Every batch of D1
//! is held to `testkit::twin` as it is executed. docs/correctness.md assumes that the objects'
//! clock agrees with D1's: while it does not, and until every set that it has dated then is too old
//! to be served, I7 is not asked for, and I4 allows what the clock is off, twice that once it has
//! been off both ways. Nor is I7 asked of a set that was read before a restore of the database.
//! What a restore takes away is no longer accounted for until Svix has delivered it again. Not
//! simulated: the isolate's second level, which is off by default.
//! A page of the outbox holds one or two hints on some days, so that a few users make many pages.

mod names;
mod dice;
mod count;
mod mix;
mod history;
mod input;
mod sabotage;

mod calls;
mod agenda;
mod database;
mod laws;
mod state;
mod signing;
mod world;

mod outside;
mod svix;
mod door;
mod queue;
mod invocation;
mod open;
mod drain;
mod push;
mod d1_transport;
mod replica;
mod persist;
mod object;
mod fill;
mod idle;
mod guard;

mod checks;
mod versions;
mod letters;
mod executed;
mod agree;

mod dispatch;
mod rest;

mod shrink;
mod pin;
mod many;

use std::collections::BTreeSet;
use std::fmt;

use testkit::sqlite::Database;

pub use count::{Counts, Rare};
pub use dice::Fault;
pub use many::{RARE_DAYS_MIN, Summary, run_days};
pub use pin::{Pin, read};
pub use sabotage::Sabotage;
pub use shrink::{Shrunk, shrink};

use self::mix::Mix;
use self::world::World;

/// One day: its seed, and what of it is left out.
#[derive(Clone, Debug, Default)]
pub struct Day {
    /// Decides everything.
    pub seed: u64,
    /// The only inputs and strikes that happen; all of them when there is none.
    pub only: Option<Only>,
    /// A mistake that is switched on.
    pub sabotage: Option<Sabotage>,
    /// Whether the steps are kept in words.
    pub traces: bool,
}

/// What is left of a day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Only {
    /// Inputs, by number.
    pub inputs: BTreeSet<u32>,
    /// Faults that struck, by kind and number.
    pub strikes: BTreeSet<(Fault, u32)>,
}

/// A law that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which.
    pub law: &'static str,
    /// How it was seen.
    pub how: String,
}

impl Broken {
    fn new(law: &'static str, how: String) -> Self {
        Self { law, how }
    }

    /// The simulator itself has failed.
    fn harness(error: &dyn fmt::Display) -> Self {
        Self { law: "the simulator runs", how: error.to_string() }
    }
}

/// What a day came to.
#[derive(Clone, Debug)]
pub struct DayResult {
    /// The law that was broken, if one was.
    pub broken: Option<Broken>,
    /// A digest of every step.
    pub digest: u64,
    /// Every step, when they were kept.
    pub steps: Vec<String>,
    /// The rare things that happened.
    pub counts: Counts,
    /// All that came from outside, and every fault that struck.
    pub only: Only,
}

/// Opens a database that days are run on, one after the other.
///
/// # Errors
/// What SQLite refuses of the migrations.
pub fn open_database() -> rusqlite::Result<Database> {
    let db = Database::migrated()?;
    database::prepare(&db)?;
    Ok(db)
}

/// Whether a seed's day can show a mistake at all.
#[must_use]
pub fn can_show(seed: u64, sabotage: Sabotage) -> bool {
    sabotage.can_show(&Mix::draw(seed))
}

/// Runs one day.
///
/// The database is left as it was found.
#[must_use]
pub fn run_day(db: &Database, day: &Day) -> DayResult {
    let mut world = match World::new(db, day) {
        Ok(world) => world,
        Err(broken) => return DayResult::failed(broken),
    };
    let broken = world.run_whole_day().err();
    let (digest, steps) = world.digest_and_lines();
    let left = world.d1.end().err().map(|error| Broken::harness(&error));
    let inputs = day.only.as_ref().map_or_else(
        || (0..u32::try_from(world.inputs.len()).unwrap_or(u32::MAX)).collect(),
        |only| only.inputs.clone(),
    );
    let strikes = world.dice.struck.iter().copied().collect();
    let only = Only { inputs, strikes };
    DayResult { broken: left.or(broken), digest, steps, counts: world.counts, only }
}

impl DayResult {
    fn failed(broken: Broken) -> Self {
        let (counts, only) = (Counts::new(), Only::default());
        Self { broken: Some(broken), digest: 0, steps: Vec::new(), counts, only }
    }
}
