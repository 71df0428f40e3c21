//! The guard: decides whether a user has a needed role or permission. It denies when unknown.

mod answer;

pub use answer::GuardAnswer;

use crate::roles::{Membership, RoleSet, UserStatus};
use crate::session::Session;
use crate::session::factors::{FactorAges, Reverification};
use crate::time::UnixMillis;

/// A requirement of a page or of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// A session of a user who is not deleted or banned.
    Session,
    /// An app role.
    AppRole(String),
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
    /// A live membership of at least one organization.
    AnyOrg,
    /// No live membership: a personal account.
    NoOrg,
    /// A recent reverification.
    Reverified(Reverification),
    /// All of these; an empty list is denied.
    All(Vec<Need>),
    /// Any of these; an empty list is denied.
    Any(Vec<Need>),
}

/// A role set and its expiry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleSnapshot {
    /// The roles.
    pub set: RoleSet,
    /// After this time the set is too old, by the caller's clock.
    pub good_until: UnixMillis,
}

/// Proof that a need is met for this session. Only [`permit`] creates one; pages are built from it.
///
/// ```compile_fail,E0451
/// let set: shared::roles::RoleSet = unimplemented!();
/// let session: shared::session::Session = unimplemented!();
/// let forged = shared::guard::Permit { session: &session, set: &set };
/// ```
#[derive(Debug)]
pub struct Permit<'a> {
    session: &'a Session,
    set: &'a RoleSet,
}

impl<'a> Permit<'a> {
    /// The session.
    #[must_use]
    pub fn session(&self) -> &'a Session {
        self.session
    }

    /// The roles that the decision was made from.
    #[must_use]
    pub fn set(&self) -> &'a RoleSet {
        self.set
    }
}

/// Why a need is not met. The first two mean "unknown" (503), the others "no" (403).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// There is no cached role set.
    #[error("no role set available")]
    NoRoleSet,
    /// The role set is older than the hard age.
    #[error("the role set is too old")]
    RoleSetTooOld,
    /// The user is deleted or banned.
    #[error("the user is deleted or banned")]
    UserBlocked,
    /// Not granted, or the need is empty.
    #[error("role or permission not granted")]
    NotGranted,
    /// The user has it, but it is administrative and the session is impersonated.
    #[error("administrative access is not allowed while impersonating")]
    Impersonated,
    /// The factors are too old, or the token does not contain their age.
    #[error("reverification required")]
    NotReverified,
}

impl Denied {
    /// Whether it is unknown if the need is met: 503.
    #[must_use]
    pub fn is_unknown(self) -> bool {
        match self {
            Self::NoRoleSet | Self::RoleSetTooOld => true,
            Self::UserBlocked | Self::NotGranted | Self::Impersonated | Self::NotReverified => {
                false
            }
        }
    }
}

/// Returns a permit if the session's user has `need`.
///
/// During impersonation the user's administrative roles and permissions do not count
/// ([`is_administrative`]).
///
/// # Errors
/// [`Denied::NoRoleSet`] without a set, [`Denied::RoleSetTooOld`] past its age,
/// [`Denied::UserBlocked`] for a user who is deleted or banned, otherwise why the need is not met:
/// of [`Need::All`] the first reason, of [`Need::Any`] the last.
pub fn permit<'a>(
    session: &'a Session,
    snapshot: Option<&'a RoleSnapshot>,
    need: &Need,
    now: UnixMillis,
) -> Result<Permit<'a>, Denied> {
    let facts =
        SessionFacts { is_impersonated: session.actor().is_some(), factors: session.factors() };
    decide(facts, snapshot, need, now).map(|set| Permit { session, set })
}

/// Checks whether the roles alone meet `need`. It gives no access to a page: that takes a
/// [`Permit`], which requires a session. Needs that require a session are denied.
///
/// # Errors
/// As [`permit`].
pub fn roles_meet(
    snapshot: Option<&RoleSnapshot>,
    need: &Need,
    now: UnixMillis,
) -> Result<(), Denied> {
    decide(SessionFacts { is_impersonated: false, factors: None }, snapshot, need, now).map(drop)
}

/// Returns whether a role or a permission is administrative: `admin`, `org:admin`, and Clerk's
/// system permissions (`org:sys_…`).
#[must_use]
pub fn is_administrative(name: &str) -> bool {
    matches!(name, "admin" | "org:admin") || name.starts_with("org:sys_")
}

/// The facts of a session that a need can require.
#[derive(Clone, Copy)]
struct SessionFacts {
    is_impersonated: bool,
    factors: Option<FactorAges>,
}

fn decide<'a>(
    facts: SessionFacts,
    snapshot: Option<&'a RoleSnapshot>,
    need: &Need,
    now: UnixMillis,
) -> Result<&'a RoleSet, Denied> {
    let Some(RoleSnapshot { set, good_until }) = snapshot else {
        return Err(Denied::NoRoleSet);
    };
    if *good_until < now {
        return Err(Denied::RoleSetTooOld);
    }
    if !set.status.may_have_access() {
        return Err(Denied::UserBlocked);
    }
    facts.meets(set, need, now).map(|()| set)
}

impl SessionFacts {
    fn meets(self, set: &RoleSet, need: &Need, now: UnixMillis) -> Result<(), Denied> {
        let member =
            |org: &str, holds: &dyn Fn(&Membership) -> bool| set.memberships_in(org).any(holds);
        match need {
            Need::Session => Ok(()),
            Need::AppRole(role) => self.holds(role, set.roles.contains(role)),
            Need::Member { org } => granted_if(member(org, &|_| true)),
            Need::OrgRole { org, role } => self.holds(role, member(org, &|m| m.role == *role)),
            Need::Permission { org, permission } => {
                let is_granted = member(org, &|m| m.permissions.contains(permission));
                self.holds(permission, is_granted)
            }
            Need::AnyOrg => granted_if(!set.organizations.is_empty()),
            // For a user without any event even the absence of organizations is unknown.
            Need::NoOrg => {
                granted_if(set.status == UserStatus::Active && set.organizations.is_empty())
            }
            Need::Reverified(required) => match self.factors {
                Some(ages) if required.is_met(ages, now) => Ok(()),
                Some(_) | None => Err(Denied::NotReverified),
            },
            Need::All(needs) if needs.is_empty() => Err(Denied::NotGranted),
            Need::All(needs) => needs.iter().try_for_each(|need| self.meets(set, need, now)),
            Need::Any(needs) => self.meets_any(set, needs, now),
        }
    }

    fn meets_any(self, set: &RoleSet, needs: &[Need], now: UnixMillis) -> Result<(), Denied> {
        let mut reason = Denied::NotGranted;
        for need in needs {
            match self.meets(set, need, now) {
                Ok(()) => return Ok(()),
                Err(denied) => reason = denied,
            }
        }
        Err(reason)
    }

    fn holds(self, name: &str, is_granted: bool) -> Result<(), Denied> {
        granted_if(is_granted)?;
        if self.is_impersonated && is_administrative(name) {
            return Err(Denied::Impersonated);
        }
        Ok(())
    }
}

fn granted_if(is_granted: bool) -> Result<(), Denied> {
    if is_granted { Ok(()) } else { Err(Denied::NotGranted) }
}

#[cfg(test)]
mod tests;
