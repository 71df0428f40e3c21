//! Many days, on as many threads as there are: what they come to does not depend on how many.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use testkit::sqlite::Database;

use super::count::add;
use super::{Broken, Counts, Day, Fault, Rare, open_database, run_day};

/// Failing seeds that are listed at most.
const LISTED_MAX: usize = 20;

/// What many days came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many were run.
    pub days: u64,
    /// The rare things that happened, over all of them.
    pub counts: Counts,
    /// How often each fault struck.
    pub strikes: BTreeMap<Fault, u64>,
    /// How many days broke a law.
    pub failed: u64,
    /// The first of them, by seed.
    pub failures: BTreeMap<u64, Broken>,
}

/// Days after which each rare thing must have happened.
pub const RARE_DAYS_MIN: u64 = 1_000;

impl Summary {
    /// What has never happened, though the days were many.
    pub fn missing(&self) -> impl Iterator<Item = &'static str> {
        let many = RARE_DAYS_MIN <= self.days;
        let rare = Rare::ALL.iter().filter(|it| !self.counts.contains_key(it)).map(|it| it.name());
        let faults = Fault::ALL.iter().filter(|it| !self.strikes.contains_key(it));
        rare.chain(faults.map(|it| it.name())).filter(move |_| many)
    }

    fn take(&mut self, other: Self) {
        self.days += other.days;
        self.failed += other.failed;
        add(&mut self.counts, &other.counts);
        for (fault, times) in other.strikes {
            *self.strikes.entry(fault).or_default() += times;
        }
        self.failures.extend(other.failures);
        while LISTED_MAX < self.failures.len() {
            self.failures.pop_last();
        }
    }
}

/// Runs the days of `days` seeds from `from` on; calls `each` after each with its number.
///
/// # Errors
/// When a database cannot be made.
pub fn run_days(
    from: u64,
    days: u64,
    threads: usize,
    each: &(dyn Fn(u64) + Sync),
) -> rusqlite::Result<Summary> {
    let (next, all) = (AtomicU64::new(0), Mutex::new(Summary::default()));
    std::thread::scope(|scope| {
        let work = || {
            let db = open_database()?;
            let mut mine = Summary::default();
            let numbers = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
            for number in numbers.take_while(|number| *number < days) {
                mine.run(&db, from.wrapping_add(number));
                each(number);
            }
            if let Ok(mut all) = all.lock() {
                all.take(mine);
            }
            Ok(())
        };
        let threads: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        let ended = |thread: std::thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or(Err(rusqlite::Error::InvalidQuery))
        };
        threads.into_iter().map(ended).collect::<rusqlite::Result<Vec<()>>>()
    })?;
    Ok(all.into_inner().unwrap_or_default())
}

impl Summary {
    fn run(&mut self, db: &Database, seed: u64) {
        let result = run_day(db, &Day { seed, ..Day::default() });
        self.days += 1;
        add(&mut self.counts, &result.counts);
        for (fault, _) in result.only.strikes {
            *self.strikes.entry(fault).or_default() += 1;
        }
        if let Some(broken) = result.broken {
            self.failed += 1;
            self.failures.insert(seed, broken);
            if LISTED_MAX < self.failures.len() {
                self.failures.pop_last();
            }
        }
    }
}
