//! F-27: what a fill reads of a user who is in very many organizations, within D1's limits.

use rusqlite::types::Value;
use serde_json::json;
use shared::roles::RoleSet;
use shared::sql::FILL;

use crate::support::Db;

const ADA: &str = "user_ada";

/// A hundred permissions, as long as names are.
fn permissions() -> Vec<String> {
    (0..100).map(|n| format!("org:feature_{n:03}:manage_it_all")).collect()
}

/// A watched user with this many memberships, half as `org:admin` and half as `org:member`. Each
/// membership has `own` as its own list of permissions.
fn member_of(organizations: i64, own: &[String]) -> Db {
    let db = Db::new();
    db.exec(&format!(
        "INSERT INTO watches (user_id, owner, version, acked) VALUES ('{ADA}', 3, 7, 7)"
    ));
    let memberships = "INSERT INTO memberships
        (id, org_id, user_id, role, permissions, deleted, updated_at, event_at, projection, digest)
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
      SELECT 'orgmem_' || i, 'org_2g7np7Hrk0SN6kj5EDML' || (1000000 + i), ?2,
        iif(i % 2, 'org:admin', 'org:member'), ?3, 0, 1, 1, 1, '' FROM n";
    let args = (organizations, ADA, json!(own).to_string());
    db.sql.execute(memberships, args).unwrap();
    db
}

/// Adds the role to the catalogue, with these permissions.
fn add_role(db: &Db, role: &str, permissions: &[String]) {
    let listed = permissions.iter().map(|key| json!({ "id": format!("perm_{key}"), "key": key }));
    let listed = json!(listed.collect::<Vec<_>>()).to_string();
    let text = "INSERT INTO org_roles
        (id, key, permissions, deleted, updated_at, event_at, projection, digest)
      VALUES ('role_' || ?1, ?1, ?2, 0, 1, 1, 1, '')";
    db.sql.execute(text, [role, listed.as_str()]).unwrap();
}

/// The result of a fill, after a check that each membership is as in the view.
#[track_caller]
fn checked_fill(db: &Db) -> RoleSet {
    let set = db.fill(ADA).unwrap().set;
    let text = "SELECT org_id, role, permissions FROM org_memberships WHERE user_id = ?1";
    for row in db.rows(text, [ADA]) {
        let [Value::Text(org), Value::Text(role), Value::Text(permissions)] = &row[..] else {
            panic!("{row:?}")
        };
        let mut want: Vec<String> = serde_json::from_str(permissions).unwrap();
        want.sort_unstable();
        let mut of_org = set.memberships_in(org).filter(|it| it.role == *role);
        let membership = of_org.next().unwrap_or_else(|| panic!("{org} is missing"));
        assert_eq!(&membership.permissions[..], want, "{org}");
    }
    set
}

/// The size in bytes of the largest value that the fill reads, and of all values together.
fn fill_sizes(db: &Db) -> (usize, usize) {
    let size = |value: &Value| match value {
        Value::Text(text) => text.len(),
        Value::Null | Value::Integer(_) | Value::Real(_) | Value::Blob(_) => 8,
    };
    let sizes: Vec<_> = db.rows(FILL, [ADA]).iter().flatten().map(size).collect();
    (sizes.iter().copied().max().unwrap(), sizes.iter().sum())
}

/// All memberships as one JSON value exceed a limit of D1.
#[track_caller]
fn assert_one_value_is_too_big(db: &Db) {
    let text =
        "SELECT json_group_array(json_object('id', m.org_id, 'permissions', json(m.permissions)))
      FROM org_memberships m WHERE m.user_id = ?1";
    let error = db.sql.query_row(text, [ADA], |row| row.get::<_, String>(0)).unwrap_err();
    assert!(error.to_string().contains("too big"), "{error}");
}

#[test]
fn f_27_a_roles_permissions_are_read_once_per_role() {
    for organizations in [930, 5_000] {
        let db = member_of(organizations, &[]);
        add_role(&db, "org:admin", &permissions());
        add_role(&db, "org:member", &permissions());
        assert_one_value_is_too_big(&db);
        let set = checked_fill(&db);
        assert_eq!(i64::try_from(set.organizations.len()).unwrap(), organizations);
        let (greatest, all) = fill_sizes(&db);
        let list = json!(permissions()).to_string().len();
        assert_eq!(greatest, list, "one list is the greatest value");
        let each = all / set.organizations.len();
        assert!(each < 100, "{each} bytes a membership");
    }
}

#[test]
fn f_27_own_permission_lists_are_read_where_the_catalogue_lacks_the_role() {
    let db = member_of(5_000, &permissions());
    assert_one_value_is_too_big(&db);
    let set = checked_fill(&db);
    assert_eq!(set.organizations.len(), 5_000);
    assert!(set.organizations.iter().all(|it| it.permissions.len() == 100));
    // A role in the catalogue decides for its own members only.
    add_role(&db, "org:admin", &permissions()[..2]);
    let set = checked_fill(&db);
    let of = |role: &str| set.organizations.iter().find(|it| it.role == role).unwrap();
    assert_eq!((of("org:admin").permissions.len(), of("org:member").permissions.len()), (2, 100));
}

#[test]
fn a_catalogue_role_without_permissions_gives_none() {
    let db = member_of(3, &permissions());
    add_role(&db, "org:admin", &[]);
    let set = checked_fill(&db);
    let gives_none = |role: &str| {
        let mut held = set.organizations.iter().filter(|it| it.role == role);
        held.all(|it| it.permissions.is_empty())
    };
    assert!(gives_none("org:admin") && !gives_none("org:member"));
    assert_eq!(set.organizations.len(), 3);
}
