//! Carries one replay on, step by step.

use std::collections::BTreeSet;

use shared::d1_error::D1Error;
use shared::operators::api::replays::{PlannedLetter, Replay, ReplayState};
use shared::operators::audit::{AuditAct, AuditEntry, AuditHead, HEAD_MOVED};
use shared::operators::replay::{
    Act, Facts, Mark, PAGE_LETTERS, PlannedPage, Reads, ReplayRow, Step, StoredReplay, named,
    next_step, plan_page, replay_answer, selection,
};
use shared::sql::letter_lists::{self, LetterBytes, ScanRow, parse_letters};
use shared::sql::replays::{self, IdRow};
use shared::sql::{Statement, audit};

use crate::io::{Io, Point, Rows, rows};
use crate::{CRON_STEPS, CRON_STEPS_OF_ONE, Failure, TRIES};

/// Carries replays on for one actor.
pub(crate) struct Driver<'a, I> {
    pub(crate) io: &'a I,
    pub(crate) actor: &'a str,
}

/// A replay after some steps.
pub(crate) struct Advanced {
    pub(crate) after: StoredReplay,
    pub(crate) steps: u32,
}

/// What became of a batch.
pub(crate) enum Written {
    /// It was committed. These are its rows.
    Done(Vec<Rows>),
    /// Another step or another entry of the audit trail came first: nothing was written.
    Outrun,
}

/// What became of one step.
enum Stepped {
    /// It was done.
    Done(StoredReplay),
    /// There is nothing to do now.
    Waits,
    /// See [`Written::Outrun`].
    Outrun,
    /// The letters are marked, and the queue refused their messages.
    NotSent(StoredReplay),
}

