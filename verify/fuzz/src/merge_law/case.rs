//! A random history: few ids, few times and few contents, so that they meet often.

use arbitrary::{Arbitrary, Result, Unstructured};
use shared::id::{EntityId, UserId};
use shared::merge::{EntityChange, EntityKind, EntityState, LiveState, Rank};
use shared::projection::{EntityFields, FieldMut, PROJECTION_VERSION, RolePermission, digest};
use shared::time::UnixMillis;
use testkit::sqlite::START;

/// Events in a history.
const EVENTS_MAX: usize = 8;

/// Turns of the other order, beyond which only what is missing is given.
const TURNS_MAX: usize = 24;

/// The users of every history.
pub(crate) const USERS: [&str; 2] = ["user_a", "user_b"];

/// Texts that Clerk's customers can choose, some of them with care.
const TEXTS: [&str; 4] = ["admin", "", "o'; DROP TABLE users; --\"}]", "\u{0}\u{1f980}\u{e9}"];

/// A history and another order of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Case {
    /// What happened.
    pub events: Vec<Event>,
    /// In which order it arrives the second time; what never gets its turn comes last.
    pub turns: Vec<Turn>,
}

/// One delivery's changes: an object's, and for a membership perhaps its organization's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The changes, the event's own first.
    pub changes: Vec<EntityChange>,
}

/// One arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Which event.
    pub event: usize,
    /// Whether the batch ends after it.
    pub ends_batch: bool,
}

impl Case {
    /// The other order in its batches, with what never gets its turn in a last one.
    pub(crate) fn batches(&self) -> Vec<Vec<usize>> {
        let mut batches: Vec<Vec<usize>> = vec![vec![]];
        for Turn { event, ends_batch } in &self.turns {
            if let Some(batch) = batches.last_mut() {
                batch.push(*event);
            }
            if *ends_batch {
                batches.push(vec![]);
            }
        }
        let missing = |event: &usize| !self.turns.iter().any(|turn| turn.event == *event);
        batches.push((0..self.events.len()).rev().filter(missing).collect());
        batches
    }
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let count = u.int_in_range(0..=EVENTS_MAX)?;
        let events: Vec<Event> = (0..count).map(|_| u.arbitrary()).collect::<Result<_>>()?;
        let mut turns = Vec::new();
        while !u.is_empty() && !events.is_empty() && turns.len() < TURNS_MAX {
            let event = u.choose_index(events.len())?;
            turns.push(Turn { event, ends_batch: u.arbitrary()? });
        }
        Ok(Self { events, turns })
    }
}

impl<'a> Arbitrary<'a> for Event {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let entity = *u.choose(&EntityKind::ALL)?;
        let own = change(entity, u)?;
        let nests = entity == EntityKind::Membership && u.ratio(1, 2)?;
        let nested = nests.then(|| live_change(EntityKind::Organization, u)).transpose()?;
        Ok(Self { changes: [own].into_iter().chain(nested).collect() })
    }
}

fn change(entity: EntityKind, u: &mut Unstructured<'_>) -> Result<EntityChange> {
    if u.ratio(1, 4)? {
        return Ok(EntityChange { kind: entity, id: id(entity, u)?, state: EntityState::Deleted });
    }
    live_change(entity, u)
}

fn live_change(entity: EntityKind, u: &mut Unstructured<'_>) -> Result<EntityChange> {
    let id = id(entity, u)?;
    let (updated_at, event_at) = (time(u)?, time(u)?);
    let fields = fields(entity, u)?;
    let digest = digest(id.as_str(), &fields);
    let rank =
        Rank { updated_at, event_at, projection: u.int_in_range(1..=PROJECTION_VERSION)?, digest };
    Ok(EntityChange { kind: entity, id, state: EntityState::Live(LiveState { rank, fields }) })
}

fn id(entity: EntityKind, u: &mut Unstructured<'_>) -> Result<EntityId> {
    let name = *u.choose(&["a", "b"])?;
    let prefix = match entity {
        EntityKind::User => "user",
        EntityKind::Organization => "org",
        EntityKind::Membership => "orgmem",
        EntityKind::Role => "role",
        EntityKind::Permission => "perm",
    };
    EntityId::parse(&format!("{prefix}_{name}")).map_err(|_| arbitrary::Error::IncorrectFormat)
}

/// One of four instants: of any two, they are the same one time in four.
fn time(u: &mut Unstructured<'_>) -> Result<UnixMillis> {
    Ok(UnixMillis(START).plus(u.int_in_range(0..=3)?))
}

fn text(u: &mut Unstructured<'_>) -> Result<String> {
    Ok((*u.choose(&TEXTS)?).to_owned())
}

/// A list as a projection holds it: sorted, each once.
fn list<T: Ord>(
    u: &mut Unstructured<'_>,
    item: impl Fn(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let count = u.int_in_range(0..=2)?;
    let mut items: Vec<T> = (0..count).map(|_| item(u)).collect::<Result<_>>()?;
    items.sort_unstable();
    items.dedup();
    Ok(items)
}

fn fields(entity: EntityKind, u: &mut Unstructured<'_>) -> Result<EntityFields> {
    let key = |u: &mut Unstructured<'_>| Ok(format!("org:{}", text(u)?));
    let mut fields = EntityFields::empty(entity);
    for (name, field) in fields.fields_mut() {
        match (field, name) {
            (FieldMut::Text(it), "org_id") => (*u.choose(&["org_a", "org_b"])?).clone_into(it),
            (FieldMut::Text(it), "user_id") => (*u.choose(&USERS)?).clone_into(it),
            (FieldMut::Text(it), "role" | "key") => *it = key(u)?,
            (FieldMut::Text(it), _) => *it = text(u)?,
            (FieldMut::OptionalText(it), _) => {
                *it = u.arbitrary::<bool>()?.then(|| text(u)).transpose()?;
            }
            (FieldMut::Boolean(it), _) => *it = u.ratio(1, 4)?,
            (FieldMut::Integer(it), _) => *it = u.int_in_range(0..=3)?,
            (FieldMut::Texts(it), "permissions") => *it = list(u, key)?,
            (FieldMut::Texts(it), _) => *it = list(u, text)?,
            (FieldMut::RolePermissions(it), _) => {
                *it = list(u, |u| {
                    let id = (*u.choose(&["perm_a", "perm_b"])?).to_owned();
                    Ok(RolePermission { id, key: key(u)? })
                })?;
            }
        }
    }
    Ok(fields)
}

impl Event {
    /// The users that a delivery of these changes names directly.
    pub(crate) fn users(&self) -> Vec<UserId> {
        let named = self.changes.iter().filter_map(|change| match &change.state {
            EntityState::Live(LiveState {
                fields: EntityFields::Membership(membership), ..
            }) => Some(membership.user_id.clone()),
            EntityState::Live(_) | EntityState::Deleted => {
                (change.kind == EntityKind::User).then(|| change.id.to_string())
            }
        });
        named.filter_map(|user| UserId::parse(&user).ok()).collect()
    }
}
