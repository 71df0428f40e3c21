//! A frame, viewers, an overview and replays for the tests of pages.

use shared::operators::api::Whoami;
use shared::operators::api::letters::LetterFilter;
use shared::operators::api::overview::Overview;
use shared::operators::api::replays::{
    PlannedLetter, Replay, ReplayAction, ReplayCount, ReplayState,
};
use shared::operators::letter::LetterClass;
use shared::time::UnixMillis;

use super::frame::Frame;

/// 2025-11-29 03:07:00 UTC.
pub(crate) const NOW: UnixMillis = UnixMillis(1_764_385_620_000);

/// Somebody who may only look.
pub(crate) fn reader() -> Whoami {
    Whoami {
        actor: "access:1".into(),
        name: "ada@example.com".into(),
        may_change: false,
        version: "0.1.0".into(),
    }
}

/// Somebody who may change things.
pub(crate) fn operator() -> Whoami {
    Whoami { may_change: true, ..reader() }
}

/// The frame of somebody's page.
pub(crate) fn frame(who: &Whoami) -> Frame<'_> {
    Frame { now: NOW, who: Some(who), form_token: "form-token", has_sign_out: false }
}

/// An overview of a database in which nothing has happened.
pub(crate) fn quiet_overview() -> Overview {
    Overview {
        now: NOW,
        flow: Vec::new(),
        last_batch_at: None,
        last_sweep_at: None,
        pending_hints: 0,
        oldest_pending_hint: None,
        parked: 0,
        replaying: 0,
        oldest_parked_at: None,
        open_replays: 0,
        schema: "0008_x.sql".into(),
        activity: None,
    }
}

/// A replay of twelve letters: five would change nothing, and one was parked again.
pub(crate) fn replay(state: ReplayState) -> Replay {
    let count = |planned, became: &str, letters| ReplayCount {
        planned,
        became: became.to_owned(),
        letters,
    };
    Replay {
        id: "replay_1".into(),
        action: ReplayAction::Replay,
        state,
        message: "What the state means.".into(),
        actor: "access:1".into(),
        reason: "D1 is back".into(),
        filter: LetterFilter { reason: Some("shape".into()), ..LetterFilter::default() },
        rate: 600,
        discard_unchanged: false,
        hash: "0123456789abcdef0123".into(),
        counts: vec![
            count(LetterClass::Applied, "applied", 5),
            count(LetterClass::Applied, "parked", 1),
            count(LetterClass::Superseded, "superseded", 1),
            count(LetterClass::Duplicate, "waiting", 4),
            count(LetterClass::Unreadable, "left", 1),
        ],
        total: 12,
        sent: 8,
        settled: 7,
        examples: vec![planned("m1", "waiting")],
        created_at: NOW.plus(-120_000),
        updated_at: NOW.plus(-5000),
    }
}

/// A letter that was planned to be applied.
pub(crate) fn planned(id: &str, became: &str) -> PlannedLetter {
    PlannedLetter {
        id: id.into(),
        event_type: Some("user.created".into()),
        subject: Some("user_ada".into()),
        reason: "shape".into(),
        planned: LetterClass::Applied,
        became: became.into(),
        became_at: None,
    }
}
