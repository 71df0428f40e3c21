//! From rows to the answers of `GET /explain/{id}`: what is known of an id, and why.
//!
//! The rows are those of [`crate::sql::explain`]. What they say of a user's roles follows the same
//! rules as the views that the role caches read; tests compare the two on random databases, so an
//! explanation never disagrees with the guard.

mod cache;
mod delivery;
mod entity;
mod memberships;
mod roles;
mod rows;
mod words;

pub use cache::{CacheState, cache_report};
pub use delivery::delivery;
pub use entity::{EntityRead, entity};
pub use memberships::MEMBERSHIPS_MAX;
pub(crate) use roles::counted;
pub use roles::{NamedRole, UserStanding, role_reasons, standing};
pub use rows::{JsonRow, RowError, WatchRow, read_rows};

use serde::Deserialize;

use crate::entity::EntityKind;
use crate::json::deserialize_from_object;
use rows::Flag;

/// What an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A delivery, by its `svix-id`.
    Delivery,
    /// A synced thing.
    Entity(EntityKind),
}

/// Clerk's and Svix's prefixes.
const PREFIXES: [(&str, Target); 6] = [
    ("msg_", Target::Delivery),
    ("user_", Target::Entity(EntityKind::User)),
    ("org_", Target::Entity(EntityKind::Organization)),
    ("orgmem_", Target::Entity(EntityKind::Membership)),
    ("role_", Target::Entity(EntityKind::Role)),
    ("perm_", Target::Entity(EntityKind::Permission)),
];

#[derive(Debug, Deserialize)]
#[serde(remote = "Self")]
struct TargetRow {
    entity: Option<String>,
    delivery: Flag,
}

deserialize_from_object!(TargetRow);

impl Target {
    /// What an id names by its prefix; `None` if only the database can tell.
    #[must_use]
    pub fn by_prefix(id: &str) -> Option<Self> {
        PREFIXES.iter().find(|(prefix, _)| id.starts_with(prefix)).map(|(_, target)| *target)
    }

    /// What the database knows the id as: the row of [`crate::sql::explain::target`].
    ///
    /// # Errors
    /// If the row is not one that this statement produces.
    pub fn found(rows: &[JsonRow]) -> Result<Option<Self>, RowError> {
        let rows: Vec<TargetRow> = read_rows(rows)?;
        let target = rows.into_iter().next().and_then(|row| {
            let delivery = row.delivery.0.then_some(Self::Delivery);
            let entity = row.entity.as_deref().and_then(EntityKind::from_name).map(Self::Entity);
            entity.or(delivery)
        });
        Ok(target)
    }
}
