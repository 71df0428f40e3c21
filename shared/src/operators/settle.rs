//! What the consumer writes about letters and grants, and its entries of the audit trail.
//!
//! Only audited batches change the state of a letter. So a letter that was read together with the
//! head of the trail is still the same when the entry after that head is accepted.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::json;

use super::audit::AuditAct;
use super::letter::{Letter, LetterOutcome, LetterState, LetterStep, ReplayTag};
use crate::json::deserialize_from_object;
use crate::plan::{BatchPlan, DeliveryOutcome};
use crate::time::UnixMillis;

/// A letter, read before the batch that may change it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub struct LetterNow {
    /// `dead_letters.message_id`.
    pub message_id: String,
    /// Its state.
    pub state: LetterState,
    /// How often it was parked again.
    pub generation: u32,
}

/// A letter whose message is taken for lost.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub struct LostLetter {
    /// `dead_letters.message_id`.
    pub message_id: String,
    /// How often it was parked again.
    pub generation: u32,
    /// The replay that took it.
    pub replay_id: Option<String>,
}

/// A grant or a revocation whose end has come.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub struct EndedGrant {
    /// Whose role.
    pub user_id: String,
    /// `roles.id`.
    pub role_id: i64,
    /// The id of the operator's word.
    pub id: String,
    /// 1 for a grant, 0 for a revocation.
    pub granted: i64,
    /// When it ended.
    pub ends_at: UnixMillis,
    /// The name of the role, if it has one.
    pub role: Option<String>,
}

deserialize_from_object!(LetterNow, LostLetter, EndedGrant);

/// The ids of the letters that a plan's messages replay.
#[must_use]
pub fn tagged_letters(plan: &BatchPlan) -> BTreeSet<&str> {
    let tags = settling(plan).chain(parking(plan).map(|(tag, _)| tag));
    tags.map(|tag| tag.letter.as_str()).collect()
}

/// The entry for the letters that a batch closes or parks again. `letters` are those of
/// [`tagged_letters`], read with the head of the trail. `None` if none of them changes.
#[must_use]
pub fn settled_act(plan: &BatchPlan, letters: &[LetterNow], now: UnixMillis) -> Option<AuditAct> {
    let known = letters.iter().map(|it| (it.message_id.as_str(), it.letter()));
    let mut known: BTreeMap<&str, Letter> = known.collect();
    let (mut settled, mut parked, mut replays) = (0_u32, 0_u32, BTreeSet::new());
    for tag in settling(plan) {
        let Some(letter) = known.get_mut(tag.letter.as_str()) else { continue };
        // Which outcome it is, the batch itself finds out. All lead to an end.
        if let Ok(next) = letter.after(&LetterStep::Outcome(LetterOutcome::Applied)) {
            *letter = next;
            settled += 1;
            replays.insert(&tag.replay);
        }
    }
    for (tag, attempts) in parking(plan) {
        let generation = tag.generation;
        // A letter that has no row any more gets one.
        let before = known.get(tag.letter.as_str());
        let step = LetterStep::ParkAgain { generation, attempts };
        let next = before.map_or(Ok(Letter::parked(attempts)), |letter| letter.after(&step));
        if let Ok(next) = next {
            known.insert(&tag.letter, next);
            parked += 1;
            replays.insert(&tag.replay);
        }
    }
    let detail = json!({ "settled": settled, "parked": parked, "replays": replays });
    (0 < settled + parked).then(|| act(now, "system:consumer", "letters.settled", "", &detail))
}

/// The entry for letters that the sweep returns; `None` for none.
#[must_use]
pub fn returned_act(letters: &[LostLetter], now: UnixMillis) -> Option<AuditAct> {
    let replays: BTreeSet<_> = letters.iter().filter_map(|it| it.replay_id.as_ref()).collect();
    let detail = json!({ "returned": letters.len(), "replays": replays });
    (!letters.is_empty()).then(|| act(now, "system:sweep", "letters.returned", "", &detail))
}

/// The entries for grants that the sweep ends, one for each.
#[must_use]
pub fn ended_acts(grants: &[EndedGrant], now: UnixMillis) -> Vec<AuditAct> {
    let of = |grant: &EndedGrant| {
        let EndedGrant { user_id, role_id, role, granted, ends_at, .. } = grant;
        let was = if *granted == 0 { "revoked" } else { "granted" };
        let detail = json!({ "role": role, "role_id": role_id, "was": was, "ends_at": ends_at });
        act(now, "system:sweep", "roles.ended", user_id, &detail)
    };
    grants.iter().map(of).collect()
}

fn act(
    at: UnixMillis,
    actor: &str,
    action: &str,
    target: &str,
    detail: &serde_json::Value,
) -> AuditAct {
    let detail = detail.to_string();
    AuditAct { at, actor: actor.into(), action: action.into(), target: target.into(), detail }
}

/// The tags of messages that the batch applies or ignores.
fn settling(plan: &BatchPlan) -> impl Iterator<Item = &ReplayTag> {
    let taken = plan.deliveries.iter().filter(|it| it.outcome != DeliveryOutcome::Parked);
    taken.filter_map(|delivery| delivery.envelope.replay.as_ref())
}

/// The tags of messages that the batch parks, with their attempts.
fn parking(plan: &BatchPlan) -> impl Iterator<Item = (&ReplayTag, u32)> {
    plan.dead_letters.iter().filter_map(|letter| Some((letter.replay.as_ref()?, letter.attempts)))
}

impl LetterNow {
    fn letter(&self) -> Letter {
        Letter { state: self.state, generation: self.generation, ..Letter::parked(0) }
    }
}
