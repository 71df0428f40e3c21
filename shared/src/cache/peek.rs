//! What operators see of a role cache.

use super::{AgeLimits, CacheState};
use crate::role_cache::{CachePeek, RoleSource};
use crate::time::UnixMillis;

impl CacheState {
    /// The state at this time, without the roles. Changes nothing, and is no use of the cache: an
    /// idle object ends as if nobody had looked.
    #[must_use]
    pub fn peek(&self, now: UnixMillis, ages: &AgeLimits) -> CachePeek {
        let entry = self.entry.as_ref();
        CachePeek {
            owner: self.owner,
            floor: self.floor,
            version: entry.map(|entry| entry.set.version),
            status: entry.map(|entry| entry.set.status),
            age_ms: entry.map(|entry| now.since(entry.verified_at)),
            serves: self.current_answer(RoleSource::Object, now, ages).is_some(),
        }
    }
}
