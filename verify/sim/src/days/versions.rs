//! Which versions rise, and which set each version names: checked after each batch of D1.

use std::collections::BTreeMap;

use shared::cache::{FillRequest, FillResult};
use testkit::twin::Word;

use super::Broken;
use super::count::Rare;
use super::database::Watch;
use super::world::{World, user_id};

/// By how many writes each user's version rises.
pub(super) type Bumps = BTreeMap<String, u32>;

impl World<'_> {
    /// An operator's word has been written.
    pub(super) fn words(
        &mut self,
        (user, role, granted): (usize, &str, bool),
        (at, id): (i64, &str),
        done: &Result<(), String>,
    ) {
        if let Err(cause) = done {
            return self.laws.breaks("I1 convergence", format!("a word was refused: {cause}"));
        }
        let word = Word { user: user_id(user), role, granted, at, id };
        let bumps = self.laws.mirror.twin.grant(word).bumps;
        self.bumped(&bumps);
        if self.laws.needs_sweep() {
            self.sweep_soon();
        }
    }

    /// I6 and I11: the versions have risen by these writes, and no others.
    pub(super) fn bumped(&mut self, bumps: &Bumps) {
        self.truth();
        let before = self.laws.mirror.watches.clone();
        self.watch_again();
        for (user, watch) in &before {
            let after = self.laws.mirror.watches.get(user).map_or(0, |it| it.version);
            let times = bumps.get(user).copied().map_or(0, i64::from);
            // Each write raises it by one, or to the instant.
            let risen = (watch.version + times).max(self.now + times - 1);
            let want = if times == 0 { watch.version } else { risen };
            if after == want {
                continue;
            }
            let law = if times == 0 { "I11 isolation" } else { "I6 a version names its roles" };
            let how = format!("{user} is at {after} after {times} writes, was {}", watch.version);
            self.laws.breaks(law, how);
        }
        self.names();
    }

    /// Reads the watches again; the twin watches whom D1 watches.
    pub(super) fn watch_again(&mut self) {
        let watches = match self.d1.watches() {
            Ok(watches) => watches,
            Err(error) => return self.laws.broken = Some(Broken::harness(&error)),
        };
        let before = std::mem::take(&mut self.laws.mirror.watches);
        let mirror = &mut self.laws.mirror;
        for user in 0..self.mix.users {
            mirror.twin.unwatch(user_id(user));
        }
        mirror.watches = watches.into_iter().map(|it: Watch| (it.user.clone(), it)).collect();
        for user in mirror.watches.keys() {
            mirror.twin.watch(user);
        }
        self.remember(&before);
    }

    /// I6: no version names two sets.
    pub(super) fn names(&mut self) {
        let watches: Vec<_> = self.laws.mirror.watches.values().cloned().collect();
        for Watch { user, version, .. } in watches {
            let truth = self.laws.mirror.twin.rows().fill(&user, version);
            let key = (user, version);
            let named = self.laws.names.entry(key.clone()).or_insert_with(|| truth.clone());
            if *named != truth {
                let how = format!("{key:?} names {named:?} and {truth:?}");
                self.laws.breaks("I6 a version names its roles", how);
            }
        }
    }

    /// A fill reads what the rows say.
    pub(super) fn reads(
        &mut self,
        user: &'static str,
        fill: &FillRequest,
        row: Option<&FillResult>,
    ) {
        let version = row.map(|row| row.set.version);
        let FillRequest { owner, floor, registers, .. } = fill;
        self.say(format_args!("d1: fill of {user} by {owner}, {registers}, reads {version:?}"));
        if *registers {
            let before = self.laws.mirror.watches.get(user).cloned();
            self.watch_again();
            let lifted = before.is_some_and(|it| it.owner == *owner && it.version < *floor);
            if lifted {
                self.count(Rare::Lifted);
            }
            self.names();
        }
        let Some(row) = row else { return };
        let truth = self.laws.mirror.twin.rows().fill(user, row.set.version);
        if truth != row.set {
            let how = format!("{user}: D1 reads {:?}, the law {truth:?}", row.set);
            self.laws.breaks("I1 convergence", how);
        }
    }
}
