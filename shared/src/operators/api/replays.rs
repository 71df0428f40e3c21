//! Replays and discards of many letters: plan, then apply.

use serde::{Deserialize, Serialize};

use super::letters::LetterFilter;
use crate::json::{serde_struct_from_object, serde_unit_enum};
use crate::operators::letter::LetterClass;
use crate::time::UnixMillis;

/// What is done with the letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "lowercase")]
pub enum ReplayAction {
    /// They are sent to the queue again.
    Replay,
    /// They are closed, with a reason.
    Discard,
}

/// `replays.state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "lowercase")]
pub enum ReplayState {
    /// Letters are being classified, page by page.
    Planning,
    /// Planned: waits for `apply` with its hash.
    Planned,
    /// Applied: the plan is computed again and compared.
    Checking,
    /// The first letters are sent; waits for what becomes of them.
    Canary,
    /// The others are sent, at the stated rate.
    Running,
    /// An operator paused it.
    Paused,
    /// Every letter has its outcome.
    Done,
    /// The plan would differ now: make a new one.
    Refused,
    /// A letter of the canary was parked again: the others were not sent.
    Stopped,
    /// An operator canceled it.
    Canceled,
}

/// `POST /replays`: makes a plan. Nothing changes yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct PlanRequest {
    /// What to do.
    pub action: ReplayAction,
    /// With which letters. Only parked ones are chosen.
    pub filter: LetterFilter,
    /// Why, for the audit trail: 1 to 200 characters, no personal data.
    pub reason: String,
    /// Letters a minute, 1 to 6000; default 600.
    #[serde(default)]
    pub rate: Option<u32>,
    /// Discard, instead of sending, the letters that would change nothing (`superseded`,
    /// `duplicate`).
    #[serde(default)]
    pub discard_unchanged: bool,
}

/// `POST /replays/{id}/apply`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ApplyRequest {
    /// The hash of the plan that was read.
    pub hash: String,
}

/// A replay: `GET /replays/{id}`, and the answer to every request that changes one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Replay {
    /// Its id, `replay_…`.
    pub id: String,
    /// What it does.
    pub action: ReplayAction,
    /// Its state.
    pub state: ReplayState,
    /// The state in words, with the next step.
    pub message: String,
    /// Who planned it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// With which letters.
    pub filter: LetterFilter,
    /// Letters a minute.
    pub rate: u32,
    /// Whether unchanged letters are discarded.
    pub discard_unchanged: bool,
    /// The plan's hash, for `apply`; empty while it is planned.
    pub hash: String,
    /// What was planned and what became of it, counted.
    pub counts: Vec<ReplayCount>,
    /// Letters of the plan.
    pub total: u64,
    /// Letters that have been sent or discarded.
    pub sent: u64,
    /// Letters that have an outcome.
    pub settled: u64,
    /// Up to five letters of each class.
    pub examples: Vec<PlannedLetter>,
    /// When it was planned.
    pub created_at: UnixMillis,
    /// Its last step.
    pub updated_at: UnixMillis,
}

/// Letters of one class with one outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ReplayCount {
    /// What was planned.
    pub planned: LetterClass,
    /// What became of them: `waiting`, `sent`, `left`, or a letter's state.
    pub became: String,
    /// How many.
    pub letters: u64,
}

/// One letter of a replay, planned against became.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct PlannedLetter {
    /// The letter.
    pub id: String,
    /// Its type, if it is known.
    #[serde(rename = "type")]
    pub event_type: Option<String>,
    /// What it is about, if that is known.
    pub subject: Option<String>,
    /// Why it was parked.
    pub reason: String,
    /// What was planned.
    pub planned: LetterClass,
    /// What became of it.
    pub became: String,
    /// When.
    pub became_at: Option<UnixMillis>,
}

/// `GET /replays/{id}/letters?planned=&became=&cursor=`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct PlannedLetterPage {
    /// The letters, in the order of the plan.
    pub letters: Vec<PlannedLetter>,
    /// The cursor of the next page.
    pub next: Option<String>,
}

/// `GET /replays`: the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ReplayPage {
    /// The replays; their examples are empty.
    pub replays: Vec<Replay>,
    /// The cursor of the next page.
    pub next: Option<String>,
}

serde_unit_enum!(ReplayAction, ReplayState);
serde_struct_from_object!(
    PlanRequest,
    ApplyRequest,
    Replay,
    ReplayCount,
    PlannedLetter,
    PlannedLetterPage,
    ReplayPage,
);

impl ReplayState {
    /// Every state.
    pub const ALL: [Self; 10] = [
        Self::Planning,
        Self::Planned,
        Self::Checking,
        Self::Canary,
        Self::Running,
        Self::Paused,
        Self::Done,
        Self::Refused,
        Self::Stopped,
        Self::Canceled,
    ];

    /// The word in the database and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planning => "planning",
            Self::Planned => "planned",
            Self::Checking => "checking",
            Self::Canary => "canary",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Stopped => "stopped",
            Self::Canceled => "canceled",
        }
    }

    /// The state of a word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether it goes on by itself, or can be resumed.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(
            self,
            Self::Planning | Self::Checking | Self::Canary | Self::Running | Self::Paused
        )
    }
}
