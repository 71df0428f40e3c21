//! What a fill reads: the rows of [`FILL`](super::FILL), and the set that they make.
//!
//! One statement reads all of it, so it is of one version. It comes in many small rows, since D1
//! ends a statement one of whose values would be larger than 2 MB
//! (<https://developers.cloudflare.com/d1/platform/limits/>): a user can be in thousands of
//! organizations. What a role of the catalogue carries comes once for the role.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::cache::FillResult;
use crate::roles::{Membership, PermissionList, RoleSet, UserStatus};

/// One row. What it means says its kind, and which columns it has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct FillRow {
    /// `watch`: the owner, the version, and as its name the user's standing. `role`: the name of an
    /// app role. `member`: an organization's id, the role's name, and the membership's own list of
    /// permissions where that speaks. `carries`: the name of a role and what it carries.
    pub kind: String,
    /// See `kind`.
    pub owner: Option<i64>,
    /// See `kind`.
    pub version: Option<i64>,
    /// See `kind`.
    pub id: Option<String>,
    /// See `kind`.
    pub name: Option<String>,
    /// A list as JSON text; see `kind`.
    pub permissions: Option<String>,
}

/// The set that the rows make, in whatever order they come. `None`: nobody watches this user.
///
/// # Errors
/// What is wrong with a row that [`FILL`](super::FILL) does not give.
pub fn parse_fill(rows: Vec<FillRow>) -> Result<Option<FillResult>, &'static str> {
    let (mut watch, mut roles) = (None, Vec::new());
    let (mut members, mut carried) = (Vec::new(), BTreeMap::new());
    for row in rows {
        let FillRow { kind, owner, version, id, name, permissions } = row;
        let name = name.ok_or("a row without a name")?;
        let permissions = permissions.as_deref().map(parse_list).transpose()?;
        match kind.as_str() {
            "watch" => {
                let standing = parse_standing(&name).ok_or("an unknown standing")?;
                let owner = owner.ok_or("a watch without an owner")?;
                watch = Some((owner, version.ok_or("a watch without a version")?, standing));
            }
            "role" => roles.push(name),
            "member" => {
                members.push((id.ok_or("a member of no organization")?, name, permissions));
            }
            "carries" => {
                carried.insert(name, permissions.ok_or("a role that carries no list")?);
            }
            _ => return Err("a row of an unknown kind"),
        }
    }
    let Some((owner, version, standing)) = watch else { return Ok(None) };
    let organizations = members.into_iter().map(|(id, role, own)| {
        let carried = || carried.get(&role).cloned();
        let permissions = own.or_else(carried).ok_or("a member whose role is not there")?;
        Ok(Membership { id, role, permissions })
    });
    let organizations = organizations.collect::<Result<_, &'static str>>()?;
    let set = RoleSet { version, standing, roles, organizations }.normalized();
    Ok(Some(FillResult { owner, set }))
}

fn parse_list(text: &str) -> Result<PermissionList, &'static str> {
    let keys: Vec<String> = serde_json::from_str(text).map_err(|_| "a list that is none")?;
    Ok(keys.into())
}

fn parse_standing(name: &str) -> Option<UserStatus> {
    match name {
        "unknown" => Some(UserStatus::Unknown),
        "live" => Some(UserStatus::Live),
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

    fn watch(standing: &str) -> FillRow {
        FillRow { owner: Some(3), version: Some(7), ..row("watch", "", standing, "") }
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
            row("carries", "", "org:known", r#"["z","y"]"#),
        ];
        let first = parse_fill(rows.clone()).unwrap().unwrap();
        rows.reverse();
        assert_eq!(parse_fill(rows).unwrap().unwrap(), first);
        let member = |org: &str, role: &str, keys: &[&str]| Membership {
            id: org.into(),
            role: role.into(),
            permissions: keys.iter().map(|key| String::from(*key)).collect::<Vec<_>>().into(),
        };
        let organizations = vec![
            member("org_1", "org:known", &["y", "z"]),
            member("org_2", "org:own", &["a", "b"]),
            member("org_3", "org:known", &["y", "z"]),
        ];
        let roles = vec!["admin".into(), "member".into()];
        let set = RoleSet { version: 7, standing: UserStatus::Live, roles, organizations };
        assert_eq!(first, FillResult { owner: 3, set });
    }

    #[test]
    fn a_user_whom_nobody_watches_has_no_set() {
        assert_eq!(parse_fill(vec![]), Ok(None));
        assert_eq!(parse_fill(vec![row("role", "", "admin", "")]), Ok(None));
    }

    #[test]
    fn what_is_not_of_the_fill_is_refused_and_never_a_smaller_set() {
        for wrong in [
            row("", "", "x", ""),
            row("role", "", "", ""),
            row("member", "", "org:known", "[]"),
            row("member", "org_1", "org:lost", ""),
            row("member", "org_1", "org:known", "{}"),
            row("carries", "", "org:known", ""),
            row("watch", "", "live", ""),
            watch("asleep"),
        ] {
            assert!(parse_fill(vec![watch("live"), wrong.clone()]).is_err(), "{wrong:?}");
        }
    }
}
