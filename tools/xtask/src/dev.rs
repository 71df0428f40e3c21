//! `cargo xtask dev`: the whole system on this machine, with a day of events to look at.
//!
//! The Workers and the example app run in one workerd (`tools/xtask/js/serve.mjs`), the
//! local Clerk runs beside them. Their data is in `.state/` of the clone, so a second start
//! continues where the first one ended. `--once` uses a temporary state, without the example app,
//! which the day does not use.

mod report;
mod addresses;
mod background;
mod canary;
mod clerk;
mod console;
mod day;
pub(crate) mod example;
mod http;
mod letters;
mod load;
mod prometheus;
mod state;
mod system;

use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc;

use anyhow::{Result, bail, ensure};

pub(crate) use self::addresses::Addresses;

use self::addresses::PUBLIC;
use self::clerk::LocalClerk;
use self::prometheus::Prometheus;
use self::state::DevState;
use self::system::System;
use crate::clock::Stopwatch;
use crate::place::Place;
use crate::show::Step;
use crate::workers::{self, Worker};
use crate::{build, interrupt, setup, show};

/// What can be started beside the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Extra {
    /// Debian's Prometheus, with the alert rules, at the tenth port
    Prometheus,
}

/// How the system is started.
#[derive(Debug, clap::Args)]
pub(crate) struct DevArgs {
    /// The first of five ports on 127.0.0.1: ssr, ingest, console, local Clerk, example
    #[arg(long, default_value_t = 8787, value_parser = clap::value_parser!(u16).range(1..=65_526))]
    port: u16,
    /// Play the day on a temporary state, print the report and exit: 0 only if all was right
    #[arg(long)]
    once: bool,
    /// Start with an empty state
    #[arg(long)]
    fresh: bool,
    /// Start something beside it that looks at it
    #[arg(long, conflicts_with = "once")]
    with: Option<Extra>,
    /// Leave out a Worker or `example`, to see what the report says then; may be repeated
    #[arg(long, value_name = "WORKER")]
    without: Vec<String>,
    /// Then play a lively day for so many minutes, so that charts have something to show
    #[arg(
        long, value_name = "MINUTES", num_args = 0..=1, default_missing_value = "30",
        conflicts_with = "once", value_parser = clap::value_parser!(u16).range(1..=1_440)
    )]
    load: Option<u16>,
}

/// Starts everything, plays the day on the first start, and runs until an interrupt.
///
/// # Errors
/// When a part cannot be built or started, or ends by itself; with `--once`, when a check failed.
pub(crate) fn run(place: &Place, args: &DevArgs) -> Result<()> {
    let watch = Stopwatch::start();
    let workers = chosen(workers::all(place)?, &args.without)?;
    let addresses = Addresses { first: args.port };
    let with_example = !args.once && !is_without(args, example::NAME);
    check_ports(addresses, &workers, with_example, args.with)?;
    let prometheus = args.with.map(|Extra::Prometheus| prometheus::find()).transpose()?;
    let tools = setup::ensure(place)?;
    build::build(place, &tools, &workers)?;
    if with_example {
        example::build(place, &tools)?;
    }
    let program = clerk::build(place)?;
    let state = DevState::open(place, args.once, args.fresh)?;

    let step = Step::begin("start the system");
    let (ended_sender, ended) = mpsc::channel();
    let clerk = LocalClerk::start(&program, &state, addresses, &ended_sender)?;
    let key = clerk.key()?;
    let example = with_example.then(|| example::options(addresses, &key));
    let with_canary = args.load.is_some();
    let options =
        system::options(place, &state, addresses, &workers, example.as_ref(), with_canary);
    let system = System::start(place, &tools, &options, &ended_sender)?;
    let (count, migrations) = (workers.len(), system.migrated.len());
    step.done(&format!("{count} Workers, the local Clerk, {migrations} new migrations"));

    let _prometheus = prometheus
        .map(|program| Prometheus::start(&program, place, &state, addresses, &ended_sender))
        .transpose()?;

    let console = console::access(&state, addresses, &workers);
    if state.is_first_start() {
        state.note_first_start()?;
        let report = report::play(&system, &clerk, addresses, console.as_ref())?;
        show::line(report.summary());
        if args.once {
            drop((system, clerk));
            ensure!(report.is_right(), "a check of the day failed: see ✗ above");
            return Ok(());
        }
    } else {
        show::line(
            "The data of the last start is kept. `cargo xtask dev --fresh` plays the day again.",
        );
    }

    for line in address_lines(addresses, &workers, with_example, args.with) {
        show::line(line);
    }
    for line in console.iter().flat_map(console::sign_in_lines) {
        show::line(line);
    }
    for line in args.with.iter().flat_map(|Extra::Prometheus| prometheus::pages(addresses)) {
        show::line(line);
    }
    show::note(format!("Up after {}; Ctrl-C ends it. Log: {}", watch.shown(), state.log()));
    interrupt::expected();
    // The other senders are in the threads that wait for the children.
    drop(ended_sender);
    let during_load = match args.load {
        Some(minutes) => load::play(&clerk, addresses, minutes, &ended)?,
        None => None,
    };
    let news = during_load.or_else(|| ended.recv().ok());
    let news = news.unwrap_or_else(|| "all children ended".to_owned());
    interrupt::wait_if_ending();
    bail!("{news}; start it again, with --fresh if the data may be the cause");
}

