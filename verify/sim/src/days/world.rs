//! One day's world: who is there and what is on its way. It knows none of the parts that act in
//! it; `dispatch` does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::Hasher as _;

use shared::settings::ingest::IngestSettings;
use testkit::sqlite::{Database, START};

use super::agenda::{Agenda, Step};
use super::count::{Counts, Rare};
use super::database::D1;
use super::dice::{Dice, stream};
use super::history::{Event, USERS, history};
use super::input::{Input, Window, inputs};
use super::laws::Laws;
use super::mix::Mix;
use super::sabotage::Sabotage;
use super::signing::ingest_settings;
use super::state::{Consumer, Delivery, Guard, Object, Push, Queue, Sent, Sweeper};
use super::{Broken, Day};

/// A world.
pub(super) struct World<'a> {
    pub(super) now: i64,
    pub(super) agenda: Agenda,
    pub(super) dice: Dice,
    pub(super) mix: Mix,
    pub(super) d1: D1<'a>,
    pub(super) sabotage: Option<Sabotage>,
    pub(super) ingest: IngestSettings,
    pub(super) events: Vec<Event>,
    pub(super) inputs: Vec<Input>,
    pub(super) deliveries: Vec<Delivery>,
    /// Everything that was ever sent to the queue.
    pub(super) sent: Vec<Sent>,
    pub(super) queue: Queue,
    pub(super) consumers: BTreeMap<u32, Consumer>,
    /// The isolates that have kept the settings.
    pub(super) kept: BTreeSet<usize>,
    pub(super) pushes: BTreeMap<u32, Push>,
    pub(super) sweeper: Option<Sweeper>,
    pub(super) sweep_is_due: bool,
    /// Where the last sweep ran out of its budget.
    pub(super) resume: Option<shared::outbox::PendingHint>,
    pub(super) objects: Vec<Object>,
    pub(super) guards: BTreeMap<u32, Guard>,
    pub(super) windows: BTreeMap<Window, i64>,
    /// The builds: of the door, and whether the consumers read what a newer door writes.
    pub(super) door: u8,
    pub(super) consumers_are_new: bool,
    pub(super) laws: Laws,
    pub(super) counts: Counts,
    journal: Journal,
    numbers: u32,
    /// Steps that were taken.
    pub(super) steps: u32,
}

/// Every step in words: its digest always, the words when they are asked for.
struct Journal {
    digest: std::hash::DefaultHasher,
    line: String,
    lines: Option<Vec<String>>,
}

impl<'a> World<'a> {
    /// The world of a day before it begins.
    pub(super) fn new(db: &'a Database, day: &Day) -> Result<Self, Broken> {
        let mix = Mix::draw(day.seed);
        let events = history(stream(day.seed, 3), &mix);
        let inputs = inputs(day.seed, &mix, &events);
        let mut agenda = Agenda::default();
        for (place, input) in (0_u32..).zip(&inputs) {
            if day.only.as_ref().is_none_or(|only| only.inputs.contains(&place)) {
                agenda.put(input.at, Step::Input(place));
            }
        }
        let only = day.only.as_ref().map(|only| only.strikes.clone());
        let lines = day.traces.then(Vec::new);
        let journal =
            Journal { digest: std::hash::DefaultHasher::new(), line: String::new(), lines };
        let d1 = D1::begin(db, day.sabotage, mix.page).map_err(|error| Broken::harness(&error))?;
        Ok(Self {
            now: START,
            agenda,
            dice: Dice::new(day.seed, &mix.chances, only),
            d1,
            sabotage: day.sabotage,
            ingest: ingest_settings()?,
            events,
            inputs,
            deliveries: Vec::new(),
            sent: Vec::new(),
            queue: Queue::default(),
            consumers: BTreeMap::new(),
            kept: BTreeSet::new(),
            pushes: BTreeMap::new(),
            sweeper: None,
            sweep_is_due: false,
            resume: None,
            objects: (0..mix.users).map(|_| Object::default()).collect(),
            guards: BTreeMap::new(),
            windows: BTreeMap::new(),
            door: 1,
            consumers_are_new: false,
            laws: Laws::new(),
            counts: Counts::new(),
            journal,
            numbers: 0,
            steps: 0,
            mix,
        })
    }

    /// Plans a step, so many milliseconds ahead.
    pub(super) fn after(&mut self, ms: i64, step: Step) {
        self.agenda.put(self.now.saturating_add(ms), step);
    }

    /// Plans a step after a delay of the network.
    pub(super) fn on_its_way(&mut self, step: Step) {
        let ms = self.dice.delay(self.mix.way_ms);
        self.after(ms, step);
    }

    /// A number that nothing else has.
    pub(super) fn number(&mut self) -> u32 {
        self.numbers += 1;
        self.numbers
    }

    /// Whether this is wrong now.
    pub(super) fn is_on(&self, window: Window) -> bool {
        self.windows.get(&window).is_some_and(|until| self.now < *until)
    }

    /// The clock of some place, which may be ten minutes off.
    pub(super) fn clock(&self, ahead: Window, behind: Window) -> i64 {
        let off = i64::from(self.is_on(ahead)) - i64::from(self.is_on(behind));
        self.now + off * 600_000
    }

    /// Counts something rare that has happened.
    pub(super) fn count(&mut self, rare: Rare) {
        *self.counts.entry(rare).or_default() += 1;
    }

    /// Writes what happens to the journal.
    pub(super) fn say(&mut self, what: fmt::Arguments<'_>) {
        let Journal { digest, line, lines } = &mut self.journal;
        line.clear();
        // A String takes whatever is written to it.
        let _taken = fmt::write(line, format_args!("{:>12} {what}", self.now - START));
        digest.write(line.as_bytes());
        if let Some(lines) = lines {
            lines.push(line.clone());
        }
    }

    /// The digest of everything that was said, and the words if they were kept.
    pub(super) fn digest_and_lines(&mut self) -> (u64, Vec<String>) {
        (self.journal.digest.finish(), self.journal.lines.take().unwrap_or_default())
    }

    /// Whether a mistake is switched on.
    pub(super) fn is_wrong(&self, sabotage: Sabotage) -> bool {
        self.sabotage == Some(sabotage)
    }
}

/// A user's id by place.
pub(super) fn user_id(user: usize) -> &'static str {
    USERS.get(user).copied().unwrap_or_default()
}

/// A user's place by id.
pub(super) fn place(user_id: &str) -> Option<usize> {
    USERS.iter().position(|it| *it == user_id)
}
