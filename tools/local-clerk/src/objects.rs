//! What the instance holds: the users, organizations, memberships, roles and permissions that its
//! events describe. No I/O.
//!
//! A change happens at Clerk first, and then its event is sent. So an event counts here whether or
//! not its delivery arrives, and the Backend API tells what a receiver that lost it has missed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::day::Step;

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A user.
    User,
    /// An organization.
    Organization,
    /// A user's membership of an organization.
    Membership,
    /// A role of the catalogue.
    Role,
    /// A permission of the catalogue.
    Permission,
}

impl Kind {
    /// The kind that events of this type are about.
    fn of_event(subject: &str) -> Option<Self> {
        Some(match subject {
            "user" => Self::User,
            "organization" => Self::Organization,
            "organizationMembership" => Self::Membership,
            "role" => Self::Role,
            "permission" => Self::Permission,
            _ => return None,
        })
    }
}

/// The objects by kind and id, each as its latest event has it.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    held: BTreeMap<(Kind, String), Value>,
    gone: BTreeSet<String>,
}

impl Objects {
    /// What is there once a day is over.
    #[must_use]
    pub fn after(script: &[Step]) -> Self {
        let mut objects = Self::default();
        let genuine = script.iter().filter(|step| step.delivery.faults.tamper.is_none());
        genuine.for_each(|step| objects.take(&step.delivery.body));
        objects
    }

    /// Takes in what an event tells. Text that is no event, events of other types and objects
    /// without id and time tell nothing; an older event changes nothing, and what is deleted stays
    /// so.
    pub fn take(&mut self, body: &str) {
        let Ok(mut event) = serde_json::from_str::<Value>(body) else { return };
        let data = event.get_mut("data").map(Value::take).unwrap_or_default();
        let kind = event.get("type").and_then(Value::as_str).and_then(|it| it.split_once('.'));
        let Some((subject, what)) = kind else { return };
        let (Some(kind), Some(id)) = (Kind::of_event(subject), text(&data, "/id")) else { return };
        let id = id.to_owned();
        if what == "deleted" {
            self.delete(kind, id);
        } else if !self.gone.contains(&id) {
            self.put((kind, id), data);
        }
    }

    fn put(&mut self, key: (Kind, String), data: Value) {
        let Some(at) = time(&data, "updated_at") else { return };
        let known = self.held.get(&key).and_then(|held| time(held, "updated_at"));
        if known.is_none_or(|known| known <= at) {
            self.held.insert(key, data);
        }
    }

    /// A user or an organization takes its memberships along.
    fn delete(&mut self, kind: Kind, id: String) {
        self.held.remove(&(kind, id.clone()));
        self.gone.insert(id);
    }

    /// One object.
    #[must_use]
    pub fn get(&self, kind: Kind, id: &str) -> Option<Value> {
        self.all(kind).into_iter().find(|object| text(object, "/id") == Some(id))
    }

    /// All of a kind, in the order of their ids.
    #[must_use]
    pub fn all(&self, kind: Kind) -> Vec<Value> {
        let of_kind = self.held.iter().filter(|((held, _), _)| *held == kind);
        let objects = of_kind.map(|(_, object)| object);
        if kind == Kind::Membership {
            objects.filter_map(|membership| self.current(membership)).collect()
        } else {
            objects.cloned().collect()
        }
    }

    /// A membership with the organization, the user and the role as they are by now; none when the
    /// organization or the user is gone.
    fn current(&self, membership: &Value) -> Option<Value> {
        let mut current = membership.clone();
        let (organization, user) = (organization_of(membership)?, user_of(membership)?);
        if self.gone.contains(organization) || self.gone.contains(user) {
            return None;
        }
        let held = |kind, id: &str| self.held.get(&(kind, id.to_owned()));
        if let Some(known) = held(Kind::Organization, organization) {
            current.as_object_mut()?.insert("organization".to_owned(), known.clone());
        }
        if let (Some(known), Some(shown)) = (
            held(Kind::User, user),
            current.get_mut("public_user_data").and_then(Value::as_object_mut),
        ) {
            for (name, value) in shown {
                known.get(name).inspect(|known| value.clone_from(known));
            }
        }
        if let Some(permissions) = self.permissions_of(text(membership, "/role")?) {
            current.as_object_mut()?.insert("permissions".to_owned(), permissions);
        }
        Some(current)
    }

    /// The keys of what a role of the catalogue allows.
    fn permissions_of(&self, role: &str) -> Option<Value> {
        let mut roles = self.held.iter().filter(|((kind, _), _)| *kind == Kind::Role);
        let (_, known) = roles.find(|(_, known)| text(known, "/key") == Some(role))?;
        let permissions = known.get("permissions")?.as_array()?;
        Some(permissions.iter().filter_map(|permission| permission.get("key").cloned()).collect())
    }
}

