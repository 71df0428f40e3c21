//! What `explain` says of an id, from the rows of a real database. It must never disagree with what
//! a guard is told.

mod agrees;
mod changes;
mod costs;
mod stories;

use rusqlite::types::Value;
use shared::entity::EntityKind;
use shared::operators::api::explain::EntityStory;
use shared::operators::explain::{CacheState, EntityRead, JsonRow, entity};
use shared::role_cache::CachePeek;
use shared::sql::Statement;
use shared::sql::explain as statements;
use shared::time::UnixMillis;

use crate::support::{Db, START};

/// The rows of statements that read JSON.
pub(super) fn json_rows(db: &Db, batch: &[Statement]) -> Vec<Vec<JsonRow>> {
    let row = |cells: Vec<Value>| match &cells[..] {
        [Value::Text(json)] => JsonRow { json: json.clone() },
        other => panic!("{other:?}"),
    };
    batch.iter().map(|statement| db.query(statement).into_iter().map(row).collect()).collect()
}

/// A role cache that was never asked.
pub(super) const NEVER_ASKED: CachePeek =
    CachePeek { owner: 0, floor: 0, version: None, status: None, age_ms: None, serves: false };

/// Explains a synced thing at `START`, with this answer of the role cache.
pub(super) fn explained_with(
    db: &Db,
    kind: EntityKind,
    id: &str,
    cache: CacheState<'_>,
) -> EntityStory {
    let results = json_rows(db, &statements::entity(kind, id));
    let read = EntityRead { kind, id, results: &results, cache, now: UnixMillis(START) };
    let explanation = entity(read).unwrap();
    assert_eq!((explanation.id.as_str(), &explanation.delivery), (id, &None));
    explanation.entity.unwrap()
}

pub(super) fn explained(db: &Db, kind: EntityKind, id: &str) -> EntityStory {
    explained_with(db, kind, id, CacheState::Answered(&NEVER_ASKED))
}
