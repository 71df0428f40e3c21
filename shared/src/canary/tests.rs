//! Runs of the canary: at any order of what happens, one outcome for each.

use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use url::Url;

use super::clerk::{change_body, change_url, has_own_roles, read_answer};
use super::figures::figures;
use super::{
    CANARY_ROLES, CanaryRun, CanaryStep, LATE_MS, RunState, Sighting, Stage, next_role, next_step,
};
use crate::metrics::labels::CANARY_STAGE;
use crate::time::UnixMillis;

const START: UnixMillis = UnixMillis(1_760_000_000_000);

fn at(ms: i64) -> UnixMillis {
    START.plus(ms)
}

fn begun() -> CanaryRun {
    CanaryRun::begin(START, CANARY_ROLES[0])
}

fn sighting(role: &str, updated_ms: i64, arrived_ms: i64) -> Sighting {
    Sighting {
        roles: vec!["member".into(), role.into()],
        updated_at: at(updated_ms),
        arrived_at: at(arrived_ms),
        queued_at: at(arrived_ms + 10),
        taken_at: at(arrived_ms + 1_000),
        committed_at: Some(at(arrived_ms + 1_030)),
    }
}

/// A run that was seen after two seconds.
fn whole() -> CanaryRun {
    let changed = CanaryRun { updated_at: Some(at(90)), changed_at: Some(at(100)), ..begun() };
    let committed = changed.after(&sighting(CANARY_ROLES[0], 90, 400), at(1_500)).unwrap();
    committed.seen(&[CANARY_ROLES[0].into()], at(2_000)).unwrap()
}

#[test]
fn the_stages_are_those_of_the_label() {
    assert_eq!(Stage::ALL.map(Stage::as_str), CANARY_STAGE.values);
}

#[test]
fn a_whole_run_has_the_time_of_each_stage() {
    let asked = CanaryRun { asked_at: Some(at(40)), ..whole() };
    assert_eq!(asked.stages().first(), Some(&(Stage::Clerk, 60)), "D1 took the row before");
    let times: Vec<i64> = whole().stages().into_iter().map(|(_, ms)| ms).collect();
    assert_eq!(times, [100, 300, 10, 990, 30, 570]);
    assert_eq!(whole().state(at(2_000)), RunState::Seen);
    let found = figures(&[whole()], at(9_000));
    assert_eq!(found.stages_ms, whole().stages());
    assert_eq!((found.since, found.last_seen_at), (Some(START), Some(at(2_000))));
    assert!(found.waiting_ms.iter().all(|(_, ms)| *ms == 0), "{found:?}");
    assert_eq!(figures(&[], START), figures(&[], at(1)));
    assert_eq!(figures(&[], START).since, None);
}

#[track_caller]
fn check_waits(run: &CanaryRun, stage: Stage, ms: i64, now: i64) {
    let found = figures(&[whole(), run.clone()], at(now));
    for (it, waited) in found.waiting_ms {
        assert_eq!(waited, if it == stage { ms } else { 0 }, "{it:?}");
    }
    assert_eq!(found.last_seen_at, Some(at(2_000)));
}

#[test]
fn an_open_run_names_the_stage_that_it_waits_for_and_a_late_one_too() {
    let second = CanaryRun::begin(at(60_000), CANARY_ROLES[1]);
    check_waits(&second, Stage::Clerk, 3_000, 63_000);
    let changed =
        CanaryRun { updated_at: Some(at(60_500)), changed_at: Some(at(61_000)), ..second };
    check_waits(&changed, Stage::Sender, 2_000, 63_000);
    assert_eq!(changed.state(at(63_000)), RunState::Open(Stage::Sender));
    let late = 60_000 + LATE_MS;
    assert_eq!(changed.state(at(late)), RunState::Late(Stage::Sender));
    check_waits(&changed, Stage::Sender, LATE_MS, late + 1_000);
    let committed = changed.after(&sighting(CANARY_ROLES[1], 60_500, 62_000), at(63_100)).unwrap();
    check_waits(&committed, Stage::Hint, 970, 64_000);
    let failed = CanaryRun { problem: Some("status 500".into()), ..begun() };
    assert_eq!(failed.state(at(1)), RunState::Failed);
    assert_eq!(failed.waits_for(), Stage::Clerk);
}

#[test]
fn a_sweep_begins_a_run_when_none_is_open() {
    assert_eq!(next_step(None, START), CanaryStep::Begin(START));
    assert_eq!(next_step(Some(&begun()), at(60_000)), CanaryStep::Wait);
    assert_eq!(next_step(Some(&begun()), at(LATE_MS)), CanaryStep::Begin(at(LATE_MS)));
    assert_eq!(next_step(Some(&whole()), at(60_000)), CanaryStep::Begin(at(60_000)));
    let failed = CanaryRun { problem: Some("status 429".into()), ..begun() };
    assert_eq!(next_step(Some(&failed), at(60_000)), CanaryStep::Begin(at(60_000)));
    // A clock that went back.
    assert_eq!(next_step(Some(&whole()), at(-5)), CanaryStep::Begin(at(1)));
    let unseen = CanaryRun { seen_at: None, ..whole() };
    assert_eq!(next_step(Some(&unseen), at(60_000)), CanaryStep::Look(unseen.clone()));
}

