//! Who is watched, and whose watch is behind what has changed for everybody.

use super::Rows;
use super::effect::{Bumps, once};

impl Rows {
    /// Watches a user: only a watch has a version that can rise.
    pub fn watch(&mut self, user: &str) {
        self.watched.insert(user.into());
    }

    /// Ends the watch.
    pub fn unwatch(&mut self, user: &str) {
        self.watched.remove(user);
        self.behind.remove(user);
    }

    /// Lets one watch take in what has changed for everybody. Whether its version rises by it.
    pub fn catch_up(&mut self, user: &str) -> bool {
        self.behind.remove(user)
    }

    /// The same for every watch that is behind: those whose versions rise.
    pub fn catch_up_all(&mut self) -> Bumps {
        once(std::mem::take(&mut self.behind))
    }
}
