//! Values of the API, as a console gives them.

use shared::operators::api::explain::{
    CacheReport, DeliveryRow, DeliveryStory, EntityStory, Explanation, MembershipReason,
    RoleReason, StoryLine,
};
use shared::operators::api::letters::{LetterFilter, LetterSummary};
use shared::operators::api::replays::{
    PlannedLetter, Replay, ReplayAction, ReplayCount, ReplayState,
};
use shared::operators::audit::{AuditAct, AuditEntry, AuditHead};
use shared::operators::letter::{LetterClass, LetterState};
use shared::time::UnixMillis;

/// 2026-11-29 03:00:00 UTC.
pub(crate) const AT: UnixMillis = UnixMillis(1_795_921_200_000);

/// The hash of the plan.
pub(crate) const HASH: &str = "5e884898da28047151d0e56f8dc62927";

pub(crate) fn letter(id: &str) -> LetterSummary {
    LetterSummary {
        id: id.into(),
        state: LetterState::Parked,
        reason: "overloaded".into(),
        detail: "D1 is overloaded".into(),
        event_type: Some("user.created".into()),
        subject: Some("user_ada".into()),
        svix_id: Some("msg_1".into()),
        attempts: 10,
        generation: 1,
        first_seen_at: AT,
        last_seen_at: AT.plus(60_000),
        replay_id: None,
    }
}

pub(crate) fn planned(id: &str, became: &str) -> PlannedLetter {
    PlannedLetter {
        id: id.into(),
        event_type: Some("user.created".into()),
        subject: Some("user_ada".into()),
        reason: "overloaded".into(),
        planned: LetterClass::Applied,
        became: became.into(),
        became_at: Some(AT),
    }
}

pub(crate) fn count(planned: LetterClass, became: &str, letters: u64) -> ReplayCount {
    ReplayCount { planned, became: became.into(), letters }
}

/// A replay of ten letters in this state.
pub(crate) fn replay(state: ReplayState) -> Replay {
    let sent = if state == ReplayState::Canary { 5 } else { 0 };
    let is_sent = matches!(state, ReplayState::Running | ReplayState::Done);
    let sent = if is_sent { 9 } else { sent };
    let is_done = state == ReplayState::Done;
    let counts = [
        (LetterClass::Applied, 6, "applied"),
        (LetterClass::Superseded, 3, "superseded"),
        (LetterClass::Unreadable, 1, "left"),
    ];
    let counts = counts.map(|(class, letters, became)| {
        count(class, if is_done { became } else { "waiting" }, letters)
    });
    Replay {
        id: "replay_7".into(),
        action: ReplayAction::Replay,
        state,
        message: format!("It is {}.", state.as_str()),
        actor: "token:1a2b3c4d".into(),
        reason: "D1 is back".into(),
        filter: LetterFilter { reason: Some("overloaded".into()), ..LetterFilter::default() },
        rate: 600,
        discard_unchanged: false,
        hash: if state == ReplayState::Planning { String::new() } else { HASH.into() },
        counts: counts.into(),
        total: 10,
        sent,
        settled: if is_done { 10 } else { 0 },
        examples: vec![planned("a1", "waiting")],
        created_at: AT,
        updated_at: AT,
    }
}

/// A whole chain.
pub(crate) fn chain(length: i64, actor: &str) -> Vec<AuditEntry> {
    let mut head = AuditHead::default();
    let entries = (1..=length).map(|number| {
        let act = AuditAct {
            at: AT.plus(number),
            actor: actor.into(),
            action: "replays.applied".into(),
            target: "replay_7".into(),
            detail: r#"{"reason":"D1 is back"}"#.into(),
        };
        let entry = AuditEntry::after(&head, act);
        head = entry.head();
        entry
    });
    entries.collect()
}

pub(crate) fn head(seq: i64) -> AuditHead {
    AuditHead { seq, hash: "decade".into() }
}

pub(crate) fn delivery() -> DeliveryRow {
    DeliveryRow {
        svix_id: "msg_1".into(),
        event_type: "user.created".into(),
        subject: Some("user_ada".into()),
        outcome: "applied".into(),
        event_at: Some(AT),
        attempted_at: AT,
        received_at: AT.plus(1_000),
        applied_at: AT.plus(2_000),
        batch: "b7".into(),
        copies: 1,
        id_reused: false,
        note: String::new(),
    }
}

pub(crate) fn delivery_story() -> Explanation {
    let story = vec![
        StoryLine { at: AT.plus(1_000), text: "Ingest received it.".into() },
        StoryLine { at: AT.plus(2_000), text: "Batch b7 applied it.".into() },
    ];
    let delivery = DeliveryStory { row: Some(delivery()), letters: vec![letter("a1")], story };
    Explanation { id: "msg_1".into(), delivery: Some(delivery), entity: None }
}

pub(crate) fn user_story() -> Explanation {
    let role = |role: &str, counts, because: &str| RoleReason {
        role: role.into(),
        counts,
        because: vec![because.into()],
    };
    let roles = vec![
        role("support", true, "It was granted by an operator until 2026-11-30."),
        role("admin", false, "It stands in the metadata, and an operator revoked it."),
    ];
    let membership = MembershipReason {
        id: "orgmem_1".into(),
        org_id: "org_acme".into(),
        role: "org:member".into(),
        counts: true,
        permissions: vec!["org:read".into(), "org:write".into()],
        because: vec!["The membership is there.".into()],
    };
    let cache = CacheReport {
        watched: true,
        version: Some(7),
        acked: Some(7),
        hint_pending: false,
        cached_version: Some(7),
        cached_age_ms: Some(90_000),
        summary: "It holds what the database holds.".into(),
    };
    let entity = EntityStory {
        kind: "user".into(),
        row: Some(serde_json::json!({"id": "user_ada", "deleted": false, "event_at": AT.0})),
        summary: "The user is there and is not banned.".into(),
        more: false,
        deliveries: vec![delivery()],
        letters: Vec::new(),
        roles,
        organizations: vec![membership],
        cache: Some(cache),
    };
    Explanation { id: "user_ada".into(), delivery: None, entity: Some(entity) }
}
