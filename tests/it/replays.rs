//! Replays: what is planned for a letter is what the consumer's statements then record.

use proptest::prelude::{any, prop, proptest};
use proptest::test_runner::Config;
use rusqlite::types::Value;
use shared::operators::api::letters::LetterFilter;
use shared::operators::api::replays::{PlanRequest, ReplayAction};
use shared::operators::cursor::{Cursor, decode_number};
use shared::operators::letter::{LetterClass, ReplayTag};
use shared::operators::replay::{
    Facts, Mark, Named, ReplayRow, Step, StoredReplay, classify, named,
};
use shared::plan::{OpenedMessage, plan};
use shared::sql::letter_lists::{LetterRow, letter};
use shared::sql::replays::{self, IdRow};
use shared::sql::statements;
use shared::time::UnixMillis;

use crate::law::delivered;
use crate::letter_lists::read;
use crate::support::clerk::{deliver, event_at, event_without_time, user_with, with_svix_id};
use crate::support::{Db, START};

const EVENTS: &str = "rolecall-events";

fn commit(db: &Db, message: &OpenedMessage) {
    let planned = plan(EVENTS, std::slice::from_ref(message), vec![]);
    db.run(&statements(&planned, UnixMillis(START))).unwrap();
}

fn park(db: &Db, message: &OpenedMessage) {
    let letter = message.to_dead_letter(EVENTS, "overloaded", "");
    db.run(&statements(&plan(EVENTS, &[], vec![letter]), UnixMillis(START))).unwrap();
}

/// What a replay of this letter is expected to do.
pub(crate) fn predicted(db: &Db, id: &str) -> LetterClass {
    let [row] = &read::<LetterRow>(db, &letter(id))[..] else { panic!("{id}") };
    let [synced, outcomes] = replays::facts(&named(std::slice::from_ref(row)));
    classify(row, &Facts::new(read(db, &synced), read(db, &outcomes))).class
}

/// Replays the letter: marks it, and commits its message as the consumer does. Returns its state.
fn replayed(db: &Db, message: &OpenedMessage) -> String {
    let mark = "UPDATE dead_letters SET state = 'replaying' WHERE message_id = ?1";
    db.sql.execute(mark, [&message.id]).unwrap();
    let mut tagged = message.clone();
    let tag = ReplayTag { letter: message.id.clone(), replay: "r".into(), generation: 0 };
    tagged.envelope.replay = Some(tag);
    tagged.id = "replayed".into();
    commit(db, &tagged);
    db.one("SELECT state FROM dead_letters WHERE message_id = ?1", [&message.id])
}

proptest! {
    #![proptest_config(Config { cases: 60, ..Config::default() })]
    /// Deliveries of one history arrive or are parked, in any order and repeatedly; then the parked
    /// ones are replayed in any order. Before each replay its class is predicted.
    #[test]
    fn what_is_planned_is_what_is_recorded(
        pick in any::<u16>(),
        arrivals in prop::collection::vec((any::<u16>(), any::<bool>(), 0..3_u8), 1..14),
    ) {
        let histories = delivered();
        let events = &histories[usize::from(pick) % histories.len()];
        let db = Db::new();
        let mut parked = vec![];
        for (number, (which, parks, again)) in arrivals.into_iter().enumerate() {
            let mut message = events[usize::from(which) % events.len()].clone();
            if again == 1 {
                message = with_svix_id(&message, &format!("msg_again_{number}"));
            }
            message.id = format!("queue-{number}");
            if parks {
                park(&db, &message);
                parked.push(message);
            } else {
                commit(&db, &message);
            }
        }
        for message in parked {
            let want = predicted(&db, &message.id);
            assert_eq!(replayed(&db, &message), want.as_str(), "{message:?}");
        }
    }
}

fn user(svix_id: &str, event: &str, seconds: i64) -> OpenedMessage {
    let at = START + seconds * 1000;
    deliver(svix_id, &event_at(event, at, &user_with("user_ada", START, &["a"])), START)
}

#[track_caller]
fn check(before: &[OpenedMessage], parked: &OpenedMessage, want: LetterClass) {
    let db = Db::new();
    park(&db, parked);
    for message in before {
        commit(&db, message);
    }
    assert_eq!(predicted(&db, &parked.id), want);
    assert_eq!(replayed(&db, parked), want.as_str());
}

#[test]
fn each_class_is_predicted() {
    let first = user("msg_1", "user.updated", 1);
    check(&[], &first, LetterClass::Applied);
    check(&[with_svix_id(&first, "msg_2")], &first, LetterClass::Applied);
    check(&[user("msg_2", "user.updated", 2)], &first, LetterClass::Duplicate);
    let at = START + 5_000;
    let later = event_at("user.updated", at, &user_with("user_ada", at, &["b"]));
    check(&[deliver("msg_2", &later, START)], &first, LetterClass::Superseded);
    let mut again = first.clone();
    again.id = "another".into();
    check(&[again], &first, LetterClass::Duplicate);
    let other = event_without_time("session.created", &user_with("user_ada", START, &[]));
    check(&[], &deliver("msg_3", &other, START), LetterClass::Duplicate);
}