/// All Workers except those that are left out.
fn chosen(all: Vec<Worker>, without: &[String]) -> Result<Vec<Worker>> {
    for name in without {
        ensure!(
            name == example::NAME || all.iter().any(|worker| worker.env == *name),
            "--without {name}: wrangler.toml has no such Worker; correct the name"
        );
    }
    Ok(all.into_iter().filter(|worker| !without.contains(&worker.env)).collect())
}

fn is_without(args: &DevArgs, name: &str) -> bool {
    args.without.iter().any(|it| it == name)
}

/// Checks that each port is free, before anything is built.
fn check_ports(
    addresses: Addresses,
    workers: &[Worker],
    with_example: bool,
    with: Option<Extra>,
) -> Result<()> {
    let public =
        workers.iter().filter_map(|it| Some((it.env.as_str(), addresses.port_of(&it.env)?)));
    let example = with_example.then(|| (example::NAME, addresses.example_port()));
    let clerk = ("local-clerk", addresses.clerk_port());
    let extra = with.map(|Extra::Prometheus| (prometheus::NAME, addresses.prometheus_port()));
    for (name, port) in public.chain([clerk]).chain(example).chain(extra) {
        if let Err(error) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            bail!(
                "port {port} (for {name}) is not free: {error}; stop the program that listens \
                 there, or choose others with --port"
            );
        }
    }
    Ok(())
}

fn address_lines(
    addresses: Addresses,
    workers: &[Worker],
    with_example: bool,
    with: Option<Extra>,
) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, step) in PUBLIC {
        if workers.iter().any(|worker| worker.env == name) {
            lines.push(format!("{name} {}", addresses.at(step)));
        }
    }
    lines.push(format!("local-clerk {}", addresses.clerk()));
    if with_example {
        lines.push(format!("{} {}", example::NAME, addresses.example()));
    }
    if with == Some(Extra::Prometheus) {
        lines.push(format!("{} {}", prometheus::NAME, addresses.prometheus()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workers(names: &[&str]) -> Vec<Worker> {
        names.iter().map(|name| Worker { env: (*name).to_owned() }).collect()
    }

    #[test]
    fn addresses_follow_the_first_port() {
        let lines = address_lines(
            Addresses { first: 9000 },
            &workers(&["ingest", "durable", "ssr"]),
            true,
            Some(Extra::Prometheus),
        );
        let want = [
            "ssr http://127.0.0.1:9000",
            "ingest http://127.0.0.1:9001",
            "local-clerk http://127.0.0.1:9003",
            "example http://127.0.0.1:9004",
            "prometheus http://127.0.0.1:9009",
        ];
        assert_eq!(lines, want);
    }

    #[test]
    fn the_console_has_its_address_too() {
        let addresses = Addresses { first: 9000 };
        let lines = address_lines(addresses, &workers(&["console"]), false, None);
        assert_eq!(lines, ["console http://127.0.0.1:9002", "local-clerk http://127.0.0.1:9003"]);
    }

    #[test]
    fn workers_are_left_out_by_name() {
        let left = chosen(workers(&["a", "b"]), &["a".to_owned()]).unwrap();
        assert_eq!(left, workers(&["b"]));
        assert_eq!(chosen(workers(&["a"]), &["example".to_owned()]).unwrap(), workers(&["a"]));
        assert!(chosen(workers(&["a"]), &["c".to_owned()]).is_err());
    }

    #[test]
    fn a_taken_port_is_named() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let first = taken.local_addr().unwrap().port() - addresses::CLERK_OFFSET;
        let error = check_ports(Addresses { first }, &[], false, None).unwrap_err().to_string();
        assert!(error.contains("for local-clerk"), "{error}");
    }
}
