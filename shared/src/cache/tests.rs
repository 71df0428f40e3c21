//! The role cache's machine, step by step.

use super::{
    AgeLimits, AlarmAction, CacheDecision, CacheState, FillBackoff, FillOutcome, FillResult,
    RefusalReason,
};
use crate::role_cache::{Hint, HintReply, RoleQuery, RoleSource};
use crate::roles::{RoleSet, UserStatus};
use crate::time::UnixMillis;

const AGES: AgeLimits = AgeLimits { soft_ms: 30_000, hard_ms: 60_000, idle_ms: 30 * 86_400_000 };
const T0: UnixMillis = UnixMillis(1_000_000);

fn ask() -> RoleQuery {
    RoleQuery { user_id: "user_a".into(), fresh: false, min_version: 0, compact: true }
}

fn row(owner: i64, version: i64, role: &str) -> FillResult {
    let roles = vec![role.into()];
    let set = RoleSet { version, standing: UserStatus::Live, roles, organizations: vec![] };
    FillResult { owner, set }
}

/// A state whose set has `version`, filled at `T0`.
fn filled(version: i64) -> CacheState {
    let mut state = CacheState::default();
    let (fill, begins) = state.begin_fill(false, T0);
    assert!(begins && fill.registers);
    assert_eq!(state.apply_fill(&fill, Some(row(T0.0, version, "admin"))), FillOutcome::Applied);
    state
}

fn hint(owner: i64, version: i64) -> Hint {
    Hint { user_id: "user_a".into(), owner, version }
}

/// What a question gets from an instance that has not read lately.
fn unhurried(state: &CacheState, ask: &RoleQuery, now: UnixMillis) -> CacheDecision {
    state.decide(ask, now, &AGES, &mut FillBackoff::default())
}

fn role_served(state: &CacheState, now: UnixMillis) -> Option<String> {
    match unhurried(state, &ask(), now) {
        CacheDecision::Serve(answer) | CacheDecision::ServeAndRefill(answer) => {
            answer.set.roles.first().cloned()
        }
        CacheDecision::Fill | CacheDecision::Join | CacheDecision::Refuse(_) => None,
    }
}

#[test]
fn a_cold_object_fills_first() {
    assert_eq!(unhurried(&CacheState::default(), &ask(), T0), CacheDecision::Fill);
    assert_eq!(CacheState::default().answer_after_fill(&ask(), T0, T0, &AGES), None);
}

#[test]
fn a_set_is_served_refreshed_and_refused_by_its_age() {
    let state = filled(T0.0);
    let at = |ms| unhurried(&state, &ask(), T0.plus(ms));
    let CacheDecision::Serve(answer) = at(30_000) else { panic!() };
    assert_eq!(
        (answer.source, answer.age_ms, answer.good_for_ms),
        (RoleSource::Object, 30_000, 30_000)
    );
    assert!(matches!(at(30_001), CacheDecision::ServeAndRefill(_)));
    assert!(matches!(at(60_000), CacheDecision::ServeAndRefill(_)));
    assert_eq!(at(60_001), CacheDecision::Fill);
}

#[test]
fn a_set_from_a_clock_ahead_is_filled_again() {
    let state = filled(T0.0);
    assert!(matches!(unhurried(&state, &ask(), T0.plus(-1_000)), CacheDecision::Serve(_)));
    assert_eq!(unhurried(&state, &ask(), T0.plus(-1_001)), CacheDecision::Fill);
}

#[test]
fn fresh_refills_at_most_once_a_second() {
    let state = filled(T0.0);
    let fresh = RoleQuery { fresh: true, ..ask() };
    assert!(matches!(unhurried(&state, &fresh, T0.plus(999)), CacheDecision::Serve(_)));
    assert_eq!(unhurried(&state, &fresh, T0.plus(1_000)), CacheDecision::Fill);
}

#[test]
fn a_minimum_version_is_met_or_refused() {
    let state = filled(100);
    let at_least = |min_version| RoleQuery { min_version, ..ask() };
    assert!(matches!(unhurried(&state, &at_least(100), T0), CacheDecision::Serve(_)));
    assert_eq!(unhurried(&state, &at_least(101), T0.plus(100)), CacheDecision::Fill);
    assert_eq!(state.answer_after_fill(&at_least(101), T0, T0, &AGES), None);
}