#[test]
fn letters_that_cannot_be_replayed_are_told_apart() {
    let db = Db::new();
    park(&db, &user("msg_1", "user.updated", 1));
    let set = |envelope: &str, digest: &str| {
        let text = "UPDATE dead_letters SET envelope = ?1, digest = ?2";
        db.sql.execute(text, [envelope, digest]).unwrap();
        predicted(&db, "queue-msg_1")
    };
    assert_eq!(set(r#"{"v":9}"#, ""), LetterClass::Newer);
    assert_eq!(set("{}", ""), LetterClass::Unreadable);
    assert_eq!(set(r#"{"v":9}"#, "0"), LetterClass::Unreadable, "bytes that were changed");
    assert_eq!(db.rows("SELECT changes()", []), [[Value::Integer(1)]]);
}

/// A replay of letters, of which the first two thirds are `applied`.
fn planned_items(db: &Db, count: i64) {
    db.exec(&format!(
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {count} - 1)
         INSERT INTO replay_letters (replay_id, position, message_id, generation, planned, became)
         SELECT 'r', i, 'm' || i, 0, iif(i * 3 < {count} * 2, 'applied', 'newer'),
           iif(i % 2, 'waiting', 'sent') FROM n"
    ));
}

fn all_planned(
    db: &Db,
    planned: Option<LetterClass>,
    became: Option<&str>,
    limit: u32,
) -> Vec<String> {
    let (mut all, mut after) = (vec![], None);
    loop {
        let rows = read(db, &replays::planned_letters("r", planned, became, after, limit));
        let page = replays::parse_planned_letters(&rows, limit).unwrap();
        all.extend(page.letters.into_iter().map(|letter| letter.id));
        let Some(next) = page.next else { return all };
        let next = decode_number(&next).unwrap();
        assert!(after.is_none_or(|after| after < next), "a list goes on");
        after = Some(next);
    }
}

#[test]
fn all_pages_of_a_replays_letters_are_its_letters() {
    let db = Db::new();
    planned_items(&db, 1_800);
    let every = |limit| all_planned(&db, None, None, limit).len();
    assert_eq!((every(7), every(100)), (1_800, 1_800));
    assert_eq!(all_planned(&db, None, Some("sent"), 100).len(), 900);
    // They are behind more than 500 others.
    let newer = all_planned(&db, Some(LetterClass::Newer), None, 100);
    assert_eq!((newer.len(), &*newer[0]), (600, "m1200"));
    assert_eq!(all_planned(&db, Some(LetterClass::Newer), Some("waiting"), 100).len(), 300);
    assert!(all_planned(&db, None, Some("left"), 100).is_empty());
    assert!(replays::parse_planned_letters(&[], 5).unwrap().letters.is_empty());
}

#[test]
fn the_newest_replays_come_first_in_pages() {
    let db = Db::new();
    for number in 0..25 {
        db.exec(&format!(
            "INSERT INTO replays (id, action, state, is_open, created_at, updated_at, actor,
               reason, filter, progress)
             VALUES ('r{number:02}', 'replay', 'paused', 1, {number} / 3, 1, 'me', 'why', '{{}}',
               '{{}}')"
        ));
    }
    let (mut all, mut cursor): (Vec<String>, _) = (vec![], None);
    loop {
        let page: Vec<ReplayRow> = read(&db, &replays::replays(cursor.as_ref(), 4));
        let Some(last) = page.last() else { break };
        cursor = Some(Cursor { at: last.created_at, id: last.id.clone() });
        all.extend(page.into_iter().map(|row| row.open().unwrap().id));
    }
    let want: Vec<_> = (0..25).rev().map(|number| format!("r{number:02}")).collect();
    assert_eq!(all, want);
    assert!(read::<IdRow>(&db, &replays::open_replays()).is_empty(), "a paused one has no steps");
}

/// However many letters and replays there are, each statement reads by an index.
#[test]
fn no_statement_of_a_replay_scans_a_table() {
    let db = Db::new();
    let request = PlanRequest {
        action: ReplayAction::Replay,
        filter: LetterFilter { all: true, ..LetterFilter::default() },
        reason: "why".into(),
        rate: None,
        discard_unchanged: false,
    };
    let replay = StoredReplay::new(&request, "me", "r".into(), UnixMillis(1));
    let mark = Mark { id: "m".into(), generation: 0 };
    let step = Step {
        after: replay.clone(),
        send: vec![(mark.clone(), String::new())],
        discard: vec![mark],
        leave: vec![1],
        leave_waiting: true,
        acts: vec![],
    };
    let mut all = replays::step_writes(&step, "claim", UnixMillis(1));
    assert_eq!(all.len(), 6);
    all.extend(replays::step_reads(&replay));
    all.extend(replays::facts(&Named::default()));
    all.extend([
        replays::replay("r"),
        replays::replay_by_key("k"),
        replays::replays(None, 9),
        replays::open_replays(),
        replays::sent("claim", UnixMillis(1)),
        replays::planned_letters("r", None, None, None, 9),
        replays::examples(&replay),
        replays::auto_busy(UnixMillis(1)),
        replays::auto_oldest("overloaded"),
    ]);
    for statement in all {
        let plan = db.plan_of(&statement);
        for step in plan.iter().filter(|step| step.starts_with("SCAN ")) {
            let table = step.split(' ').nth(1).unwrap();
            let small = ["input", "CONSTANT", "scanned", "picked", "scan_end", "(subquery"];
            let of_open = step == "SCAN replays USING INDEX replays_open";
            let bounded = small.contains(&table) || table.starts_with("(subquery") || of_open;
            assert!(bounded, "{step}: {plan:#?}\n{}", statement.sql);
        }
    }
}
