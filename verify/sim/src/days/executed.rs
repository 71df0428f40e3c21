//! Every batch that D1 executes is compared with its twin at once: which versions rise, which set
//! belongs to each version, which deliveries are recorded, what the rows are, and what a fill
//! reads.

use shared::merge::{EntityChange, EntityKind, EntityState, LiveState};
use shared::plan::BatchPlan;
use shared::projection::EntityFields;

use super::Broken;
use super::calls::{Reply, Work};
use super::count::Rare;
use super::database::DEFAULT_ROLE;
use super::door::NEWER;
use super::laws::ParkedMessage;
use super::world::World;

impl World<'_> {
    /// D1 executes a batch.
    pub(super) fn run(&mut self, work: &Work) -> Result<Reply, String> {
        let reply = self.d1.execute(work, self.now);
        match (work, &reply) {
            (Work::Commit { plan, messages, .. }, Ok(_)) => self.commits(plan, messages),
            (Work::Commit { plan, .. }, Err(cause)) => {
                self.say(format_args!("d1: refuses {} deliveries: {cause}", plan.deliveries.len()));
                self.notes(plan);
            }
            (Work::Settings, Ok(_)) => {
                self.laws.mirror.settings = true;
                let bumps = self.laws.mirror.twin.default_role(DEFAULT_ROLE).bumps;
                self.bumped(&bumps);
            }
            (Work::Fill { user, fill }, Ok(Reply::Row(row))) => {
                self.reads(user, fill, row.as_ref());
            }
            (Work::Settle(settled), Ok(_)) => {
                let (acked, gone) = (settled.acked.len(), settled.gone.len());
                self.say(format_args!("d1: notes {acked} hints as taken, ends {gone} watches"));
                self.watch_again();
            }
            (Work::Unwatch { user, owner }, Ok(_)) => {
                self.say(format_args!("d1: ends the watch of {user} by {owner}"));
                self.watch_again();
            }
            _ => {}
        }
        if self.laws.needs_sweep() {
            self.sweep_soon();
        }
        reply
    }

    /// A plan is committed.
    fn commits(&mut self, plan: &BatchPlan, messages: &[String]) {
        let (deliveries, parked) = (plan.deliveries.len(), plan.dead_letters.len());
        self.say(format_args!("d1: commits {deliveries} deliveries, {parked} of them parked"));
        self.count_rare_changes(plan);
        let bumps = self.laws.mirror.twin.run(plan).bumps;
        for letter in &plan.dead_letters {
            let Some(sent) = self.queue.messages.get(&letter.message_id).copied() else { continue };
            self.parks(&letter.reason);
            let (reason, message) = (letter.reason.clone(), letter.message_id.clone());
            let all = &mut self.laws.mirror.parked;
            let before = all.get(&message).map_or(0, |it| it.attempts);
            let attempts = before.max(letter.attempts);
            all.insert(message, ParkedMessage { sent, reason, attempts });
        }
        let is_letter = |it: &&String| plan.dead_letters.iter().any(|l| l.message_id == **it);
        for message in messages.iter().filter(|it| !is_letter(it)) {
            let Some(sent) = self.queue.messages.get(message).copied() else { continue };
            self.applies(sent);
        }
        if 0 < parked {
            self.keeps_letters();
        }
        self.account();
        self.bumped(&bumps);
        self.notes(plan);
        self.holds(plan);
    }

    fn applies(&mut self, sent: usize) {
        let mirror = &mut self.laws.mirror;
        let again = !mirror.applied.insert(sent);
        let is_newer = self.sent.get(sent).is_some_and(|it| it.text.starts_with(NEWER));
        if again {
            self.count(Rare::DuplicateApplied);
        } else if is_newer {
            self.count(Rare::NewerApplied);
        }
    }

    fn parks(&mut self, reason: &str) {
        match reason {
            "refused-by-database" => self.count(Rare::PoisonParked),
            "time" => self.count(Rare::OddTime),
            _ => {}
        }
    }

    /// Counts the rare cases among the changes, before they are applied.
    fn count_rare_changes(&mut self, plan: &BatchPlan) {
        for change in plan.changes.values().flatten() {
            let twin = &self.laws.mirror.twin;
            let stored = twin.state(change.kind, change.id.as_str());
            let rare = match (stored, &change.state) {
                (Some(EntityState::Live(a)), EntityState::Live(b)) => rare_tie(a, b),
                (Some(EntityState::Deleted), EntityState::Live(_)) => Some(Rare::LateUpdate),
                (None, EntityState::Deleted) => Some(Rare::DeleteFirst),
                (None, EntityState::Live(live)) => match &live.fields {
                    EntityFields::Membership(it) => {
                        let known = twin.state(EntityKind::User, &it.user_id).is_some();
                        (!known).then_some(Rare::MembershipFirst)
                    }
                    EntityFields::User(_)
                    | EntityFields::Organization(_)
                    | EntityFields::Role(_)
                    | EntityFields::Permission(_) => None,
                },
                (Some(EntityState::Live(_) | EntityState::Deleted), EntityState::Deleted) => None,
            };
            if let Some(rare) = rare {
                self.count(rare);
            }
        }
    }

    /// I10: a delivery of the plan is recorded exactly when D1 has its changes or its dead letter.
    fn notes(&mut self, plan: &BatchPlan) {
        let deliveries = plan.deliveries.iter();
        let mut ids: Vec<&str> = deliveries.map(|it| it.envelope.svix_id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        let held =
            |id: &&&str| self.deliveries.iter().any(|it| it.svix_id == **id && it.noted_in_d1);
        let held = ids.iter().filter(held).count();
        let has_applied = |id: &&&str| {
            let mut applied = self.laws.mirror.applied.iter().filter_map(|it| self.sent.get(*it));
            applied
                .any(|sent| self.deliveries.get(sent.delivery).is_some_and(|it| it.svix_id == **id))
        };
        let held = (held, ids.iter().filter(has_applied).count());
        match self.d1.noted(&ids) {
            Ok(noted) if noted == held => {}
            Ok(noted) => {
                let how = format!("of {ids:?} (all, unparked) {noted:?} are noted, not {held:?}");
                self.laws.breaks("I10 noted with its effects", how);
            }
            Err(error) => self.laws.broken = Some(Broken::harness(&error)),
        }
    }

    /// I1 and I2: the rows that the plan changes have the rank that the law gives them.
    fn holds(&mut self, plan: &BatchPlan) {
        for EntityChange { kind: entity, id, .. } in plan.changes.values().flatten() {
            let want = match self.laws.mirror.twin.state(*entity, id.as_str()) {
                None => None,
                Some(EntityState::Deleted) => Some((true, Default::default())),
                Some(EntityState::Live(LiveState { rank, .. })) => {
                    let digest = rank.digest.as_str().to_owned();
                    Some((false, (rank.updated_at, rank.event_at, rank.projection, digest)))
                }
            };
            match self.d1.rank(entity.as_str(), id.as_str()) {
                Err(error) => self.laws.broken = Some(Broken::harness(&error)),
                Ok(found) if found == want => {}
                Ok(found) => {
                    let dead = want.as_ref().is_some_and(|(dead, _)| *dead);
                    let how = format!("{id} has the rank {found:?}, not {want:?}");
                    self.laws.breaks(law(dead), how);
                }
            }
        }
    }
}

/// Whether two live states of one instant differ by the projection or only by the digest.
fn rare_tie(a: &LiveState, b: &LiveState) -> Option<Rare> {
    let at = |it: &LiveState| (it.rank.updated_at, it.rank.event_at);
    if at(a) != at(b) {
        None
    } else if a.rank.projection != b.rank.projection {
        Some(Rare::OlderApplied)
    } else if a.rank.digest != b.rank.digest {
        Some(Rare::Tie)
    } else {
        None
    }
}

/// The law that a row with the wrong rank breaks.
fn law(dead: bool) -> &'static str {
    if dead { "I2 no resurrection" } else { "I1 convergence" }
}
