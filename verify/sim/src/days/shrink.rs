//! A failing day made short: inputs and faults are left out as long as the same law is broken.

use testkit::sqlite::Database;

use super::{Day, Fault, Only, run_day};

/// Days that are run at most to shorten one.
const TRIES_MAX: u32 = 3_000;

/// Earlier places that are tried for one fault.
const SOONER_MAX: usize = 64;

/// One thing that may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Input(u32),
    Strike((Fault, u32)),
}

/// A short day that breaks the same law.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// What is left of it.
    pub day: Day,
    /// How many inputs and faults it had before.
    pub parts: usize,
    /// The law.
    pub law: &'static str,
    /// How it is broken, and every step that leads there.
    pub how: String,
    /// The steps.
    pub steps: Vec<String>,
}

/// Shortens a day by delta debugging: halves, then quarters, down to single parts. `None` when it
/// breaks no law.
#[must_use]
pub fn shrink(db: &Database, day: &Day) -> Option<Shrunk> {
    let result = run_day(db, day);
    let law = result.broken?.law;
    let mut left: Vec<Part> = result.only.inputs.iter().copied().map(Part::Input).collect();
    left.extend(result.only.strikes.iter().copied().map(Part::Strike));
    let (parts, mut size, mut tries) = (left.len(), left.len().div_ceil(2), 0);
    while 0 < size && tries < TRIES_MAX {
        let before = left.len();
        let mut place = 0;
        while place < left.len() && tries < TRIES_MAX {
            let mut without = left.clone();
            without.drain(place..(place + size).min(left.len()));
            tries += 1;
            if breaks(db, day, &without, law) {
                left = without;
            } else {
                place += size;
            }
        }
        let sooner = size == 1 && sooner(db, day, &mut left, law);
        let again = size == 1 && (sooner || left.len() < before);
        size = if again {
            1
        } else if size == 1 {
            0
        } else {
            size.div_ceil(2)
        };
    }
    let day = Day { only: Some(only(&left)), traces: true, ..day.clone() };
    let result = run_day(db, &day);
    let how = result.broken?.how;
    Some(Shrunk { day, parts, law, how, steps: result.steps })
}

/// Lets faults strike earlier in their streams: what only led up to them can then be left out.
/// Whether one does.
fn sooner(db: &Database, day: &Day, left: &mut [Part], law: &str) -> bool {
    let mut moved = false;
    for place in 0..left.len() {
        let Some(Part::Strike((fault, number))) = left.get(place).copied() else { continue };
        for earlier in (0..number).take(SOONER_MAX) {
            let mut tried = left.to_vec();
            tried.iter_mut().skip(place).take(1).for_each(|part| {
                *part = Part::Strike((fault, earlier));
            });
            if breaks(db, day, &tried, law) {
                left.clone_from_slice(&tried);
                moved = true;
                break;
            }
        }
    }
    moved
}

fn breaks(db: &Database, day: &Day, parts: &[Part], law: &str) -> bool {
    let day = Day { only: Some(only(parts)), traces: false, ..day.clone() };
    run_day(db, &day).broken.is_some_and(|broken| broken.law == law)
}

fn only(parts: &[Part]) -> Only {
    let mut only = Only::default();
    for part in parts {
        match part {
            Part::Input(number) => only.inputs.insert(*number),
            Part::Strike(strike) => only.strikes.insert(*strike),
        };
    }
    only
}
