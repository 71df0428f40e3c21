//! Tests of the cache's state machine.

use super::{
    AgeLimits, AlarmAction, CacheDecision, CacheState, FillBackoff, FillOutcome, FillResult,
    RefusalReason,
};
use crate::role_cache::{CachePeek, Hint, HintReply, RoleQuery, RoleSource};
use crate::roles::{RoleSet, UserStatus};
use crate::time::UnixMillis;

const AGES: AgeLimits = AgeLimits { soft_ms: 30_000, hard_ms: 60_000, idle_ms: 30 * 86_400_000 };
const T0: UnixMillis = UnixMillis(1_000_000);

fn query() -> RoleQuery {
    RoleQuery { user_id: "user_a".into(), fresh: false, min_version: 0, compact: true }
}

fn result(owner: i64, version: i64, role: &str) -> FillResult {
    let roles = vec![role.into()];
    let set = RoleSet { version, status: UserStatus::Active, roles, organizations: vec![] };
    FillResult { owner, set }
}

/// A state whose set has `version`, filled at `T0`.
fn filled(version: i64) -> CacheState {
    let mut state = CacheState::default();
    let (fill, begins) = state.begin_fill(false, T0);
    assert!(begins && fill.registers);
    assert_eq!(state.apply_fill(&fill, Some(result(T0.0, version, "admin"))), FillOutcome::Applied);
    state
}

fn hint(owner: i64, version: i64) -> Hint {
    Hint { user_id: "user_a".into(), owner, version, trace_id: None }
}

/// The decision without any back-off.
fn decide(state: &CacheState, query: &RoleQuery, now: UnixMillis) -> CacheDecision {
    state.decide(query, now, &AGES, &mut FillBackoff::default())
}

fn role_served(state: &CacheState, now: UnixMillis) -> Option<String> {
    match decide(state, &query(), now) {
        CacheDecision::Serve(answer) | CacheDecision::ServeAndRefill(answer) => {
            answer.set.roles.first().cloned()
        }
        CacheDecision::FillFirst | CacheDecision::JoinFill | CacheDecision::Refuse(_) => None,
    }
}

#[test]
fn an_empty_cache_fills_first() {
    assert_eq!(decide(&CacheState::default(), &query(), T0), CacheDecision::FillFirst);
    assert_eq!(CacheState::default().answer_after_fill(&query(), T0, T0, &AGES), None);
}

#[test]
fn a_set_is_served_refreshed_and_refused_by_its_age() {
    let state = filled(T0.0);
    let at = |ms| decide(&state, &query(), T0.plus(ms));
    let CacheDecision::Serve(answer) = at(30_000) else { panic!() };
    assert_eq!(
        (answer.source, answer.age_ms, answer.good_for_ms),
        (RoleSource::Object, 30_000, 30_000)
    );
    assert!(matches!(at(30_001), CacheDecision::ServeAndRefill(_)));
    assert!(matches!(at(60_000), CacheDecision::ServeAndRefill(_)));
    assert_eq!(at(60_001), CacheDecision::FillFirst);
}

#[test]
fn a_set_dated_in_the_future_is_refilled() {
    let state = filled(T0.0);
    assert!(matches!(decide(&state, &query(), T0.plus(-1_000)), CacheDecision::Serve(_)));
    assert_eq!(decide(&state, &query(), T0.plus(-1_001)), CacheDecision::FillFirst);
}

#[test]
fn fresh_refills_at_most_once_a_second() {
    let state = filled(T0.0);
    let fresh = RoleQuery { fresh: true, ..query() };
    assert!(matches!(decide(&state, &fresh, T0.plus(999)), CacheDecision::Serve(_)));
    assert_eq!(decide(&state, &fresh, T0.plus(1_000)), CacheDecision::FillFirst);
}

#[test]
fn a_minimum_version_is_met_or_refused() {
    let state = filled(100);
    let at_least = |min_version| RoleQuery { min_version, ..query() };
    assert!(matches!(decide(&state, &at_least(100), T0), CacheDecision::Serve(_)));
    assert_eq!(decide(&state, &at_least(101), T0.plus(100)), CacheDecision::FillFirst);
    assert_eq!(state.answer_after_fill(&at_least(101), T0, T0, &AGES), None);
}

