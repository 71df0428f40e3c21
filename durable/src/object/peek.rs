//! The read-only look of an operator.

use shared::role_cache::CachePeek;

use super::RoleCacheObject;
use crate::error::CacheResult;
use crate::settings;

impl RoleCacheObject {
    /// The state as it is: starts no fill, and writes neither storage nor alarm.
    pub(crate) async fn peek(&self) -> CacheResult<CachePeek> {
        let ages = settings::ages(&self.env)?;
        self.load().await?;
        Ok(self.state.borrow().state().peek(edge::clock::now(), &ages))
    }
}
