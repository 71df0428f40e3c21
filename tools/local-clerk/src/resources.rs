//! The resources of the instance: the users, organizations, memberships, roles and permissions that
//! its events describe. No I/O.
//!
//! Clerk makes a change first, and then sends its event. So an event counts here whether or not its
//! delivery arrives, and the Backend API shows what a receiver has missed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::day::DayStep;

/// A kind of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResourceKind {
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

impl ResourceKind {
    /// The kind that an event type begins with.
    fn from_event_type(subject: &str) -> Option<Self> {
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

/// The resources by kind and id, each as in its latest event.
#[derive(Clone, Debug, Default)]
pub struct ResourceStore {
    resources: BTreeMap<(ResourceKind, String), Value>,
    deleted: BTreeSet<String>,
}

impl ResourceStore {
    /// The resources after a scripted day.
    #[must_use]
    pub fn after_day(script: &[DayStep]) -> Self {
        let mut store = Self::default();
        let genuine = script.iter().filter(|step| step.delivery.faults.tamper.is_none());
        genuine.for_each(|step| store.apply_event(&step.delivery.body));
        store
    }

    /// Applies an event. Ignored are text that is not an event, other types, data without an id or
    /// a time, older events, and changes of what is deleted.
    pub fn apply_event(&mut self, body: &str) {
        let Ok(mut event) = serde_json::from_str::<Value>(body) else { return };
        let data = event.get_mut("data").map(Value::take).unwrap_or_default();
        let kind = event.get("type").and_then(Value::as_str).and_then(|it| it.split_once('.'));
        let Some((subject, action)) = kind else { return };
        let (Some(kind), Some(id)) =
            (ResourceKind::from_event_type(subject), text_at(&data, "/id"))
        else {
            return;
        };
        let id = id.to_owned();
        if action == "deleted" {
            self.delete(kind, id);
        } else if !self.deleted.contains(&id) {
            self.upsert((kind, id), data);
        }
    }

    fn upsert(&mut self, key: (ResourceKind, String), data: Value) {
        let Some(at) = time_of(&data, "updated_at") else { return };
        let known = self.resources.get(&key).and_then(|known| time_of(known, "updated_at"));
        if known.is_none_or(|known| known <= at) {
            self.resources.insert(key, data);
        }
    }

    /// Changes a resource, and returns it as it is then. `None` if there is none.
    pub fn update(
        &mut self,
        kind: ResourceKind,
        id: &str,
        change: impl FnOnce(&mut Value),
    ) -> Option<Value> {
        let resource = self.resources.get_mut(&(kind, id.to_owned()))?;
        change(resource);
        Some(resource.clone())
    }

    /// A membership of a deleted user or organization is no longer shown: see [`Self::current`].
    fn delete(&mut self, kind: ResourceKind, id: String) {
        self.resources.remove(&(kind, id.clone()));
        self.deleted.insert(id);
    }

    /// One resource.
    #[must_use]
    pub fn get(&self, kind: ResourceKind, id: &str) -> Option<Value> {
        self.list(kind).into_iter().find(|resource| text_at(resource, "/id") == Some(id))
    }

    /// All of a kind, in the order of their ids.
    #[must_use]
    pub fn list(&self, kind: ResourceKind) -> Vec<Value> {
        let of_kind = self.resources.iter().filter(|((it, _), _)| *it == kind);
        let resources = of_kind.map(|(_, resource)| resource);
        if kind == ResourceKind::Membership {
            resources.filter_map(|membership| self.current(membership)).collect()
        } else {
            resources.cloned().collect()
        }
    }

    /// A membership with its organization, user and role as they are now. `None` when the
    /// organization or the user is deleted.
    fn current(&self, membership: &Value) -> Option<Value> {
        let mut current = membership.clone();
        let (organization, user) = (organization_id_of(membership)?, user_id_of(membership)?);
        if self.deleted.contains(organization) || self.deleted.contains(user) {
            return None;
        }
        let find = |kind, id: &str| self.resources.get(&(kind, id.to_owned()));
        if let Some(known) = find(ResourceKind::Organization, organization) {
            current.as_object_mut()?.insert("organization".to_owned(), known.clone());
        }
        if let (Some(known), Some(shown)) = (
            find(ResourceKind::User, user),
            current.get_mut("public_user_data").and_then(Value::as_object_mut),
        ) {
            for (name, value) in shown {
                known.get(name).inspect(|known| value.clone_from(known));
            }
        }
        if let Some(permissions) = self.permissions_of(text_at(membership, "/role")?) {
            current.as_object_mut()?.insert("permissions".to_owned(), permissions);
        }
        Some(current)
    }

    /// The keys of the permissions of a role of the catalogue.
    fn permissions_of(&self, role: &str) -> Option<Value> {
        let mut roles = self.resources.iter().filter(|((kind, _), _)| *kind == ResourceKind::Role);
        let (_, known) = roles.find(|(_, known)| text_at(known, "/key") == Some(role))?;
        let permissions = known.get("permissions")?.as_array()?;
        Some(permissions.iter().filter_map(|permission| permission.get("key").cloned()).collect())
    }
}

/// The id of the organization of a membership.
#[must_use]
pub fn organization_id_of(membership: &Value) -> Option<&str> {
    text_at(membership, "/organization/id")
}

/// The id of the user of a membership.
#[must_use]
pub fn user_id_of(membership: &Value) -> Option<&str> {
    text_at(membership, "/public_user_data/user_id")
}

/// A text in a resource, by its JSON pointer.
#[must_use]
pub fn text_at<'a>(resource: &'a Value, pointer: &str) -> Option<&'a str> {
    resource.pointer(pointer).and_then(Value::as_str)
}

