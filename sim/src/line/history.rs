//! What Clerk says in one run: a few events about two users and an organization, as messages that
//! the consumer's plan takes.

use shared::envelope::{Envelope, Letter};
use shared::event::Event;
use shared::id::{MessageId, ObjectId, UserId};
use shared::merge::{Change, Entity, Live, Rank, State};
use shared::plan::Message;
use shared::projection::{
    Digest, Fields, MembershipFields, OrganizationFields, PROJECTION, UserFields, digest,
};
use shared::time::UnixMillis;

use crate::wire::{USERS, user_id};

/// The organization.
pub(crate) const ORG: &str = "org_o";

/// One event: its message and the one change in it.
#[derive(Clone, Debug)]
pub struct Known {
    /// The message, as the queue would hand it out.
    pub message: Message,
    /// What it changes.
    pub change: Change,
    /// Which row that is: the same for events about the same object.
    pub key: usize,
}

/// What Clerk says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// A user and a membership begin and end, and the organization is deleted.
    Revoke,
    /// Two updates in the same millisecond, a delete, and an update that says it is later.
    Ties,
    /// A member leaves and comes back; the other one is banned.
    Rejoin,
}

impl History {
    /// The events, in the order in which they happened; and how many of them D1 holds already.
    #[must_use]
    pub fn events(self) -> (Vec<Known>, usize) {
        let (told, before) = match self {
            Self::Revoke => (
                vec![
                    user(0, 1, false, false),
                    member("orgmem_b", 1, 1, "org:admin"),
                    organization(1),
                    member("orgmem_a", 0, 2, "org:admin"),
                    dead(Entity::Membership, "orgmem_a"),
                    user(0, 2, true, false),
                    dead(Entity::Organization, ORG),
                ],
                3,
            ),
            Self::Ties => (
                vec![
                    user(1, 1, true, false),
                    user(0, 5, true, false),
                    user(0, 5, false, false),
                    dead(Entity::User, user_id(0)),
                    user(0, 9, true, false),
                ],
                1,
            ),
            Self::Rejoin => (
                vec![
                    user(1, 1, true, false),
                    member("orgmem_a", 0, 1, "org:admin"),
                    dead(Entity::Membership, "orgmem_a"),
                    member("orgmem_c", 0, 3, "org:member"),
                    user(1, 4, true, true),
                ],
                1,
            ),
        };
        (number(told), before)
    }
}

fn number(told: Vec<Change>) -> Vec<Known> {
    let mut keys: Vec<(Entity, ObjectId)> = Vec::new();
    let mut known = Vec::new();
    for (index, change) in told.into_iter().enumerate() {
        let name = (change.entity, change.id.clone());
        let key = keys.iter().position(|it| *it == name).unwrap_or(keys.len());
        if key == keys.len() {
            keys.push(name);
        }
        known.extend(message(index, &change).map(|message| Known { message, change, key }));
    }
    known
}

fn message(index: usize, change: &Change) -> Option<Message> {
    let users = touched(change).filter_map(|id| UserId::parse(id).ok()).collect();
    let envelope = Envelope {
        svix_id: MessageId::parse(&format!("msg_{index}")).ok()?,
        attempted_at: UnixMillis(0),
        received_at: UnixMillis(0),
        event_at: None,
        body_digest: Digest::of(&[]),
        kind: "modelled".into(),
        letter: Letter::Event(Event { changes: vec![change.clone()], users }),
    };
    let (id, sent_at) = (index.to_string(), UnixMillis(0));
    Some(Message { id, attempts: 1, sent_at, text: String::new(), envelope })
}

/// The users that an event names, as the reader of events finds them.
fn touched(change: &Change) -> impl Iterator<Item = &str> {
    let named = match &change.state {
        State::Live(Live { fields: Fields::Membership(fields), .. }) => fields.user_id.as_str(),
        State::Live(_) | State::Dead => change.id.as_str(),
    };
    USERS.into_iter().filter(move |user| *user == named)
}

fn user(user: u8, at: i64, admin: bool, banned: bool) -> Change {
    let app_roles = if admin { vec!["admin".into()] } else { vec![] };
    let fields = UserFields { email: None, banned, app_roles, created_at: 0 };
    live(Entity::User, user_id(user), at, Fields::User(fields))
}

fn member(id: &'static str, user: u8, at: i64, role: &str) -> Change {
    let fields = MembershipFields {
        org_id: ORG.into(),
        user_id: user_id(user).into(),
        role: role.into(),
        permissions: vec![],
    };
    live(Entity::Membership, id, at, Fields::Membership(fields))
}

fn organization(at: i64) -> Change {
    let fields = OrganizationFields { name: "O".into(), slug: None };
    live(Entity::Organization, ORG, at, Fields::Organization(fields))
}

fn live(entity: Entity, id: &str, at: i64, fields: Fields) -> Change {
    let updated_at = UnixMillis(at);
    let rank = Rank {
        updated_at,
        event_at: updated_at,
        projection: PROJECTION,
        digest: digest(id, &fields),
    };
    Change { entity, id: named(id), state: State::Live(Live { rank, fields }) }
}

fn dead(entity: Entity, id: &str) -> Change {
    Change { entity, id: named(id), state: State::Dead }
}

/// The ids of this file are well formed; a test says so.
fn named(id: &str) -> ObjectId {
    match ObjectId::parse(id) {
        Ok(id) => id,
        Err(_) => named("malformed"),
    }
}

#[cfg(test)]
mod tests {
    use super::History;

    #[test]
    fn each_history_says_what_it_means_to() {
        for history in [History::Revoke, History::Ties, History::Rejoin] {
            let (events, before) = history.events();
            assert_eq!(events.len() - before, 4);
            assert!(events.iter().all(|it| it.change.id.as_str() != "malformed"));
        }
    }
}
