//! Pins: days that once broke a law, one to a line, run again by every test run.
//!
//! `seed=7 inputs=1,4 strikes=crash.0,d1-lost.3 # what it holds`; without `inputs` the whole day.

use std::collections::BTreeSet;
use std::fmt;

use super::{Day, Fault, Only};

/// One line.
#[derive(Clone, Debug)]
pub struct Pin {
    /// The day.
    pub day: Day,
    /// What it holds.
    pub holds: String,
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed={}", self.day.seed)?;
        if let Some(Only { inputs, strikes }) = &self.day.only {
            let inputs: Vec<_> = inputs.iter().map(ToString::to_string).collect();
            let strikes =
                strikes.iter().map(|(fault, number)| format!("{}.{number}", fault.name()));
            let strikes: Vec<_> = strikes.collect();
            write!(f, " inputs={} strikes={}", inputs.join(","), strikes.join(","))?;
        }
        write!(f, " # {}", self.holds)
    }
}

/// Reads the pins of a text; lines that are empty or begin with `#` say nothing.
///
/// # Errors
/// The first line that is not a pin: one that does not say what it holds is none.
pub fn read(text: &str) -> Result<Vec<Pin>, String> {
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    lines.map(|line| pin(line).ok_or_else(|| format!("not a pin: {line}"))).collect()
}

fn pin(line: &str) -> Option<Pin> {
    let (words, holds) = line.split_once('#')?;
    let (mut seed, mut inputs, mut strikes) = (None, None, BTreeSet::new());
    for word in words.split_whitespace() {
        let (name, value) = word.split_once('=')?;
        let mut items = value.split(',').filter(|item| !item.is_empty());
        match name {
            "seed" => seed = Some(value.parse().ok()?),
            "inputs" => inputs = Some(items.map(str::parse).collect::<Result<_, _>>().ok()?),
            "strikes" => strikes = items.try_fold(strikes, strike)?,
            _ => return None,
        }
    }
    let only = inputs.map(|inputs| Only { inputs, strikes });
    let holds = holds.trim().to_owned();
    let day = Day { seed: seed?, only, ..Day::default() };
    (!holds.is_empty()).then_some(Pin { day, holds })
}

fn strike(mut all: BTreeSet<(Fault, u32)>, item: &str) -> Option<BTreeSet<(Fault, u32)>> {
    let (name, number) = item.split_once('.')?;
    let fault = Fault::ALL.iter().find(|fault| fault.name() == name)?;
    all.insert((*fault, number.parse().ok()?));
    Some(all)
}
