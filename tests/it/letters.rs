//! The life of dead letters in the database, against `shared::operators::letter::Letter`.

mod counts;
mod recorded;

use rusqlite::types::Value;
use shared::envelope::Envelope;
use shared::event::Payload;
use shared::operators::letter::{Letter, LetterOutcome, LetterState, LetterStep, ReplayTag};
use shared::operators::settle::{LetterNow, LostLetter, settled_act, tagged_letters};
use shared::plan::{BatchPlan, DeadLetter, OpenedMessage, plan};
use shared::projection::ContentDigest;
use shared::sql::{letters, statements};
use shared::time::UnixMillis;

use crate::support::clerk::{deliver, event_at, user_with, with_svix_id};
use crate::support::{Db, START};

const QUEUE: &str = "rolecall-events";
const ADA: &str = "user_ada";
const LETTER: &str = "queue-msg_1";
const REPLAY: &str = "r1";
const GENERATION: u32 = 2;
const PARKED_AT: i64 = START + 10;
const NOW: i64 = START + 60_000;

fn user(id: &str, seconds: i64, role: &str) -> OpenedMessage {
    let at = START + seconds * 1000;
    deliver(id, &event_at("user.updated", at, &user_with(ADA, at, &[role])), START)
}

/// The same message as a replay sends it: another id of the queue, and the tag.
fn replayed(message: &OpenedMessage, generation: u32) -> OpenedMessage {
    let tag = ReplayTag { letter: message.id.clone(), replay: REPLAY.into(), generation };
    let envelope = Envelope { replay: Some(tag), ..message.envelope.clone() };
    let id = format!("{}-again-{generation}", message.id);
    OpenedMessage { id, attempts: 5, text: envelope.encode(), envelope, ..message.clone() }
}

fn park(message: &OpenedMessage) -> DeadLetter {
    message.to_dead_letter(QUEUE, "retries-exhausted", "lost")
}

fn planned(messages: &[OpenedMessage], dead_letters: Vec<DeadLetter>) -> BatchPlan {
    BatchPlan { batch: "b1".into(), ..plan(QUEUE, messages, dead_letters) }
}

fn commit(db: &Db, plan: &BatchPlan, now: i64) {
    db.run(&statements(plan, UnixMillis(now))).unwrap();
}

/// A database with the letter of `msg_1` in this state, taken by replay `r1`.
fn with_letter(state: LetterState) -> Db {
    let db = Db::new();
    commit(&db, &planned(&[], vec![park(&user("msg_1", 5, "a"))]), PARKED_AT);
    let claim = if state == LetterState::Parked { "" } else { "c1" };
    db.exec(&format!(
        "INSERT INTO replays (id, action, state, is_open, created_at, updated_at, actor, reason, filter, progress)
         VALUES ('{REPLAY}', 'replay', 'running', 1, 1, 1, 'token:1', 'why', '{{}}', '{{}}');
         INSERT INTO replay_letters (replay_id, position, message_id, generation, planned)
         VALUES ('{REPLAY}', 0, '{LETTER}', {GENERATION}, 'applied');
         UPDATE dead_letters SET state = '{state}', state_at = {PARKED_AT}, generation = {GENERATION},
           attempts = 3, claim = '{claim}', replay_id = '{REPLAY}'"
    ));
    db
}

/// The letter as the database has it.
fn stored(db: &Db) -> Letter {
    let row = db.rows(
        "SELECT state, generation, attempts, returns, claim, sent_at FROM dead_letters WHERE message_id = ?1",
        [LETTER],
    );
    let [row] = row.as_slice() else { panic!("{row:?}") };
    let [
        Value::Text(state),
        Value::Integer(generation),
        Value::Integer(attempts),
        Value::Integer(returns),
        Value::Text(claim),
        sent_at,
    ] = row.as_slice()
    else {
        panic!("{row:?}")
    };
    let number = |it: &i64| u32::try_from(*it).unwrap();
    Letter {
        state: LetterState::from_name(state).unwrap(),
        generation: number(generation),
        attempts: number(attempts),
        returns: number(returns),
        claim: claim.clone(),
        sent_at: match sent_at {
            Value::Integer(at) => Some(UnixMillis(*at)),
            Value::Null | Value::Real(_) | Value::Text(_) | Value::Blob(_) => None,
        },
    }
}

