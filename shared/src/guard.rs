//! The guard: may this user do that? Pure; whatever it does not know, it denies.

use crate::roles::{Membership, RoleSet, UserStatus};
use crate::session::Session;
use crate::session::factors::{FactorAges, Reverification};
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
    /// A live membership of at least one organization.
    AnyOrg,
    /// No live membership of any: an account of one's own.
    NoOrg,
    /// That the user proved lately who they are.
    Reverified(Reverification),
    /// Each of these. None is a question that asks nothing, and is denied.
    All(Vec<Need>),
    /// At least one of these. None is denied.
    Any(Vec<Need>),
}

/// A role set together with how long it may be relied on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleSnapshot {
    /// The roles.
    pub set: RoleSet,
    /// The instant after which the set is too old, on the clock of whoever asks.
    pub good_until: UnixMillis,
}

/// Proof that a need was met, by whom. Only [`permit`] makes one; pages are built from it.
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
    /// Whose need it was.
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

/// Why a need was not met. The first two mean "cannot know" (503), the others "no" (403).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// There is no set at all: a cold cache never opens a door.
    #[error("no role set is known")]
    NoRoleSet,
    /// The set is older than the hard age.
    #[error("the role set is too old")]
    RoleSetTooOld,
    /// The user is deleted or banned.
    #[error("the user is deleted or banned")]
    UserBlocked,
    /// The roles do not carry it, or the question asks nothing.
    #[error("the roles do not carry it")]
    NotGranted,
    /// The roles carry it, but it is for the user alone, and somebody acts as them.
    #[error("the user is impersonated")]
    Impersonated,
    /// The factors are too old, or the token does not tell how old they are.
    #[error("the user has not proved lately who they are")]
    NotReverified,
}

/// Grants `need` to whoever has `session` when the roles in `known` carry it.
///
/// Whoever impersonates a user has none of the user's administrative roles and permissions
/// ([`is_administrative`]).
///
/// # Errors
/// [`Denied::NoRoleSet`] without a set, [`Denied::RoleSetTooOld`] past its age,
/// [`Denied::UserBlocked`] for a user who is dead or banned, otherwise the first reason why the
/// need is not met.
pub fn permit<'a>(
    session: &'a Session,
    known: Option<&'a RoleSnapshot>,
    need: &Need,
    now: UnixMillis,
) -> Result<Permit<'a>, Denied> {
    let asker =
        SessionFacts { is_impersonated: session.actor().is_some(), factors: session.factors() };
    decide(asker, known, need, now).map(|set| Permit { session, set })
}

/// Whether the roles alone carry `need`. It opens nothing: a page takes a [`Permit`], and that
/// takes a session. What a session would have to say is denied.
///
/// # Errors
/// As [`permit`].
pub fn roles_meet(
    known: Option<&RoleSnapshot>,
    need: &Need,
    now: UnixMillis,
) -> Result<(), Denied> {
    decide(SessionFacts { is_impersonated: false, factors: None }, known, need, now).map(drop)
}

/// Whether a role or a permission is one to administer with: `admin`, `org:admin`, and what Clerk's
/// own system asks for (`org:sys_…`).
#[must_use]
pub fn is_administrative(name: &str) -> bool {
    matches!(name, "admin" | "org:admin") || name.starts_with("org:sys_")
}

/// What a session says, as far as a need can ask for it.
#[derive(Clone, Copy)]
struct SessionFacts {
    is_impersonated: bool,
    factors: Option<FactorAges>,
}

fn decide<'a>(
    asker: SessionFacts,
    known: Option<&'a RoleSnapshot>,
    need: &Need,
    now: UnixMillis,
) -> Result<&'a RoleSet, Denied> {
    let Some(RoleSnapshot { set, good_until }) = known else {
        return Err(Denied::NoRoleSet);
    };
    if *good_until < now {
        return Err(Denied::RoleSetTooOld);
    }
    if !set.standing.may_have_access() {
        return Err(Denied::UserBlocked);
    }
    asker.meets(set, need, now).map(|()| set)
}

impl SessionFacts {
    fn meets(self, set: &RoleSet, need: &Need, now: UnixMillis) -> Result<(), Denied> {
        let member =
            |org: &str, holds: &dyn Fn(&Membership) -> bool| set.memberships_in(org).any(holds);
        match need {
            Need::Session => Ok(()),
            Need::Role(role) => self.holds(role, set.roles.contains(role)),
            Need::Member { org } => granted_if(member(org, &|_| true)),
            Need::OrgRole { org, role } => self.holds(role, member(org, &|m| m.role == *role)),
            Need::Permission { org, permission } => {
                let is_carried = member(org, &|m| m.permissions.contains(permission));
                self.holds(permission, is_carried)
            }
            Need::AnyOrg => granted_if(!set.organizations.is_empty()),
            // Of a user whom no event has told of yet, nothing is known, not even an absence.
            Need::NoOrg => {
                granted_if(set.standing == UserStatus::Live && set.organizations.is_empty())
            }
            Need::Reverified(wanted) => match self.factors {
                Some(ages) if wanted.is_met(ages, now) => Ok(()),
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

    fn holds(self, name: &str, is_carried: bool) -> Result<(), Denied> {
        granted_if(is_carried)?;
        if self.is_impersonated && is_administrative(name) {
            return Err(Denied::Impersonated);
        }
        Ok(())
    }
}

fn granted_if(is_held: bool) -> Result<(), Denied> {
    if is_held { Ok(()) } else { Err(Denied::NotGranted) }
}

#[cfg(test)]
mod tests;
