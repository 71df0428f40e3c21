//! The isolate's own second level, off unless `ROLES_ISOLATE_MS` says otherwise. Pure: the clock is
//! an argument.
//!
//! It adds `ROLES_ISOLATE_MS` to how long a removed role can still be granted, and never serves a
//! set past the hard age that came with it. Versions never go back for one user in one isolate.

use std::collections::BTreeMap;

use shared::id::UserId;
use shared::role_cache::RoleSource;
use shared::time::UnixMillis;

use super::{Freshness, UserRoles};

/// Users held at once: at about 1 KB each, little beside the isolate's 128 MB.
const USERS_MAX: usize = 1_024;

/// The sets that this isolate was given.
#[derive(Debug, Default)]
pub(super) struct IsolateCache {
    users: BTreeMap<UserId, IsolateEntry>,
}

#[derive(Debug)]
struct IsolateEntry {
    given_at: UnixMillis,
    roles: UserRoles,
}

impl IsolateEntry {
    fn at(&self, now: UnixMillis) -> UserRoles {
        let age_ms = self.roles.age_ms.saturating_add(now.since(self.given_at));
        UserRoles { source: RoleSource::Isolate, age_ms, ..self.roles.clone() }
    }
}

impl IsolateCache {
    /// A set that may be served without asking.
    pub(super) fn get(
        &self,
        user: &UserId,
        wish: Freshness,
        isolate_ms: i64,
        now: UnixMillis,
    ) -> Option<UserRoles> {
        let entry = self.users.get(user)?;
        let is_young = (0..isolate_ms).contains(&now.since(entry.given_at));
        let is_good = now <= entry.roles.known.good_until;
        let is_new_enough = wish.min_version <= entry.roles.known.set.version;
        (!wish.fresh && is_young && is_good && is_new_enough).then(|| entry.at(now))
    }

    /// Takes in what the object answered, and says what to serve: the answer, or what is held
    /// already if that is newer and still good; `None` when serving anything would go back.
    pub(super) fn insert_if_newer(
        &mut self,
        user: &UserId,
        roles: UserRoles,
        wish: Freshness,
        now: UnixMillis,
    ) -> Option<UserRoles> {
        if let Some(entry) = self.users.get(user)
            && roles.known.set.version < entry.roles.known.set.version
        {
            let is_good = now <= entry.roles.known.good_until && !wish.fresh;
            return is_good.then(|| entry.at(now));
        }
        if USERS_MAX <= self.users.len() && !self.users.contains_key(user) {
            self.forget_oldest();
        }
        self.users.insert(user.clone(), IsolateEntry { given_at: now, roles: roles.clone() });
        Some(roles)
    }

    fn forget_oldest(&mut self) {
        let oldest = self.users.iter().min_by_key(|(_, entry)| entry.given_at);
        if let Some(user) = oldest.map(|(user, _)| user.clone()) {
            self.users.remove(&user);
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::guard::RoleSnapshot;
    use shared::id::UserId;
    use shared::role_cache::RoleSource;
    use shared::roles::{RoleSet, UserStatus};
    use shared::time::UnixMillis;

    use super::{IsolateCache, USERS_MAX};
    use crate::roles::{Freshness, UserRoles};

    const T0: UnixMillis = UnixMillis(1_000_000);

    fn user(name: &str) -> UserId {
        UserId::parse(&format!("user_{name}")).expect("an id")
    }

    fn roles(version: i64, good_for_ms: i64) -> UserRoles {
        let set =
            RoleSet { version, standing: UserStatus::Live, roles: vec![], organizations: vec![] };
        let known = RoleSnapshot { set, good_until: T0.plus(good_for_ms) };
        UserRoles { known, source: RoleSource::Object, age_ms: 5 }
    }

    fn holding(version: i64, good_for_ms: i64) -> IsolateCache {
        let mut isolate = IsolateCache::default();
        isolate.insert_if_newer(&user("a"), roles(version, good_for_ms), Freshness::default(), T0);
        isolate
    }

    #[test]
    fn a_young_set_is_served_with_its_age() {
        let isolate = holding(7, 60_000);
        let got = isolate.get(&user("a"), Freshness::default(), 1_000, T0.plus(999)).expect("held");
        assert_eq!((got.source, got.age_ms), (RoleSource::Isolate, 1_004));
    }

    #[test]
    fn what_is_old_fresh_below_or_another_s_is_not_served() {
        let isolate = holding(7, 500);
        let find =
            |name, wish, ms, after| isolate.get(&user(name), wish, ms, T0.plus(after)).is_some();
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
        let mut isolate = holding(7, 500);
        let plain = Freshness::default();
        let version = |roles: Option<UserRoles>| roles.map(|roles| roles.known.set.version);
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
    fn the_oldest_makes_room() {
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