/// The organization that a membership is of.
#[must_use]
pub fn organization_of(membership: &Value) -> Option<&str> {
    text(membership, "/organization/id")
}

/// The user whose membership it is.
#[must_use]
pub fn user_of(membership: &Value) -> Option<&str> {
    text(membership, "/public_user_data/user_id")
}

/// A text of an object, by its JSON pointer.
#[must_use]
pub fn text<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    object.pointer(pointer).and_then(Value::as_str)
}

/// A time of an object, in milliseconds.
#[must_use]
pub fn time(object: &Value, name: &str) -> Option<i64> {
    object.get(name).and_then(Value::as_i64)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Kind, Objects, user_of};
    use crate::day::Day;
    use crate::payload::envelope;
    use crate::people::{ACME_ID, ADA, EDSGER, GRACE, GRACE_MEMBERSHIP_ID, LINUS};

    const NOW_MS: i64 = 1_763_900_000_000;

    fn after_the_day() -> Objects {
        Objects::after(&Day::new("ins_1", NOW_MS).script())
    }

    fn event(kind: &str, data: &Value) -> String {
        envelope("ins_1", kind, data, NOW_MS)
    }

    #[test]
    fn a_day_leaves_what_its_genuine_events_tell() {
        let objects = after_the_day();
        let ids: Vec<Value> =
            objects.all(Kind::User).iter().map(|user| user["id"].clone()).collect();
        assert_eq!(ids, [ADA.id, GRACE.id, LINUS.id], "Edsger is deleted and stays so");
        assert_eq!(objects.get(Kind::User, EDSGER.id), None);
        // The forgeries and the update that cannot be read have changed nothing.
        let linus = objects.get(Kind::User, LINUS.id).unwrap();
        assert_eq!(
            (&linus["public_metadata"], &linus["email_addresses"]),
            (&json!({}), &json!([]))
        );
        // The older update, which came late, has not either.
        let grace = objects.get(Kind::User, GRACE.id).unwrap();
        assert_eq!(grace["last_name"], "Murray Hopper");
        let counts = [Kind::Organization, Kind::Membership, Kind::Role, Kind::Permission]
            .map(|kind| objects.all(kind).len());
        assert_eq!(counts, [1, 2, 2, 2]);
    }

    #[test]
    fn a_later_event_counts_and_what_is_no_event_does_not() {
        let mut objects = after_the_day();
        let before = objects.all(Kind::User);
        for body in ["", "{", "[]", "{\"type\":\"user\"}", &event("user.updated", &json!({}))] {
            objects.take(body);
        }
        objects.take(&event("user.updated", &json!({ "id": ADA.id, "updated_at": "soon" })));
        objects.take(&event("session.created", &json!({ "id": "sess_1", "updated_at": NOW_MS })));
        assert_eq!(objects.all(Kind::User), before);
        objects.take(&Day::new("ins_1", NOW_MS).revocation(NOW_MS + 1).delivery.body);
        assert_eq!(objects.get(Kind::User, ADA.id).unwrap()["public_metadata"], json!({}));
    }

    #[test]
    fn a_membership_shows_what_it_joins_as_it_is() {
        let mut objects = after_the_day();
        let shown = |objects: &Objects| objects.get(Kind::Membership, GRACE_MEMBERSHIP_ID).unwrap();
        assert_eq!(shown(&objects)["public_user_data"]["last_name"], "Murray Hopper");
        let mut acme = objects.get(Kind::Organization, ACME_ID).unwrap();
        (acme["name"], acme["updated_at"]) = (json!("Acme Ltd"), json!(NOW_MS));
        objects.take(&event("organization.updated", &acme));
        let mut role = objects.all(Kind::Role).into_iter().find(|it| it["key"] == "org:member");
        let role = role.as_mut().unwrap();
        (role["permissions"], role["updated_at"]) = (json!([]), json!(NOW_MS));
        objects.take(&event("role.updated", role));
        let grace = shown(&objects);
        assert_eq!(
            (&grace["organization"], &grace["permissions"]),
            (&acme, &json!([])),
            "and the role's permissions are the role's"
        );
    }

    #[test]
    fn who_goes_takes_their_memberships_along() {
        let mut objects = after_the_day();
        objects.take(&event("user.deleted", &json!({ "id": GRACE.id })));
        let left = objects.all(Kind::Membership);
        assert_eq!(left.iter().map(user_of).collect::<Vec<_>>(), [Some(ADA.id)]);
        objects.take(&event("organization.deleted", &json!({ "id": ACME_ID })));
        assert!(objects.all(Kind::Membership).is_empty());
    }
}
