//! What can happen on the line.

use super::decided::Pair;
use crate::wire::HintKey;

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Svix delivers an event, the door sends it to the queue and answers 2xx.
    Deliver(u8),
    /// The same, once more.
    DeliverAgain(u8),
    /// The door dies before the queue has it: Svix will try again.
    DieBeforeSend(u8),
    /// The door dies when the queue has it, before it answers: Svix will try again.
    DieAfterSend(u8),
    /// Svix gives an event up.
    GiveUp(u8),
    /// A consumer gets these messages, and this becomes of them.
    Run(Pair, Fate),
    /// A consumer gets these messages; the rest is taken step by step.
    Take(usize, Pair),
    /// D1 commits a consumer's batch.
    Commit(usize),
    /// D1 commits it and says that it did not.
    CommitUnheard(usize),
    /// D1 refuses it for a passing reason.
    Refuse(usize),
    /// A consumer acknowledges what was committed.
    Acknowledge(usize),
    /// A consumer sends the hints that are owed.
    Push(usize),
    /// A consumer dies where it stands.
    Crash(usize),
    /// What the platform moved to the dead-letter queue is applied.
    ApplyDead(u8),
    /// D1 refuses it there up to the last attempt of all, and takes the letter.
    EndDead(u8),
    /// D1 goes away, for longer than any number of attempts.
    Down,
    /// It comes back.
    Up,
    /// An operator puts a dead letter back into the queue.
    Replay(u8),
    /// An operator writes to D1.
    Operate(u8),
    /// The cron sweep sends a hint that is owed.
    Sweep(u8),
    /// A hint reaches its object, and the answer D1.
    Hint(HintKey),
    /// A user's guard asks.
    Ask(u8),
    /// D1 takes in a user's fill.
    Land(u8),
    /// The answer to a user's fill comes in.
    Arrive(u8),
    /// A user's fill fails. Whether D1 took it in all the same.
    Fail(u8, bool),
    /// A user's object is thrown out of memory.
    Evict(u8),
    /// Time goes by: more than the hard age.
    Tick,
}

/// What becomes of a consumer's batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is committed and acknowledged, and the hints are sent.
    Done,
    /// The consumer dies before the commit.
    DiesFirst,
    /// It dies after the commit.
    DiesAfterCommit,
    /// It dies with the messages acknowledged, before the hints are sent.
    DiesBeforePush,
    /// It dies with the hints sent, before the messages are acknowledged.
    DiesBeforeAck,
    /// D1 refuses it for a passing reason.
    Refused,
    /// D1 commits it and says that it did not.
    Unheard,
}

impl Fate {
    pub(super) const DEATHS: [Self; 4] =
        [Self::DiesFirst, Self::DiesAfterCommit, Self::DiesBeforePush, Self::DiesBeforeAck];
    pub(super) const ERRORS: [Self; 2] = [Self::Refused, Self::Unheard];
}

impl Action {
    /// Whether it is work that must happen: no fault, and nothing that a person may choose.
    pub(super) fn is_work(&self) -> bool {
        match self {
            Self::Run(_, fate) => *fate == Fate::Done,
            Self::Deliver(_)
            | Self::Take(..)
            | Self::Commit(_)
            | Self::Acknowledge(_)
            | Self::Push(_)
            | Self::ApplyDead(_)
            | Self::Up
            | Self::Sweep(_)
            | Self::Hint(_)
            | Self::Land(_)
            | Self::Arrive(_) => true,
            Self::DeliverAgain(_)
            | Self::DieBeforeSend(_)
            | Self::DieAfterSend(_)
            | Self::GiveUp(_)
            | Self::CommitUnheard(_)
            | Self::Refuse(_)
            | Self::Crash(_)
            | Self::EndDead(_)
            | Self::Down
            | Self::Replay(_)
            | Self::Operate(_)
            | Self::Ask(_)
            | Self::Fail(..)
            | Self::Evict(_)
            | Self::Tick => false,
        }
    }
}
