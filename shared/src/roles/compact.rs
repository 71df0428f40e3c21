//! Compact JSON of a role set: each permission list is written once. A user of five thousand
//! organizations has few different roles, but repeated permissions would be nearly all of the JSON.
//!
//! `lists` has the permission lists. A membership has an index into it, `list`, instead of
//! `permissions`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

use super::{Membership, PermissionList, RoleSet, UserStatus};
use crate::json::deserialize_from_object;

/// A role set that serializes in compact form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CompactRoleSet<'a> {
    version: i64,
    #[serde(rename = "standing")]
    status: UserStatus,
    roles: &'a [String],
    organizations: Vec<CompactMembership<'a>>,
    lists: Vec<&'a PermissionList>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct CompactMembership<'a> {
    id: &'a str,
    role: &'a str,
    list: usize,
}

impl<'a> From<&'a RoleSet> for CompactRoleSet<'a> {
    fn from(set: &'a RoleSet) -> Self {
        // Keyed by address: equal lists share one allocation, see `RoleSet::normalized`.
        let mut indexes = BTreeMap::new();
        let mut lists = Vec::new();
        let organizations = set.organizations.iter().map(|membership| {
            let permissions = &membership.permissions;
            let list = *indexes.entry(permissions.as_ptr()).or_insert_with(|| {
                lists.push(permissions);
                lists.len() - 1
            });
            CompactMembership { id: &membership.org_id, role: &membership.role, list }
        });
        let organizations = organizations.collect();
        let (version, status, roles) = (set.version, set.status, &set.roles);
        Self { version, status, roles, organizations, lists }
    }
}

/// Serializes in compact form, for `#[serde(serialize_with)]`.
///
/// # Errors
/// The serializer's own.
pub fn serialize_compact<S: Serializer>(set: &RoleSet, serializer: S) -> Result<S::Ok, S::Error> {
    CompactRoleSet::from(set).serialize(serializer)
}

/// A role set in either form.
#[derive(Deserialize)]
#[serde(remote = "Self")]
pub(super) struct RoleSetWire {
    version: i64,
    #[serde(rename = "standing")]
    status: UserStatus,
    roles: Vec<String>,
    organizations: Vec<MembershipWire>,
    #[serde(default)]
    lists: Vec<PermissionList>,
}

#[derive(Deserialize)]
#[serde(remote = "Self")]
struct MembershipWire {
    id: String,
    role: String,
    permissions: Option<PermissionList>,
    list: Option<usize>,
}

deserialize_from_object!(RoleSetWire, MembershipWire);

impl TryFrom<RoleSetWire> for RoleSet {
    type Error = &'static str;

    fn try_from(wire: RoleSetWire) -> Result<Self, &'static str> {
        let RoleSetWire { version, status, roles, organizations, lists } = wire;
        let membership = |it: MembershipWire| {
            let permissions = match (it.permissions, it.list) {
                (Some(own), None) => own,
                (None, Some(list)) => lists.get(list).ok_or("list index out of range")?.clone(),
                (None, None) => return Err("membership has neither permissions nor list"),
                (Some(_), Some(_)) => return Err("membership has both permissions and list"),
            };
            Ok(Membership { org_id: it.id, role: it.role, permissions })
        };
        let organizations = organizations.into_iter().map(membership).collect::<Result<_, _>>()?;
        Ok(Self { version, status, roles, organizations })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Membership, RoleSet, UserStatus};
    use super::CompactRoleSet;

    fn membership(id: usize, role: &str, keys: &[&str]) -> Membership {
        let keys: Vec<_> = keys.iter().map(|key| String::from(*key)).collect();
        Membership { org_id: format!("org_{id}"), role: role.into(), permissions: keys.into() }
    }

    fn set(organizations: Vec<Membership>) -> RoleSet {
        let roles = vec!["admin".into()];
        RoleSet { version: 7, status: UserStatus::Active, roles, organizations }.normalized()
    }

    #[test]
    fn each_list_is_written_once() {
        let set = set(vec![
            membership(1, "org:admin", &["org:b:write", "org:a:read"]),
            membership(2, "org:admin", &["org:a:read", "org:b:write"]),
            membership(3, "org:member", &[]),
        ]);
        let text = serde_json::to_string(&CompactRoleSet::from(&set)).unwrap();
        assert_eq!(
            text,
            concat!(
                r#"{"version":7,"standing":"live","roles":["admin"],"organizations":["#,
                r#"{"id":"org_1","role":"org:admin","list":0},"#,
                r#"{"id":"org_2","role":"org:admin","list":0},"#,
                r#"{"id":"org_3","role":"org:member","list":1}],"#,
                r#""lists":[["org:a:read","org:b:write"],[]]}"#,
            )
        );
        assert_eq!(serde_json::from_str::<RoleSet>(&text).unwrap(), set);
        let plain = serde_json::to_string(&set).unwrap();
        assert!(
            plain.contains(r#"{"id":"org_3","role":"org:member","permissions":[]}"#),
            "{plain}"
        );
        assert_eq!(serde_json::from_str::<RoleSet>(&plain).unwrap(), set);
    }

    #[test]
    fn f_27_five_thousand_memberships_with_a_hundred_permissions_are_half_a_megabyte() {
        let keys: Vec<_> = (0..100).map(|n| format!("org:feature_{n:03}:manage_it_all")).collect();
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        let ids = 1_000_000_000..1_000_005_000;
        let set = set(ids.map(|n| membership(n, "org:member", &keys)).collect());
        let text = serde_json::to_string(&CompactRoleSet::from(&set)).unwrap();
        assert!(text.len() < 500_000, "{}", text.len());
        assert_eq!(serde_json::from_str::<RoleSet>(&text).unwrap(), set);
    }

    #[test]
    fn invalid_forms_are_rejected() {
        for membership in [
            r#"{"id":"org_1","role":"org:admin"}"#,
            r#"{"id":"org_1","role":"org:admin","list":1}"#,
            r#"{"id":"org_1","role":"org:admin","list":-1}"#,
            r#"{"id":"org_1","role":"org:admin","list":0,"permissions":[]}"#,
        ] {
            let head = r#"{"version":7,"standing":"live","roles":[],"#;
            let text = format!(r#"{head}"organizations":[{membership}],"lists":[[]]}}"#);
            assert!(serde_json::from_str::<RoleSet>(&text).is_err(), "{membership}");
        }
    }
}
