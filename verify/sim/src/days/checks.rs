//! What must hold at every step: the checks of guards, objects and deliveries. `executed` checks
//! every batch of D1, `rest` what must hold when nothing is under way.

use shared::guard::{Denied, Need};
use shared::role_cache::RoleAnswer;
use shared::roles::RoleSet;
use testkit::sqlite::START;

use super::count::Rare;
use super::laws::ParkedMessage;
use super::world::{World, user_id};

impl World<'_> {
    /// The version that a user's watch has reached.
    pub(super) fn reached(&self, user: usize) -> i64 {
        let watch = self.laws.mirror.watches.get(user_id(user));
        watch.map_or(0, |watch| watch.version)
    }

    /// Notes what each user may do now, where that is new.
    pub(super) fn record_truth(&mut self) {
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
    pub(super) fn check_served(&mut self, user: usize, answer: &RoleAnswer) {
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
    pub(super) fn check_decision(
        &mut self,
        user: usize,
        need: &Need,
        decided: &Result<RoleSet, Denied>,
    ) {
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
    pub(super) fn check_conservation(&mut self) {
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
        let opened =
            |it: &ParkedMessage| !["newer-envelope", "malformed"].contains(&it.reason.as_str());
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
