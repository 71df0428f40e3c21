//! The day's end. Faults cease, everything drains, operators recover what a restore took and replay
//! the dead letters; then what must hold at rest is checked, and that replaying anything changes
//! nothing.

use shared::envelope::Envelope;
use shared::event::Payload;
use shared::guard::Need;
use shared::merge::EntityChange;
use testkit::sqlite::Cells;
use testkit::twin::{TABLES, Twin};

use super::Broken;
use super::agenda::Step;
use super::door::NEWER;
use super::history::{POISON, ROLES};
use super::input::Version;
use super::world::{World, user_id};

/// How long faults go on after the last input.
const FAULTS_MS: i64 = 30 * 3_600_000;

/// Why a delivery can never be read, as `dead_letters.reason` spells it.
const UNREAD: [&str; 6] = ["not-json", "shape", "id", "no-subject", "time", "size"];

/// Tables that follow from the events alone.
const SYNCED: usize = 8;

impl World<'_> {
    /// Runs the whole day: its inputs, the drain at its end, and the checks at rest.
    pub(super) fn run_whole_day(&mut self) -> Result<(), Broken> {
        for role in ROLES.iter().take(2) {
            self.laws.mirror.twin.role_name(role);
        }
        self.record_truth();
        self.sweep_soon();
        // A message that is given up goes on as long as Svix does: by then the day has ended.
        let last = self.inputs.iter().map(|input| input.at).max().unwrap_or_default();
        self.run_for(last - self.now + FAULTS_MS)?;
        self.stop_faults();
        self.run_until_quiet()?;
        self.recover_all();
        self.run_until_quiet()?;
        self.replay();
        self.run_until_quiet()?;
        self.check_at_rest()?;
        self.check_answers()?;
        self.check_replays()
    }

    /// Every fault ceases, every clock is right, every build is the newest.
    fn stop_faults(&mut self) {
        self.say(format_args!("outside: every fault ceases"));
        self.dice.mend();
        self.mix.way_ms = self.mix.way_ms.min(40);
        self.windows.clear();
        (self.door, self.consumers_are_new) = (1, true);
        self.sweep_soon();
        for dead in [false, true] {
            self.after(1, Step::HandOut { dead });
        }
    }

    /// What a restore of the database took away is delivered again.
    fn recover_all(&mut self) {
        let undone = self.deliveries.iter().filter(|it| it.undone && it.accepted);
        let undone: Vec<usize> = undone.map(|it| it.event).collect();
        for event in undone {
            self.recover(event);
        }
    }

    /// I1, I8, I15: what must hold when nothing is under way.
    fn check_at_rest(&mut self) -> Result<(), Broken> {
        if !self.queue.copies.is_empty() || !self.consumers.is_empty() {
            let left = self.queue.copies.len();
            return Err(Broken::new("I15 the line always drains", format!("{left} are left")));
        }
        if self.laws.is_owed() {
            let how = format!("{:?}", self.laws.mirror.watches);
            return Err(Broken::new("I15 the outbox drains", how));
        }
        self.check_alarms()?;
        self.check_rows()?;
        self.check_parked()
    }

    fn check_rows(&self) -> Result<(), Broken> {
        let want = self.laws.mirror.twin.rows().tables();
        let found = self.tables()?;
        let differs = found.iter().zip(&want).find(|(found, want)| found != want);
        if let Some((found, want)) = differs {
            return Err(Broken::new("I1 convergence", format!("{found:?}, not {want:?}")));
        }
        // The same once more, from the texts alone, in an order that no queue knew.
        let mut alone = Twin::default();
        for sent in self.laws.mirror.applied.iter().rev() {
            let Some(sent) = self.sent.get(*sent) else { continue };
            for change in changes(&sent.text) {
                alone.take(&change);
            }
        }
        let alone = alone.rows().tables();
        let differs = found.iter().zip(&alone).take(SYNCED).find(|(found, want)| found != want);
        differs.map_or(Ok(()), |(found, want)| {
            Err(Broken::new("I1 convergence", format!("{found:?}, but the texts say {want:?}")))
        })
    }

    fn tables(&self) -> Result<Vec<Vec<Cells>>, Broken> {
        let rows = TABLES.iter().map(|query| self.d1.db.rows(query, []));
        rows.collect::<Result<_, _>>().map_err(|error| Broken::harness(&error))
    }

    /// After the replay only what cannot be read, or what D1 will never take, is parked.
    fn check_parked(&self) -> Result<(), Broken> {
        let parked = &self.laws.mirror.parked;
        for message in self.laws.letters() {
            let Some(letter) = parked.get(&message) else { continue };
            let poison = self.sent.get(letter.sent).is_some_and(|it| it.text.contains(POISON));
            let right = |reason: &str| {
                UNREAD.contains(&reason) || (poison && reason == "refused-by-database")
            };
            let mut same = parked.values().filter(|it| it.sent == letter.sent);
            if !same.any(|it| right(&it.reason)) {
                let how = format!("{message} is parked as {}", letter.reason);
                return Err(Broken::new("I15 only what failed is parked", how));
            }
        }
        // For as long as the platform hands a message out, only these put it aside.
        let content = |reason: &str| UNREAD.contains(&reason) || reason == "refused-by-database";
        let early =
            self.laws.mirror.parked.iter().find(|(_, it)| {
                !content(&it.reason) && !shared::retry::is_last_attempt(it.attempts)
            });
        early.map_or(Ok(()), |(message, letter)| {
            let (reason, attempts) = (&letter.reason, letter.attempts);
            let how = format!("{message} was parked as {reason} after {attempts} attempts");
            Err(Broken::new("I15 only what failed is parked", how))
        })
    }

    /// I15: at rest a question is answered, and with the truth.
    fn check_answers(&mut self) -> Result<(), Broken> {
        for user in 0..self.mix.users {
            self.start_guard(user, Need::Session, false, Version::Any);
        }
        self.run_for(20_000)?;
        let ages = shared::cache::AgeLimits { hard_ms: 3_600_000, ..self.mix.ages };
        for user in 0..self.mix.users {
            let ended = self.reached(user) == 0 && self.mix.ages.idle_ms < 60_000;
            let held = self.current_answer(user, &ages);
            if held.is_none() && ended {
                continue;
            }
            let silent = || Broken::new("I15 a question is answered", format!("not of {user}"));
            let answer = held.ok_or_else(silent)?;
            let truth = self.laws.mirror.twin.rows().fill(user_id(user), answer.set.version);
            if truth != answer.set {
                let how = format!("user {user} has {:?}, not {truth:?}", answer.set);
                return Err(Broken::new("I7 agreement at rest", how));
            }
        }
        Ok(())
    }

    /// I9: whatever is delivered again, any number of times and in any order, changes nothing.
    fn check_replays(&mut self) -> Result<(), Broken> {
        let applied: Vec<usize> = self.laws.mirror.applied.iter().copied().collect();
        let (before, watches) = (self.tables()?, self.laws.mirror.watches.clone());
        for _ in 0..applied.len().min(8) {
            let place = self.dice.below(applied.len());
            if let Some(sent) = applied.get(place) {
                self.enqueue(*sent);
            }
        }
        self.run_for(60_000)?;
        let after = self.tables()?;
        let bumped = self.laws.mirror.watches.iter().any(|(user, watch)| {
            watches.get(user).is_some_and(|before| before.version != watch.version)
        });
        if after != before || bumped {
            let how = format!("{before:?} became {after:?}, versions rose: {bumped}");
            return Err(Broken::new("I9 replay is harmless", how));
        }
        Ok(())
    }
}

/// What a text says that was sent.
fn changes(text: &str) -> Vec<EntityChange> {
    match Envelope::decode(&text.replacen(NEWER, r#"{"v":1,"#, 1)) {
        Ok(Envelope { payload: Payload::Event(event), .. }) => event.changes,
        _ => Vec::new(),
    }
}
