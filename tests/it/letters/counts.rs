//! The counts that triggers keep, against a count of the rows.

use proptest::prelude::*;

use crate::support::Db;

const LETTERS: &str = "SELECT state, reason, coalesce(type, ''), first_seen_at / 86400000, count(*)
    FROM dead_letters GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4";
const LETTER_COUNTS: &str = "SELECT state, reason, type, day, letters FROM dead_letter_counts
    ORDER BY state, reason, type, day";
const REPLAYS: &str = "SELECT replay_id, planned, became, count(*) FROM replay_letters
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";
const REPLAY_COUNTS: &str = "SELECT replay_id, planned, became, letters FROM replay_counts
    WHERE letters <> 0 ORDER BY replay_id, planned, became";

/// Asserts that the counts are those of the rows.
#[track_caller]
pub(super) fn check(db: &Db) {
    assert_eq!(db.rows(LETTER_COUNTS, []), db.rows(LETTERS, []));
    assert_eq!(db.rows(REPLAY_COUNTS, []), db.rows(REPLAYS, []));
}

/// Any write of the tables by hand, most of them to few rows.
fn any_write() -> impl Strategy<Value = String> {
    let id = 0..5_u8;
    let state = prop::sample::select(vec!["parked", "replaying", "applied", "discarded"]);
    let reason = prop::sample::select(vec!["shape", "overloaded"]);
    let kind = prop::sample::select(vec!["NULL", "''", "'user.created'"]);
    let seen = prop::sample::select(vec![0_i64, 1, 86_399_999, 86_400_000]);
    let insert = (id.clone(), state.clone(), reason.clone(), kind.clone(), seen).prop_map(
        |(id, state, reason, kind, seen)| {
            format!(
                "INSERT INTO dead_letters (message_id, queue, type, reason, attempts, first_seen_at, last_seen_at, envelope, state, replay_id)
                 VALUES ('m{id}', 'q', {kind}, '{reason}', 1, {seen}, {seen}, '', '{state}', iif({id} < 3, 'r' || ({id} % 2), NULL))
                 ON CONFLICT (message_id) DO UPDATE SET reason = excluded.reason, first_seen_at = excluded.first_seen_at"
            )
        },
    );
    let moved = (0..6_u8, state).prop_map(|(id, state)| {
        format!("UPDATE dead_letters SET state = '{state}' WHERE message_id >= 'm{id}'")
    });
    let other = (id.clone(), reason, kind).prop_map(|(id, reason, kind)| {
        format!(
            "UPDATE dead_letters SET reason = '{reason}', type = {kind} WHERE message_id = 'm{id}'"
        )
    });
    let removed =
        id.clone().prop_map(|id| format!("DELETE FROM dead_letters WHERE message_id = 'm{id}'"));
    let class = prop::sample::select(vec!["applied", "newer"]);
    let became = prop::sample::select(vec!["waiting", "sent", "applied", "left"]);
    let planned = (0..2_u8, id.clone(), class.clone(), became.clone()).prop_map(
        |(replay, id, class, became)| {
            format!(
                "INSERT INTO replay_letters (replay_id, position, message_id, generation, planned, became)
                 VALUES ('r{replay}', {id}, 'm{id}', 0, '{class}', '{became}')
                 ON CONFLICT (replay_id, position) DO UPDATE SET became = excluded.became, planned = excluded.planned"
            )
        },
    );
    let told = (id.clone(), class, became).prop_map(|(id, class, became)| {
        format!("UPDATE replay_letters SET became = '{became}', planned = '{class}' WHERE position >= {id}")
    });
    let left = id.prop_map(|id| format!("DELETE FROM replay_letters WHERE position = {id}"));
    prop_oneof![4 => insert, 3 => moved, 2 => other, 2 => removed, 4 => planned, 2 => told, 1 => left]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_counts_are_those_of_the_rows_after_any_writes(
        writes in prop::collection::vec(any_write(), 1..30),
    ) {
        let db = Db::new();
        for write in writes {
            db.exec(&write);
            check(&db);
        }
    }
}
