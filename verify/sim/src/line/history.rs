//! What Clerk says in one run: a few events about two users and an organization, as messages that
//! the consumer's plan takes.

mod left;
mod make;

use shared::envelope::Envelope;
use shared::event::{Event, Payload};
use shared::id::{SvixId, UserId};
use shared::merge::{EntityChange, EntityKind, EntityState, LiveState};
use shared::plan::OpenedMessage;
use shared::projection::{ContentDigest, EntityFields};
use shared::time::UnixMillis;

use crate::wire::{USERS, user_id};
use make::{dead, member, organization, permission, role, user};

/// The organization.
pub(crate) const ORG: &str = "org_o";

/// The permission that the catalogue's role carries.
pub(crate) const PERMISSION: &str = "org:posts:write";

/// The app role that is granted.
pub(crate) const ADMIN: &str = "admin";

/// One thing that happens, and what makes it known.
#[derive(Clone, Debug)]
pub enum ScriptEvent {
    /// Clerk says it: the message, as the queue would hand it out, and the one change in it.
    Clerk(Box<OpenedMessage>, EntityChange),
    /// An operator writes it to D1: the user's number, whether the role is granted, and when.
    Operator(u8, bool, i64),
}

/// Everything that is said in one run.
#[derive(Clone, Debug)]
pub struct Script {
    /// What D1 holds at the beginning.
    pub before: Vec<EntityChange>,
    /// What is said then: first by Clerk, then by operators.
    pub events: Vec<ScriptEvent>,
    /// How many of these are Clerk's.
    pub clerks: u8,
}

/// What Clerk and the operators say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// A user and a membership begin and end, and the organization is deleted.
    Revoke,
    /// Two updates in the same millisecond, a delete, and an update that says it is later; D1 is
    /// empty.
    Ties,
    /// A member leaves and comes back; the other one is banned.
    Rejoin,
    /// A member leaves, comes back and leaves again.
    Again,
    /// A role is renamed and a permission is deleted, under two members who list it themselves.
    Keys,
    /// The catalogue changes under two members, and an operator grants and revokes.
    Catalogue,
}

impl History {
    /// What is said.
    #[must_use]
    pub fn script(self) -> Script {
        let (before, clerk, operator) = match self {
            Self::Revoke => (
                vec![
                    user(0, 1, false, false),
                    member("orgmem_b", 1, 1, "org:admin"),
                    organization(1),
                ],
                vec![
                    member("orgmem_a", 0, 2, "org:admin"),
                    dead(EntityKind::Membership, "orgmem_a"),
                    user(0, 2, true, false),
                    dead(EntityKind::Organization, ORG),
                ],
                vec![],
            ),
            Self::Ties => (
                vec![],
                vec![
                    user(0, 5, true, false),
                    user(0, 5, false, false),
                    dead(EntityKind::User, user_id(0)),
                    user(0, 9, true, false),
                ],
                vec![],
            ),
            Self::Rejoin => (
                vec![user(1, 1, true, false)],
                vec![
                    member("orgmem_a", 0, 1, "org:admin"),
                    dead(EntityKind::Membership, "orgmem_a"),
                    member("orgmem_c", 0, 3, "org:member"),
                    user(1, 4, true, true),
                ],
                vec![],
            ),
            Self::Again => (left::before_again(), left::again(), vec![]),
            Self::Keys => (left::before_keys(), left::keys(), vec![]),
            Self::Catalogue => (
                vec![
                    user(0, 1, false, false),
                    user(1, 1, false, false),
                    member("orgmem_a", 0, 1, "org:admin"),
                    member("orgmem_b", 1, 1, "org:member"),
                    permission(1),
                    role(1, "org:admin", true),
                ],
                vec![
                    role(2, "org:member", true),
                    dead(EntityKind::Permission, "perm_p"),
                    member("orgmem_b", 1, 2, "org:admin"),
                    user(0, 2, false, true),
                ],
                vec![(1, true, 10), (1, false, 20)],
            ),
        };
        let clerks = u8::try_from(clerk.len()).unwrap_or(u8::MAX);
        let operator =
            operator.into_iter().map(|(user, on, at)| ScriptEvent::Operator(user, on, at));
        let clerk = clerk.into_iter().enumerate();
        let clerk = clerk.filter_map(|(index, change)| {
            Some(ScriptEvent::Clerk(Box::new(message(index, &change)?), change))
        });
        Script { before, events: clerk.chain(operator).collect(), clerks }
    }
}