#[test]
fn a_run_gives_the_role_that_a_guard_does_not_see() {
    let [first, second] = CANARY_ROLES;
    let shown = |roles: &[&str]| roles.iter().map(|it| (*it).into()).collect::<Vec<String>>();
    assert_eq!(next_role(Some(&shown(&["member"])), Some(&begun())), first);
    assert_eq!(next_role(Some(&shown(&["member", first])), None), second);
    assert_eq!(next_role(Some(&shown(&[second])), Some(&CanaryRun::begin(START, second))), first);
    assert_eq!(next_role(None, Some(&begun())), second);
    assert_eq!(next_role(None, None), first);
}

#[test]
fn a_user_with_roles_of_its_own_is_none_for_the_canary() {
    let shown = |roles: &[&str]| roles.iter().map(|it| (*it).into()).collect::<Vec<String>>();
    assert!(has_own_roles(&shown(&["member", "admin"]), Some("member")));
    assert!(has_own_roles(&shown(&["member"]), Some("")), "there is no default role");
    assert!(!has_own_roles(&shown(&["member", CANARY_ROLES[1]]), Some("member")));
    assert!(!has_own_roles(&[], Some("")));
    assert!(has_own_roles(&shown(&["member"]), None), "it cannot be told from another role");
}

#[test]
fn a_delivery_of_another_run_is_not_taken() {
    let [first, second] = CANARY_ROLES;
    let run = CanaryRun { updated_at: Some(at(90)), changed_at: Some(at(100)), ..begun() };
    assert_eq!(run.after(&sighting(second, 95, 400), at(500)), None, "another role");
    assert_eq!(run.after(&sighting(first, 89, 400), at(500)), None, "an earlier change");
    assert_eq!(run.after(&sighting(first, 90, 400), at(LATE_MS)), None, "late");
    assert!(run.after(&sighting(first, 91, 400), at(500)).is_some(), "a later change has it too");
    // The delivery came before Clerk's answer.
    assert!(begun().after(&sighting(first, 5, 9), at(500)).is_some());
    // The run before gave the same role: its delivery was late.
    assert_eq!(begun().after(&sighting(first, -60_000, 9), at(500)), None);
    assert_eq!(whole().after(&sighting(first, 95, 400), at(3_000)), None, "it was seen");
}

#[test]
fn a_delivery_that_d1_refuses_names_d1_until_it_is_committed() {
    let role = CANARY_ROLES[0];
    let opened = Sighting { committed_at: None, ..sighting(role, 5, 400) };
    let taken = begun().after(&opened, at(1_500)).unwrap();
    assert_eq!(taken.state(at(1_500)), RunState::Open(Stage::D1));
    let again = Sighting { taken_at: at(9_000), ..opened };
    assert_eq!(taken.after(&again, at(9_000)), None, "another attempt");
    let committed = Sighting { committed_at: Some(at(9_100)), ..again };
    let committed = taken.after(&committed, at(9_200)).unwrap();
    assert_eq!((committed.taken_at, committed.committed_at), (Some(at(1_400)), Some(at(9_100))));
    assert_eq!(taken.state(at(LATE_MS)), RunState::Late(Stage::D1));
}

#[test]
fn the_request_is_the_one_that_clerk_documents() {
    let url = |api: &str| change_url(&Url::parse(api).unwrap(), "user_2a").unwrap().to_string();
    assert_eq!(url("https://api.clerk.com/v1"), "https://api.clerk.com/v1/users/user_2a/metadata");
    assert_eq!(url("http://127.0.0.1:9/v1/"), "http://127.0.0.1:9/v1/users/user_2a/metadata");
    let body: serde_json::Value = serde_json::from_str(&change_body(&begun())).unwrap();
    let metadata = serde_json::json!({ "roles": [CANARY_ROLES[0]], "rolecall_canary": START });
    assert_eq!(body, serde_json::json!({ "public_metadata": metadata }));
}

