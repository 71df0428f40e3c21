//! Carries replays on, in two Workers: the console does it in requests, the consumer in its cron.
//!
//! Every decision is in `shared::operators::replay`; here are the D1 batches and the queue. Each
//! step is one batch that compares and sets the number of the step, so it does not matter who
//! carries a replay on, or how many do. A step that sends letters marks them first and enqueues
//! them after the commit. A crash between the two loses messages; then the consumer's sweep returns
//! the letters, and the replay sends them again.

mod advance;
mod auto;
mod command;
mod create;
mod failure;
mod io;
#[cfg(test)]
mod tests;

use std::fmt;

use shared::d1_error::D1Error;
use shared::operators::api::replays::{PlanRequest, Replay};
use worker::Env;

pub use failure::Failure;

use self::advance::Driver;
use self::command::Command;
use self::io::WorkerIo;

/// The actor of what the cron does.
pub const SWEEP_ACTOR: &str = "system:sweep";

/// Steps that one request does. The client or the cron does the rest.
const REQUEST_STEPS: u32 = 5;

/// Steps that one run of the cron does for one replay, and for all.
const CRON_STEPS_OF_ONE: u32 = 20;
const CRON_STEPS: u32 = 60;

/// How often a batch is tried again when another one came before it.
const TRIES: u32 = 8;

/// Makes replays, and carries them on, for one actor.
pub struct Replayer<'a> {
    io: WorkerIo<'a>,
    actor: &'a str,
}

impl fmt::Debug for Replayer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replayer").field("actor", &self.actor).finish_non_exhaustive()
    }
}

impl<'a> Replayer<'a> {
    /// Uses the bindings `DB` and `EVENTS`. `actor` is that of the audit trail.
    ///
    /// # Errors
    /// If a binding is missing.
    pub fn new(env: &'a Env, actor: &'a str) -> Result<Self, D1Error> {
        Ok(Self { io: WorkerIo::new(env)?, actor })
    }

    fn driver(&self) -> Driver<'_, WorkerIo<'a>> {
        Driver { io: &self.io, actor: self.actor }
    }

    /// Makes a plan, and begins it. `key` is the header `Idempotency-Key`.
    ///
    /// # Errors
    /// If the request is refused, or the database fails.
    pub async fn create(
        &self,
        request: &PlanRequest,
        key: Option<&str>,
    ) -> Result<Replay, Failure> {
        self.driver().create(request, key, REQUEST_STEPS).await
    }

    /// Carries one replay on, for as many steps as a request does.
    ///
    /// # Errors
    /// If there is no such replay, or the database fails.
    pub async fn advance(&self, id: &str) -> Result<Replay, Failure> {
        let replay = self.driver().advance(id, REQUEST_STEPS).await?;
        self.driver().report(replay.after).await
    }

    /// Reads one replay.
    ///
    /// # Errors
    /// If there is no such replay, or the database fails.
    pub async fn read(&self, id: &str) -> Result<Replay, Failure> {
        let replay = self.driver().load(id).await?;
        self.driver().report(replay).await
    }

    /// Applies the plan with this hash, and begins it.
    ///
    /// # Errors
    /// If the replay is not at this plan, or the database fails.
    pub async fn apply(&self, id: &str, hash: &str) -> Result<Replay, Failure> {
        self.driver().command(id, &Command::Apply(hash), REQUEST_STEPS).await
    }

    /// Pauses a replay.
    ///
    /// # Errors
    /// If it is not going on, or the database fails.
    pub async fn pause(&self, id: &str) -> Result<Replay, Failure> {
        self.driver().command(id, &Command::Pause, 0).await
    }

    /// Lets a paused replay go on.
    ///
    /// # Errors
    /// If it is not paused, or the database fails.
    pub async fn resume(&self, id: &str) -> Result<Replay, Failure> {
        self.driver().command(id, &Command::Resume, REQUEST_STEPS).await
    }

    /// Cancels a replay.
    ///
    /// # Errors
    /// If it is at its end, or the database fails.
    pub async fn cancel(&self, id: &str) -> Result<Replay, Failure> {
        self.driver().command(id, &Command::Cancel, REQUEST_STEPS).await
    }

    /// Carries every open replay on, within the budget of one run of the cron. One that fails does
    /// not stop the others. Returns how many steps were done.
    ///
    /// # Errors
    /// If the open replays cannot be read.
    pub async fn advance_open(&self) -> Result<usize, D1Error> {
        self.driver().advance_open().await
    }

    /// Begins a replay of the letters that were parked for a transient reason and never replayed,
    /// if there are any and no such replay is open. Returns how many were begun.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn auto_replay(&self) -> Result<usize, D1Error> {
        self.driver().auto_replay().await
    }
}
