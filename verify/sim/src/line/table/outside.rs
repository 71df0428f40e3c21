//! What Clerk promises of memberships and keys, worked out from the events alone: neither the law
//! in Rust nor the twin has a part in it, so a mistake that both share is seen here.

use shared::merge::{EntityChange, EntityKind, EntityState, Rank};
use shared::projection::EntityFields;
use shared::roles::{Membership, RoleSet};

use crate::line::history::{ORG, PERMISSION, Script, ScriptEvent};
use crate::wire::USERS;

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// At most one membership of a pair counts, and never one older than the greatest heard.
    OneOfAPair,
    /// A role or a permission that is gone gives nothing.
    GoneGivesNothing,
}

/// For one set of events, which sets of roles break a rule for which user.
#[derive(Clone, Debug, Default)]
pub(super) struct Outside {
    /// By user, numbers of sets.
    several: [Vec<u8>; 2],
    given: [Vec<u8>; 2],
}

impl Outside {
    pub(super) fn new(script: &Script, heard: u16, sets: &[RoleSet]) -> Self {
        let said: Vec<&EntityChange> = said(script, heard).collect();
        let bad = |rule: &dyn Fn(&[&EntityChange], &str, &RoleSet) -> bool| {
            USERS.map(|user| {
                let bad = (0_u8..).zip(sets).filter(|(_, set)| !rule(&said, user, set));
                bad.map(|(number, _)| number).collect()
            })
        };
        Self { several: bad(&is_one_of_a_pair), given: bad(&gives_what_is_there) }
    }

    pub(super) fn hold(&self, what: [u8; 2], rule: Rule) -> bool {
        let bad = match rule {
            Rule::OneOfAPair => &self.several,
            Rule::GoneGivesNothing => &self.given,
        };
        bad.iter().zip(what).all(|(bad, what)| !bad.contains(&what))
    }
}

/// What D1 was told.
fn said(script: &Script, heard: u16) -> impl Iterator<Item = &EntityChange> {
    let events = script.events.iter().enumerate().filter(move |(at, _)| heard & (1 << at) != 0);
    let clerks = events.filter_map(|(_, says)| match says {
        ScriptEvent::Clerk(_, change) => Some(change),
        ScriptEvent::Operator(..) => None,
    });
    script.before.iter().chain(clerks)
}

fn held(set: &RoleSet) -> Vec<&Membership> {
    set.memberships_in(ORG).collect()
}

fn is_one_of_a_pair(said: &[&EntityChange], user: &str, set: &RoleSet) -> bool {
    let held = held(set);
    let [one] = held[..] else { return held.is_empty() };
    let of_the_pair = lives(said).filter_map(|(_, rank, fields)| match fields {
        EntityFields::Membership(it) if it.user_id == user && it.org_id == ORG => Some((rank, it)),
        EntityFields::User(_)
        | EntityFields::Organization(_)
        | EntityFields::Membership(_)
        | EntityFields::Role(_)
        | EntityFields::Permission(_) => None,
    });
    let newest = of_the_pair.max_by_key(|(rank, _)| *rank);
    newest.is_some_and(|(_, newest)| newest.role == one.role)
}

fn gives_what_is_there(said: &[&EntityChange], _user: &str, set: &RoleSet) -> bool {
    held(set).iter().all(|it| {
        let permission = said_of(said, EntityKind::Permission, PERMISSION);
        let role = said_of(said, EntityKind::Role, &it.role);
        (!permission.is_gone() || !it.permissions.iter().any(|key| key == PERMISSION))
            && (!role.is_gone() || it.permissions.is_empty())
    })
}

/// What is known of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Never,
    Had,
    Has,
}

impl Known {
    fn is_gone(self) -> bool {
        self == Self::Had
    }
}

/// Each history has one role and one permission.
fn said_of(said: &[&EntityChange], entity: EntityKind, key: &str) -> Known {
    let key_of = |fields: &EntityFields| match fields {
        EntityFields::Role(it) => Some(it.key.clone()),
        EntityFields::Permission(it) => Some(it.key.clone()),
        EntityFields::User(_) | EntityFields::Organization(_) | EntityFields::Membership(_) => None,
    };
    let of_the_kind = || lives(said).filter(|(change, ..)| change.kind == entity);
    if !of_the_kind().any(|(.., fields)| key_of(fields).as_deref() == Some(key)) {
        return Known::Never;
    }
    let is_dead = said.iter().any(|it| it.kind == entity && it.state == EntityState::Deleted);
    let newest = of_the_kind().max_by_key(|(_, rank, _)| *rank);
    let has = newest.is_some_and(|(.., fields)| key_of(fields).as_deref() == Some(key));
    if has && !is_dead { Known::Has } else { Known::Had }
}

fn lives<'a>(
    said: &[&'a EntityChange],
) -> impl Iterator<Item = (&'a EntityChange, &'a Rank, &'a EntityFields)> {
    said.iter().filter_map(|change| match &change.state {
        EntityState::Live(live) => Some((*change, &live.rank, &live.fields)),
        EntityState::Deleted => None,
    })
}