#[test]
fn a_version_ahead_of_the_clock_is_no_reason_to_read() {
    let state = filled(T0.0);
    let at_least = |min_version| RoleQuery { min_version, ..ask() };
    let later = T0.plus(100);
    let ahead = CacheDecision::Refuse(RefusalReason::Ahead);
    for state in [&state, &CacheState::default()] {
        assert_eq!(unhurried(state, &at_least(i64::MAX), later), ahead);
        assert_eq!(unhurried(state, &at_least(later.0 + 5_001), later), ahead);
        assert_eq!(unhurried(state, &at_least(later.0 + 5_000), later), CacheDecision::Fill);
    }
    // What the set has reached is served, wherever the clocks are: D1 did name it.
    let early = T0.plus(-900);
    let far = filled(T0.0 + 600_000);
    assert!(matches!(unhurried(&far, &at_least(T0.0 + 600_000), early), CacheDecision::Serve(_)));
}

#[test]
fn a_version_that_is_not_reached_is_read_for_once_a_second() {
    let state = filled(T0.0);
    let (mut pace, next) = (FillBackoff::default(), RoleQuery { min_version: T0.0 + 1, ..ask() });
    let mut get = |ms| state.decide(&next, T0.plus(ms), &AGES, &mut pace);
    assert_eq!(get(10), CacheDecision::Fill, "however young the set is");
    assert_eq!((get(10), get(1_009)), (CacheDecision::Join, CacheDecision::Join));
    assert_eq!(get(1_010), CacheDecision::Fill);
    assert_eq!(get(1_009), CacheDecision::Fill, "a clock that went back starts anew");
    pace.record_success();
    let mut get = |ms| state.decide(&next, T0.plus(ms), &AGES, &mut pace);
    assert_eq!((get(1_500), get(2_009)), (CacheDecision::Join, CacheDecision::Fill));
    // The first fill was such a read already.
    let mut pace = FillBackoff::default();
    assert_eq!(CacheState::default().decide(&next, T0, &AGES, &mut pace), CacheDecision::Fill);
    assert_eq!(state.decide(&next, T0.plus(999), &AGES, &mut pace), CacheDecision::Join);
}

#[test]
fn while_fills_fail_an_object_waits_longer_and_longer() {
    let mut pace = FillBackoff::default();
    let mut waits = |jitter| (0..9).map(|_| pace.failed(T0, jitter)).collect::<Vec<_>>();
    assert_eq!(waits(0), [50, 100, 200, 400, 800, 1_600, 2_500, 2_500, 2_500]);
    for jitter in [1, 2_500, u32::MAX] {
        assert!(waits(jitter).iter().all(|wait_ms| (2_500..=5_000).contains(wait_ms)));
    }
    for _ in 0..99 {
        pace.failed(T0, 2_500);
    }
    assert_eq!(pace.remaining_ms(T0), Some(5_000));
    assert_eq!(pace.remaining_ms(T0.plus(4_999)), Some(1));
    assert_eq!(pace.remaining_ms(T0.plus(5_000)), None);
    assert_eq!(pace.remaining_ms(T0.plus(-1)), None, "a clock that went back ends the wait");
    pace.record_success();
    assert_eq!(pace.remaining_ms(T0), None);
    assert_eq!(pace.failed(T0, 50), 100, "it begins again with the shortest");
}

#[test]
fn a_waiting_object_serves_what_it_may_and_refuses_the_rest() {
    let state = filled(T0.0);
    let mut pace = FillBackoff::default();
    for _ in 0..9 {
        pace.failed(T0.plus(59_000), 2_500);
    }
    let mut get =
        |state: &CacheState, ask: &RoleQuery, ms| state.decide(ask, T0.plus(ms), &AGES, &mut pace);
    let CacheDecision::Serve(answer) = get(&state, &ask(), 60_000) else {
        panic!("it may be served")
    };
    assert_eq!(answer.age_ms, 60_000);
    let waiting = CacheDecision::Refuse(RefusalReason::Waiting);
    assert_eq!(get(&state, &ask(), 60_001), waiting, "past the hard age");
    assert_eq!(get(&CacheState::default(), &ask(), 60_001), waiting, "cold");
    assert_eq!(get(&state, &RoleQuery { fresh: true, ..ask() }, 60_000), waiting);
    assert_eq!(get(&state, &RoleQuery { min_version: T0.0 + 1, ..ask() }, 60_000), waiting);
    let mut hinted = state.clone();
    hinted.hint(&hint(T0.0, T0.0 + 1), T0);
    assert_eq!(get(&hinted, &ask(), 60_000), waiting, "below the floor");
    assert_eq!(get(&state, &ask(), 64_000), CacheDecision::Fill, "the wait is over");
}

