//! What if a refresh were answered by a replica of D1 that lags? The Workers read the primary
//! alone; here a fill that registers nothing may see a user's watch and roles as they stood before
//! they last changed.

use std::collections::BTreeMap;

use shared::cache::FillResult;

use super::calls::{Reply, Work};
use super::count::Rare;
use super::database::Watch;
use super::dice::Fault;
use super::world::World;

/// How far a replica lags at most, and so by how much the bound of I4 grows.
const LAG_MS: i64 = 5_000;

/// By user: until when the watch stood otherwise, and how; `None` when there was none.
pub(super) type Past = BTreeMap<String, (i64, Option<Watch>)>;

impl World<'_> {
    /// Remembers the watches that stand otherwise now.
    pub(super) fn remember(&mut self, before: &BTreeMap<String, Watch>) {
        let after = &self.laws.mirror.watches;
        let stood = |it: Option<&Watch>| it.map(|it| (it.owner, it.version));
        for user in before.keys().chain(after.keys()) {
            if stood(before.get(user)) != stood(after.get(user)) {
                self.laws.past.insert(user.clone(), (self.now, before.get(user).cloned()));
            }
        }
    }

    /// What a replica reads for this, if one that lags is asked.
    pub(super) fn lagging(&mut self, work: &Work) -> Option<Reply> {
        let Work::Fill { user, fill } = work else { return None };
        if fill.registers || !self.dice.strikes(Fault::Lags) {
            return None;
        }
        let (until, watch) = self.laws.past.get(*user)?;
        if *until + LAG_MS < self.now {
            return None;
        }
        let row = match watch {
            None => None,
            Some(Watch { owner, version, .. }) => {
                let set = self.laws.names.get(&((*user).to_owned(), *version))?.clone();
                Some(FillResult { owner: *owner, set })
            }
        };
        self.count(Rare::Lagged);
        self.say(format_args!("d1: a replica that lags answers a fill of {user}"));
        Some(Reply::Row(row))
    }

    /// By how much sets may be older than they say, since replicas lag.
    pub(super) fn lag_ms(&self) -> i64 {
        if self.mix.chances.contains_key(&Fault::Lags) { LAG_MS } else { 0 }
    }
}
