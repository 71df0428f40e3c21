//! `cargo xtask sim fuzz`: searches for bytes on which a target of `verify/fuzz/` and its second
//! opinion disagree.
//!
//! The targets are built on the pinned stable toolchain without a sanitizer: the code that they
//! reach has no `unsafe`, so a sanitizer would find little, and needs another toolchain. What a
//! search finds worth keeping stays in `target/fuzz/corpus`, and the next one begins there.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::call::{Call, Ran};
use crate::place::Place;
use crate::setup;
use crate::show::{self, Step};

/// What to fuzz, and for how long.
#[derive(Debug, clap::Args)]
pub(crate) struct FuzzArgs {
    /// One target; all of them, one after the other, when left out.
    target: Option<String>,
    /// For how long each target is fuzzed.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// What decides the mutations: another number, another search.
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// Only give the target this one input again.
    #[arg(long, requires = "target", conflicts_with = "seed_corpus")]
    input: Option<PathBuf>,
    /// Only write the generated part of the committed corpora again.
    #[arg(long)]
    seed_corpus: bool,
}

/// Seconds that one input may take. On a busy machine the slowest takes a tenth of one.
const INPUT_S_MAX: u32 = 25;

/// The release profile is the Workers': small, and without names. Targets want to be fast and to
/// say where they failed.
const PROFILE: [(&str, &str); 3] = [
    ("CARGO_PROFILE_RELEASE_LTO", "false"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "3"),
    ("CARGO_PROFILE_RELEASE_STRIP", "false"),
];

#[derive(Deserialize)]
struct Manifest {
    bin: Vec<Program>,
}

#[derive(Deserialize)]
struct Program {
    name: String,
}

/// Builds the targets and runs a search with each, or does what an argument names instead.
///
/// # Errors
/// When a target fails on an input, is not known, or cannot be built.
pub(super) fn run(place: &Place, args: &FuzzArgs) -> Result<()> {
    if args.seed_corpus {
        let call = ["run", "--locked", "--quiet", "-p", "fuzz", "--example", "seeds"];
        let call = Call::new("cargo").args(call).dir(&place.root);
        call.run_and_read("Fix what it names; the fixtures are in tests/fixtures.")?;
        return Ok(());
    }
    let targets = chosen(place, args.target.as_deref())?;
    let programs = build(place, args.target.as_deref())?;
    if let (Some(input), Some(target)) = (&args.input, targets.first()) {
        return again(&programs.join(target), input);
    }
    let mut failed = Vec::new();
    for target in targets {
        let found = search(place, &programs, &target, args)?;
        show::line(found.shown(&target));
        if found.crashes > 0 {
            show::note(&found.said);
            failed.push(format!("{target}: {}", found.next(&target)));
        }
    }
    if !failed.is_empty() {
        bail!("a target failed; to reproduce it:\n{}", failed.join("\n"));
    }
    Ok(())
}

/// The targets of `verify/fuzz/Cargo.toml`, or the one that was named.
fn chosen(place: &Place, name: Option<&str>) -> Result<Vec<String>> {
    let path = place.root.join("verify/fuzz").join("Cargo.toml");
    let text = fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}; restore it from git", path.display()))?;
    let manifest: Manifest = toml::from_str(&text)
        .context("verify/fuzz/Cargo.toml has no programs; restore it from git")?;
    let all: Vec<String> = manifest.bin.into_iter().map(|program| program.name).collect();
    match name {
        None => Ok(all),
        Some(name) if all.iter().any(|known| known == name) => Ok(vec![name.to_owned()]),
        Some(name) => bail!("there is no fuzz target `{name}`; choose one of: {}", all.join(", ")),
    }
}

/// Builds the fuzz targets; returns their folder.
fn build(place: &Place, target: Option<&str>) -> Result<PathBuf> {
    let tools = setup::cargo_fuzz(place)?;
    needs_cxx(place)?;
    let host = host(place)?;
    let folder = place.root.join("target").join("fuzz");
    let rest = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([tools].into_iter().chain(env::split_paths(&rest)))
        .context("the cache's folder has a colon in its name; move it with ROLECALL_CACHE")?;
    let step = Step::begin("build the fuzz targets (a few minutes, once)");
    Call::new("cargo")
        .args([
            "fuzz",
            "build",
            "--fuzz-dir",
            "verify/fuzz",
            "--sanitizer",
            "none",
            "--features",
            "libfuzzer",
        ])
        .args(["--target", host.as_str(), "--target-dir"])
        .arg(&folder)
        .args(target)
        .dir(&place.root)
        .vars(PROFILE)
        .vars([("PATH", path)])
        .run(|line| step.say(line))?
        .ok("Fix what the compiler names.")?;
    step.done("");
    Ok(folder.join(host).join("release"))
}

/// libFuzzer is C++, compiled together with the targets.
fn needs_cxx(place: &Place) -> Result<()> {
    let cxx = env::var_os("CXX").unwrap_or_else(|| "c++".into());
    let next = "libFuzzer is compiled with a C++ compiler: install one (Debian: g++), or name it \
                in CXX.";
    let ran = Call::new(cxx).arg("--version").dir(&place.root).run(|_| ());
    ran.context(next)?.ok(next)?;
    Ok(())
}

fn host(place: &Place) -> Result<String> {
    let version = Call::new("rustc").arg("-vV").dir(&place.root).run_and_read("Install rustup.")?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("`rustc -vV` names no host; check that rustc is the pinned one")
}