impl Script {
    /// An event's message.
    #[must_use]
    pub fn message(&self, event: u8) -> Option<&OpenedMessage> {
        match self.events.get(usize::from(event))? {
            ScriptEvent::Clerk(message, _) => Some(message),
            ScriptEvent::Operator(..) => None,
        }
    }

    /// A message that carries this change alone.
    #[must_use]
    pub fn carrying(&self, change: &EntityChange) -> Option<OpenedMessage> {
        message(self.events.len(), change)
    }

    /// An event's change.
    #[must_use]
    pub fn change(&self, event: u8) -> Option<&EntityChange> {
        match self.events.get(usize::from(event))? {
            ScriptEvent::Clerk(_, change) => Some(change),
            ScriptEvent::Operator(..) => None,
        }
    }

    /// The users that an event is about, as bits; the organization's and the catalogue's are about
    /// everybody.
    #[must_use]
    pub fn about(&self, event: u8) -> u8 {
        match self.events.get(usize::from(event)) {
            Some(ScriptEvent::Operator(user, ..)) => 1 << user,
            Some(ScriptEvent::Clerk(_, change)) => match change.kind {
                EntityKind::User | EntityKind::Membership => {
                    let users = (0_u8..).zip(USERS);
                    let named = users.filter(|(_, id)| self.names(change, id));
                    named.fold(0, |bits, (user, _)| bits | 1 << user)
                }
                EntityKind::Organization | EntityKind::Role | EntityKind::Permission => u8::MAX,
            },
            None => 0,
        }
    }

    /// Whether a change is about this user. The delete of a membership names none: the membership
    /// itself does.
    fn names(&self, change: &EntityChange, user: &str) -> bool {
        let clerks = self.events.iter().filter_map(|it| match it {
            ScriptEvent::Clerk(_, change) => Some(change),
            ScriptEvent::Operator(..) => None,
        });
        let mut all = clerks.chain(&self.before).chain([change]);
        all.any(|it| it.id == change.id && touched(it).any(|id| id == user))
    }
}

fn message(index: usize, change: &EntityChange) -> Option<OpenedMessage> {
    let users = touched(change).filter_map(|id| UserId::parse(id).ok()).collect();
    let envelope = Envelope {
        svix_id: SvixId::parse(&format!("msg_{index}")).ok()?,
        attempted_at: UnixMillis(0),
        received_at: UnixMillis(0),
        event_at: None,
        body_digest: ContentDigest::of(&[]),
        event_type: "modelled".into(),
        note: String::new(),
        replay: None,
        payload: Payload::Event(Event { changes: vec![change.clone()], users }),
    };
    let (id, sent_at) = (index.to_string(), UnixMillis(0));
    Some(OpenedMessage { id, attempts: 1, sent_at, text: String::new(), envelope })
}

/// The users that an event names, as the reader of events finds them.
fn touched(change: &EntityChange) -> impl Iterator<Item = &str> {
    let named = match &change.state {
        EntityState::Live(LiveState { fields: EntityFields::Membership(fields), .. }) => {
            fields.user_id.as_str()
        }
        EntityState::Live(_) | EntityState::Deleted => change.id.as_str(),
    };
    USERS.into_iter().filter(move |user| *user == named)
}

#[cfg(test)]
mod tests {
    use super::History;

    #[test]
    fn each_history_says_what_it_means_to() {
        use History::{Again, Catalogue, Keys, Rejoin, Revoke, Ties};
        for history in [Revoke, Ties, Rejoin, Again, Catalogue, Keys] {
            let script = history.script();
            assert_eq!(script.clerks, 4);
            let changes = (0..4).map(|event| script.change(event).unwrap());
            let mut ids = changes.chain(&script.before).map(|it| it.id.as_str());
            assert!(ids.all(|id| id != "malformed"));
        }
    }

    #[test]
    fn the_delete_of_a_membership_is_about_its_member() {
        let about = |history: History| (0..4).map(|event| history.script().about(event)).collect();
        let (revoke, rejoin): (Vec<_>, Vec<_>) = (about(History::Revoke), about(History::Rejoin));
        assert_eq!(revoke, [1, 1, 1, u8::MAX]);
        assert_eq!(rejoin, [1, 1, 1, 2]);
    }
}
