//! The standing switches, and the window that puts deliveries out of order. No I/O.

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::delivery::{Delivery, Tamper};

/// The most further copies of one delivery.
pub const DUPLICATE_MAX: u32 = 100;
/// The longest delay.
pub const DELAY_MS_MAX: u64 = 60_000;
/// The widest window of reordering.
pub const REORDER_MAX: usize = 1_000;

/// The switches that apply to every delivery, or to every request of the Backend API. All are off
/// at 0.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Sends this many further copies of each delivery
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub duplicate: u32,
    /// Holds deliveries back until there are N, then sends them shuffled
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub reorder: usize,
    /// Waits this long before each delivery
    #[arg(long, default_value_t = 0, value_name = "MS")]
    pub delay_ms: u64,
    /// Loses every N-th delivery
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub drop_every: u64,
    /// Alters the body of every N-th delivery on its way; the next attempt is sound
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub tamper_every: u64,
    /// Answers 429 to every N-th request of the Backend API
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub limit_every: u64,
}

/// A switch out of its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} is at most {max}")]
pub struct OutOfRange {
    name: &'static str,
    max: u64,
}

impl Faults {
    /// Refuses what would keep a sender busy for hours.
    ///
    /// # Errors
    /// [`OutOfRange`] names the switch and its maximum.
    pub fn checked(self) -> Result<Self, OutOfRange> {
        within_range(self.duplicate, self.delay_ms)?;
        if REORDER_MAX < self.reorder {
            Err(OutOfRange { name: "reorder", max: u64::try_from(REORDER_MAX).unwrap_or(u64::MAX) })
        } else {
            Ok(self)
        }
    }
}

/// Refuses too many copies or too long a delay, a single delivery's too.
///
/// # Errors
/// [`OutOfRange`] names the switch and its maximum.
pub fn within_range(duplicate: u32, delay_ms: u64) -> Result<(), OutOfRange> {
    if DUPLICATE_MAX < duplicate {
        return Err(OutOfRange { name: "duplicate", max: u64::from(DUPLICATE_MAX) });
    }
    if DELAY_MS_MAX < delay_ms {
        return Err(OutOfRange { name: "delay_ms", max: DELAY_MS_MAX });
    }
    Ok(())
}

/// What will happen to one delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is lost.
    Dropped,
    /// It is sent.
    Sent {
        /// How often in all.
        copies: u32,
        /// How long before the first.
        delay_ms: u64,
        /// What is wrong with it.
        wrong: Wrong,
    },
}

/// What is wrong with a delivery on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// Nothing.
    Nothing,
    /// The body of the first attempt is altered; Svix then tries again.
    FirstAttempt,
    /// A forger made it; nobody tries again.
    Forged(Tamper),
}

/// A delivery with its fate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// What is sent.
    pub delivery: Delivery,
    /// What happens to it.
    pub fate: Fate,
}

/// The standing switches at work: counts deliveries and holds back what is to be reordered.
#[derive(Debug)]
pub struct Line {
    faults: Faults,
    count: u64,
    requests: u64,
    held: Vec<Outgoing>,
    random: fastrand::Rng,
}

impl Line {
    /// A line whose shuffling is the same for the same seed.
    #[must_use]
    pub fn new(faults: Faults, seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        Self { faults, count: 0, requests: 0, held: Vec::new(), random }
    }

    /// The switches as they stand.
    #[must_use]
    pub const fn faults(&self) -> Faults {
        self.faults
    }

    /// Sets the switches and gives back what was held: a new window starts empty.
    pub fn set(&mut self, faults: Faults) -> Vec<Outgoing> {
        self.faults = faults;
        (self.count, self.requests) = (0, 0);
        self.flush()
    }

    /// Takes a delivery in and gives back what leaves: nothing while the window fills.
    pub fn push(&mut self, delivery: Delivery) -> Vec<Outgoing> {
        self.count = self.count.saturating_add(1);
        let fate = fate(&delivery, self.faults, self.count);
        self.held.push(Outgoing { delivery, fate });
        if self.held.len() < self.faults.reorder { Vec::new() } else { self.flush() }
    }

    /// Counts a request of the Backend API, and says whether it is one too many.
    pub fn is_limited(&mut self) -> bool {
        self.requests = self.requests.saturating_add(1);
        nth(self.requests, self.faults.limit_every)
    }

    /// Gives back what is held, shuffled.
    pub fn flush(&mut self) -> Vec<Outgoing> {
        let mut held = std::mem::take(&mut self.held);
        self.random.shuffle(&mut held);
        held
    }

    /// How many are held.
    #[must_use]
    pub const fn held(&self) -> usize {
        self.held.len()
    }
}