#[test]
fn a_version_in_the_future_is_refused_without_a_read() {
    let state = filled(T0.0);
    let at_least = |min_version| RoleQuery { min_version, ..query() };
    let later = T0.plus(100);
    let ahead = CacheDecision::Refuse(RefusalReason::VersionTooFarAhead);
    for state in [&state, &CacheState::default()] {
        assert_eq!(decide(state, &at_least(i64::MAX), later), ahead);
        assert_eq!(decide(state, &at_least(later.0 + 5_001), later), ahead);
        assert_eq!(decide(state, &at_least(later.0 + 5_000), later), CacheDecision::FillFirst);
    }
    // A version that is reached is served, whatever the clock: D1 did assign it.
    let early = T0.plus(-900);
    let far = filled(T0.0 + 600_000);
    assert!(matches!(decide(&far, &at_least(T0.0 + 600_000), early), CacheDecision::Serve(_)));
}

#[test]
fn an_unreached_version_is_read_at_most_once_per_second() {
    let state = filled(T0.0);
    let (mut backoff, next) =
        (FillBackoff::default(), RoleQuery { min_version: T0.0 + 1, ..query() });
    let mut get = |ms| state.decide(&next, T0.plus(ms), &AGES, &mut backoff);
    assert_eq!(get(10), CacheDecision::FillFirst, "even if the set is young");
    assert_eq!((get(10), get(1_009)), (CacheDecision::JoinFill, CacheDecision::JoinFill));
    assert_eq!(get(1_010), CacheDecision::FillFirst);
    assert_eq!(get(1_009), CacheDecision::FillFirst, "after the clock went back it reads again");
    backoff.record_success();
    let mut get = |ms| state.decide(&next, T0.plus(ms), &AGES, &mut backoff);
    assert_eq!((get(1_500), get(2_009)), (CacheDecision::JoinFill, CacheDecision::FillFirst));
    // The first fill counts as such a read.
    let mut backoff = FillBackoff::default();
    assert_eq!(
        CacheState::default().decide(&next, T0, &AGES, &mut backoff),
        CacheDecision::FillFirst
    );
    assert_eq!(state.decide(&next, T0.plus(999), &AGES, &mut backoff), CacheDecision::JoinFill);
}

#[test]
fn failed_fills_back_off_exponentially() {
    let mut backoff = FillBackoff::default();
    let mut waits = |jitter| (0..9).map(|_| backoff.record_failure(T0, jitter)).collect::<Vec<_>>();
    assert_eq!(waits(0), [50, 100, 200, 400, 800, 1_600, 2_500, 2_500, 2_500]);
    for jitter in [1, 2_500, u32::MAX] {
        assert!(waits(jitter).iter().all(|wait_ms| (2_500..=5_000).contains(wait_ms)));
    }
    for _ in 0..99 {
        backoff.record_failure(T0, 2_500);
    }
    assert_eq!(backoff.remaining_ms(T0), Some(5_000));
    assert_eq!(backoff.remaining_ms(T0.plus(4_999)), Some(1));
    assert_eq!(backoff.remaining_ms(T0.plus(5_000)), None);
    assert_eq!(backoff.remaining_ms(T0.plus(-1)), None, "a clock that went back ends the wait");
    backoff.record_success();
    assert_eq!(backoff.remaining_ms(T0), None);
    assert_eq!(backoff.record_failure(T0, 50), 100, "it restarts with the shortest");
}

