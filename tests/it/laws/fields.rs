//! Random fields and states of every kind. They have few values, so that ties are common, and the
//! numbers include the extremes.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof};
use proptest::sample::{select, subsequence};
use shared::id::EntityId;
use shared::merge::{EntityChange, EntityKind, EntityState, LiveState, Rank};
use shared::projection::{EntityFields, FieldMut, PROJECTION_VERSION, RolePermission, digest};
use shared::time::UnixMillis;

/// Times from one end to the other.
const TIMES: [i64; 10] = [
    i64::MIN,
    i64::MIN + 1,
    -1_764_000_000_000,
    -1,
    0,
    1,
    1_764_000_000_000,
    1_764_000_000_001,
    i64::MAX - 1,
    i64::MAX,
];

const TEXTS: [&str; 5] = ["", "a", "org:x", "nul\0 \u{2028} 'quote' \"", "é😀"];

const NAMES: [&str; 4] = ["admin", "editor", "new", "'; DROP TABLE roles"];

fn time() -> impl Strategy<Value = UnixMillis> {
    select(&TIMES[..]).prop_map(UnixMillis)
}

fn text() -> impl Strategy<Value = String> {
    select(&TEXTS[..]).prop_map(String::from)
}

fn names() -> impl Strategy<Value = Vec<String>> {
    subsequence(NAMES.map(String::from).to_vec(), 0..=NAMES.len())
}

/// One of two ids.
fn id(prefix: &'static str) -> impl Strategy<Value = String> {
    (1..=2).prop_map(move |number| format!("{prefix}_{number}"))
}

/// A value for each type that a field can have.
#[derive(Clone, Debug)]
struct Values {
    text: String,
    optional: Option<String>,
    boolean: bool,
    time: UnixMillis,
    names: Vec<String>,
    permissions: Vec<RolePermission>,
    org_id: String,
    user_id: String,
}

fn values() -> impl Strategy<Value = Values> {
    let permission = (id("perm"), text()).prop_map(|(id, key)| RolePermission { id, key });
    let ids = (id("org"), id("user"));
    let scalars = (text(), option::of(text()), any::<bool>(), time());
    let lists = (names(), vec(permission, 0..3));
    (scalars, lists, ids).prop_map(
        |((text, optional, boolean, time), (names, permissions), (org_id, user_id))| Values {
            text,
            optional,
            boolean,
            time,
            names,
            permissions,
            org_id,
            user_id,
        },
    )
}

/// Random fields of this kind. Each field has its own random value.
pub(super) fn fields(entity: EntityKind) -> BoxedStrategy<EntityFields> {
    let count = EntityFields::empty(entity).fields_mut().len();
    let fill = move |values: Vec<Values>| {
        let mut fields = EntityFields::empty(entity);
        for ((name, field), value) in fields.fields_mut().into_iter().zip(values) {
            match (field, name) {
                (FieldMut::Text(it), "org_id") => *it = value.org_id,
                (FieldMut::Text(it), "user_id") => *it = value.user_id,
                (FieldMut::Text(it), _) => *it = value.text,
                (FieldMut::OptionalText(it), _) => *it = value.optional,
                (FieldMut::Boolean(it), _) => *it = value.boolean,
                (FieldMut::Integer(it), _) => *it = value.time.0,
                (FieldMut::Texts(it), _) => *it = value.names,
                (FieldMut::RolePermissions(it), _) => *it = value.permissions,
            }
        }
        fields
    };
    vec(values(), count).prop_map(fill).boxed()
}

/// A kind of entity.
pub(super) fn entity() -> impl Strategy<Value = EntityKind> {
    select(&EntityKind::ALL[..])
}

/// A random state of one id.
pub(super) fn state(entity: EntityKind, id: String) -> impl Strategy<Value = EntityState> {
    let projection = select(&[0, PROJECTION_VERSION - 1, PROJECTION_VERSION, u32::MAX][..]);
    let live = (time(), time(), projection, fields(entity)).prop_map(
        move |(updated_at, event_at, projection, fields)| {
            let digest = digest(&id, &fields);
            EntityState::Live(LiveState {
                rank: Rank { updated_at, event_at, projection, digest },
                fields,
            })
        },
    );
    prop_oneof![1 => Just(EntityState::Deleted), 6 => live]
}

/// A change of one of a few entities.
pub(super) fn change() -> impl Strategy<Value = EntityChange> {
    let named = |entity| {
        let prefix = match entity {
            EntityKind::User => "user",
            EntityKind::Organization => "org",
            EntityKind::Membership => "orgmem",
            EntityKind::Role => "role",
            EntityKind::Permission => "perm",
        };
        (Just(entity), id(prefix))
    };
    let said = |(entity, id): (EntityKind, String)| {
        let object = EntityId::parse(&id).unwrap();
        state(entity, id).prop_map(move |state| EntityChange {
            kind: entity,
            id: object.clone(),
            state,
        })
    };
    entity().prop_flat_map(named).prop_flat_map(said)
}
