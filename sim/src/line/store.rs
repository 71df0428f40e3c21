//! The twin, in Rust, of D1's synced rows: how a plan's changes are taken in, what the views make
//! of the rows, and whose watches the triggers bump.

use shared::merge::{Entity, Live, State, supersedes};
use shared::projection::{Fields, MembershipFields, UserFields};
use shared::roles::{Membership, RoleSet, Standing};

use super::history::{Known, ORG};
use crate::variant::Variant;
use crate::wire::{USERS, user_id};

/// The rows: which event each one holds.
pub type Rows = Vec<Option<u8>>;

/// Takes in one event's change. Whether the row changed.
pub fn take(events: &[Known], rows: &mut Rows, event: u8, variant: Variant) -> bool {
    let Some(known) = at(events, event) else { return false };
    let key = key(events, known, variant);
    let stored = rows.get(key).copied().flatten();
    if !wins(events, event, stored, variant) {
        return false;
    }
    let hard = variant == Variant::HardDelete && known.change.state == State::Dead;
    if let Some(row) = rows.get_mut(key) {
        *row = if hard { None } else { Some(event) };
    }
    if variant == Variant::CascadeInsteadOfDerive && ends_organization(known) {
        cascade(events, rows);
    }
    true
}

/// What the rows are when these events, and no others, were heard: the law alone.
#[must_use]
pub fn fold(events: &[Known], heard: u32) -> Rows {
    let mut rows = vec![None; events.len()];
    for event in (0_u8..).take(events.len()).filter(|event| heard & (1 << event) != 0) {
        take(events, &mut rows, event, Variant::Right);
    }
    rows
}

/// The users whose watches the triggers bump when `event` was taken in.
#[must_use]
pub fn bumped(events: &[Known], before: &Rows, after: &Rows, event: u8, v: Variant) -> Vec<u8> {
    let Some(known) = at(events, event) else { return vec![] };
    let users = |says: &dyn Fn(&str) -> bool| -> Vec<u8> {
        (0_u8..).zip(USERS).filter(|(_, id)| says(id)).map(|(user, _)| user).collect()
    };
    match known.change.entity {
        Entity::User => users(&|id| known.change.id.as_str() == id),
        Entity::Organization if v == Variant::NoTriggerOnOrganizations => vec![],
        Entity::Organization => {
            users(&|id| ends_organization(known) && !held_by(events, after, id).is_empty())
        }
        Entity::Membership => {
            users(&|id| held_by(events, before, id) != held_by(events, after, id))
        }
        Entity::Role | Entity::Permission => vec![],
    }
}

/// What a user may do, as a number below 32: two bits for the standing, one for the app role, two
/// for the membership.
#[must_use]
pub fn code(events: &[Known], rows: &Rows, user: u8, variant: Variant) -> u16 {
    let id = user_id(user);
    let (standing, admin) = match row(events, rows, Entity::User, id) {
        None => (0, false),
        Some(State::Dead) => (3, false),
        Some(State::Live(Live {
            fields: Fields::User(UserFields { banned: true, .. }), ..
        })) => (2, false),
        Some(State::Live(Live { fields: Fields::User(fields), .. })) => {
            (1, fields.app_roles.iter().any(|role| role == "admin"))
        }
        Some(State::Live(_)) => (1, false),
    };
    let org_dead = matches!(row(events, rows, Entity::Organization, ORG), Some(State::Dead));
    let counts = standing < 2 && (!org_dead || variant == Variant::CascadeInsteadOfDerive);
    let held = if counts { held_by(events, rows, id) } else { vec![] };
    let rank = |held: &&MembershipFields| if held.role == "org:admin" { 2 } else { 1 };
    let role = held.iter().map(rank).max().unwrap_or_default();
    standing | (u16::from(admin) << 2) | (role << 3)
}