/// A time of a resource, in milliseconds.
#[must_use]
pub fn time_of(resource: &Value, name: &str) -> Option<i64> {
    resource.get(name).and_then(Value::as_i64)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{ResourceKind, ResourceStore, user_id_of};
    use crate::day::ScriptedDay;
    use crate::payload::event_body;
    use crate::sample_users::{ACME_ID, ADA, EDSGER, GRACE, GRACE_MEMBERSHIP_ID, LINUS};

    const NOW_MS: i64 = 1_763_900_000_000;

    fn after_the_day() -> ResourceStore {
        ResourceStore::after_day(&ScriptedDay::new("ins_1", NOW_MS).script())
    }

    fn event(kind: &str, data: &Value) -> String {
        event_body("ins_1", kind, data, NOW_MS)
    }

    #[test]
    fn after_the_day_the_resources_are_those_of_the_genuine_events() {
        let store = after_the_day();
        let ids: Vec<Value> =
            store.list(ResourceKind::User).iter().map(|user| user["id"].clone()).collect();
        assert_eq!(ids, [ADA.id, GRACE.id, LINUS.id], "Edsger is deleted and stays so");
        assert_eq!(store.get(ResourceKind::User, EDSGER.id), None);
        // The forgeries and the unreadable update changed nothing.
        let linus = store.get(ResourceKind::User, LINUS.id).unwrap();
        assert_eq!(
            (&linus["public_metadata"], &linus["email_addresses"]),
            (&json!({}), &json!([]))
        );
        // Nor did the late, older update.
        let grace = store.get(ResourceKind::User, GRACE.id).unwrap();
        assert_eq!(grace["last_name"], "Murray Hopper");
        let counts = [
            ResourceKind::Organization,
            ResourceKind::Membership,
            ResourceKind::Role,
            ResourceKind::Permission,
        ]
        .map(|kind| store.list(kind).len());
        assert_eq!(counts, [1, 2, 2, 2]);
    }

    #[test]
    fn a_later_event_counts_and_an_unreadable_one_does_not() {
        let mut store = after_the_day();
        let before = store.list(ResourceKind::User);
        for body in ["", "{", "[]", "{\"type\":\"user\"}", &event("user.updated", &json!({}))] {
            store.apply_event(body);
        }
        store.apply_event(&event("user.updated", &json!({ "id": ADA.id, "updated_at": "soon" })));
        store.apply_event(&event(
            "session.created",
            &json!({ "id": "sess_1", "updated_at": NOW_MS }),
        ));
        assert_eq!(store.list(ResourceKind::User), before);
        store.apply_event(&ScriptedDay::new("ins_1", NOW_MS).revocation(NOW_MS + 1).delivery.body);
        assert_eq!(store.get(ResourceKind::User, ADA.id).unwrap()["public_metadata"], json!({}));
    }

    #[test]
    fn a_membership_shows_its_user_organization_and_role_as_they_are_now() {
        let mut store = after_the_day();
        let shown = |store: &ResourceStore| {
            store.get(ResourceKind::Membership, GRACE_MEMBERSHIP_ID).unwrap()
        };
        assert_eq!(shown(&store)["public_user_data"]["last_name"], "Murray Hopper");
        let mut acme = store.get(ResourceKind::Organization, ACME_ID).unwrap();
        (acme["name"], acme["updated_at"]) = (json!("Acme Ltd"), json!(NOW_MS));
        store.apply_event(&event("organization.updated", &acme));
        let mut role =
            store.list(ResourceKind::Role).into_iter().find(|it| it["key"] == "org:member");
        let role = role.as_mut().unwrap();
        (role["permissions"], role["updated_at"]) = (json!([]), json!(NOW_MS));
        store.apply_event(&event("role.updated", role));
        let grace = shown(&store);
        assert_eq!(
            (&grace["organization"], &grace["permissions"]),
            (&acme, &json!([])),
            "the permissions are those of the role"
        );
    }

    #[test]
    fn memberships_of_a_deleted_user_or_organization_are_not_shown() {
        let mut store = after_the_day();
        store.apply_event(&event("user.deleted", &json!({ "id": GRACE.id })));
        let left = store.list(ResourceKind::Membership);
        assert_eq!(left.iter().map(user_id_of).collect::<Vec<_>>(), [Some(ADA.id)]);
        store.apply_event(&event("organization.deleted", &json!({ "id": ACME_ID })));
        assert!(store.list(ResourceKind::Membership).is_empty());
    }
}
