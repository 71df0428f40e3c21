//! `cargo xtask dev`: the whole system on this machine, with a day of events to look at.
//!
//! The Workers run in one workerd (`xtask/js/serve.mjs`), the local Clerk beside them. What they
//! keep is in `.state/` of the clone, so that a second start goes on where the first one ended;
//! `--once` plays on a state of its own, which is thrown away.

mod account;
mod background;
mod clerk;
mod day;
mod http;
mod state;
mod system;

use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc;

use anyhow::{Result, bail, ensure};

use self::clerk::Clerk;
use self::state::State;
use self::system::System;
use crate::clock::Stopwatch;
use crate::place::Place;
use crate::show::Step;
use crate::workers::{self, Worker};
use crate::{build, interrupt, setup, show};

/// Which Workers have an address, as steps from the first port; the others have no public route.
const PUBLIC: [(&str, u16); 3] = [("ssr", 0), ("ingest", 1), ("console", 2)];

/// The local Clerk's step from the first port, the last of all.
const CLERK_STEP: u16 = 3;

/// How the system is started.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The first of four ports on 127.0.0.1: ssr, ingest, console, local Clerk
    #[arg(long, default_value_t = 8787, value_parser = clap::value_parser!(u16).range(1..=65_532))]
    port: u16,
    /// Play the day on a state of its own, print the account and exit: 0 only if all was right
    #[arg(long)]
    once: bool,
    /// Begin with an empty state
    #[arg(long)]
    fresh: bool,
    /// Leave a Worker out, to see what the account says then; may be repeated
    #[arg(long, value_name = "WORKER")]
    without: Vec<String>,
}

/// The addresses of one run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addresses {
    first: u16,
}

impl Addresses {
    /// The port of a Worker, if it has one.
    pub(crate) fn port_of(self, env: &str) -> Option<u16> {
        PUBLIC.iter().find(|(name, _)| *name == env).map(|(_, step)| self.first + step)
    }

    /// The application's address.
    pub(crate) fn app(self) -> String {
        url(self.first)
    }

    /// Where deliveries go.
    pub(crate) fn webhook(self) -> String {
        format!("{}/webhooks/clerk", url(self.first + 1))
    }

    /// The local Clerk's port.
    pub(crate) fn clerk_port(self) -> u16 {
        self.first + CLERK_STEP
    }

    /// The local Clerk's address.
    pub(crate) fn clerk(self) -> String {
        url(self.clerk_port())
    }
}

/// Starts everything, plays the day on the first start, and runs until it is interrupted.
///
/// # Errors
/// When a part cannot be built or started or ends by itself, or with `--once` an answer was wrong.
pub(crate) fn run(place: &Place, args: &Args) -> Result<()> {
    let watch = Stopwatch::start();
    let workers = chosen(workers::all(place)?, &args.without)?;
    let addresses = Addresses { first: args.port };
    check_ports(addresses, &workers)?;
    let tools = setup::ensure(place)?;
    build::build(place, &tools, &workers)?;
    let program = clerk::build(place)?;
    let state = State::open(place, args.once, args.fresh)?;

    let step = Step::begin("start the system");
    let (ended_sender, ended) = mpsc::channel();
    let system = System::start(place, &tools, &state, addresses, &workers, &ended_sender)?;
    let clerk = Clerk::start(&program, &state, addresses, &ended_sender)?;
    let (count, migrations) = (workers.len(), system.migrated.len());
    step.done(&format!("{count} Workers, the local Clerk, {migrations} new migrations"));

    if state.is_first_start() {
        state.note_first_start()?;
        let account = account::play(&system, &clerk, addresses)?;
        show::line(account.verdict());
        if args.once {
            drop((system, clerk));
            ensure!(account.is_right(), "an answer of the day was wrong: see ✗ above");
            return Ok(());
        }
    } else {
        show::line("The data of the last start is kept; `cargo xtask dev --fresh` plays the day.");
    }

    for line in address_lines(addresses, &workers) {
        show::line(line);
    }
    show::note(format!("Up after {}; Ctrl-C ends it. Log: {}", watch.shown(), state.log()));
    interrupt::expected();
    // Both ends of this channel live in the threads that wait for the children.
    drop(ended_sender);
    let news = ended.recv().unwrap_or_else(|_| "all children are gone".to_owned());
    interrupt::wait_if_ending();
    bail!("{news}; start it again, with --fresh if the data may be the cause");
}

/// All Workers but those that are to be left out.
fn chosen(all: Vec<Worker>, without: &[String]) -> Result<Vec<Worker>> {
    for name in without {
        ensure!(
            all.iter().any(|worker| worker.env == *name),
            "--without {name}: wrangler.toml has no such Worker"
        );
    }
    Ok(all.into_iter().filter(|worker| !without.contains(&worker.env)).collect())
}

/// Each port must be free before anything is built for it.
fn check_ports(addresses: Addresses, workers: &[Worker]) -> Result<()> {
    let public =
        workers.iter().filter_map(|it| Some((it.env.as_str(), addresses.port_of(&it.env)?)));
    for (name, port) in public.chain([("local-clerk", addresses.clerk_port())]) {
        if let Err(error) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            bail!(
                "port {port} (for {name}) cannot be had: {error}; end what listens there, or \
                 choose four others with --port"
            );
        }
    }
    Ok(())
}

fn address_lines(addresses: Addresses, workers: &[Worker]) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, step) in PUBLIC {
        if workers.iter().any(|worker| worker.env == name) {
            lines.push(format!("{name} {}", url(addresses.first + step)));
        }
    }
    lines.push(format!("local-clerk {}", addresses.clerk()));
    lines
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workers(names: &[&str]) -> Vec<Worker> {
        names.iter().map(|name| Worker { env: (*name).to_owned() }).collect()
    }

    #[test]
    fn addresses_follow_the_first_port() {
        let lines =
            address_lines(Addresses { first: 9000 }, &workers(&["ingest", "durable", "ssr"]));
        let want = [
            "ssr http://127.0.0.1:9000",
            "ingest http://127.0.0.1:9001",
            "local-clerk http://127.0.0.1:9003",
        ];
        assert_eq!(lines, want);
    }

    #[test]
    fn a_worker_can_be_left_out_by_its_name_only() {
        let left = chosen(workers(&["a", "b"]), &["a".to_owned()]).unwrap();
        assert_eq!(left, workers(&["b"]));
        assert!(chosen(workers(&["a"]), &["c".to_owned()]).is_err());
    }

    #[test]
    fn a_port_that_is_taken_is_named() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let first = taken.local_addr().unwrap().port() - CLERK_STEP;
        let error = check_ports(Addresses { first }, &[]).unwrap_err().to_string();
        assert!(error.contains("for local-clerk"), "{error}");
    }
}