/// What may come to the letter, and its step in Rust.
enum Comes {
    Batch(Vec<OpenedMessage>, Vec<DeadLetter>),
    Lost(u32),
}

fn cases() -> Vec<(&'static str, Comes, LetterStep)> {
    let message = user("msg_1", 5, "a");
    let [old, now, newer] = [1, 2, 3].map(|generation| replayed(&message, generation));
    let outcome = LetterStep::Outcome;
    let again = |generation| LetterStep::ParkAgain { generation, attempts: 5 };
    let unsynced = |it: &OpenedMessage| OpenedMessage {
        envelope: Envelope { payload: Payload::Ignored, ..it.envelope.clone() },
        ..it.clone()
    };
    let parks = |it: &OpenedMessage| Comes::Batch(vec![], vec![park(it)]);
    let comes = |it: &[&OpenedMessage]| Comes::Batch(it.iter().copied().cloned().collect(), vec![]);
    let later = user("msg_2", 9, "b");
    let same = with_svix_id(&message, "msg_2");
    let at = START + 9_000;
    let same_later = event_at("user.updated", at, &user_with(ADA, START + 5_000, &["a"]));
    let same_later = deliver("msg_2", &same_later, START);
    vec![
        ("applied", comes(&[&now]), outcome(LetterOutcome::Applied)),
        ("late and applied", comes(&[&old]), outcome(LetterOutcome::Applied)),
        ("beside a later one", comes(&[&now, &later]), outcome(LetterOutcome::Superseded)),
        ("the same under another id", comes(&[&now, &same]), outcome(LetterOutcome::Applied)),
        (
            "the same of a later time",
            comes(&[&now, &same_later]),
            outcome(LetterOutcome::Duplicate),
        ),
        ("of a type not synced", comes(&[&unsynced(&now)]), outcome(LetterOutcome::Duplicate)),
        ("parked again", parks(&now), again(2)),
        ("late and parked", parks(&old), again(1)),
        ("of a generation to come", parks(&newer), again(3)),
        ("lost", Comes::Lost(2), LetterStep::Return { generation: 2 }),
        ("lost, read before", Comes::Lost(1), LetterStep::Return { generation: 1 }),
    ]
}

fn happen(db: &Db, comes: &Comes, now: i64) {
    match comes {
        Comes::Batch(messages, letters) => commit(db, &planned(messages, letters.clone()), now),
        Comes::Lost(generation) => {
            let (message_id, generation) = (LETTER.to_owned(), *generation);
            let lost = LostLetter { message_id, generation, replay_id: None };
            db.run(&[letters::returned(&[lost], UnixMillis(now))]).unwrap();
        }
    }
}