#[test]
fn an_answer_is_a_time_or_a_problem_without_clerks_words() {
    assert_eq!(read_answer(200, r#"{"id":"u","updated_at":1760000000000}"#), Ok(START));
    for (status, body, part) in [
        (200, "{}", "updated_at"),
        (200, r#"{"updated_at":"soon"}"#, "updated_at"),
        (200, "ada@example.com", "updated_at"),
        (401, "ada@example.com", "CLERK_SECRET_KEY"),
        (404, "ada@example.com", "CANARY_USER_ID"),
        (429, "ada@example.com", "429"),
        (500, "ada@example.com", "500"),
    ] {
        let problem = read_answer(status, body).unwrap_err();
        assert!(problem.contains(part) && !problem.contains("ada"), "{problem}");
    }
}

/// What can happen to the newest run.
#[derive(Clone, Debug)]
enum Happening {
    Sweep,
    Answered,
    Refused,
    Delivered { role: usize, updated_ms: i64, behind_ms: i64 },
    Looked { role: usize },
}

fn happening() -> impl Strategy<Value = (i64, Happening)> {
    let step = prop_oneof![4 => 0..3_000_i64, 1 => 60_000..200_000_i64];
    let what = prop_oneof![
        Just(Happening::Sweep),
        Just(Happening::Answered),
        Just(Happening::Refused),
        (0..2_usize, -90_000..5_000_i64, 0..4_000_i64).prop_map(|(role, updated_ms, behind_ms)| {
            Happening::Delivered { role, updated_ms, behind_ms }
        }),
        (0..2_usize).prop_map(|role| Happening::Looked { role }),
    ];
    (step, what)
}

proptest! {
    #[test]
    fn at_most_one_run_is_open_and_an_outcome_stays(
        all in proptest::collection::vec(happening(), 1..80),
    ) {
        let mut runs: Vec<CanaryRun> = Vec::new();
        let mut now = START;
        for (step, what) in all {
            now = now.plus(step);
            let before = runs.clone();
            let Some(run) = runs.last_mut() else {
                runs.push(CanaryRun::begin(now, next_role(None, None)));
                continue;
            };
            match what {
                Happening::Sweep => if let CanaryStep::Begin(at) = next_step(Some(run), now) {
                    let role = next_role(None, Some(run));
                    runs.push(CanaryRun::begin(at, role));
                },
                Happening::Answered => if run.problem.is_none() && run.changed_at.is_none() {
                    (run.updated_at, run.changed_at) = (Some(now), Some(now));
                },
                Happening::Refused => if run.changed_at.is_none() {
                    run.problem = Some("status 500".into());
                },
                Happening::Delivered { role, updated_ms, behind_ms } => {
                    let mut seen = sighting(CANARY_ROLES[role], 0, 0);
                    seen.updated_at = now.plus(updated_ms);
                    seen.arrived_at = now.plus(-behind_ms);
                    if let Some(after) = run.after(&seen, now) {
                        prop_assert!(run.began_at.plus(-20_000) <= seen.updated_at);
                        *run = after;
                    }
                }
                Happening::Looked { role } => {
                    if let Some(after) = run.seen(&[CANARY_ROLES[role].into()], now) {
                        *run = after;
                    }
                }
            }
            // Only the newest run changes, and one that was seen stays so: Clerk may answer later.
            for (old, new) in before.iter().zip(&runs) {
                let is_newest = old.began_at == before.last().unwrap().began_at;
                prop_assert!(old == new || is_newest);
                prop_assert!(old.seen_at.is_none() || old.seen_at == new.seen_at);
                prop_assert!(old.arrived_at.is_none() || old.arrived_at == new.arrived_at);
            }
            let keys: Vec<_> = runs.iter().map(|run| run.began_at).collect();
            prop_assert!(keys.is_sorted_by(|a, b| a < b));
            let (_, earlier) = runs.split_last().unwrap();
            for run in earlier {
                prop_assert!(!matches!(run.state(now), RunState::Open(_)), "{run:?}");
            }
        }
    }

    #[test]
    fn stages_are_never_negative_and_add_up(
        ends in proptest::array::uniform6(proptest::option::of(-5_000..400_000_i64)),
        now in 0..500_000_i64, is_problem in any::<bool>(),
    ) {
        let [changed, arrived, queued, taken, committed, seen] = ends.map(|ms| ms.map(at));
        let run = CanaryRun {
            changed_at: changed, arrived_at: arrived, queued_at: queued, taken_at: taken,
            committed_at: committed, seen_at: seen,
            problem: is_problem.then(|| "timed out".into()), ..begun()
        };
        let stages = run.stages();
        prop_assert!(stages.iter().all(|(_, ms)| 0 <= *ms));
        let sum: i64 = stages.iter().map(|(_, ms)| ms).sum();
        let last = ends.into_iter().flatten().max().unwrap_or(0).max(0);
        prop_assert_eq!(sum, last);
        let order: Vec<Stage> = stages.iter().map(|(stage, _)| *stage).collect();
        prop_assert!(order.iter().eq(Stage::ALL.iter().take(order.len())));
        prop_assert_eq!(order.len() == 6, seen.is_some());
        let found = figures(&[run], at(now));
        prop_assert!(found.waiting_ms.iter().all(|(_, ms)| 0 <= *ms));
        let waits = found.waiting_ms.iter().filter(|(_, ms)| 0 < *ms).count();
        prop_assert!(waits <= usize::from(seen.is_none()));
    }
}