#[test]
fn during_backoff_only_a_usable_set_is_served() {
    let state = filled(T0.0);
    let mut backoff = FillBackoff::default();
    for _ in 0..9 {
        backoff.record_failure(T0.plus(59_000), 2_500);
    }
    let mut get = |state: &CacheState, query: &RoleQuery, ms| {
        state.decide(query, T0.plus(ms), &AGES, &mut backoff)
    };
    let CacheDecision::Serve(answer) = get(&state, &query(), 60_000) else {
        panic!("it may be served")
    };
    assert_eq!(answer.age_ms, 60_000);
    let waiting = CacheDecision::Refuse(RefusalReason::BackingOff);
    assert_eq!(get(&state, &query(), 60_001), waiting, "past the hard age");
    assert_eq!(get(&CacheState::default(), &query(), 60_001), waiting, "empty");
    assert_eq!(get(&state, &RoleQuery { fresh: true, ..query() }, 60_000), waiting);
    assert_eq!(get(&state, &RoleQuery { min_version: T0.0 + 1, ..query() }, 60_000), waiting);
    let mut hinted = state.clone();
    hinted.hint(&hint(T0.0, T0.0 + 1), T0);
    assert_eq!(get(&hinted, &query(), 60_000), waiting, "below the floor");
    assert_eq!(get(&state, &query(), 64_000), CacheDecision::FillFirst, "the back-off is over");
}

#[test]
fn a_fill_sent_long_before_the_query_is_not_fresh() {
    let state = filled(T0.0);
    let fresh = RoleQuery { fresh: true, ..query() };
    let after = |asked: i64| state.answer_after_fill(&fresh, T0.plus(asked), T0.plus(2_000), &AGES);
    assert!(after(999).is_some());
    assert!(after(1_000).is_none());
    assert!(state.answer_after_fill(&query(), T0.plus(1_500), T0.plus(2_000), &AGES).is_some());
}

#[test]
fn an_unsaved_incarnation_is_cancelled() {
    let mut state = CacheState::default();
    assert!(state.begin_fill(false, T0).1);
    state.cancel_incarnation();
    assert!(state.begin_fill(false, T0.plus(1)).1);
}

#[test]
fn a_set_below_the_floor_is_not_served() {
    let mut state = filled(100);
    assert_eq!(state.hint(&hint(T0.0, 101), T0), HintReply::Acked);
    assert_eq!(role_served(&state, T0), None);
    let (fill, _) = state.begin_fill(false, T0);
    assert!(!fill.registers, "a refresh is a read");
    assert_eq!(state.apply_fill(&fill, Some(result(T0.0, 101, "member"))), FillOutcome::Applied);
    assert_eq!(role_served(&state, T0).as_deref(), Some("member"));
}

#[test]
fn hints_in_any_order_leave_the_highest_floor() {
    let mut state = filled(1);
    for version in [3, 1, 2, 2] {
        assert_eq!(state.hint(&hint(T0.0, version), T0), HintReply::Acked);
    }
    assert_eq!(state.floor, 3);
}

#[test]
fn an_old_hint_changes_nothing() {
    let mut state = filled(100);
    let before = state.clone();
    assert_eq!(state.hint(&hint(T0.0, 99), T0), HintReply::Acked);
    assert_eq!(state, before);
}

#[test]
fn a_hint_for_another_owner_is_answered_gone() {
    let mut state = filled(100);
    assert_eq!(state.hint(&hint(T0.0 - 1, 101), T0), HintReply::Gone);
    assert_eq!(CacheState::default().hint(&hint(0, 101), T0), HintReply::Gone);
    assert_eq!(role_served(&state, T0).as_deref(), Some("admin"));
}

#[test]
fn a_hint_far_ahead_of_the_clock_is_refused() {
    let mut state = filled(100);
    let ahead = |ms| hint(T0.0, T0.plus(ms).0);
    assert_eq!(state.hint(&ahead(300_001), T0), HintReply::Refused);
    assert_eq!(state.floor, 100);
    assert_eq!(state.hint(&ahead(300_000), T0), HintReply::Acked);
}

#[test]
fn a_fill_superseded_by_a_hint_is_repeated() {
    let mut state = filled(100);
    let (fill, _) = state.begin_fill(false, T0);
    assert_eq!(state.hint(&hint(T0.0, 102), T0), HintReply::Acked);
    assert_eq!(
        state.apply_fill(&fill, Some(result(T0.0, 101, "admin"))),
        FillOutcome::RegisterAgain
    );
    assert_eq!(role_served(&state, T0), None);
}

#[test]
fn the_floor_survives_eviction() {
    let mut state = filled(100);
    state.hint(&hint(T0.0, 101), T0);
    let text = serde_json::to_string(&state).unwrap();
    let woken: CacheState = serde_json::from_str(&text).unwrap();
    assert_eq!(woken, state);
    assert_eq!(role_served(&woken, T0), None);
}

