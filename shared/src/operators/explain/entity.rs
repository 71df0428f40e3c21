//! A synced thing: its row, the last deliveries and dead letters about it, and for a user or a
//! membership what it gives.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::cache::{CacheState, cache_report};
use super::memberships::membership_reasons;
use super::roles::{NamedRole, UserStanding, role_reasons};
use super::rows::{JsonRow, LetterRow, RowError, SyncedRow, WatchRow, read_rows};
use crate::entity::EntityKind;
use crate::operators::api::explain::{EntityStory, Explanation};
use crate::time::UnixMillis;

/// What was read about a synced thing.
#[derive(Clone, Copy, Debug)]
pub struct EntityRead<'a> {
    /// Its kind.
    pub kind: EntityKind,
    /// Its id.
    pub id: &'a str,
    /// The results of [`crate::sql::explain::entity`], in its order.
    pub results: &'a [Vec<JsonRow>],
    /// The state of the role cache, for a user.
    pub cache: CacheState<'a>,
    /// The time of the answer.
    pub now: UnixMillis,
}

impl EntityRead<'_> {
    fn rows<T: DeserializeOwned>(&self, place: usize) -> Result<Vec<T>, RowError> {
        let rows = self.results.get(place).ok_or_else(|| RowError("a result is missing".into()))?;
        read_rows(rows)
    }

    fn first<T: DeserializeOwned>(&self, place: usize) -> Result<Option<T>, RowError> {
        Ok(self.rows(place)?.into_iter().next())
    }
}

/// Explains a synced thing.
///
/// # Errors
/// If the results are not those of [`crate::sql::explain::entity`].
pub fn entity(read: EntityRead<'_>) -> Result<Explanation, RowError> {
    let row: Option<Value> = read.first(0)?;
    let synced: Option<SyncedRow> = read.first(0)?;
    let letters: Vec<LetterRow> = read.rows(2)?;
    let mut story = EntityStory {
        kind: read.kind.as_str().into(),
        row,
        summary: String::new(),
        deliveries: read.rows(1)?,
        letters: letters.into_iter().map(|it| it.letter).collect(),
        roles: vec![],
        organizations: vec![],
        more: false,
        cache: None,
    };
    let has_memberships = matches!(read.kind, EntityKind::User | EntityKind::Membership);
    if has_memberships {
        let roles: Vec<_> = read.rows(4)?;
        (story.organizations, story.more) = membership_reasons(read.rows(3)?, &roles);
    }
    if read.kind == EntityKind::User {
        let standing = UserStanding::of(synced.as_ref());
        story.roles = role_reasons(standing, &read.rows::<NamedRole>(5)?, read.now);
        let watch: Option<WatchRow> = read.first(6)?;
        story.cache = Some(cache_report(watch.as_ref(), read.cache));
        story.summary = standing.summary().into();
    } else {
        story.summary = summary(read.kind, synced.as_ref());
    }
    let entity = Some(story);
    Ok(Explanation { id: read.id.into(), delivery: None, entity })
}

fn summary(kind: EntityKind, row: Option<&SyncedRow>) -> String {
    let kind_name = kind.as_str();
    let Some(row) = row else {
        return format!(
            "No event about this {kind_name} was applied. Deliveries of it may wait in the queue \
             or be parked."
        );
    };
    if row.deleted.0 {
        return format!("This {kind_name} was deleted in Clerk. It never comes back.");
    }
    let key = row.key.as_deref().unwrap_or_default();
    match kind {
        EntityKind::Role if row.decides.is_some_and(|decides| decides.0) => {
            format!("This role decides what {key} permits.")
        }
        EntityKind::Role => {
            format!("Another role with the key {key} has a greater rank: this one decides nothing.")
        }
        EntityKind::Permission => format!("This permission has the key {key}."),
        EntityKind::User | EntityKind::Organization | EntityKind::Membership => {
            format!("This {kind_name} exists in Clerk.")
        }
    }
}
