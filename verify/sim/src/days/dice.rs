//! Chance: one seed decides everything. Each kind of fault has its own stream of numbers, so that
//! to switch one off leaves the others as they were.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;

use super::names::named;

named! {
    /// A fault that may strike wherever its kind can happen.
    Fault {
        RequestLost = "request-lost",
        AnswerLost = "answer-lost",
        DoorCrash = "door-crash",
        SendFails = "send-fails",
        SendAmbiguous = "send-ambiguous",
        SvixGivesUp = "svix-gives-up",
        Reordered = "reordered",
        Forged = "forged",
        Duplicate = "duplicate",
        Crash = "crash",
        AcksLost = "acks-lost",
        D1Lost = "d1-lost",
        D1Ambiguous = "d1-ambiguous",
        D1Stall = "d1-stall",
        D1Overloaded = "d1-overloaded",
        HintLost = "hint-lost",
        HintReplyLost = "hint-reply-lost",
        HintTwice = "hint-twice",
        Evicted = "evicted",
        DiskFails = "disk-fails",
        AskLost = "ask-lost",
        AskReplyLost = "ask-reply-lost",
        CronMissed = "cron-missed",
        Lags = "lags",
        DiskRefuses = "disk-refuses",
    }
}

/// One fault that struck: its kind, and which number of its stream it was.
pub(crate) type Strike = (Fault, u32);

/// Chances are counted in so many parts.
const WHOLE: u32 = 1_000;

/// Where every choice comes from.
#[derive(Debug)]
pub(super) struct Dice {
    /// Delays and orders: never a fault by itself.
    pub(super) free: Rng,
    streams: BTreeMap<Fault, Stream>,
    /// The strikes that happen; what its chance allows when there are none named.
    only: Option<BTreeSet<Strike>>,
    /// What struck.
    pub(super) struck: Vec<Strike>,
}

#[derive(Debug)]
struct Stream {
    rng: Rng,
    chance: u32,
    drawn: u32,
}

impl Dice {
    /// The dice of a seed, with the chance of each fault in thousandths.
    pub(super) fn new(
        seed: u64,
        chances: &BTreeMap<Fault, u32>,
        only: Option<BTreeSet<Strike>>,
    ) -> Self {
        let stream = |(fault, salt): (&Fault, u64)| {
            let rng = stream(seed, salt + 16);
            (*fault, Stream { rng, chance: chances.get(fault).copied().unwrap_or(0), drawn: 0 })
        };
        let streams = Fault::ALL.iter().zip(0..).map(stream).collect();
        Self { free: self::stream(seed, 1), streams, only, struck: Vec::new() }
    }

    /// Whether a fault of this kind strikes here.
    pub(super) fn strikes(&mut self, fault: Fault) -> bool {
        let Some(stream) = self.streams.get_mut(&fault) else { return false };
        if stream.chance == 0 {
            return false;
        }
        let strike = (fault, stream.drawn);
        stream.drawn += 1;
        let falls = stream.rng.u32(0..WHOLE) < stream.chance;
        let strikes = self.only.as_ref().map_or(falls, |only| only.contains(&strike));
        if strikes {
            self.struck.push(strike);
        }
        strikes
    }

    /// No fault strikes any more.
    pub(super) fn mend(&mut self) {
        self.streams.values_mut().for_each(|stream| stream.chance = 0);
    }

    /// So many milliseconds, most often few.
    pub(super) fn delay(&mut self, most: i64) -> i64 {
        let most = if self.free.u8(0..4) == 0 { most } else { most / 8 };
        1 + self.free.i64(0..=most.max(1))
    }

    /// Any number below this; 0 when there is none.
    pub(super) fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { self.free.usize(0..end) }
    }
}

/// A stream of its own for each use of a seed.
pub(super) fn stream(seed: u64, salt: u64) -> Rng {
    // Seeds that lie side by side must not give streams that do.
    let mixed = (seed ^ salt.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut rng = Rng::with_seed(mixed ^ (mixed >> 29) ^ salt);
    let seed = rng.u64(..);
    Rng::with_seed(seed)
}
