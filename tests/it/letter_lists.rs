//! The lists of dead letters: every page together is the whole list, and no page reads more than a
//! constant number of rows.

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};
use proptest::test_runner::Config;
use serde::de::DeserializeOwned;
use shared::operators::api::letters::{LetterFilter, LetterReplay, MatrixCell};
use shared::operators::cursor::Cursor;
use shared::operators::letter::LetterState;
use shared::sql::letter_lists::{
    LetterBytes, LetterQuery, LetterRow, Letters, letter, letter_matrix, letter_replays, letters,
    parse_letters,
};
use shared::time::UnixMillis;

use crate::support::Db;

const REASONS: [&str; 3] = ["malformed", "overloaded", "shape"];
const TYPES: [Option<&str>; 4] = [None, Some(""), Some("user.updated"), Some("role.created")];
const SUBJECTS: [Option<&str>; 3] = [None, Some("user_ada"), Some("org_1")];
const DAY: i64 = 86_400_000;

/// A letter as a test makes it: places in the lists above, and a time.
type Seed = (usize, usize, usize, usize, i64);

fn insert(db: &Db, number: usize, (state, reason, event_type, subject, at): Seed) {
    let text = "INSERT INTO dead_letters
        (message_id, queue, type, subject, reason, attempts, first_seen_at, last_seen_at, envelope,
         state)
      VALUES (?1, 'q', ?2, ?3, ?4, 1, ?5, ?5 + 1, 'bytes', ?6)";
    let id = format!("m{number:04}");
    let state = LetterState::ALL[state].as_str();
    let args = (id, TYPES[event_type], SUBJECTS[subject], REASONS[reason], at, state);
    db.sql.execute(text, args).unwrap();
}

/// The rows of a statement, by their columns' names.
pub(crate) fn read<T: DeserializeOwned>(db: &Db, statement: &shared::sql::Statement) -> Vec<T> {
    let rows = db.json(statement).into_iter().map(|row| serde_json::from_value(row).unwrap());
    rows.collect()
}

fn page(db: &Db, query: &LetterQuery, cursor: Option<&Cursor>, limit: u32) -> Letters {
    let rows = read(db, &letters(query, cursor, limit, LetterBytes::Skip));
    parse_letters(&rows, limit).unwrap()
}

fn matches(query: &LetterQuery, row: &LetterRow) -> bool {
    let LetterFilter { ids, reason, event_type, subject, after, before, .. } = &query.filter;
    let same = |want: &Option<String>, found: Option<&str>| {
        want.as_ref().is_none_or(|want| want == found.unwrap_or_default())
    };
    (ids.is_empty() || ids.contains(&row.id))
        && same(reason, Some(&row.reason))
        && same(event_type, row.event_type.as_deref())
        && same(subject, row.subject.as_deref())
        && after.is_none_or(|after| after <= row.first_seen_at)
        && before.is_none_or(|before| row.first_seen_at < before)
        && query.state.is_none_or(|state| state == row.state)
        && query.seen_until.is_none_or(|until| row.last_seen_at <= until)
}

/// Every page of a list.
fn all_pages(db: &Db, query: &LetterQuery, limit: u32) -> Vec<LetterRow> {
    let (mut all, mut cursor) = (vec![], None);
    loop {
        let found = page(db, query, cursor.as_ref(), limit);
        assert!(found.rows.len() <= usize::try_from(limit).unwrap());
        all.extend(found.rows);
        let Some(next) = found.next else { return all };
        let next = Cursor::decode(&next.encode()).unwrap();
        assert!(cursor.as_ref().is_none_or(|last| *last < next), "a list goes on");
        cursor = Some(next);
    }
}

fn queries() -> impl Strategy<Value = LetterQuery> {
    let text = |from: Vec<&'static str>| prop::option::of(prop::sample::select(from));
    let ids = prop_oneof![3 => Just(vec![]), 1 => prop::collection::vec(0..40_usize, 1..9)];
    let types = text(vec!["", "user.updated", "role.created", "none"]);
    let subjects = text(vec!["", "user_ada", "org_1"]);
    let times =
        (prop::option::of(0..9_i64), prop::option::of(0..9_i64), prop::option::of(0..9_i64));
    let state = prop::option::of(0..6_usize);
    let filter = (ids, text(REASONS.to_vec()), types, subjects);
    (filter, times, state).prop_map(|((ids, reason, kind, subject), times, state)| {
        let owned = |text: Option<&str>| text.map(String::from);
        let (after, before, until) = times;
        let filter = LetterFilter {
            ids: ids.into_iter().map(|number| format!("m{number:04}")).collect(),
            reason: owned(reason),
            event_type: owned(kind),
            subject: owned(subject),
            after: after.map(UnixMillis),
            before: before.map(UnixMillis),
            all: false,
        };
        let state = state.map(|state| LetterState::ALL[state]);
        LetterQuery { filter, state, seen_until: until.map(UnixMillis) }
    })
}

