//! The guard: may this user do that? Pure; whatever it does not know, it denies.

use crate::roles::{Membership, RoleSet};
use crate::time::UnixMillis;

/// What a page or a question asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// A session of a user who is neither dead nor banned.
    Session,
    /// An app role, which holds everywhere.
    Role(String),
    /// A live membership of an organization.
    Member {
        /// The organization's id.
        org: String,
    },
    /// A role inside one organization, `org:…`.
    OrgRole {
        /// The organization's id.
        org: String,
        /// The role's key, `org:…`.
        role: String,
    },
    /// A permission inside one organization, `org:<feature>:<action>`.
    Permission {
        /// The organization's id.
        org: String,
        /// The permission's key.
        permission: String,
    },
    /// Each of these. None is a question that asks nothing, and is denied.
    All(Vec<Need>),
    /// At least one of these. None is denied.
    Any(Vec<Need>),
}

/// A role set together with how long it may be relied on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The roles.
    pub set: RoleSet,
    /// The instant after which the set is too old, on the clock of whoever asks.
    pub good_until: UnixMillis,
}

/// Proof that a need was met. Only [`permit`] makes one; pages are built from it.
///
/// ```compile_fail
/// let set: shared::roles::RoleSet = unimplemented!();
/// let forged = shared::guard::Permit { set: &set };
/// ```
#[derive(Debug)]
pub struct Permit<'a> {
    set: &'a RoleSet,
}

impl Permit<'_> {
    /// The roles that the decision was made from.
    #[must_use]
    pub fn set(&self) -> &RoleSet {
        self.set
    }
}

/// Why a need was not met. The first two mean "cannot know" (503), the others "no" (403).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// There is no set at all: a cold cache never opens a door.
    #[error("no role set is known")]
    Cold,
    /// The set is older than the hard age.
    #[error("the role set is too old")]
    Stale,
    /// The user is deleted or banned.
    #[error("the user is deleted or banned")]
    Barred,
    /// The roles do not carry it, or the question asks nothing.
    #[error("the roles do not carry it")]
    Missing,
}

/// Grants `need` when the roles in `known` carry it.
///
/// # Errors [`Denied::Cold`] without a set, [`Denied::Stale`] past its age, [`Denied::Barred`] for
/// a user who is dead or banned, [`Denied::Missing`] otherwise.
pub fn permit<'a>(
    known: Option<&'a Known>,
    need: &Need,
    now: UnixMillis,
) -> Result<Permit<'a>, Denied> {
    let Some(Known { set, good_until }) = known else {
        return Err(Denied::Cold);
    };
    if *good_until < now {
        return Err(Denied::Stale);
    }
    if !set.standing.admits() {
        return Err(Denied::Barred);
    }
    if !carries(set, need) {
        return Err(Denied::Missing);
    }
    Ok(Permit { set })
}

fn carries(set: &RoleSet, need: &Need) -> bool {
    let member =
        |org: &str, holds: &dyn Fn(&Membership) -> bool| set.memberships_in(org).any(holds);
    match need {
        Need::Session => true,
        Need::Role(role) => set.roles.contains(role),
        Need::Member { org } => member(org, &|_| true),
        Need::OrgRole { org, role } => member(org, &|m| m.role == *role),
        Need::Permission { org, permission } => {
            member(org, &|m| m.permissions.contains(permission))
        }
        Need::All(needs) => !needs.is_empty() && needs.iter().all(|need| carries(set, need)),
        Need::Any(needs) => needs.iter().any(|need| carries(set, need)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Denied, Known, Need, permit};
    use crate::roles::{Membership, RoleSet, Standing};
    use crate::time::UnixMillis;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    fn known(standing: Standing) -> Known {
        let organizations = vec![Membership {
            id: "org_a".into(),
            role: "org:admin".into(),
            permissions: vec!["org:posts:read".into()],
        }];
        let set = RoleSet { version: 7, standing, roles: vec!["admin".into()], organizations };
        Known { set, good_until: NOW }
    }

    #[track_caller]
    fn check(need: &Need, want: Result<(), Denied>) {
        let known = known(Standing::Live);
        assert_eq!(permit(Some(&known), need, NOW).map(|_| ()), want);
    }

    fn role(name: &str) -> Need {
        Need::Role(name.into())
    }

    #[test]
    fn a_cold_cache_denies() {
        assert_eq!(permit(None, &Need::Session, NOW).map(|_| ()), Err(Denied::Cold));
    }

    #[test]
    fn a_set_past_its_age_denies() {
        let known = known(Standing::Live);
        assert!(permit(Some(&known), &role("admin"), NOW).is_ok());
        let late = permit(Some(&known), &role("admin"), NOW.plus(1)).map(|_| ());
        assert_eq!(late, Err(Denied::Stale));
    }

    #[test]
    fn the_dead_and_the_banned_may_nothing() {
        for standing in [Standing::Dead, Standing::Banned] {
            let known = known(standing);
            for need in [Need::Session, role("admin"), Need::Member { org: "org_a".into() }] {
                assert_eq!(permit(Some(&known), &need, NOW).map(|_| ()), Err(Denied::Barred));
            }
        }
    }

    #[test]
    fn an_app_role_is_held_or_not() {
        check(&role("admin"), Ok(()));
        check(&role("Admin"), Err(Denied::Missing));
        check(&role("org:admin"), Err(Denied::Missing));
    }

    #[test]
    fn a_role_of_one_organization_is_none_of_another() {
        let of = |org: &str| Need::OrgRole { org: org.into(), role: "org:admin".into() };
        check(&of("org_a"), Ok(()));
        check(&of("org_b"), Err(Denied::Missing));
        let may = |p: &str| Need::Permission { org: "org_a".into(), permission: p.into() };
        check(&may("org:posts:read"), Ok(()));
        check(&may("org:posts:write"), Err(Denied::Missing));
    }

    #[test]
    fn a_question_that_asks_nothing_is_denied() {
        check(&Need::All(vec![]), Err(Denied::Missing));
        check(&Need::Any(vec![]), Err(Denied::Missing));
        check(&Need::All(vec![Need::Session, Need::Any(vec![])]), Err(Denied::Missing));
    }

    #[test]
    fn all_wants_each_and_any_wants_one() {
        check(&Need::All(vec![role("admin"), role("editor")]), Err(Denied::Missing));
        check(&Need::Any(vec![role("admin"), role("editor")]), Ok(()));
    }
}
