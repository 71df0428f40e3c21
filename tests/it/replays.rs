//! Replays: what is planned for a letter is what the consumer's statements then record.

use proptest::prelude::{any, prop, proptest};
use proptest::test_runner::Config;
use rusqlite::types::Value;
use shared::operators::letter::{LetterClass, ReplayTag};
use shared::operators::replay::{Facts, classify, named};
use shared::plan::{OpenedMessage, plan};
use shared::sql::letter_lists::{LetterRow, letter};
use shared::sql::{replays, statements};
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