fn seeds() -> impl Strategy<Value = Vec<Seed>> {
    prop::collection::vec((0..6_usize, 0..3_usize, 0..4_usize, 0..3_usize, 0..9_i64), 0..40)
}

proptest! {
    #![proptest_config(Config { cases: 64, ..Config::default() })]
    #[test]
    fn all_pages_together_are_the_filtered_list(
        seeds in seeds(),
        queries in prop::collection::vec((queries(), 1..7_u32), 12),
        pick in any::<u16>(),
    ) {
        let db = Db::new();
        for (number, seed) in seeds.iter().enumerate() {
            insert(&db, number, *seed);
        }
        let everything = all_pages(&db, &LetterQuery::default(), 100);
        assert_eq!(everything.len(), seeds.len());
        assert!(everything.is_sorted_by_key(|row| (row.first_seen_at, row.id.clone())));
        for (query, limit) in queries {
            let mut want = everything.clone();
            want.retain(|row| matches(&query, row));
            assert_eq!(all_pages(&db, &query, limit), want, "{query:?}");
        }
        if let Some(row) = everything.get(usize::from(pick) % seeds.len().max(1)) {
            let [found] = &read::<LetterRow>(&db, &letter(&row.id))[..] else { panic!() };
            assert_eq!(found.envelope, "bytes");
            assert_eq!(LetterRow { envelope: String::new(), ..found.clone() }, *row);
        }
    }
}

/// What matches is far behind what does not: the pages between are empty and go on.
#[test]
fn a_page_may_be_empty_and_go_on() {
    let db = Db::new();
    for number in 0..1_501 {
        insert(&db, number, (0, usize::from(number == 1_500), 0, 0, 1));
    }
    let filter = LetterFilter { reason: Some(REASONS[1].into()), ..LetterFilter::default() };
    let query = LetterQuery { filter, ..LetterQuery::default() };
    let mut cursor = None;
    for _ in 0..3 {
        let found = page(&db, &query, cursor.as_ref(), 10);
        assert!(found.rows.is_empty());
        cursor = Some(found.next.unwrap());
    }
    let last = page(&db, &query, cursor.as_ref(), 10);
    assert_eq!((last.rows.len(), last.next), (1, None));
}

#[test]
fn no_list_scans_the_table() {
    let db = Db::new();
    let plan = db.plan_of(&letters(&LetterQuery::default(), None, 9, LetterBytes::Read));
    let indexes = ["cell", "reason", "type", "state", "age", "subject"];
    for index in indexes {
        let step = format!("SEARCH dead_letters USING INDEX dead_letters_by_{index} (");
        let found = plan.iter().filter(|found| found.starts_with(&step));
        assert_eq!(found.count(), 1, "{step}: {plan:#?}");
    }
    let touches = |step: &&String| step.contains("dead_letters") || step.contains(" letter ");
    for step in plan.iter().filter(touches) {
        assert!(step.starts_with("SEARCH "), "{step}: {plan:#?}");
    }
    for statement in [letter("m"), letter_replays("m")] {
        let plan = db.plan_of(&statement);
        assert!(plan.iter().all(|step| step.starts_with("SEARCH ")), "{plan:#?}");
    }
}

#[test]
fn the_matrix_counts_by_day_and_gathers_what_is_old() {
    let db = Db::new();
    let now = 1_000 * DAY;
    for (number, days) in [0, 1, 1, 200, 300].into_iter().enumerate() {
        insert(&db, number, (0, 0, 2, 0, now - days * DAY));
    }
    insert(&db, 9, (5, 1, 0, 0, now));
    let cells = |states: &[LetterState]| -> Vec<(i64, i64)> {
        let cells: Vec<MatrixCell> = read(&db, &letter_matrix(states, UnixMillis(now)));
        cells.iter().map(|cell| (cell.day, cell.letters)).collect()
    };
    assert_eq!(cells(&[LetterState::Parked]), [(910, 2), (999, 2), (1_000, 1)]);
    assert_eq!(cells(&[LetterState::Discarded]), [(1_000, 1)]);
    assert_eq!(cells(&[]), []);
}

#[test]
fn the_replays_of_a_letter_are_its_last_twenty() {
    let db = Db::new();
    for number in 0..25 {
        db.exec(&format!(
            "INSERT INTO replay_letters (replay_id, position, message_id, generation, planned)
             VALUES ('replay_{number:02}', 0, 'm', 0, 'applied')"
        ));
    }
    let replays: Vec<LetterReplay> = read(&db, &letter_replays("m"));
    assert_eq!((replays.len(), &*replays[0].replay_id), (20, "replay_24"));
}

#[test]
fn a_row_that_is_not_a_letter_is_an_error() {
    assert!(parse_letters(&[], 5).is_err());
    let row = serde_json::json!({ "end_at": null, "end_id": null, "letter": "{}" });
    let row = serde_json::from_value(row).unwrap();
    assert!(parse_letters(&[row], 5).is_err());
}