#[test]
fn every_message_in_every_state_does_what_the_rust_code_says() {
    for state in LetterState::ALL {
        for (name, comes, step) in cases() {
            let db = with_letter(state);
            let before = stored(&db);
            let told: String = db.one("SELECT became FROM replay_letters", []);
            happen(&db, &comes, NOW);
            let want = before.after(&step);
            let is_refused = want.is_err();
            let want = want.unwrap_or(before);
            assert_eq!(stored(&db), want, "{name}, {state}");
            let at: i64 = db.one("SELECT state_at FROM dead_letters", []);
            assert_eq!(at, if is_refused { PARKED_AT } else { NOW }, "{name}, {state}");
            let became = match (is_refused, want.returns) {
                (true, _) => told,
                (false, 0) => want.state.as_str().into(),
                (false, _) => "waiting".into(),
            };
            let is: String = db.one("SELECT became FROM replay_letters", []);
            assert_eq!(is, became, "{name}, {state}: the replay is told");
            counts::check(&db);

            // The commit was not answered, and the messages come again.
            happen(&db, &comes, NOW + 1);
            if want.state != LetterState::Parked || is_refused {
                assert_eq!(stored(&db), want, "{name}, {state}: again");
            }
            let bytes: String = db.one("SELECT envelope FROM dead_letters", []);
            assert_eq!(bytes, user("msg_1", 5, "a").text, "its bytes stay");
            let digest: String = db.one("SELECT digest FROM dead_letters", []);
            assert_eq!(digest, ContentDigest::of(bytes.as_bytes()).as_str());
        }
    }
}

#[test]
fn a_repeated_commit_parks_a_letter_again_once() {
    let db = with_letter(LetterState::Replaying);
    let again = planned(&[], vec![park(&replayed(&user("msg_1", 5, "a"), GENERATION))]);
    commit(&db, &again, NOW);
    let once = stored(&db);
    assert_eq!((once.generation, once.attempts), (GENERATION + 1, 8));
    commit(&db, &again, NOW + 1);
    assert_eq!(stored(&db), once);
    assert_eq!(db.one::<i64>("SELECT last_seen_at FROM dead_letters", []), NOW);
    assert_eq!(db.one::<i64>("SELECT count(*) FROM dead_letters", []), 1, "no second letter");
}

#[test]
fn an_outcome_is_a_duplicate_if_the_delivery_was_taken_in_before() {
    let message = user("msg_1", 5, "a");
    let tagged = [replayed(&message, GENERATION)];
    for earlier in ["applied", "superseded", "duplicate", "parked", "ignored"] {
        let db = with_letter(LetterState::Replaying);
        let args = ["msg_1", earlier];
        db.sql.execute("UPDATE deliveries SET outcome = ?2 WHERE svix_id = ?1", args).unwrap();
        commit(&db, &planned(&tagged, vec![]), NOW);
        let want = match earlier {
            "parked" | "ignored" => LetterState::Applied,
            _ => LetterState::Duplicate,
        };
        assert_eq!(stored(&db).state, want, "{earlier}");
    }
    // A copy in the same batch is not before it.
    let db = with_letter(LetterState::Replaying);
    let [tagged] = tagged;
    commit(&db, &planned(&[message, tagged], vec![]), NOW);
    assert_eq!(stored(&db).state, LetterState::Applied);
}

/// The letter's outcome is that of its delivery, wherever the delivery was parked before.
#[test]
fn an_outcome_agrees_with_that_of_the_delivery() {
    let message = user("msg_1", 5, "a");
    let at = |seconds: i64| {
        let body =
            event_at("user.updated", START + seconds * 1000, &user_with(ADA, START + 5000, &["a"]));
        deliver("msg_2", &body, START)
    };
    let others =
        [user("msg_2", 1, "b"), user("msg_2", 5, "b"), user("msg_2", 9, "b"), at(1), at(9)];
    let mut seen = Vec::new();
    for other in others {
        for is_before in [true, false] {
            let db = with_letter(LetterState::Replaying);
            let mut messages = vec![replayed(&message, GENERATION)];
            if is_before {
                commit(&db, &planned(std::slice::from_ref(&other), vec![]), NOW);
            } else {
                messages.push(other.clone());
            }
            commit(&db, &planned(&messages, vec![]), NOW);
            let delivery: String =
                db.one("SELECT outcome FROM deliveries WHERE svix_id = 'msg_1'", []);
            assert_eq!(stored(&db).state.as_str(), delivery);
            seen.push(delivery);
        }
    }
    for outcome in ["applied", "superseded", "duplicate"] {
        assert!(seen.iter().any(|it| it == outcome), "{outcome} in {seen:?}");
    }
}

