//! What must hold, at every step: what is remembered for it, and the checks of guards and objects.
//! `executed` checks every batch of D1, `rest` what must hold when nothing is under way.

use std::collections::{BTreeMap, BTreeSet};

use shared::guard::{Denied, Need};
use shared::role_cache::RoleAnswer;
use shared::roles::RoleSet;
use testkit::sqlite::START;
use testkit::twin::Twin;

use super::Broken;
use super::count::Rare;
use super::database::Watch;
use super::input::Window;
use super::replica::Past;
use super::world::{World, user_id};

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
    pub(super) parked: BTreeMap<String, Letter>,
    /// The watches.
    pub(super) watches: BTreeMap<String, Watch>,
    /// Whether the default role is kept.
    pub(super) settings: bool,
}

/// A dead letter.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    pub(super) sent: usize,
    pub(super) reason: String,
    pub(super) attempts: u32,
}

/// What is remembered to judge by.
#[derive(Debug)]
pub(super) struct Laws {
    pub(super) mirror: Mirror,
    /// The state that the database is set back to.
    pub(super) kept: Option<Mirror>,
    /// Since when each user has had which roles: every committed state.
    truths: BTreeMap<usize, Vec<(i64, RoleSet)>>,
    /// The set that each version of each user names.
    pub(super) names: BTreeMap<(String, i64), RoleSet>,
    /// What a replica that lags would read.
    pub(super) past: Past,
    /// The greatest version that each user's object has served, or taken a hint for.
    served: BTreeMap<usize, i64>,
    /// What each user's guards decided last on each need.
    decided: BTreeMap<(usize, String), bool>,
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

impl World<'_> {
    /// The version that a user's watch has reached.
    pub(super) fn reached(&self, user: usize) -> i64 {
        let watch = self.laws.mirror.watches.get(user_id(user));
        watch.map_or(0, |watch| watch.version)
    }

    /// Notes what each user may do now, where that is new.
    pub(super) fn truth(&mut self) {
        for user in 0..self.mix.users {
            let set = self.laws.mirror.twin.rows().fill(user_id(user), 0);
            let truths = self.laws.truths.entry(user).or_default();
            let since = if truths.is_empty() { START } else { self.now };
            if truths.last().is_none_or(|(_, last)| *last != set) {
                truths.push((since, set));
            }
        }
    }

    /// An object serves a set: I5 and I6.
    pub(super) fn serving(&mut self, user: usize, answer: &RoleAnswer) {
        let version = answer.set.version;
        let served = self.laws.served.get(&user).copied().unwrap_or(0);
        if version < served {
            let how = format!("user {user} was served {version} after {served}");
            return self.laws.breaks("I5 monotone reads", how);
        }
        let named = self.laws.names.get(&(user_id(user).to_owned(), version));
        if named.is_none_or(|named| *named != answer.set) {
            let how = format!("user {user} was served {:?}, {version} names {named:?}", answer.set);
            return self.laws.breaks("I6 a version names its roles", how);
        }
        self.laws.acknowledged(user, version);
    }

    /// A guard has decided: I3 and I4.
    pub(super) fn decided(&mut self, user: usize, need: &Need, decided: &Result<RoleSet, Denied>) {
        let granted = decided.is_ok();
        let last = self.laws.decided.insert((user, format!("{need:?}")), granted);
        match (last, decided) {
            (Some(true), Err(Denied::NotGranted | Denied::UserBlocked)) => {
                self.count(Rare::GrantThenDenial);
            }
            (Some(false), Ok(_)) => self.count(Rare::DenialThenGrant),
            _ => {}
        }
        let Ok(set) = decided else { return };
        let (hard_ms, now) = (self.mix.ages.hard_ms, self.now);
        let truths = self.laws.truths.get(&user).map(Vec::as_slice).unwrap_or_default();
        let set = RoleSet { version: 0, ..set.clone() };
        let until = truths.iter().skip(1).map(|(since, _)| *since).chain([i64::MAX]);
        let mut held = truths.iter().zip(until).filter(|((_, truth), _)| *truth == set).peekable();
        if held.peek().is_none() {
            let how = format!("user {user} was granted {need:?} from {set:?}");
            return self.laws.breaks("I3 no phantom authority", how);
        }
        let ended = held.map(|(_, until)| until).max().unwrap_or_default();
        if ended < now - hard_ms - self.laws.off_ms(now, hard_ms) - self.lag_ms() {
            let late = now - ended;
            let how = format!("user {user} was granted {need:?}, {late} ms after it had ended");
            self.laws.breaks("I4 bounded staleness", how);
        }
    }

    /// I8: everything that was accepted is somewhere.
    pub(super) fn conserve(&mut self) {
        let lost = self
            .deliveries
            .iter()
            .position(|it| it.accepted && !it.ignored && !it.undone && it.queued == 0 && !it.held);
        if let Some(lost) = lost {
            let how = format!("delivery {lost} was accepted and is nowhere");
            self.laws.breaks("I8 conservation", how);
        }
    }

    /// Which deliveries D1 accounts for, after its rows have changed.
    pub(super) fn account(&mut self) {
        let mirror = &self.laws.mirror;
        for delivery in &mut self.deliveries {
            (delivery.held, delivery.noted_in_d1) = (false, false);
        }
        let applied = mirror.applied.iter().map(|sent| (*sent, true));
        let opened = |it: &Letter| !["newer-envelope", "malformed"].contains(&it.reason.as_str());
        let parked = mirror.parked.values().map(|letter| (letter.sent, opened(letter)));
        for (sent, noted) in applied.chain(parked) {
            let delivery = self.sent.get(sent).map_or(usize::MAX, |it| it.delivery);
            if let Some(delivery) = self.deliveries.get_mut(delivery) {
                delivery.held = true;
                delivery.undone = false;
                delivery.noted_in_d1 |= noted;
            }
        }
    }
}