#[test]
fn a_hint_does_not_make_a_set_younger() {
    let mut state = filled(100);
    state.hint(&hint(T0.0, 100), T0.plus(59_000));
    assert_eq!(decide(&state, &query(), T0.plus(60_001)), CacheDecision::FillFirst);
}

#[test]
fn verified_at_is_the_time_the_fill_was_sent() {
    let mut state = filled(100);
    let (fill, _) = state.begin_fill(false, T0.plus(2_000));
    assert_eq!(state.apply_fill(&fill, Some(result(T0.0, 100, "admin"))), FillOutcome::Applied);
    assert_eq!(state.entry.unwrap().verified_at, T0.plus(2_000));
}

#[test]
fn the_next_fill_replaces_a_set_dated_in_the_future() {
    let mut state = filled(100);
    let (ahead, _) = state.begin_fill(false, T0.plus(600_000));
    assert_eq!(state.apply_fill(&ahead, Some(result(T0.0, 100, "admin"))), FillOutcome::Applied);
    let now = T0.plus(1_000);
    assert_eq!(
        decide(&state, &query(), now),
        CacheDecision::FillFirst,
        "it is dated in the future"
    );
    let (fill, _) = state.begin_fill(false, now);
    assert_eq!(state.apply_fill(&fill, Some(result(T0.0, 100, "admin"))), FillOutcome::Applied);
    assert!(state.answer_after_fill(&query(), now, now, &AGES).is_some());
}

#[test]
fn a_missing_or_older_watch_is_registered_again() {
    let mut state = filled(100);
    let (fill, _) = state.begin_fill(false, T0);
    assert_eq!(state.apply_fill(&fill, None), FillOutcome::RegisterAgain);
    assert_eq!(
        state.apply_fill(&fill, Some(result(T0.0 - 1, 100, "admin"))),
        FillOutcome::RegisterAgain
    );
    let (fill, _) = state.begin_fill(true, T0);
    assert!(fill.registers);
}

#[test]
fn after_storage_loss_the_owner_is_raised_above_the_watch() {
    let mut state = CacheState::default();
    let (fill, _) = state.begin_fill(false, T0);
    assert_eq!(
        state.apply_fill(&fill, Some(result(T0.0 + 500, 100, "admin"))),
        FillOutcome::RegisterAgain
    );
    assert_eq!(state.owner, T0.0 + 501);
}

#[test]
fn after_a_restore_versions_continue_above_the_floor() {
    let mut state = filled(100);
    let (fill, _) = state.begin_fill(false, T0);
    assert_eq!(
        state.apply_fill(&fill, Some(result(T0.0, 50, "admin"))),
        FillOutcome::RegisterAgain
    );
    let (fill, _) = state.begin_fill(true, T0);
    assert_eq!((fill.registers, fill.floor), (true, 100));
    assert_eq!(state.apply_fill(&fill, Some(result(T0.0, 101, "member"))), FillOutcome::Applied);
}

#[test]
fn use_is_saved_at_most_once_per_30th_of_idle_time() {
    let mut state = filled(100);
    let before = state.clone();
    let at_most = AGES.idle_ms / 30;
    assert!(!state.record_use(T0.plus(1), &AGES) && !state.record_use(T0.plus(at_most), &AGES));
    assert_eq!(state, before);
    let now = T0.plus(at_most + 1);
    assert!(state.record_use(now, &AGES), "to be saved");
    assert_eq!(state, CacheState { used_at: now, ..before });
    assert!(!state.record_use(now, &AGES));
    let due = now.plus(AGES.idle_ms);
    assert_eq!(state.alarm(T0.plus(AGES.idle_ms), &AGES), AlarmAction::Rearm(due));
}

/// A write to storage is most of the cost of a first query, and the fill writes anyway.
#[test]
fn the_first_fill_records_the_first_use() {
    let mut state = CacheState::default();
    assert!(!state.record_use(T0, &AGES));
    let (_, begins) = state.begin_fill(false, T0);
    assert!(begins && state.used_at == T0);
}

