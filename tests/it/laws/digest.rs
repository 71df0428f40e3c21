//! The digest depends on every synced field, and not on the order of the JSON keys.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::{Strategy, any};
use proptest::prop_assert_eq;
use proptest::sample::Index;
use serde_json::Value;
use shared::event::Payload;
use shared::merge::EntityState;
use shared::projection::{ContentDigest, EntityFields, FieldMut, RolePermission, digest};

use super::assert_law;
use super::fields::{entity, fields};
use crate::support::START;
use crate::support::clerk::{deliver, deliver_text};

/// Every delivery among the fixtures that changes something.
fn fixtures() -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/clerk-events");
    let mut paths = files(Path::new(folder));
    paths.sort_unstable();
    let bodies = paths.iter().map(|path| fs::read_to_string(path).unwrap());
    let bodies = bodies.map(|text| serde_json::from_str::<Value>(&text).unwrap());
    bodies.filter(|body| is_event(&deliver("msg_1", body, START).envelope.payload)).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn is_event(payload: &Payload) -> bool {
    matches!(payload, Payload::Event(event) if !event.changes.is_empty())
}

/// The same JSON with the keys of every object in an order that `seed` decides.
fn shuffled(value: &Value, seed: u64) -> String {
    match value {
        Value::Object(entries) => {
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by_key(|(key, _)| ContentDigest::of(format!("{seed} {key}").as_bytes()));
            let entry = |(key, value): (&String, &Value)| {
                format!("{}:{}", Value::from(key.as_str()), shuffled(value, seed.wrapping_mul(3)))
            };
            format!("{{{}}}", entries.into_iter().map(entry).collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| shuffled(item, seed ^ 1)).collect();
            format!("[{}]", items.join(","))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

#[test]
fn the_order_of_keys_does_not_matter() {
    let fixtures = fixtures();
    assert!(18 <= fixtures.len(), "{} fixtures", fixtures.len());
    let read = fixtures.iter().map(|body| deliver("msg_1", body, START).envelope.payload);
    let read: Vec<_> = read.collect();
    let (tried, moved) = (Cell::new(0), Cell::new(0));
    let law = "the digest does not depend on the order of JSON keys";
    assert_law(law, 10, &(any::<Index>(), any::<u64>()), |(index, seed)| {
        let (body, want) = index.get(&fixtures.iter().zip(&read).collect::<Vec<_>>()).to_owned();
        let text = shuffled(body, seed);
        prop_assert_eq!(&serde_json::from_str::<Value>(&text).unwrap(), body);
        tried.set(tried.get() + 1);
        let plain = body.to_string();
        moved.set(moved.get() + u32::from(text != plain));
        prop_assert_eq!(&deliver_text("msg_1", &text, START).envelope.payload, want);
        Ok(())
    });
    assert!(tried.get() / 2 < moved.get(), "{} of {} were moved", moved.get(), tried.get());
}

/// Variants that each differ in one field: every field once, lists of permissions in two ways.
fn others(fields: &EntityFields) -> Vec<EntityFields> {
    let count = fields.clone().fields_mut().len();
    let mut others: Vec<_> = (0..count).map(|index| with_other(fields, index)).collect();
    if let EntityFields::Role(role) = fields
        && !role.permissions.is_empty()
    {
        let mut renamed = role.clone();
        renamed.permissions.iter_mut().for_each(|it| it.key.push('.'));
        others.push(EntityFields::Role(renamed));
    }
    others
}

/// The same fields with another value in the field of this index.
fn with_other(fields: &EntityFields, index: usize) -> EntityFields {
    let mut other = fields.clone();
    match other.fields_mut().swap_remove(index).1 {
        FieldMut::Text(it) => it.push('.'),
        FieldMut::OptionalText(it) => *it = Some(it.take().map_or_else(String::new, |it| it + ".")),
        FieldMut::Boolean(it) => *it = !*it,
        FieldMut::Integer(it) => *it = it.wrapping_add(1),
        FieldMut::Texts(it) => it.push("zzz".into()),
        FieldMut::RolePermissions(it) => {
            it.push(RolePermission { id: "perm_9".into(), key: String::new() });
        }
    }
    other
}

#[test]
fn the_digest_depends_on_every_field() {
    let some = entity().prop_flat_map(fields);
    assert_law("the digest depends on every synced field and on the id", 1, &some, |fields| {
        let others = others(&fields);
        let own = digest("id_1", &fields);
        let mut digests = BTreeSet::from([own.as_str().to_owned()]);
        digests.insert(digest("id_2", &fields).as_str().into());
        digests.extend(others.iter().map(|other| digest("id_1", other).as_str().into()));
        prop_assert_eq!(digests.len(), others.len() + 2, "{:?}", fields);
        prop_assert_eq!(own, digest("id_1", &fields));
        Ok(())
    });
}

/// A changed value in a synced field of the payload gives another digest.
#[test]
fn the_digest_changes_with_each_synced_field_of_a_fixture() {
    let places = [
        ("user.", "/data/public_metadata", serde_json::json!({ "role": "someone else" })),
        ("user.", "/data/banned", true.into()),
        ("organization.", "/data/name", "Another name".into()),
        ("organization.", "/data/slug", "another-slug".into()),
        ("organizationMembership.", "/data/role", "org:another".into()),
        ("organizationMembership.", "/data/permissions", serde_json::json!(["org:another:one"])),
        ("role.", "/data/key", "org:another".into()),
        ("role.", "/data/permissions", serde_json::json!([])),
        ("permission.", "/data/key", "org:another:key".into()),
    ];
    let rank = |body: &Value| match deliver("msg_1", body, START).envelope.payload {
        Payload::Event(event) => match &event.changes[0].state {
            EntityState::Live(live) => Some(live.rank.clone()),
            EntityState::Deleted => None,
        },
        Payload::Ignored | Payload::Unreadable(_) => None,
    };
    let mut tried = BTreeSet::new();
    for body in fixtures() {
        let Some(before) = rank(&body) else { continue };
        for (kind, place, said) in &places {
            let mut changed = body.clone();
            let named = body["type"].as_str().unwrap().starts_with(kind);
            let Some(field) = changed.pointer_mut(place).filter(|old| named && *old != said) else {
                continue;
            };
            field.clone_from(said);
            let after = rank(&changed).unwrap();
            assert_ne!(after.digest, before.digest, "{kind} {place}");
            assert_eq!(after.updated_at, before.updated_at);
            tried.insert((kind, place));
        }
    }
    assert_eq!(tried.len(), places.len(), "{tried:?}");
}
