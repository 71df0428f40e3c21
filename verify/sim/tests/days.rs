//! The simulator itself: some days in each test run, the pins, and that it sees mistakes.

use sim::days::{Day, Fault, Pin, Sabotage, open_database, read, run_day, run_days, shrink};
use sim::run::{DAYS_MAX, first};

/// Seeds of an ordinary test run; `cargo xtask sim run` runs more.
const SEEDS: u64 = 300;

#[test]
fn every_property_holds_on_some_hundred_days() {
    let summary = run_days(0, SEEDS, 2, &|_| ()).unwrap();
    assert_eq!(summary.days, SEEDS);
    assert!(summary.failures.is_empty(), "{:#?}", summary.failures);
}

#[test]
fn every_pin_holds() {
    let (pins, db) = (read(include_str!("../pins.txt")).unwrap(), open_database().unwrap());
    for pin in pins {
        let result = run_day(&db, &pin.day);
        assert_eq!(result.broken, None, "{pin}");
    }
}

#[test]
fn the_same_seed_gives_the_same_day() {
    let day = |seed| Day { seed, traces: true, ..Day::default() };
    let (one, other) = (open_database().unwrap(), open_database().unwrap());
    // The other database has seen other days before.
    assert_ne!(run_day(&other, &day(99)).digest, 0);
    for seed in 0..20 {
        let (a, b) = (run_day(&one, &day(seed)), run_day(&other, &day(seed)));
        assert_eq!((a.digest, a.steps), (b.digest, b.steps), "seed {seed}");
    }
    assert_ne!(run_day(&one, &day(1)).digest, run_day(&one, &day(2)).digest);
}

#[test]
fn what_is_found_does_not_depend_on_the_threads() {
    let (one, three) = (run_days(7, 40, 1, &|_| ()).unwrap(), run_days(7, 40, 3, &|_| ()).unwrap());
    assert_eq!(one, three);
}

#[test]
fn a_day_without_its_faults_is_the_same_but_for_them() {
    let db = open_database().unwrap();
    let whole = run_day(&db, &Day { seed: 3, ..Day::default() });
    let day = Day { seed: 3, only: Some(whole.only.clone()), ..Day::default() };
    let again = run_day(&db, &day);
    assert_eq!((whole.digest, &whole.only), (again.digest, &again.only));
}

#[test]
fn every_mistake_is_caught() {
    let db = open_database().unwrap();
    let survived: Vec<_> = Sabotage::ALL
        .iter()
        .filter(|sabotage| first(&db, **sabotage, DAYS_MAX).is_none())
        .map(|sabotage| sabotage.name())
        .collect();
    assert!(survived.is_empty(), "{survived:?}");
}

#[test]
fn a_failing_day_is_shortened_to_what_matters() {
    let (db, sabotage) = (open_database().unwrap(), Sabotage::AckBeforeCommit);
    let (seed, _) = first(&db, sabotage, DAYS_MAX).unwrap();
    let day = Day { seed, sabotage: Some(sabotage), ..Day::default() };
    let shrunk = shrink(&db, &day).unwrap();
    let left = shrunk.day.only.clone().unwrap();
    // One event, and the crash or the refusal that loses it.
    assert!(left.inputs.len() + left.strikes.len() <= 5, "{left:?}");
    assert!(20 < shrunk.parts);
    assert_eq!(run_day(&db, &shrunk.day).broken.unwrap().law, shrunk.law);
    let right = Day { sabotage: None, ..shrunk.day.clone() };
    assert_eq!(run_day(&db, &right).broken, None);
    // As a pin it is the same day.
    let pin = Pin { day: right, holds: shrunk.law.into() };
    let back = read(&pin.to_string()).unwrap().pop().unwrap();
    assert_eq!((back.day.seed, back.day.only), (seed, Some(left)));
}

#[test]
fn a_pin_says_what_it_holds() {
    let pins = read("# heard\n\nseed=4 # I8\nseed=5 inputs=1,2 strikes=crash.0 # I1\n").unwrap();
    let only = pins[1].day.only.clone().unwrap();
    assert!(pins[0].day.only.is_none());
    assert!(only.strikes.contains(&(Fault::Crash, 0)) && only.inputs.contains(&2));
    for wrong in ["seed=4", "seed=4 #", "seed=x # I8", "strikes=crash.0 # I8", "seed=1 a=b # c"] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}
