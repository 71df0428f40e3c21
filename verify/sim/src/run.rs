//! `sim run`: many days, or one in words.

use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressStyle};
use testkit::sqlite::Database;

use crate::days::{
    Day, Fault, Pin, Rare, Sabotage, Shrunk, Summary, can_show, open_database, run_day, run_days,
    shrink,
};

/// Days within which a mistake must be caught.
pub const DAYS_MAX: u64 = 1_000;

/// Runs the days of `days` seeds from `from` on and prints their results. Whether every
/// property holds and everything rare has happened.
///
/// # Errors
/// When a database cannot be made, or nothing can be printed.
pub fn many(out: &mut dyn Write, from: u64, days: u64, threads: usize) -> anyhow::Result<bool> {
    let bar = ProgressBar::new(days).with_style(ProgressStyle::with_template(
        "{bar:40} {pos}/{len} schedules, {per_sec}, {eta} left",
    )?);
    let summary = run_days(from, days, threads, &|_| bar.inc(1))?;
    bar.finish_and_clear();
    table(out, &summary)?;
    for (seed, broken) in &summary.failures {
        writeln!(out, "✗ seed {seed}: {}: {}", broken.law, broken.how)?;
    }
    if let Some(seed) = summary.failures.keys().next() {
        shorten(out, &Day { seed: *seed, ..Day::default() })?;
    }
    let missing: Vec<_> = summary.missing().collect();
    for name in &missing {
        writeln!(out, "✗ never happened: {name}")?;
    }
    let good = summary.failed == 0 && missing.is_empty();
    let verdict = if good { "every property holds" } else { "not every property holds" };
    writeln!(out, "sim: {} schedules, {verdict}", summary.days)?;
    Ok(good && summary.days != 0)
}

fn table(out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    for rare in Rare::ALL {
        let times = summary.counts.get(rare).copied().unwrap_or_default();
        writeln!(out, "{times:>10}  {}", rare.name())?;
    }
    let strikes = |fault: &Fault| summary.strikes.get(fault).copied().unwrap_or_default();
    let struck: Vec<_> =
        Fault::ALL.iter().map(|fault| format!("{} {}", fault.name(), strikes(fault))).collect();
    writeln!(out, "faults that struck: {}", struck.join(", "))
}

/// Runs one day and prints its steps, when they are asked for.
///
/// # Errors
/// When a database cannot be made, or nothing can be printed.
pub fn one(out: &mut dyn Write, day: &Day) -> anyhow::Result<bool> {
    let result = run_day(&open_database()?, day);
    result.steps.iter().try_for_each(|step| writeln!(out, "{step}"))?;
    let (seed, digest) = (day.seed, result.digest);
    match &result.broken {
        None => writeln!(out, "sim: seed {seed}, digest {digest:016x}, every property holds")?,
        Some(broken) => {
            writeln!(out, "✗ seed {seed}: {}: {}", broken.law, broken.how)?;
            shorten(out, &Day { traces: false, ..day.clone() })?;
        }
    }
    Ok(result.broken.is_none())
}

/// Prints the shortest form that is found of a day that breaks a law.
fn shorten(out: &mut dyn Write, day: &Day) -> anyhow::Result<()> {
    let Some(shrunk) = shrink(&open_database()?, day) else { return Ok(()) };
    let (left, had) = (count(&shrunk.day), shrunk.parts);
    writeln!(out, "shortened from {had} inputs and faults to {left}: {}", shrunk.how)?;
    shrunk.steps.iter().try_for_each(|step| writeln!(out, "    {step}"))?;
    let pin = Pin { day: shrunk.day, holds: shrunk.law.to_owned() };
    writeln!(out, "pin it in verify/sim/pins.txt: {pin}")?;
    writeln!(out, "see it whole: cargo xtask sim run --seed {} --trace", day.seed)?;
    Ok(())
}

fn count(day: &Day) -> usize {
    day.only.as_ref().map_or(0, |only| only.inputs.len() + only.strikes.len())
}

/// How a mistake was caught.
#[derive(Clone, Debug)]
pub struct Caught {
    /// Days that it took, the last one included.
    pub days: u64,
    /// The law that was broken.
    pub law: &'static str,
    /// Steps of the day, shortened.
    pub steps: usize,
}

/// The first day that a mistake breaks, of at most `days_max` that can show it: its seed, and how
/// many were lived.
#[must_use]
pub fn first(db: &Database, sabotage: Sabotage, days_max: u64) -> Option<(u64, u64)> {
    let breaks = |seed: u64| {
        let day = Day { seed, sabotage: Some(sabotage), ..Day::default() };
        run_day(db, &day).broken.is_some()
    };
    let mut seeds = (0..).filter(|seed| can_show(*seed, sabotage)).zip(1..=days_max);
    seeds.find(|(seed, _)| breaks(*seed))
}

/// Looks for the first seed that catches a mistake, and shortens its day.
///
/// # Errors
/// When a database cannot be made.
pub fn catch(sabotage: Sabotage, days_max: u64) -> anyhow::Result<Option<Caught>> {
    let db = open_database()?;
    let Some((seed, days)) = first(&db, sabotage, days_max) else { return Ok(None) };
    let day = Day { seed, sabotage: Some(sabotage), ..Day::default() };
    let caught = |it: Shrunk| Caught { days, law: it.law, steps: it.steps.len() };
    Ok(shrink(&db, &day).map(caught))
}

/// Catches every mistake, each a row of a table. How many survived.
///
/// # Errors
/// When a database cannot be made, or nothing can be printed.
pub fn sabotages(out: &mut dyn Write) -> anyhow::Result<usize> {
    let mut survived = 0;
    for sabotage in Sabotage::ALL {
        let says = sabotage.name();
        if let Some(Caught { days, law, steps }) = catch(*sabotage, DAYS_MAX)? {
            writeln!(out, "| {sabotage:?} | {says} | {law} | simulator, {days} | {steps} |")?;
        } else {
            survived += 1;
            writeln!(out, "✗ {sabotage:?} survived {DAYS_MAX} days: {says}")?;
        }
    }
    Ok(survived)
}
