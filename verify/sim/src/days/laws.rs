//! What is remembered to judge the day by, and the first law that it broke.

use std::collections::{BTreeMap, BTreeSet};

use shared::roles::RoleSet;
use testkit::twin::Twin;

use super::Broken;
use super::database::Watch;
use super::input::Window;

/// How far a skewed clock is off, and a second that a set may be from the future.
const OFF_MS: i64 = 601_000;

/// What D1 holds as far as it should: goes back with D1 when that is restored.
#[derive(Clone, Debug, Default)]
pub(super) struct Mirror {
    /// The law's rows.
    pub(super) twin: Twin,
    /// The texts whose effects D1 has committed.
    pub(super) applied: BTreeSet<usize>,
    /// The messages that are dead letters, each with its text, its reason and its attempts.
    pub(super) parked: BTreeMap<String, ParkedMessage>,
    /// The watches.
    pub(super) watches: BTreeMap<String, Watch>,
    /// Whether the default role is kept.
    pub(super) settings: bool,
}

/// A dead letter.
#[derive(Clone, Debug)]
pub(super) struct ParkedMessage {
    pub(super) sent: usize,
    pub(super) reason: String,
    pub(super) attempts: u32,
}

/// By user: until when the watch stood otherwise, and how; `None` when there was none.
pub(super) type Past = BTreeMap<String, (i64, Option<Watch>)>;

/// What is remembered to judge by.
#[derive(Debug)]
pub(super) struct Laws {
    pub(super) mirror: Mirror,
    /// The state that the database is set back to.
    pub(super) kept: Option<Mirror>,
    /// Since when each user has had which roles: every committed state.
    pub(super) truths: BTreeMap<usize, Vec<(i64, RoleSet)>>,
    /// The set that each version of each user names.
    pub(super) names: BTreeMap<(String, i64), RoleSet>,
    /// What a replica that lags would read.
    pub(super) past: Past,
    /// The greatest version that each user's object has served, or taken a hint for.
    pub(super) served: BTreeMap<usize, i64>,
    /// What each user's guards decided last on each need.
    pub(super) decided: BTreeMap<(usize, String), bool>,
    /// When the database was set back.
    restored_at: Option<i64>,
    /// Until when the objects' clock was last ahead of D1's, and until when behind.
    ahead_until: Option<i64>,
    behind_until: Option<i64>,
    /// The first law that was broken.
    pub(super) broken: Option<Broken>,
}

impl Laws {
    pub(super) fn new() -> Self {
        Self {
            mirror: Mirror::default(),
            kept: None,
            truths: BTreeMap::new(),
            names: BTreeMap::new(),
            past: Past::new(),
            served: BTreeMap::new(),
            decided: BTreeMap::new(),
            restored_at: None,
            ahead_until: None,
            behind_until: None,
            broken: None,
        }
    }

    /// A law is broken. Only the first one counts.
    pub(super) fn breaks(&mut self, law: &'static str, how: String) {
        if self.broken.is_none() {
            self.broken = Some(Broken::new(law, how));
        }
    }

    /// Whether D1 owes anybody a hint.
    pub(super) fn is_owed(&self) -> bool {
        self.mirror.watches.values().any(|watch| watch.acked < watch.version)
    }

    /// Whether the next cron has anything to do.
    pub(super) fn needs_sweep(&self) -> bool {
        self.is_owed() || !self.mirror.settings
    }

    /// The dead letters whose text was never applied, one for each text.
    pub(super) fn letters(&self) -> Vec<String> {
        let mut texts = self.mirror.applied.clone();
        let parked = self.mirror.parked.iter();
        parked.filter(|(_, it)| texts.insert(it.sent)).map(|(message, _)| message.clone()).collect()
    }

    /// An object says that it has taken a hint.
    pub(super) fn acknowledged(&mut self, user: usize, version: i64) {
        let served = self.served.entry(user).or_default();
        *served = version.max(*served);
    }

    /// A clock is skewed until then.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others move no object's clock")]
    pub(super) fn notes(&mut self, window: Window, until: i64) {
        let last = match window {
            Window::ObjectsAhead => &mut self.ahead_until,
            Window::ObjectsBehind => &mut self.behind_until,
            _ => return,
        };
        *last = (*last).max(Some(until));
    }

    /// The database is set back: sets that were read before are let be until their age ends them.
    pub(super) fn restored(&mut self, now: i64) {
        self.restored_at = Some(now);
        self.past.clear();
    }

    /// Whether a set may have been read before the database was set back.
    pub(super) fn is_from_before(&self, verified_at: i64) -> bool {
        self.restored_at.is_some_and(|at| verified_at < at)
    }

    /// By how much ages may be too small: while the objects' clock is off, and for as long after
    /// as sets are served that it has dated. By twice as much when one clock was ahead when it
    /// read and is behind when it serves.
    pub(super) fn off_ms(&self, now: i64, hard_ms: i64) -> i64 {
        let lasts = |until: Option<i64>| until.is_some_and(|it| now <= it + hard_ms + OFF_MS);
        let both = lasts(self.ahead_until) && lasts(self.behind_until);
        let either = lasts(self.ahead_until) || lasts(self.behind_until);
        (i64::from(either) + i64::from(both)) * OFF_MS
    }
}
