//! Carries a replay on, step by step, and waits for what becomes of it. Without this the sweep of
//! the consumer does the same, more slowly.

use std::thread;
use std::time::Duration;

use clap::Args;
use shared::operators::api::replays::{Replay, ReplayState};

use crate::client::Client;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::screen::Screen;

/// How often in a row no usable answer may come.
const MISSES_MAX: u32 = 5;

/// How a replay is watched.
#[derive(Clone, Debug, Args)]
pub(crate) struct WatchArgs {
    /// Seconds between two looks at the replay.
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = parse_interval)]
    interval: Duration,
}

fn parse_interval(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "give seconds, 2 or 0.5".to_owned())?;
    let is_fit = (0.01..=3600.0).contains(&seconds);
    is_fit.then(|| Duration::from_secs_f64(seconds)).ok_or("give 0.01 to 3600 seconds".to_owned())
}

/// Carries a plan on until it is whole.
///
/// # Errors
/// When no usable answer comes.
pub(crate) fn until_planned(
    client: &Client,
    screen: &Screen,
    replay: Replay,
    args: &WatchArgs,
) -> Result<Replay, Failure> {
    carry(client, screen, replay, args, |state| state == ReplayState::Planning)
}

/// Carries an applied replay on until it is at its end, or paused.
///
/// # Errors
/// As [`until_planned`].
pub(crate) fn until_settled(
    client: &Client,
    screen: &Screen,
    replay: Replay,
    args: &WatchArgs,
) -> Result<Replay, Failure> {
    carry(client, screen, replay, args, |state| state.is_open() && state != ReplayState::Paused)
}

/// Asks again when no usable answer came, a few times and ever more slowly. Only for requests that
/// may be repeated.
///
/// # Errors
/// The last failure, or one that does not pass.
pub(crate) fn patiently<T>(
    args: &WatchArgs,
    note: impl Fn(&str),
    mut ask: impl FnMut() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut misses = 0;
    loop {
        match ask() {
            Err(failure) if failure.may_pass() && misses < MISSES_MAX => {
                misses += 1;
                note(&format!("{}; trying again", failure.error.message));
                thread::sleep(args.interval * 2_u32.pow(misses));
            }
            answer => return answer,
        }
    }
}

fn carry(
    client: &Client,
    screen: &Screen,
    mut replay: Replay,
    args: &WatchArgs,
    goes_on: impl Fn(ReplayState) -> bool,
) -> Result<Replay, Failure> {
    if !goes_on(replay.state) {
        return Ok(replay);
    }
    let mut progress = Progress::new(screen);
    while {
        let is_new = progress.show(&replay);
        // Pages of a plan are computed as fast as they come; messages are sent at their rate.
        let is_computed = matches!(replay.state, ReplayState::Planning | ReplayState::Checking);
        if goes_on(replay.state) && !(is_new && is_computed) {
            thread::sleep(args.interval);
        }
        goes_on(replay.state)
    } {
        let route = ["replays", &replay.id, "continue"];
        let step = patiently(
            args,
            |text| progress.note(text),
            || client.post(&route, &serde_json::json!({}), None),
        );
        replay = step.map_err(|mut failure| {
            let next = format!("rolecall dead-letters status {} --watch", replay.id);
            let goes_on = format!(" The replay goes on by itself; look again with: {next}");
            failure.error.next.push_str(&goes_on);
            failure
        })?;
    }
    Ok(replay)
}
