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

/// A watched user with so many memberships: half as `org:admin`, half as `org:member`, each of
/// which lists `own` itself.
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

/// The catalogue knows the role, with these permissions.
fn know(db: &Db, role: &str, permissions: &[String]) {
    let listed = permissions.iter().map(|key| json!({ "id": format!("perm_{key}"), "key": key }));
    let listed = json!(listed.collect::<Vec<_>>()).to_string();
    let text = "INSERT INTO org_roles
        (id, key, permissions, deleted, updated_at, event_at, projection, digest)
      VALUES ('role_' || ?1, ?1, ?2, 0, 1, 1, 1, '')";
    db.sql.execute(text, [role, listed.as_str()]).unwrap();
}

/// The set that a fill gives, whose every membership is as the view has it.
#[track_caller]
fn filled(db: &Db) -> RoleSet {
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

/// The greatest value that the fill reads, in bytes, and the bytes of all of them.
fn bytes(db: &Db) -> (usize, usize) {
    let size = |value: &Value| match value {
        Value::Text(text) => text.len(),
        Value::Null | Value::Integer(_) | Value::Real(_) | Value::Blob(_) => 8,
    };
    let sizes: Vec<_> = db.rows(FILL, [ADA]).iter().flatten().map(size).collect();
    (sizes.iter().copied().max().unwrap(), sizes.iter().sum())
}

/// The limit that a list in one value runs into.
#[track_caller]
fn one_value_is_too_big(db: &Db) {
    let text =
        "SELECT json_group_array(json_object('id', m.org_id, 'permissions', json(m.permissions)))
      FROM org_memberships m WHERE m.user_id = ?1";
    let error = db.sql.query_row(text, [ADA], |row| row.get::<_, String>(0)).unwrap_err();
    assert!(error.to_string().contains("too big"), "{error}");
}

#[test]
fn f_27_what_a_role_carries_is_read_once_for_the_role() {
    for organizations in [930, 5_000] {
        let db = member_of(organizations, &[]);
        know(&db, "org:admin", &permissions());
        know(&db, "org:member", &permissions());
        one_value_is_too_big(&db);
        let set = filled(&db);
        assert_eq!(i64::try_from(set.organizations.len()).unwrap(), organizations);
        let (greatest, all) = bytes(&db);
        let list = json!(permissions()).to_string().len();
        assert_eq!(greatest, list, "one list is the greatest value");
        let each = all / set.organizations.len();
        assert!(each < 100, "{each} bytes a membership");
    }
}

#[test]
fn f_27_lists_of_the_memberships_own_are_read_where_the_catalogue_has_not_heard_of_the_role() {
    let db = member_of(5_000, &permissions());
    one_value_is_too_big(&db);
    let set = filled(&db);
    assert_eq!(set.organizations.len(), 5_000);
    assert!(set.organizations.iter().all(|it| it.permissions.len() == 100));
    // A role that is known speaks for its members, and for no others.
    know(&db, "org:admin", &permissions()[..2]);
    let set = filled(&db);
    let of = |role: &str| set.organizations.iter().find(|it| it.role == role).unwrap();
    assert_eq!((of("org:admin").permissions.len(), of("org:member").permissions.len()), (2, 100));
}

#[test]
fn a_role_of_the_catalogue_that_carries_nothing_is_no_gap() {
    let db = member_of(3, &permissions());
    know(&db, "org:admin", &[]);
    let set = filled(&db);
    let none = |role: &str| {
        let mut held = set.organizations.iter().filter(|it| it.role == role);
        held.all(|it| it.permissions.is_empty())
    };
    assert!(none("org:admin") && !none("org:member"));
    assert_eq!(set.organizations.len(), 3);
}