impl<I: Io> Driver<'_, I> {
    pub(crate) async fn load(&self, id: &str) -> Result<StoredReplay, Failure> {
        let mut results = self.read(&[replays::replay(id)]).await?;
        let row = rows::<ReplayRow>(&mut results, 0)?.into_iter().next();
        open(row.ok_or(Failure::NotFound)?)
    }

    /// Carries the replay on for at most so many steps.
    pub(crate) async fn advance(&self, id: &str, budget: u32) -> Result<Advanced, Failure> {
        let mut after = self.load(id).await?;
        let (mut steps, mut outrun) = (0, 0);
        while steps < budget {
            match self.step(&after).await? {
                Stepped::Done(next) => {
                    (after, steps, outrun) = (next, steps + 1, 0);
                }
                Stepped::NotSent(next) => {
                    (after, steps) = (next, steps + 1);
                    break;
                }
                Stepped::Outrun if outrun < TRIES => {
                    self.io.wait_outrun(outrun).await;
                    after = self.load(id).await?;
                    outrun += 1;
                }
                Stepped::Waits | Stepped::Outrun => break,
            }
        }
        Ok(Advanced { after, steps })
    }

    /// Carries every open replay on.
    pub(crate) async fn advance_open(&self) -> Result<usize, D1Error> {
        let mut results = self.read(&[replays::open_replays()]).await?;
        let open = rows::<IdRow>(&mut results, 0)?;
        let mut steps = 0;
        for IdRow { id } in open {
            let budget = CRON_STEPS_OF_ONE.min(CRON_STEPS - steps);
            match self.advance(&id, budget).await {
                Ok(advanced) => steps += advanced.steps,
                Err(failure) => {
                    let cause = failure.into_d1();
                    tracing::warn!(replay_id = id, cause = cause.text(), "a replay did not go on");
                }
            }
        }
        Ok(usize::try_from(steps).unwrap_or(usize::MAX))
    }

    async fn step(&self, replay: &StoredReplay) -> Result<Stepped, D1Error> {
        match replay.state {
            ReplayState::Planning | ReplayState::Checking => self.plan_step(replay).await,
            ReplayState::Planned | ReplayState::Paused => Ok(Stepped::Waits),
            ReplayState::Canary
            | ReplayState::Running
            | ReplayState::Done
            | ReplayState::Refused
            | ReplayState::Stopped
            | ReplayState::Canceled => self.send_step(replay).await,
        }
    }

    /// One page of a plan or of its check.
    async fn plan_step(&self, replay: &StoredReplay) -> Result<Stepped, D1Error> {
        let (query, cursor) = selection(replay);
        let page = letter_lists::letters(&query, cursor.as_ref(), PAGE_LETTERS, LetterBytes::Read);
        let mut results = self.read(&[page]).await?;
        let page = parse_letters(&rows::<ScanRow>(&mut results, 0)?, PAGE_LETTERS);
        let page = page.map_err(|why| D1Error::Transient(why.into()))?;
        let [synced, outcomes] = replays::facts(&named(&page.rows));
        let mut results = self.read(&[synced, outcomes, audit::audit_head()]).await?;
        let facts = Facts::new(rows(&mut results, 0)?, rows(&mut results, 1)?);
        let head = head(&mut results, 2)?;
        let PlannedPage { letters, after, act } = plan_page(replay, &page, &facts, self.io.now());
        let mut statements = vec![replays::step(&after)];
        statements.extend(replays::plan(&after.id, &letters));
        let acts: Vec<Act> = act.into_iter().collect();
        Ok(match self.write(statements, &head, &after.id, acts).await? {
            Written::Done(_) => Stepped::Done(stepped(after)),
            Written::Outrun => Stepped::Outrun,
        })
    }

    /// Marks, sends, discards or leaves letters, or finds that the replay is at its end.
    async fn send_step(&self, replay: &StoredReplay) -> Result<Stepped, D1Error> {
        let [items, canary, counts] = replays::step_reads(replay);
        let mut results = self.read(&[items, canary, counts, audit::audit_head()]).await?;
        let reads = Reads {
            items: rows(&mut results, 0)?,
            canary: rows(&mut results, 1)?,
            counts: rows(&mut results, 2)?,
        };
        let head = head(&mut results, 3)?;
        let now = self.io.now();
        let Some(step) = next_step(replay, &reads, now) else { return Ok(Stepped::Waits) };
        let claim = self.io.random().map_err(D1Error::Transient)?;
        let statements = replays::step_writes(&step, &claim, now);
        // The entries follow the statements, so the marked letters are the rows of the last of
        // these.
        let place = statements.len().saturating_sub(1);
        let Step { after, send, acts, .. } = step;
        let mut results = match self.write(statements, &head, &after.id, acts).await? {
            Written::Done(results) => results,
            Written::Outrun => return Ok(Stepped::Outrun),
        };
        let after = stepped(after);
        if send.is_empty() {
            return Ok(Stepped::Done(after));
        }
        let marked = rows::<Mark>(&mut results, place)?;
        let marked: BTreeSet<&str> = marked.iter().map(|mark| mark.id.as_str()).collect();
        let messages = send.into_iter().filter(|(mark, _)| marked.contains(mark.id.as_str()));
        let messages: Vec<String> = messages.map(|(_, message)| message).collect();
        self.io.point(Point::Marked, &after.id).await;
        if !self.enqueue(&after.id, &claim, messages).await? {
            return Ok(Stepped::NotSent(after));
        }
        Ok(Stepped::Done(after))
    }

    /// Puts the messages of a claim into the queue, and records it. If the queue fails, or the
    /// record is lost, the sweep returns the letters later.
    async fn enqueue(&self, id: &str, claim: &str, messages: Vec<String>) -> Result<bool, D1Error> {
        let letters = messages.len();
        if letters > 0
            && let Err(cause) = self.io.send(messages).await
        {
            tracing::warn!(replay_id = id, letters, cause, "the queue refused replayed letters");
            return Ok(false);
        }
        self.io.point(Point::Enqueued, id).await;
        self.read(&[replays::sent(claim, self.io.now())]).await?;
        self.io.point(Point::Recorded, id).await;
        tracing::info!(replay_id = id, letters, "letters replayed");
        Ok(true)
    }

    /// The answer of the API.
    pub(crate) async fn report(&self, replay: StoredReplay) -> Result<Replay, Failure> {
        let statements = [replays::counts(&[&replay.id]), replays::examples(&replay)];
        let mut results = self.read(&statements).await?;
        let counts = rows(&mut results, 0)?;
        let examples: Vec<PlannedLetter> = rows(&mut results, 1)?;
        Ok(replay_answer(&replay, &counts, examples))
    }

    pub(crate) async fn read(&self, statements: &[Statement]) -> Result<Vec<Rows>, D1Error> {
        self.io.batch(statements).await.map_err(|cause| D1Error::classify(&cause))
    }

    /// Commits these statements, and then entries of the audit trail, as one batch. `read` is the
    /// head of the trail that was read before; the log gets the new one.
    pub(crate) async fn write(
        &self,
        mut statements: Vec<Statement>,
        read: &AuditHead,
        target: &str,
        acts: Vec<Act>,
    ) -> Result<Written, D1Error> {
        let mut head = read.clone();
        for Act { action, detail } in acts {
            let act = AuditAct {
                at: self.io.now(),
                actor: self.actor.into(),
                action: action.into(),
                target: target.into(),
                detail: detail.to_string(),
            };
            let entry = AuditEntry::after(&head, act);
            head = entry.head();
            statements.push(audit::append(&entry));
        }
        let outrun = [HEAD_MOVED, replays::STEP_TAKEN, replays::KEY_TAKEN];
        match self.io.batch(&statements).await {
            Ok(results) => {
                if *read != head {
                    edge::log::audit_head(head.seq, &head.hash);
                }
                Ok(Written::Done(results))
            }
            Err(cause) if outrun.iter().any(|text| cause.contains(text)) => Ok(Written::Outrun),
            Err(cause) => Err(D1Error::classify(&cause)),
        }
    }
}

pub(crate) fn open(row: ReplayRow) -> Result<StoredReplay, Failure> {
    row.open().map_err(|why| Failure::Database(D1Error::Transient(why.into())))
}

pub(crate) fn head(results: &mut [Rows], place: usize) -> Result<AuditHead, D1Error> {
    Ok(rows::<AuditHead>(results, place)?.into_iter().next().unwrap_or_default())
}

/// The number of the step was set by the batch.
pub(crate) fn stepped(mut after: StoredReplay) -> StoredReplay {
    after.step += 1;
    after
}
