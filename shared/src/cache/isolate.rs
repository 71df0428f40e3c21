//! The isolate cache, off by default (`ROLES_ISOLATE_MS`), and how a Worker interprets
//! the object's answer. Pure: the clock is an argument.
//!
//! It adds `ROLES_ISOLATE_MS` to how long a removed role can still be granted, and never serves a
//! set past the hard age that came with it. Versions never go back for one user in one isolate.

use std::collections::BTreeMap;

use crate::guard::RoleSnapshot;
use crate::id::UserId;
use crate::role_cache::{RoleAnswer, RoleSource};
use crate::time::UnixMillis;

/// How fresh the roles must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    /// Read D1 first.
    pub fresh: bool,
    /// The minimum version.
    pub min_version: i64,
}

/// A user's roles, with their source and age.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRoles {
    /// The roles, and until when they are valid.
    pub snapshot: RoleSnapshot,
    /// Where they came from.
    pub source: RoleSource,
    /// How old they are, in milliseconds.
    pub age_ms: i64,
}

impl UserRoles {
    /// Converts the object's answer to a query sent at `queried_at`; `None` if its version is below
    /// `min_version`. Ages count from before the query was sent.
    #[must_use]
    pub fn from_answer(
        answer: RoleAnswer,
        min_version: i64,
        queried_at: UnixMillis,
        now: UnixMillis,
    ) -> Option<Self> {
        if answer.set.version < min_version {
            return None;
        }
        let good_until = queried_at.plus(answer.good_for_ms);
        Some(Self {
            snapshot: RoleSnapshot { set: answer.set, good_until },
            source: answer.source,
            age_ms: answer.age_ms.saturating_add(now.since(queried_at)),
        })
    }

    /// Whether they expired in transit. Then a second query helps: the object refreshes a set that
    /// is about to expire.
    #[must_use]
    pub fn is_expired(&self, now: UnixMillis) -> bool {
        self.snapshot.good_until < now
    }

    /// The version of the set.
    #[must_use]
    pub fn version(&self) -> i64 {
        self.snapshot.set.version
    }
}

/// The most users cached: about 1 KB each, of the isolate's 128 MB.
const USERS_MAX: usize = 1_024;

/// The role sets that this isolate received.
#[derive(Debug, Default)]
pub struct IsolateCache {
    users: BTreeMap<UserId, IsolateEntry>,
}

#[derive(Debug)]
struct IsolateEntry {
    stored_at: UnixMillis,
    roles: UserRoles,
}

impl IsolateEntry {
    fn at(&self, now: UnixMillis) -> UserRoles {
        let age_ms = self.roles.age_ms.saturating_add(now.since(self.stored_at));
        UserRoles { source: RoleSource::Isolate, age_ms, ..self.roles.clone() }
    }
}

impl IsolateCache {
    /// A set that may be served without asking the object.
    #[must_use]
    pub fn get(
        &self,
        user: &UserId,
        freshness: Freshness,
        isolate_ms: i64,
        now: UnixMillis,
    ) -> Option<UserRoles> {
        let entry = self.users.get(user)?;
        let is_young = (0..isolate_ms).contains(&now.since(entry.stored_at));
        let is_valid = !entry.roles.is_expired(now);
        let is_new_enough = freshness.min_version <= entry.roles.snapshot.set.version;
        (!freshness.fresh && is_young && is_valid && is_new_enough).then(|| entry.at(now))
    }

    /// Stores the object's roles and returns what to serve: these, or the cached ones if they are
    /// newer and still valid. `None` if any answer would go back to an older version.
    pub fn insert_if_newer(
        &mut self,
        user: &UserId,
        roles: UserRoles,
        freshness: Freshness,
        now: UnixMillis,
    ) -> Option<UserRoles> {
        if let Some(entry) = self.users.get(user)
            && roles.snapshot.set.version < entry.roles.snapshot.set.version
        {
            let is_valid = !entry.roles.is_expired(now) && !freshness.fresh;
            return is_valid.then(|| entry.at(now));
        }
        if USERS_MAX <= self.users.len() && !self.users.contains_key(user) {
            self.evict_oldest();
        }
        self.users.insert(user.clone(), IsolateEntry { stored_at: now, roles: roles.clone() });
        Some(roles)
    }

