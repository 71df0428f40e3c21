//! A replay as it is stored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::RATE_DEFAULT;
use crate::json::{deserialize_from_object, serde_struct_from_object};
use crate::operators::api::letters::LetterFilter;
use crate::operators::api::replays::{PlanRequest, ReplayAction, ReplayState};
use crate::operators::letter::LetterClass;
use crate::time::UnixMillis;

/// The column `replays.progress`: where the state machine is. Members are only ever added, each
/// with a default: a newer build goes on with the replays of an older one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", default)]
pub struct Progress {
    /// Letters a minute.
    pub rate: u32,
    /// Whether letters that would change nothing are discarded.
    pub discard_unchanged: bool,
    /// It began by itself, and applies itself.
    pub automatic: bool,
    /// Where the walk over the letters is.
    pub cursor: Option<String>,
    /// The hash so far.
    pub hash: String,
    /// Letters so far.
    pub letters: i64,
    /// Letters of the plan.
    pub total: i64,
    /// Positions of a few letters of each class.
    pub examples: BTreeMap<String, Vec<i64>>,
    /// The positions that were sent first; `None` before that.
    pub canary: Option<Vec<i64>>,
    /// The last position that was sent, discarded or skipped; -1 for none.
    pub position: i64,
    /// Since when `sent` counts.
    pub started_at: UnixMillis,
    /// Letters sent since then.
    pub sent: i64,
    /// The state to go back to after a pause.
    pub paused_from: Option<ReplayState>,
}

/// A row of `replays`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub struct ReplayRow {
    /// Its id.
    pub id: String,
    /// What it does.
    pub action: ReplayAction,
    /// Its state.
    pub state: ReplayState,
    /// Whether it has steps before it.
    pub is_open: i64,
    /// When it was planned.
    pub created_at: UnixMillis,
    /// Its last step.
    pub updated_at: UnixMillis,
    /// Who planned it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// A [`LetterFilter`] as JSON.
    pub filter: String,
    /// The plan's hash.
    pub plan_hash: String,
    /// A [`Progress`] as JSON.
    pub progress: String,
    /// The number of its last step.
    pub step: i64,
}

serde_struct_from_object!(Progress);
deserialize_from_object!(ReplayRow);

/// A replay as the state machine sees it. Its members are those of [`ReplayRow`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredReplay {
    /// Its id.
    pub id: String,
    /// What it does.
    pub action: ReplayAction,
    /// Its state.
    pub state: ReplayState,
    /// Whether it has steps before it: also after its end, while letters are marked as left.
    pub is_open: bool,
    /// When it was planned. Letters that were parked later are not chosen.
    pub created_at: UnixMillis,
    /// Its last step.
    pub updated_at: UnixMillis,
    /// Who planned it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// With which letters.
    pub filter: LetterFilter,
    /// The plan's hash; empty while it is planned.
    pub plan_hash: String,
    /// Where it is.
    pub progress: Progress,
    /// The number of its last step.
    pub step: i64,
}

impl ReplayRow {
    /// Parses the row.
    ///
    /// # Errors
    /// If its JSON is not that of a replay.
    pub fn open(self) -> Result<StoredReplay, &'static str> {
        let filter = serde_json::from_str(&self.filter);
        let progress = serde_json::from_str(&self.progress);
        Ok(StoredReplay {
            id: self.id,
            action: self.action,
            state: self.state,
            is_open: self.is_open != 0,
            created_at: self.created_at,
            updated_at: self.updated_at,
            actor: self.actor,
            reason: self.reason,
            filter: filter.map_err(|_| "the replay's filter cannot be read")?,
            plan_hash: self.plan_hash,
            progress: progress.map_err(|_| "the replay's progress cannot be read")?,
            step: self.step,
        })
    }
}

/// The id of a new replay: it begins with its time, so ids are in the order of age. `random` is a
/// random id.
#[must_use]
pub fn replay_id(now: UnixMillis, random: &str) -> String {
    let random: String = random.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
    format!("replay_{:011x}{random}", now.0.max(0))
}

impl StoredReplay {
    /// A new replay, before its first step.
    #[must_use]
    pub fn new(request: &PlanRequest, actor: &str, id: String, now: UnixMillis) -> Self {
        let progress = Progress {
            rate: request.rate.unwrap_or(RATE_DEFAULT),
            discard_unchanged: request.discard_unchanged,
            position: -1,
            ..Progress::default()
        };
        Self {
            id,
            action: request.action,
            state: ReplayState::Planning,
            is_open: true,
            created_at: now,
            updated_at: now,
            actor: actor.into(),
            reason: request.reason.clone(),
            filter: request.filter.clone(),
            plan_hash: String::new(),
            progress,
            step: 0,
        }
    }

    /// Whether this request asks for the same as the one that made this replay.
    #[must_use]
    pub fn is_of(&self, request: &PlanRequest) -> bool {
        self.action == request.action
            && self.filter == request.filter
            && self.reason == request.reason
            && self.progress.rate == request.rate.unwrap_or(RATE_DEFAULT)
            && self.progress.discard_unchanged == request.discard_unchanged
    }

    /// Whether the replay does something with letters of this class. A discard takes all of them.
    #[must_use]
    pub fn acts_on(&self, class: LetterClass) -> bool {
        self.action == ReplayAction::Discard || class.is_sendable()
    }

    /// Whether letters of this class are discarded.
    #[must_use]
    pub fn discards(&self, class: LetterClass) -> bool {
        let unchanged = matches!(class, LetterClass::Superseded | LetterClass::Duplicate);
        self.action == ReplayAction::Discard || (self.progress.discard_unchanged && unchanged)
    }

    /// The plan is computed again, from its beginning.
    pub(super) fn begin_check(&mut self) {
        self.state = ReplayState::Checking;
        self.is_open = true;
        self.progress.cursor = None;
        self.progress.hash = String::new();
        self.progress.letters = 0;
    }

    /// Where it goes on when the plan still holds.
    pub(super) fn state_after_check(&self) -> ReplayState {
        match self.action {
            ReplayAction::Replay => ReplayState::Canary,
            ReplayAction::Discard => ReplayState::Running,
        }
    }
}

impl ReplayAction {
    /// The word in the database and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Replay => "replay",
            Self::Discard => "discard",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Progress, replay_id};
    use crate::time::UnixMillis;

    #[test]
    fn ids_are_in_the_order_of_age() {
        let ids = [1, 255, 256, 1_764_000_000_000].map(|at| replay_id(UnixMillis(at), "z-9f"));
        assert!(ids.is_sorted(), "{ids:?}");
        assert_eq!(ids[0], "replay_00000000001z9f");
    }

    #[test]
    fn the_progress_of_an_older_build_is_read() {
        let progress: Progress = serde_json::from_str(r#"{"rate":5,"later":1}"#).unwrap();
        assert_eq!(progress, Progress { rate: 5, ..Progress::default() });
    }
}
