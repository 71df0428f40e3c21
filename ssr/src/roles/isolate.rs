//! The isolate's own second level, off unless `ROLES_ISOLATE_MS` says otherwise. Pure: the clock is
//! an argument.
//!
//! It adds `ROLES_ISOLATE_MS` to how long a removed role can still be granted, and never serves a
//! set past the hard age that came with it. Versions never go back for one user in one isolate.

use std::collections::BTreeMap;

use shared::id::UserId;
use shared::object::Source;
use shared::time::UnixMillis;

use super::{Roles, Wish};

/// Users held at once: at about 1 KB each, little beside the isolate's 128 MB.
const USERS_MAX: usize = 1_024;

/// The sets that this isolate was given.
#[derive(Debug, Default)]
pub(super) struct Isolate {
    users: BTreeMap<UserId, Entry>,
}

#[derive(Debug)]
struct Entry {
    given_at: UnixMillis,
    roles: Roles,
}

impl Entry {
    fn at(&self, now: UnixMillis) -> Roles {
        let age_ms = self.roles.age_ms.saturating_add(now.since(self.given_at));
        Roles { source: Source::Isolate, age_ms, ..self.roles.clone() }
    }
}

impl Isolate {
    /// A set that may be served without asking.
    pub(super) fn find(
        &self,
        user: &UserId,
        wish: Wish,
        isolate_ms: i64,
        now: UnixMillis,
    ) -> Option<Roles> {
        let entry = self.users.get(user)?;
        let is_young = (0..isolate_ms).contains(&now.since(entry.given_at));
        let is_good = now <= entry.roles.known.good_until;
        let is_new_enough = wish.min_version <= entry.roles.known.set.version;
        (!wish.fresh && is_young && is_good && is_new_enough).then(|| entry.at(now))
    }

    /// Takes in what the object answered, and says what to serve: the answer, or what is held
    /// already if that is newer and still good; `None` when serving anything would go back.
    pub(super) fn offer(
        &mut self,
        user: &UserId,
        roles: Roles,
        wish: Wish,
        now: UnixMillis,
    ) -> Option<Roles> {
        if let Some(entry) = self.users.get(user)
            && roles.known.set.version < entry.roles.known.set.version
        {
            let is_good = now <= entry.roles.known.good_until && !wish.fresh;
            return is_good.then(|| entry.at(now));
        }
        if USERS_MAX <= self.users.len() && !self.users.contains_key(user) {
            self.forget_oldest();
        }
        self.users.insert(user.clone(), Entry { given_at: now, roles: roles.clone() });
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
    use shared::guard::Known;
    use shared::id::UserId;
    use shared::object::Source;
    use shared::roles::{RoleSet, Standing};
    use shared::time::UnixMillis;

    use super::{Isolate, USERS_MAX};
    use crate::roles::{Roles, Wish};

    const T0: UnixMillis = UnixMillis(1_000_000);

    fn user(name: &str) -> UserId {
        UserId::parse(&format!("user_{name}")).expect("an id")
    }

    fn roles(version: i64, good_for_ms: i64) -> Roles {
        let set =
            RoleSet { version, standing: Standing::Live, roles: vec![], organizations: vec![] };
        let known = Known { set, good_until: T0.plus(good_for_ms) };
        Roles { known, source: Source::Object, age_ms: 5 }
    }

    fn holding(version: i64, good_for_ms: i64) -> Isolate {
        let mut isolate = Isolate::default();
        isolate.offer(&user("a"), roles(version, good_for_ms), Wish::default(), T0);
        isolate
    }

    #[test]
    fn a_young_set_is_served_with_its_age() {
        let isolate = holding(7, 60_000);
        let got = isolate.find(&user("a"), Wish::default(), 1_000, T0.plus(999)).expect("held");
        assert_eq!((got.source, got.age_ms), (Source::Isolate, 1_004));
    }

    #[test]
    fn what_is_old_fresh_below_or_another_s_is_not_served() {
        let isolate = holding(7, 500);
        let find =
            |name, wish, ms, after| isolate.find(&user(name), wish, ms, T0.plus(after)).is_some();
        let plain = Wish::default();
        assert!(find("a", plain, 1_000, 500));
        assert!(!find("a", plain, 1_000, 501), "past the hard age");
        assert!(!find("a", plain, 100, 100), "past the isolate's own age");
        assert!(!find("a", plain, 1_000, -1), "from the future");
        let s_16_before_1970 = -T0.0 - 1;
        assert!(!find("a", plain, 1_000, s_16_before_1970), "S-16 a clock before 1970");
        assert!(!find("a", plain, 1_000, i64::MIN), "S-16 a clock before all time");
        assert!(!find("a", Wish { fresh: true, ..plain }, 1_000, 0));
        assert!(!find("a", Wish { min_version: 8, ..plain }, 1_000, 0));
        assert!(find("a", Wish { min_version: 7, ..plain }, 1_000, 0));
        assert!(!find("b", plain, 1_000, 0));
    }

    #[test]
    fn versions_never_go_back() {
        let mut isolate = holding(7, 500);
        let plain = Wish::default();
        let version = |roles: Option<Roles>| roles.map(|roles| roles.known.set.version);
        assert_eq!(version(isolate.offer(&user("a"), roles(6, 500), plain, T0)), Some(7));
        assert_eq!(version(isolate.offer(&user("a"), roles(6, 900), plain, T0.plus(501))), None);
        let fresh = Wish { fresh: true, ..plain };
        assert_eq!(version(isolate.offer(&user("a"), roles(6, 500), fresh, T0)), None);
        assert_eq!(version(isolate.offer(&user("a"), roles(8, 500), plain, T0)), Some(8));
    }

    #[test]
    fn the_oldest_makes_room() {
        let mut isolate = Isolate::default();
        for at in 0..=USERS_MAX {
            let now = T0.plus(i64::try_from(at).expect("small"));
            isolate.offer(&user(&at.to_string()), roles(1, 90_000), Wish::default(), now);
        }
        assert_eq!(isolate.users.len(), USERS_MAX);
        assert!(!isolate.users.contains_key(&user("0")));
        assert!(isolate.users.contains_key(&user("1")));
    }
}
