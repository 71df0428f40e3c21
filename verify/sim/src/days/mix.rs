//! What one seed's day is made of: sizes, times, and a mix of faults of its own.

use std::collections::BTreeMap;

use fastrand::Rng;
use shared::cache::{AgeLimits, IDLE_MS_DEFAULT};
use shared::outbox::HINTS_PER_ROUND_MAX;

use super::dice::{Fault, stream};

/// One day's mix.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is drawn by itself")]
pub(super) struct Mix {
    /// Users.
    pub(super) users: usize,
    /// Organizations.
    pub(super) orgs: usize,
    /// Events of Clerk.
    pub(super) events: usize,
    /// Questions of guards.
    pub(super) asks: usize,
    /// Words of operators.
    pub(super) words: usize,
    /// From the first event to the last, in milliseconds.
    pub(super) day_ms: i64,
    /// Messages in a batch at most.
    pub(super) batch: usize,
    /// Consumers at a time.
    pub(super) consumers: usize,
    /// The longest way between two places, in milliseconds.
    pub(super) way_ms: i64,
    /// Whether times are odd: ties, seconds, zero, negative, the future.
    pub(super) odd_times: bool,
    /// Whether deliveries cannot be read, or are refused by D1.
    pub(super) poison: bool,
    /// Whether newer and older builds stand beside this one.
    pub(super) rolling: bool,
    /// Whether the database is restored.
    pub(super) restore: bool,
    /// Whether objects are evicted and wiped from outside.
    pub(super) evictions: usize,
    /// Whether places fall silent for a while.
    pub(super) windows: usize,
    /// Whether clocks are skewed for a while.
    pub(super) skews: usize,
    /// Hints that a page of the outbox holds.
    pub(super) page: i64,
    /// What the objects are set to.
    pub(super) ages: AgeLimits,
    /// The chance of each fault, in thousandths.
    pub(super) chances: BTreeMap<Fault, u32>,
}

const DAYS_MS: [i64; 6] = [3_000, 60_000, 600_000, 3_600_000, 14_400_000, 86_400_000];
/// The shortest time for which a set is served.
const HARD_MS_SHORT: i64 = 3_000;

/// An idle time just above the longest that a question waits.
const IDLE_MS_SHORT: i64 = 2_600;

const CHANCES: [u32; 7] = [5, 20, 50, 100, 200, 350, 600];

impl Mix {
    /// The mix of a seed. Of ten, one is a day without faults.
    pub(super) fn draw(seed: u64) -> Self {
        let mut rng = stream(seed, 2);
        let calm = rng.u8(0..10) == 0;
        let events = if rng.u8(0..4) == 0 { rng.usize(30..=60) } else { rng.usize(12..=32) };
        let mut some = |most: usize| if calm || rng.bool() { 0 } else { rng.usize(1..=most) };
        let (evictions, windows, skews) = (some(6), some(3), some(2));
        let ages = ages(&mut rng);
        // Fills that are under way when an idle object ends.
        let slow = ages.idle_ms == IDLE_MS_SHORT && rng.bool();
        let ways: &[i64] = if slow { &[1_500] } else { &[8, 40, 400, 1_500] };
        // Sets that grow too old while guards go on asking.
        let slow_asks = ages.hard_ms == HARD_MS_SHORT && rng.bool();
        let way_ms = if slow_asks { 1_500 } else { pick(&mut rng, ways) };
        let day_ms = if slow_asks { 10_000 } else { pick(&mut rng, &DAYS_MS) };
        Self {
            users: rng.usize(2..=5),
            orgs: rng.usize(1..=3),
            events,
            asks: if slow_asks { 60 } else { rng.usize(10..=45) },
            words: rng.usize(0..=6),
            day_ms,
            batch: pick(&mut rng, &[1, 3, 10, 100]),
            consumers: rng.usize(1..=4),
            way_ms,
            odd_times: rng.bool(),
            poison: !calm && rng.bool(),
            rolling: !calm && rng.u8(0..4) == 0,
            restore: !calm && rng.u8(0..4) == 0,
            evictions,
            windows,
            skews,
            page: pick(&mut stream(seed, 5), &[1, 2, HINTS_PER_ROUND_MAX]),
            ages,
            chances: if calm { BTreeMap::new() } else { chances(&mut rng) },
        }
    }
}

fn ages(rng: &mut Rng) -> AgeLimits {
    let idle_ms = match rng.u8(0..3) {
        0 => pick(rng, &[IDLE_MS_SHORT, IDLE_MS_SHORT, 60_000, 600_000]),
        _ => IDLE_MS_DEFAULT,
    };
    match rng.u8(0..3) {
        0 => AgeLimits { soft_ms: 1_000, hard_ms: HARD_MS_SHORT, idle_ms },
        1 => AgeLimits { soft_ms: 600_000, hard_ms: 600_000, idle_ms },
        _ => AgeLimits { idle_ms, ..AgeLimits::default() },
    }
}

/// Each kind of fault is there in every other day; how often it strikes differs.
fn chances(rng: &mut Rng) -> BTreeMap<Fault, u32> {
    let mut chances = BTreeMap::new();
    let heavy = rng.u8(0..4) == 0;
    for fault in Fault::ALL {
        if rng.bool() {
            let most = if heavy { CHANCES.len() } else { 4 };
            let chance = pick(rng, CHANCES.get(..most).unwrap_or(&CHANCES));
            chances.insert(*fault, chance);
        }
    }
    chances
}

/// One of these.
pub(super) fn pick<T: Copy + Default>(rng: &mut Rng, all: &[T]) -> T {
    all.get(rng.usize(..all.len().max(1))).copied().unwrap_or_default()
}
