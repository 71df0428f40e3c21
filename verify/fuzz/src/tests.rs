//! Each committed input once, and where it comes from. Nothing is searched here.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;

use super::{TARGETS, Target, seeds};

/// All corpora together: what a clone carries.
const CORPORA_BYTES_MAX: usize = 1_000_000;

/// The inputs of a target, by name.
fn inputs(target: &Target) -> Vec<(String, Vec<u8>)> {
    let folder = seeds::corpus().join(target.name);
    let read = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read(entry.path()).unwrap())
    };
    fs::read_dir(folder).unwrap().map(|entry| read(entry.unwrap())).collect()
}

/// What the input comes to; a panic says which input it was.
fn met(target: &Target, name: &str, bytes: &[u8]) -> &'static str {
    catch_unwind(|| (target.run)(bytes)).unwrap_or_else(|_| panic!("{}/{name}", target.name))
}

#[test]
fn every_committed_input_holds_and_together_they_meet_every_case() {
    for target in TARGETS {
        let met: BTreeSet<&str> =
            inputs(&target).iter().map(|(name, bytes)| met(&target, name, bytes)).collect();
        let missed: Vec<_> = target.met.iter().filter(|case| !met.contains(*case)).collect();
        assert!(missed.is_empty(), "{}: no input meets {missed:?}", target.name);
    }
}

#[test]
fn the_corpora_are_what_the_generator_writes_and_what_was_found() {
    let seeds = seeds::all().unwrap();
    let mut bytes_of_all = 0;
    for target in TARGETS {
        let inputs = inputs(&target);
        for (name, bytes) in &inputs {
            bytes_of_all += bytes.len();
            let seed = seeds.get(&(target.name, name.clone()));
            let is_known = seed == Some(bytes) || name.starts_with(seeds::REGRESSION);
            assert!(is_known, "{}/{name}: write the seeds again, or rename it", target.name);
        }
        let names: BTreeSet<&str> = inputs.iter().map(|(name, _)| name.as_str()).collect();
        let wanted = seeds.keys().filter(|(name, _)| *name == target.name);
        let gone: Vec<_> = wanted.filter(|(_, name)| !names.contains(name.as_str())).collect();
        assert!(gone.is_empty(), "write the seeds again: {gone:?} are gone");
    }
    assert!(bytes_of_all <= CORPORA_BYTES_MAX, "{bytes_of_all} bytes");
}

#[test]
fn every_target_has_its_program() {
    let manifest = include_str!("../Cargo.toml");
    for target in TARGETS {
        let program = format!("name = \"{0}\"\npath = \"fuzz_targets/{0}.rs\"", target.name);
        assert!(manifest.contains(&program), "{} is not in Cargo.toml", target.name);
    }
    assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
}