    fn evict_oldest(&mut self) {
        let oldest = self.users.iter().min_by_key(|(_, entry)| entry.stored_at);
        if let Some(user) = oldest.map(|(user, _)| user.clone()) {
            self.users.remove(&user);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Freshness, IsolateCache, RoleSnapshot, RoleSource, USERS_MAX, UnixMillis, UserId, UserRoles,
    };
    use crate::roles::{RoleSet, UserStatus};

    const T0: UnixMillis = UnixMillis(1_000_000);

    fn user(name: &str) -> UserId {
        UserId::parse(&format!("user_{name}")).expect("an id")
    }

    fn roles(version: i64, good_for_ms: i64) -> UserRoles {
        let set =
            RoleSet { version, status: UserStatus::Active, roles: vec![], organizations: vec![] };
        let snapshot = RoleSnapshot { set, good_until: T0.plus(good_for_ms) };
        UserRoles { snapshot, source: RoleSource::Object, age_ms: 5 }
    }

    fn cache_with(version: i64, good_for_ms: i64) -> IsolateCache {
        let mut isolate = IsolateCache::default();
        isolate.insert_if_newer(&user("a"), roles(version, good_for_ms), Freshness::default(), T0);
        isolate
    }

    #[test]
    fn a_young_set_is_served_with_its_age() {
        let isolate = cache_with(7, 60_000);
        let got = isolate.get(&user("a"), Freshness::default(), 1_000, T0.plus(999)).expect("held");
        assert_eq!((got.source, got.age_ms), (RoleSource::Isolate, 1_004));
    }

    #[test]
    fn unusable_entries_are_not_served() {
        let isolate = cache_with(7, 500);
        let find = |name, freshness, ms, after| {
            isolate.get(&user(name), freshness, ms, T0.plus(after)).is_some()
        };
        let plain = Freshness::default();
        assert!(find("a", plain, 1_000, 500));
        assert!(!find("a", plain, 1_000, 501), "past the hard age");
        assert!(!find("a", plain, 100, 100), "past the isolate's own age");
        assert!(!find("a", plain, 1_000, -1), "from the future");
        let s_16_before_1970 = -T0.0 - 1;
        assert!(!find("a", plain, 1_000, s_16_before_1970), "S-16 a clock before 1970");
        assert!(!find("a", plain, 1_000, i64::MIN), "S-16 a clock before all time");
        assert!(!find("a", Freshness { fresh: true, ..plain }, 1_000, 0));
        assert!(!find("a", Freshness { min_version: 8, ..plain }, 1_000, 0));
        assert!(find("a", Freshness { min_version: 7, ..plain }, 1_000, 0));
        assert!(!find("b", plain, 1_000, 0));
    }

    #[test]
    fn versions_never_go_back() {
        let mut isolate = cache_with(7, 500);
        let plain = Freshness::default();
        let version = |roles: Option<UserRoles>| roles.map(|roles| roles.snapshot.set.version);
        assert_eq!(version(isolate.insert_if_newer(&user("a"), roles(6, 500), plain, T0)), Some(7));
        assert_eq!(
            version(isolate.insert_if_newer(&user("a"), roles(6, 900), plain, T0.plus(501))),
            None
        );
        let fresh = Freshness { fresh: true, ..plain };
        assert_eq!(version(isolate.insert_if_newer(&user("a"), roles(6, 500), fresh, T0)), None);
        assert_eq!(version(isolate.insert_if_newer(&user("a"), roles(8, 500), plain, T0)), Some(8));
    }

    #[test]
    fn the_oldest_entry_is_evicted() {
        let mut isolate = IsolateCache::default();
        for at in 0..=USERS_MAX {
            let now = T0.plus(i64::try_from(at).expect("small"));
            isolate.insert_if_newer(
                &user(&at.to_string()),
                roles(1, 90_000),
                Freshness::default(),
                now,
            );
        }
        assert_eq!(isolate.users.len(), USERS_MAX);
        assert!(!isolate.users.contains_key(&user("0")));
        assert!(isolate.users.contains_key(&user("1")));
    }
}