/// A number as the roles that it stands for.
#[must_use]
pub fn roles(version: i64, code: u16) -> RoleSet {
    let standing = match code & 3 {
        0 => Standing::Unknown,
        1 => Standing::Live,
        2 => Standing::Banned,
        _ => Standing::Dead,
    };
    let roles = if code & 4 == 0 { vec![] } else { vec!["admin".into()] };
    let role = ["", "org:member", "org:admin"].get(usize::from(code >> 3)).copied();
    let organizations = role.filter(|role| !role.is_empty()).map(|role| Membership {
        id: ORG.into(),
        role: role.into(),
        permissions: vec![],
    });
    let organizations = organizations.into_iter().collect();
    RoleSet { version, standing, roles, organizations }
}

/// The number that some roles stand for.
#[must_use]
pub fn number(set: &RoleSet) -> u16 {
    let standing = match set.standing {
        Standing::Unknown => 0,
        Standing::Live => 1,
        Standing::Banned => 2,
        Standing::Dead => 3,
    };
    let role = set.organizations.first().map_or(0, |held| match held.role.as_str() {
        "org:admin" => 2,
        _ => 1,
    });
    standing | (u16::from(!set.roles.is_empty()) << 2) | (role << 3)
}

/// Whether a foreign key would refuse the event: a membership before its user.
#[must_use]
pub fn is_orphan(events: &[Known], rows: &Rows, event: u8) -> bool {
    at(events, event).is_some_and(|known| match &known.change.state {
        State::Live(Live { fields: Fields::Membership(fields), .. }) => {
            row(events, rows, Entity::User, &fields.user_id).is_none()
        }
        State::Live(_) | State::Dead => false,
    })
}

/// The event of a number.
#[must_use]
pub fn at(events: &[Known], event: u8) -> Option<&Known> {
    events.get(usize::from(event))
}

/// The law, or a wrong form of it.
fn wins(events: &[Known], event: u8, stored: Option<u8>, variant: Variant) -> bool {
    let Some(incoming) = at(events, event).map(|known| &known.change.state) else { return false };
    let Some(stored_event) = stored else { return true };
    let Some(stored) = at(events, stored_event).map(|known| &known.change.state) else {
        return true;
    };
    match (variant, stored, incoming) {
        (Variant::TiesByArrival, State::Live(stored), State::Live(incoming)) => {
            stored.rank.updated_at <= incoming.rank.updated_at
        }
        // A delete is given the time at which it happened, and what says it is later wins.
        (Variant::TombstoneByTime, State::Dead, State::Live(_)) => stored_event < event,
        _ => supersedes(incoming, Some(stored)),
    }
}

fn key(events: &[Known], known: &Known, variant: Variant) -> usize {
    if variant == Variant::MembershipsByPair && known.change.entity == Entity::Membership {
        let first = |it: &&Known| it.change.entity == Entity::Membership;
        return events.iter().find(first).map_or(known.key, |it| it.key);
    }
    known.key
}

fn ends_organization(known: &Known) -> bool {
    known.change.entity == Entity::Organization && known.change.state == State::Dead
}

/// The wrong form: the memberships that are there die with their organization.
fn cascade(events: &[Known], rows: &mut Rows) {
    for row in rows {
        let held = row.and_then(|event| at(events, event));
        if held.is_some_and(|known| known.change.entity == Entity::Membership) {
            *row = None;
        }
    }
}

fn row<'a>(events: &'a [Known], rows: &Rows, entity: Entity, id: &str) -> Option<&'a State> {
    let held = rows.iter().flatten().filter_map(|event| at(events, *event));
    let mut held = held.map(|known| &known.change);
    held.find(|it| it.entity == entity && it.id.as_str() == id).map(|it| &it.state)
}

/// The user's live memberships.
fn held_by<'a>(events: &'a [Known], rows: &Rows, user: &str) -> Vec<&'a MembershipFields> {
    let held = rows.iter().flatten().filter_map(|event| at(events, *event));
    let held = held.filter_map(|known| match &known.change.state {
        State::Live(Live { fields: Fields::Membership(fields), .. }) => Some(fields),
        State::Live(_) | State::Dead => None,
    });
    held.filter(|fields| fields.user_id == user).collect()
}