/// Runs a target on one input.
fn again(program: &Path, input: &Path) -> Result<()> {
    let input = fs::canonicalize(input)
        .with_context(|| format!("cannot read {}; check the path", input.display()))?;
    let step = Step::begin("one input");
    let ran = Call::new(program).arg(input).run(|line| step.say(line))?;
    ran.ok("Fix what the lines above name.")?;
    step.done("no failure");
    Ok(())
}

/// The result of one search.
#[derive(Debug, Default, PartialEq, Eq)]
struct FuzzResult {
    runs: u64,
    new: u64,
    crashes: usize,
    /// The file with the input that failed, if the program could write it.
    artefact: Option<String>,
    /// The program's output about it.
    said: String,
}

fn search(place: &Place, programs: &Path, target: &str, args: &FuzzArgs) -> Result<FuzzResult> {
    let step = Step::begin(format!("fuzz {target} for {} s", args.seconds));
    let (fuzz, kept) = (place.root.join("verify/fuzz"), place.root.join("target").join("fuzz"));
    let (corpus, crashes) = (kept.join("corpus").join(target), kept.join("found").join(target));
    for folder in [&corpus, &crashes] {
        fs::create_dir_all(folder).with_context(|| {
            format!("cannot make {}; check that you may write there", folder.display())
        })?;
    }
    let dictionary = fuzz.join("dictionaries").join(format!("{target}.dict"));
    let ran = Call::new(programs.join(target))
        .arg(format!("-max_total_time={}", args.seconds))
        .arg(format!("-seed={}", args.seed))
        .arg(format!("-timeout={INPUT_S_MAX}"))
        .arg(format!("-artifact_prefix={}/", crashes.display()))
        .arg("-print_final_stats=1")
        .args(dictionary.is_file().then(|| format!("-dict={}", dictionary.display())))
        .args([corpus, fuzz.join("corpus").join(target)])
        .dir(&place.root)
        .run(|line| step.say(line))?;
    let found = parse_output(&ran);
    match found.crashes {
        0 => step.done(&format!("{} runs", found.runs)),
        _ => step.failed("an input failed"),
    }
    Ok(found)
}

/// Reads the last lines of libFuzzer, <https://llvm.org/docs/LibFuzzer.html#output>.
fn parse_output(ran: &Ran) -> FuzzResult {
    let mut found = FuzzResult { crashes: usize::from(!ran.success), ..FuzzResult::default() };
    for (_, line) in &ran.lines {
        if let Some(number) = line.strip_prefix("stat::number_of_executed_units:") {
            found.runs = number.trim().parse().unwrap_or_default();
        }
        if let Some(number) = line.strip_prefix("stat::new_units_added:") {
            found.new = number.trim().parse().unwrap_or_default();
        }
        if let Some((_, path)) = line.split_once("Test unit written to ") {
            found.artefact = Some(path.trim().to_owned());
        }
    }
    if !ran.success {
        let lines = ran.lines.iter().map(|(_, line)| line.as_str());
        let from = lines.skip_while(|line| !line.contains("panicked at")).take(4);
        let said: Vec<&str> = from.collect();
        found.said = if said.is_empty() { ran.tail() } else { said.join("\n") };
    }
    found
}

impl FuzzResult {
    fn shown(&self, target: &str) -> String {
        let Self { runs, new, crashes, .. } = self;
        format!("fuzz: {target} runs={runs} new={new} crashes={crashes}")
    }

    /// How to reproduce it.
    fn next(&self, target: &str) -> String {
        match &self.artefact {
            Some(path) => format!("cargo xtask sim fuzz {target} --input {path}"),
            None => "it ended without writing an input; see its last lines above".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(script: &str) -> Ran {
        Call::new("sh").arg("-c").arg(script).run(|_| ()).unwrap()
    }

    #[test]
    fn a_search_without_a_failure_is_one_line() {
        let found = parse_output(&ran(
            "echo '#12 DONE cov: 3'; echo stat::number_of_executed_units: 12 >&2
            echo 'stat::new_units_added:     4' >&2",
        ));
        assert_eq!(found, FuzzResult { runs: 12, new: 4, ..FuzzResult::default() });
        assert_eq!(found.shown("a"), "fuzz: a runs=12 new=4 crashes=0");
    }

    #[test]
    fn a_crash_names_its_input_and_how_to_reproduce_it() {
        let found =
            parse_output(&ran("echo thread panicked at a.rs:1; echo left; echo right; echo more
            echo frames
            echo \"artifact_prefix='x/'; Test unit written to x/crash-1\"; exit 77"));
        assert_eq!(found.crashes, 1);
        assert_eq!(found.next("a"), "cargo xtask sim fuzz a --input x/crash-1");
        assert_eq!(found.said, "thread panicked at a.rs:1\nleft\nright\nmore");
        let killed = parse_output(&ran("echo no memory; exit 1"));
        assert!(killed.said.contains("no memory") && killed.next("a").contains("without"));
    }

    #[test]
    fn the_targets_are_those_of_the_manifest() {
        let place = Place::find().unwrap();
        let all = chosen(&place, None).unwrap();
        assert!(5 < all.len(), "{all:?}");
        for target in &all {
            assert!(place.root.join("verify/fuzz/corpus").join(target).is_dir(), "{target}");
            assert_eq!(chosen(&place, Some(target.as_str())).unwrap(), [target.as_str()]);
        }
        let error = chosen(&place, Some("no such")).unwrap_err().to_string();
        assert!(error.contains(all.join(", ").as_str()), "{error}");
        for file in fs::read_dir(place.root.join("verify/fuzz/dictionaries")).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            let target = name.strip_suffix(".dict").unwrap();
            assert!(all.iter().any(|known| known == target), "{name} belongs to no target");
        }
    }
}