/// As after the storage was lost and the clock went back: see
/// [`after_storage_loss_the_owner_is_raised_above_the_watch`].
#[test]
fn an_owner_ahead_of_the_clock_is_followed_by_a_greater_one() {
    let mut state = CacheState::default();
    let (fill, _) = state.begin_fill(false, T0);
    let late = T0.plus(AGES.idle_ms);
    assert_eq!(
        state.apply_fill(&fill, Some(result(late.0 + 500, 100, "admin"))),
        FillOutcome::RegisterAgain
    );
    let old = late.0 + 501;
    assert_eq!(state.owner, old);
    assert_eq!(state.alarm(late, &AGES), AlarmAction::EndWatch(old));
    assert_eq!((state.owner, state.ending), (old + 1, Some(old)));
    assert_eq!(state.hint(&hint(old, 101), late), HintReply::Gone);
    assert!(!state.watch_ended(old, UnixMillis(old + 1)));
    assert!(state.watch_ended(old, UnixMillis(old + 2)));
}

#[test]
fn an_idle_object_ends_its_watch_and_discards_running_fills() {
    let mut state = filled(100);
    state.record_use(T0, &AGES);
    assert_eq!(state.alarm(T0.plus(1), &AGES), AlarmAction::Rearm(T0.plus(AGES.idle_ms)));
    let (fill, _) = state.begin_fill(false, T0);
    let late = T0.plus(AGES.idle_ms);
    assert_eq!(state.alarm(late, &AGES), AlarmAction::EndWatch(T0.0));
    assert_eq!(state.apply_fill(&fill, Some(result(T0.0, 100, "admin"))), FillOutcome::Discarded);
    assert_eq!(state.hint(&hint(T0.0, 101), late), HintReply::Gone);
    assert_eq!(state.alarm(late, &AGES), AlarmAction::EndWatch(T0.0), "a failed end is retried");
    assert!(state.watch_ended(T0.0, late.plus(1)));
}

/// Otherwise the next incarnation could get the same owner, and lose its watch to a late `gone`.
#[test]
fn storage_is_not_cleared_within_the_owners_millisecond() {
    let mut state = filled(100);
    let late = T0.plus(2 * AGES.idle_ms);
    assert_eq!(state.alarm(late, &AGES), AlarmAction::EndWatch(T0.0));
    assert!(!state.watch_ended(T0.0, late));
    assert!(state.watch_ended(T0.0, late.plus(1)));
}

#[test]
fn a_query_while_the_watch_ends_keeps_the_storage() {
    let mut state = filled(100);
    let late = T0.plus(2 * AGES.idle_ms);
    assert_eq!(state.alarm(late, &AGES), AlarmAction::EndWatch(T0.0));
    let (fill, begins) = state.begin_fill(false, late);
    assert!(fill.registers && !begins);
    assert_eq!(
        state.apply_fill(&fill, Some(result(late.0, late.0, "admin"))),
        FillOutcome::Applied
    );
    assert!(!state.watch_ended(T0.0, late.plus(1)));
}

#[test]
fn a_peek_shows_the_state_and_changes_nothing() {
    let empty =
        CachePeek { owner: 0, floor: 0, version: None, status: None, age_ms: None, serves: false };
    assert_eq!(CacheState::default().peek(T0, &AGES), empty);
    let mut state = filled(T0.0);
    let before = state.clone();
    let peek = state.peek(T0.plus(60_000), &AGES);
    let (version, age_ms) = (Some(T0.0), Some(60_000));
    let (owner, status) = (T0.0, Some(UserStatus::Active));
    let want = CachePeek { owner, floor: T0.0, version, status, age_ms, serves: true };
    assert_eq!(peek, want);
    let expired = state.peek(T0.plus(60_001), &AGES);
    assert_eq!(expired, CachePeek { age_ms: Some(60_001), serves: false, ..want.clone() });
    assert_eq!(state, before);
    assert_eq!(state.hint(&hint(T0.0, T0.0 + 5), T0), HintReply::Acked);
    let below = state.peek(T0, &AGES);
    let want = CachePeek { floor: T0.0 + 5, age_ms: Some(0), serves: false, ..want };
    assert_eq!(below, want, "below the floor nothing is served");
}