#[test]
fn a_fill_under_way_long_before_is_not_fresh() {
    let state = filled(T0.0);
    let fresh = RoleQuery { fresh: true, ..ask() };
    let after = |asked: i64| state.answer_after_fill(&fresh, T0.plus(asked), T0.plus(2_000), &AGES);
    assert!(after(999).is_some());
    assert!(after(1_000).is_none());
    assert!(state.answer_after_fill(&ask(), T0.plus(1_500), T0.plus(2_000), &AGES).is_some());
}

#[test]
fn a_beginning_that_was_not_persisted_is_taken_back() {
    let mut state = CacheState::default();
    assert!(state.begin_fill(false, T0).1);
    state.cancel_incarnation();
    assert!(state.begin_fill(false, T0.plus(1)).1);
}

#[test]
fn a_hint_takes_the_old_set_out_of_service() {
    let mut state = filled(100);
    assert_eq!(state.hint(&hint(T0.0, 101), T0), HintReply::Acked);
    assert_eq!(role_served(&state, T0), None);
    let (fill, _) = state.begin_fill(false, T0);
    assert!(!fill.registers, "a refresh is a read");
    assert_eq!(state.apply_fill(&fill, Some(row(T0.0, 101, "member"))), FillOutcome::Applied);
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
fn a_hint_for_another_incarnation_is_answered_gone() {
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
fn a_fill_overtaken_by_a_hint_is_done_again() {
    let mut state = filled(100);
    let (fill, _) = state.begin_fill(false, T0);
    assert_eq!(state.hint(&hint(T0.0, 102), T0), HintReply::Acked);
    assert_eq!(state.apply_fill(&fill, Some(row(T0.0, 101, "admin"))), FillOutcome::Again);
    assert_eq!(role_served(&state, T0), None);
}

#[test]
fn the_floor_outlives_the_memory() {
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
    assert_eq!(unhurried(&state, &ask(), T0.plus(60_001)), CacheDecision::Fill);
}

#[test]
fn the_time_of_a_fill_is_when_it_was_sent() {
    let mut state = filled(100);
    let (fill, _) = state.begin_fill(false, T0.plus(2_000));
    assert_eq!(state.apply_fill(&fill, Some(row(T0.0, 100, "admin"))), FillOutcome::Applied);
    assert_eq!(state.entry.unwrap().verified_at, T0.plus(2_000));
}

#[test]
fn a_set_that_a_clock_ahead_has_dated_is_dated_anew_by_the_next_fill() {
    let mut state = filled(100);
    let (ahead, _) = state.begin_fill(false, T0.plus(600_000));
    assert_eq!(state.apply_fill(&ahead, Some(row(T0.0, 100, "admin"))), FillOutcome::Applied);
    let now = T0.plus(1_000);
    assert_eq!(unhurried(&state, &ask(), now), CacheDecision::Fill, "it is from the future");
    let (fill, _) = state.begin_fill(false, now);
    assert_eq!(state.apply_fill(&fill, Some(row(T0.0, 100, "admin"))), FillOutcome::Applied);
    assert!(state.answer_after_fill(&ask(), now, now, &AGES).is_some());
}

#[test]
fn a_watch_that_is_gone_or_anothers_is_registered_again() {
    let mut state = filled(100);
    let (fill, _) = state.begin_fill(false, T0);
    assert_eq!(state.apply_fill(&fill, None), FillOutcome::Again);
    assert_eq!(state.apply_fill(&fill, Some(row(T0.0 - 1, 100, "admin"))), FillOutcome::Again);
    let (fill, _) = state.begin_fill(true, T0);
    assert!(fill.registers);
}

#[test]
fn an_object_that_lost_its_storage_rises_above_the_watch_it_finds() {
    let mut state = CacheState::default();
    let (fill, _) = state.begin_fill(false, T0);
    assert_eq!(state.apply_fill(&fill, Some(row(T0.0 + 500, 100, "admin"))), FillOutcome::Again);
    assert_eq!(state.owner, T0.0 + 501);
}

#[test]
fn a_restored_database_is_lifted_above_the_floor() {
    let mut state = filled(100);
    let (fill, _) = state.begin_fill(false, T0);
    assert_eq!(state.apply_fill(&fill, Some(row(T0.0, 50, "admin"))), FillOutcome::Again);
    let (fill, _) = state.begin_fill(true, T0);
    assert_eq!((fill.registers, fill.floor), (true, 100));
    assert_eq!(state.apply_fill(&fill, Some(row(T0.0, 101, "member"))), FillOutcome::Applied);
}

#[test]
fn a_question_is_noted_once_in_a_thirtieth_of_the_idle_time() {
    let mut state = filled(100);
    let before = state.clone();
    let noted = AGES.idle_ms / 30;
    assert!(!state.record_use(T0.plus(1), &AGES) && !state.record_use(T0.plus(noted), &AGES));
    assert_eq!(state, before);
    let now = T0.plus(noted + 1);
    assert!(state.record_use(now, &AGES), "to be persisted");
    assert_eq!(state, CacheState { used_at: now, ..before });
    assert!(!state.record_use(now, &AGES));
    let due = now.plus(AGES.idle_ms);
    assert_eq!(state.alarm(T0.plus(AGES.idle_ms), &AGES), AlarmAction::Rearm(due));
}

/// A write to the disk is most of what a first question costs, and the fill makes one anyway.
#[test]
fn the_first_question_is_noted_by_its_fill() {
    let mut state = CacheState::default();
    assert!(!state.record_use(T0, &AGES));
    let (_, begins) = state.begin_fill(false, T0);
    assert!(begins && state.used_at == T0);
}

/// As after the storage was lost and the clock went back: see
/// [`an_object_that_lost_its_storage_rises_above_the_watch_it_finds`].
#[test]
fn an_incarnation_ahead_of_the_clock_is_ended_by_a_greater_one() {
    let mut state = CacheState::default();
    let (fill, _) = state.begin_fill(false, T0);
    let late = T0.plus(AGES.idle_ms);
    assert_eq!(state.apply_fill(&fill, Some(row(late.0 + 500, 100, "admin"))), FillOutcome::Again);
    let old = late.0 + 501;
    assert_eq!(state.owner, old);
    assert_eq!(state.alarm(late, &AGES), AlarmAction::End(old));
    assert_eq!((state.owner, state.ending), (old + 1, Some(old)));
    assert_eq!(state.hint(&hint(old, 101), late), HintReply::Gone);
    assert!(!state.watch_ended(old, UnixMillis(old + 1)));
    assert!(state.watch_ended(old, UnixMillis(old + 2)));
}

#[test]
fn an_idle_object_ends_its_watch_and_drops_what_was_under_way() {
    let mut state = filled(100);
    state.record_use(T0, &AGES);
    assert_eq!(state.alarm(T0.plus(1), &AGES), AlarmAction::Rearm(T0.plus(AGES.idle_ms)));
    let (fill, _) = state.begin_fill(false, T0);
    let late = T0.plus(AGES.idle_ms);
    assert_eq!(state.alarm(late, &AGES), AlarmAction::End(T0.0));
    assert_eq!(state.apply_fill(&fill, Some(row(T0.0, 100, "admin"))), FillOutcome::Dropped);
    assert_eq!(state.hint(&hint(T0.0, 101), late), HintReply::Gone);
    assert_eq!(state.alarm(late, &AGES), AlarmAction::End(T0.0), "a failed end is tried again");
    assert!(state.watch_ended(T0.0, late.plus(1)));
}

/// Else the next incarnation could bear the same number, and lose its watch to a late `gone`.
#[test]
fn the_storage_outlives_the_millisecond_that_names_the_incarnation() {
    let mut state = filled(100);
    let late = T0.plus(2 * AGES.idle_ms);
    assert_eq!(state.alarm(late, &AGES), AlarmAction::End(T0.0));
    assert!(!state.watch_ended(T0.0, late));
    assert!(state.watch_ended(T0.0, late.plus(1)));
}

#[test]
fn a_guard_that_asks_during_the_end_keeps_the_storage() {
    let mut state = filled(100);
    let late = T0.plus(2 * AGES.idle_ms);
    assert_eq!(state.alarm(late, &AGES), AlarmAction::End(T0.0));
    let (fill, begins) = state.begin_fill(false, late);
    assert!(fill.registers && !begins);
    assert_eq!(state.apply_fill(&fill, Some(row(late.0, late.0, "admin"))), FillOutcome::Applied);
    assert!(!state.watch_ended(T0.0, late.plus(1)));
}
