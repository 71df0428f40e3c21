//! Parses the rows of [`FILL`](super::FILL) into a role set.
//!
//! One statement reads everything, so all rows have the same version. The rows are small, because
//! D1 aborts a statement with a value larger than 2 MB
//! (<https://developers.cloudflare.com/d1/platform/limits/>): a user can be in thousands of
//! organizations. The permissions of a catalogue role are read once per role, not per membership.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::cache::FillResult;
use crate::roles::{Membership, PermissionList, RoleSet, UserStatus};

/// One row of [`FILL`](super::FILL).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct FillRow {
    /// Which row this is, and which columns are set:
    /// - `watch`: `owner`, `version`, and the user's status in `name`.
    /// - `role`: an app role in `name`.
    /// - `member`: the organization in `id`, the role's key in `name`, and the membership's own
    ///   permissions if the catalogue does not have the role.
    /// - `role_permissions`: a role's key in `name`, and its permissions.
    pub kind: String,
    /// See `kind`.
    pub owner: Option<i64>,
    /// See `kind`.
    pub version: Option<i64>,
    /// See `kind`.
    pub id: Option<String>,
    /// See `kind`.
    pub name: Option<String>,
    /// A JSON array of keys; see `kind`.
    pub permissions: Option<String>,
}

/// Builds the role set from the rows, in any order. `None` if the user has no watch.
///
/// # Errors
/// If a row is not one that [`FILL`](super::FILL) produces.
pub fn parse_fill(rows: Vec<FillRow>) -> Result<Option<FillResult>, &'static str> {
    let (mut watch, mut roles) = (None, Vec::new());
    let (mut members, mut role_permissions) = (Vec::new(), BTreeMap::new());
    for row in rows {
        let FillRow { kind, owner, version, id, name, permissions } = row;
        let name = name.ok_or("a row without a name")?;
        let permissions = permissions.as_deref().map(parse_list).transpose()?;
        match kind.as_str() {
            "watch" => {
                let status = parse_status(&name).ok_or("an unknown user status")?;
                let owner = owner.ok_or("a watch without an owner")?;
                watch = Some((owner, version.ok_or("a watch without a version")?, status));
            }
            "role" => roles.push(name),
            "member" => {
                members.push((
                    id.ok_or("a membership without an organization id")?,
                    name,
                    permissions,
                ));
            }
            "role_permissions" => {
                role_permissions.insert(name, permissions.ok_or("a role without permissions")?);
            }
            _ => return Err("a row of an unknown kind"),
        }
    }
    let Some((owner, version, status)) = watch else { return Ok(None) };
    let organizations = members.into_iter().map(|(id, role, own)| {
        let of_role = || role_permissions.get(&role).cloned();
        let permissions =
            own.or_else(of_role).ok_or("a membership without the permissions of its role")?;
        Ok(Membership { org_id: id, role, permissions })
    });
    let organizations = organizations.collect::<Result<_, &'static str>>()?;
    let set = RoleSet { version, status, roles, organizations }.normalized();
    Ok(Some(FillResult { owner, set }))
}

fn parse_list(text: &str) -> Result<PermissionList, &'static str> {
    let keys: Vec<String> =
        serde_json::from_str(text).map_err(|_| "permissions are not a JSON array of strings")?;
    Ok(keys.into())
}

fn parse_status(name: &str) -> Option<UserStatus> {
    match name {
        "unknown" => Some(UserStatus::Unknown),
        "live" => Some(UserStatus::Active),
        "banned" => Some(UserStatus::Banned),
        "dead" => Some(UserStatus::Deleted),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{FillRow, parse_fill};
    use crate::cache::FillResult;
    use crate::roles::{Membership, RoleSet, UserStatus};

    fn row(kind: &str, id: &str, name: &str, permissions: &str) -> FillRow {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let (id, name, permissions) = (some(id), some(name), some(permissions));
        FillRow { kind: kind.into(), id, name, permissions, ..FillRow::default() }
    }

    fn watch(status: &str) -> FillRow {
        FillRow { owner: Some(3), version: Some(7), ..row("watch", "", status, "") }
    }

    #[test]
    fn the_rows_make_one_set_in_any_order() {
        let mut rows = vec![
            watch("live"),
            row("role", "", "member", ""),
            row("role", "", "admin", ""),
            row("member", "org_2", "org:own", r#"["b","a","b"]"#),
            row("member", "org_1", "org:known", ""),
            row("member", "org_3", "org:known", ""),
            row("role_permissions", "", "org:known", r#"["z","y"]"#),
        ];
        let first = parse_fill(rows.clone()).unwrap().unwrap();
        rows.reverse();
        assert_eq!(parse_fill(rows).unwrap().unwrap(), first);
        let member = |org: &str, role: &str, keys: &[&str]| Membership {
            org_id: org.into(),
            role: role.into(),
            permissions: keys.iter().map(|key| String::from(*key)).collect::<Vec<_>>().into(),
        };
        let organizations = vec![
            member("org_1", "org:known", &["y", "z"]),
            member("org_2", "org:own", &["a", "b"]),
            member("org_3", "org:known", &["y", "z"]),
        ];
        let roles = vec!["admin".into(), "member".into()];
        let set = RoleSet { version: 7, status: UserStatus::Active, roles, organizations };
        assert_eq!(first, FillResult { owner: 3, set });
    }

    #[test]
    fn a_user_without_a_watch_has_no_set() {
        assert_eq!(parse_fill(vec![]), Ok(None));
        assert_eq!(parse_fill(vec![row("role", "", "admin", "")]), Ok(None));
    }

    #[test]
    fn an_invalid_row_is_an_error_and_is_never_skipped() {
        for wrong in [
            row("", "", "x", ""),
            row("role", "", "", ""),
            row("member", "", "org:known", "[]"),
            row("member", "org_1", "org:lost", ""),
            row("member", "org_1", "org:known", "{}"),
            row("role_permissions", "", "org:known", ""),
            row("watch", "", "live", ""),
            watch("asleep"),
        ] {
            assert!(parse_fill(vec![watch("live"), wrong.clone()]).is_err(), "{wrong:?}");
        }
    }
}