#[test]
fn a_tagged_message_whose_letter_has_no_row_is_parked_as_one() {
    let db = Db::new();
    let tagged = replayed(&user("msg_1", 5, "a"), 0);
    commit(&db, &planned(&[], vec![park(&tagged)]), NOW);
    let letter = stored(&db);
    assert_eq!((letter.state, letter.generation), (LetterState::Parked, 1));
    let text: String = db.one("SELECT envelope FROM dead_letters", []);
    assert_eq!(text, tagged.text);
}

#[test]
fn an_untagged_repeat_changes_no_letter_that_is_on_its_way_or_at_its_end() {
    for state in LetterState::ALL {
        let db = with_letter(state);
        let letter = DeadLetter { attempts: 99, ..park(&user("msg_1", 5, "a")) };
        let before = stored(&db);
        commit(&db, &planned(&[], vec![letter]), NOW);
        let attempts = if state == LetterState::Parked { 99 } else { before.attempts };
        assert_eq!(stored(&db), Letter { attempts, ..before });
    }
}

/// The rows that the consumer reads before its batch.
fn named(db: &Db, plan: &BatchPlan) -> Vec<LetterNow> {
    let rows = db.query(&letters::named(tagged_letters(plan)));
    let letter = |row: Vec<Value>| {
        let [Value::Text(id), Value::Text(state), Value::Integer(generation)] = row.as_slice()
        else {
            panic!("{row:?}")
        };
        LetterNow {
            message_id: id.clone(),
            state: LetterState::from_name(state).unwrap(),
            generation: u32::try_from(*generation).unwrap(),
        }
    };
    rows.into_iter().map(letter).collect()
}

/// The entry of the audit trail says what the batch does, no more and no less.
#[test]
fn the_entry_counts_the_letters_that_the_batch_changes() {
    for state in LetterState::ALL {
        for (name, comes, step) in cases() {
            let Comes::Batch(messages, dead_letters) = comes else { continue };
            let db = with_letter(state);
            let plan = planned(&messages, dead_letters);
            let act = settled_act(&plan, &named(&db, &plan), UnixMillis(NOW));
            let before = stored(&db);
            let changes = before.after(&step).is_ok();
            commit(&db, &plan, NOW);
            assert_eq!(changes, before != stored(&db), "{name}, {state}");
            let is_parked = stored(&db).state == LetterState::Parked;
            let want = if is_parked {
                r#"{"parked":1,"replays":["r1"],"settled":0}"#
            } else {
                r#"{"parked":0,"replays":["r1"],"settled":1}"#
            };
            let want = changes.then(|| want.to_owned());
            assert_eq!(act.map(|act| act.detail), want, "{name}, {state}");
            let again = settled_act(&plan, &named(&db, &plan), UnixMillis(NOW));
            let repeats = matches!(step, LetterStep::Outcome(_)) && is_parked;
            assert!(again.is_none() || repeats || !changes, "{name}, {state}: {again:?}");
        }
    }
}

#[test]
fn the_statements_of_letters_search_by_key() {
    let db = with_letter(LetterState::Replaying);
    let message = replayed(&user("msg_1", 5, "a"), GENERATION);
    let plan = planned(std::slice::from_ref(&message), vec![park(&message)]);
    let lost = LostLetter { message_id: LETTER.into(), generation: 1, replay_id: None };
    let mut all = statements(&plan, UnixMillis(NOW));
    all.push(letters::named([LETTER]));
    all.push(letters::lost(UnixMillis(NOW)));
    all.push(letters::returned(&[lost], UnixMillis(NOW)));
    for statement in all {
        let steps = db.plan_of(&statement);
        let mut scans = steps.iter().filter(|step| step.starts_with("SCAN"));
        assert!(scans.all(|step| step.starts_with("SCAN input VIRTUAL")), "{steps:#?}");
    }
}