/// The fate of the `count`-th delivery. What it says itself comes before the switches.
fn fate(delivery: &Delivery, standing: Faults, count: u64) -> Fate {
    let own = delivery.faults;
    if own.drop.unwrap_or_else(|| nth(count, standing.drop_every)) {
        return Fate::Dropped;
    }
    let wrong = match own.tamper {
        Some(tamper) => Wrong::Forged(tamper),
        None if nth(count, standing.tamper_every) => Wrong::FirstAttempt,
        None => Wrong::Nothing,
    };
    Fate::Sent {
        copies: own.duplicate.unwrap_or(standing.duplicate).saturating_add(1),
        delay_ms: own.delay_ms.unwrap_or(standing.delay_ms),
        wrong,
    }
}

fn nth(count: u64, every: u64) -> bool {
    count.checked_rem(every) == Some(0)
}

#[cfg(test)]
mod tests {
    use super::{Fate, Faults, Line, Outgoing, Wrong};
    use crate::delivery::{Delivery, OwnFaults, Tamper};

    const SOUND: Fate = Fate::Sent { copies: 1, delay_ms: 0, wrong: Wrong::Nothing };

    fn delivery(id: &str, faults: OwnFaults) -> Delivery {
        Delivery { svix_id: id.to_owned(), body: "{}".to_owned(), faults }
    }

    fn plain(id: &str) -> Delivery {
        delivery(id, OwnFaults::default())
    }

    fn fates(faults: Faults, count: usize) -> Vec<Fate> {
        let mut line = Line::new(faults, 1);
        (0..count).flat_map(|_| line.push(plain("msg_1"))).map(|out| out.fate).collect()
    }

    fn ids(out: &[Outgoing]) -> Vec<&str> {
        out.iter().map(|out| out.delivery.svix_id.as_str()).collect()
    }

    #[test]
    fn with_every_switch_off_a_delivery_leaves_at_once() {
        assert_eq!(fates(Faults::default(), 3), [SOUND; 3]);
    }

    #[test]
    fn every_nth_is_lost_or_altered() {
        let altered = Fate::Sent { copies: 1, delay_ms: 0, wrong: Wrong::FirstAttempt };
        let faults = Faults { drop_every: 3, tamper_every: 2, ..Faults::default() };
        let want = [SOUND, altered, Fate::Dropped, altered, SOUND, Fate::Dropped];
        assert_eq!(fates(faults, 6), want, "of both, the loss wins");
    }

    #[test]
    fn every_nth_request_is_one_too_many() {
        let limited = |limit_every| {
            let mut line = Line::new(Faults { limit_every, ..Faults::default() }, 1);
            [(); 4].map(|()| line.is_limited())
        };
        assert_eq!(limited(0), [false; 4]);
        assert_eq!(limited(2), [false, true, false, true]);
        assert_eq!(limited(1), [true; 4]);
    }

    #[test]
    fn what_a_delivery_says_comes_before_the_switches() {
        let faults = Faults { duplicate: 4, delay_ms: 9, drop_every: 1, ..Faults::default() };
        let own = OwnFaults {
            duplicate: Some(0),
            delay_ms: None,
            drop: Some(false),
            tamper: Some(Tamper::Stale),
        };
        let out = Line::new(faults, 1).push(delivery("msg_1", own));
        let want = Fate::Sent { copies: 1, delay_ms: 9, wrong: Wrong::Forged(Tamper::Stale) };
        assert_eq!(out[0].fate, want);
    }

    #[test]
    fn a_window_holds_back_and_shuffles_alike_for_one_seed() {
        let names: Vec<String> = (0..8).map(|n| format!("msg_{n}")).collect();
        let play = |seed| {
            let mut line = Line::new(Faults { reorder: 8, ..Faults::default() }, seed);
            for name in &names[..7] {
                assert!(line.push(plain(name)).is_empty());
            }
            assert_eq!(line.held(), 7);
            let out = line.push(plain(&names[7]));
            assert_eq!(line.held(), 0);
            ids(&out).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        let (first, again) = (play(1), play(1));
        assert_eq!(first, again);
        assert_ne!(first, names, "this seed leaves the order as it was");
        let mut sorted = first;
        sorted.sort();
        assert_eq!(sorted, names, "nothing is lost, nothing doubled");
    }

    #[test]
    fn setting_the_switches_or_flushing_releases_what_is_held() {
        let mut line = Line::new(Faults { reorder: 3, ..Faults::default() }, 1);
        assert!(line.push(plain("msg_1")).is_empty());
        assert_eq!(ids(&line.flush()), ["msg_1"]);
        assert!(line.push(plain("msg_2")).is_empty());
        assert_eq!(ids(&line.set(Faults::default())), ["msg_2"]);
        assert_eq!(line.held(), 0);
    }

    #[test]
    fn switches_have_a_range() {
        let faults = Faults::default();
        assert!(
            Faults { duplicate: 100, reorder: 1_000, delay_ms: 60_000, ..faults }.checked().is_ok()
        );
        for wild in [
            Faults { duplicate: 101, ..faults },
            Faults { reorder: 1_001, ..faults },
            Faults { delay_ms: 60_001, ..faults },
        ] {
            assert!(wild.checked().is_err(), "{wild:?}");
        }
    }
}
