//! What an operator tells a replay.

use shared::d1_error::D1Error;
use shared::operators::api::ApiError;
use shared::operators::api::replays::Replay;
use shared::operators::replay::{Change, ReplayRow, StoredReplay, apply, cancel, pause, resume};
use shared::sql::{audit, replays};
use shared::time::UnixMillis;

use crate::advance::{Driver, Written, head, open};
use crate::io::{Io, rows};
use crate::{Failure, TRIES};

/// A command.
pub(crate) enum Command<'a> {
    /// Apply the plan with this hash.
    Apply(&'a str),
    Pause,
    Resume,
    Cancel,
}

impl Command<'_> {
    fn change(&self, replay: &StoredReplay, now: UnixMillis) -> Result<Option<Change>, ApiError> {
        match self {
            Self::Apply(hash) => apply(replay, hash, now),
            Self::Pause => pause(replay, now),
            Self::Resume => resume(replay, now),
            Self::Cancel => cancel(replay, now),
        }
    }
}

impl<I: Io> Driver<'_, I> {
    /// Does what the command says, and carries the replay on for at most so many steps.
    pub(crate) async fn command(
        &self,
        id: &str,
        command: &Command<'_>,
        budget: u32,
    ) -> Result<Replay, Failure> {
        for outrun in 0..=TRIES {
            if self.command_once(id, command).await? {
                let advanced = self.advance(id, budget).await?;
                return self.report(advanced.after).await;
            }
            self.io.wait_outrun(outrun).await;
        }
        Err(D1Error::Transient("other steps of the replay came first".into()).into())
    }

    /// Whether it is done, now or before.
    async fn command_once(&self, id: &str, command: &Command<'_>) -> Result<bool, Failure> {
        let mut results = self.read(&[replays::replay(id), audit::audit_head()]).await?;
        let row = rows::<ReplayRow>(&mut results, 0)?.into_iter().next();
        let replay = open(row.ok_or(Failure::NotFound)?)?;
        let Some(Change { after, act }) = command.change(&replay, self.io.now())? else {
            return Ok(true);
        };
        let head = head(&mut results, 1)?;
        let written = self.write(vec![replays::step(&after)], &head, id, vec![act]).await?;
        Ok(matches!(written, Written::Done(_)))
    }
}
