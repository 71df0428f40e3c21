//! Tests of the guard, one kind of need after the other.

use serde_json::{Value, json};

use super::{Denied, Need, RoleSnapshot, is_administrative, permit, roles_meet};
use crate::roles::{Membership, RoleSet, UserStatus};
use crate::session::factors::Reverification;
use crate::session::{self, Session, SignatureStatus, TokenPolicy};
use crate::time::UnixMillis;

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

/// A session with more claims, and without `iat` if that is `null`. It is not signed: the tests of
/// `session` cover signatures.
fn session(more: Value) -> Session {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    let mut claims = json!({
        "iss": "https://clerk.example.com", "azp": "https://app.example.com", "sub": "user_1",
        "sid": "sess_1", "iat": 1_700_000_000, "exp": 1_700_000_060, "v": 2,
    });
    if let (Value::Object(claims), Value::Object(more)) = (&mut claims, more) {
        claims.extend(more);
        claims.retain(|name, value| name != "iat" || !value.is_null());
    }
    let [header, claims] =
        [json!({ "alg": "RS256" }), claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let token = format!("{header}.{claims}.c2lnbmF0dXJl");
    let verified =
        session::parse_token(&token).unwrap().with_signature(SignatureStatus::Valid).unwrap();
    let policy =
        TokenPolicy::new("https://clerk.example.com", ["https://app.example.com"]).unwrap();
    session::validate_claims(&verified, &policy, NOW).unwrap()
}

fn plain() -> Session {
    session(json!({}))
}

fn impersonated() -> Session {
    session(json!({ "act": { "sub": "support.desk@corp.example" } }))
}

fn admin_in_one_org(status: UserStatus) -> RoleSnapshot {
    let organizations = vec![Membership {
        org_id: "org_a".into(),
        role: "org:admin".into(),
        permissions: vec!["org:posts:read".into(), "org:sys_memberships:manage".into()].into(),
    }];
    let set = RoleSet { version: 7, status, roles: vec!["admin".into()], organizations };
    RoleSnapshot { set, good_until: NOW }
}

fn without_roles(status: UserStatus) -> RoleSnapshot {
    let set = RoleSet { version: 7, status, roles: vec![], organizations: vec![] };
    RoleSnapshot { set, good_until: NOW }
}

fn decide(session: &Session, snapshot: &RoleSnapshot, need: &Need) -> Result<(), Denied> {
    permit(session, Some(snapshot), need, NOW).map(drop)
}

#[track_caller]
fn check(need: &Need, want: Result<(), Denied>) {
    let snapshot = admin_in_one_org(UserStatus::Active);
    assert_eq!(decide(&plain(), &snapshot, need), want, "{need:?}");
    assert_eq!(roles_meet(Some(&snapshot), need, NOW), want, "{need:?} by the roles alone");
}

fn role(name: &str) -> Need {
    Need::AppRole(name.into())
}

fn org_role(org: &str, role: &str) -> Need {
    Need::OrgRole { org: org.into(), role: role.into() }
}

fn permission(org: &str, permission: &str) -> Need {
    Need::Permission { org: org.into(), permission: permission.into() }
}

fn reverified(how: &str) -> Need {
    Need::Reverified(Reverification::parse(how).expect("a demand"))
}

#[test]
fn without_a_role_set_access_is_denied() {
    let session = plain();
    let denied = permit(&session, None, &Need::Session, NOW).map(drop);
    assert_eq!(denied, Err(Denied::NoRoleSet));
}

#[test]
fn a_role_set_past_its_age_denies() {
    let (session, snapshot) = (plain(), admin_in_one_org(UserStatus::Active));
    assert!(permit(&session, Some(&snapshot), &role("admin"), NOW).is_ok());
    let late = permit(&session, Some(&snapshot), &role("admin"), NOW.plus(1)).map(drop);
    assert_eq!(late, Err(Denied::RoleSetTooOld));
}

#[test]
fn s_16_a_clock_before_1970_does_not_extend_a_role_set() {
    let session = plain();
    for at in [i64::MIN, -1_700_000_000_000, -1] {
        let snapshot =
            RoleSnapshot { good_until: UnixMillis(at), ..admin_in_one_org(UserStatus::Active) };
        let ask =
            |snapshot, now| permit(&session, snapshot, &role("admin"), UnixMillis(now)).map(drop);
        assert_eq!(ask(Some(&snapshot), at + 1), Err(Denied::RoleSetTooOld), "{at}");
        assert_eq!(ask(Some(&snapshot), 0), Err(Denied::RoleSetTooOld), "{at}");
        assert_eq!(ask(Some(&snapshot), i64::MAX), Err(Denied::RoleSetTooOld), "{at}");
        assert_eq!(ask(None, at), Err(Denied::NoRoleSet), "{at}");
    }
    // Neither does it make an old factor recent.
    let (session, snapshot) =
        (self::session(json!({ "fva": [60, 60] })), admin_in_one_org(UserStatus::Active));
    for now in [i64::MIN, -1] {
        let result = permit(&session, Some(&snapshot), &reverified("strict"), UnixMillis(now));
        assert_eq!(result.map(drop), Err(Denied::NotReverified), "{now}");
    }
}

#[test]
fn a_permit_has_its_session_and_role_set() {
    let (session, snapshot) = (plain(), admin_in_one_org(UserStatus::Active));
    let permit = permit(&session, Some(&snapshot), &role("admin"), NOW).expect("granted");
    assert_eq!(permit.session(), &session);
    assert_eq!(permit.set(), &snapshot.set);
}

#[test]
fn deleted_and_banned_users_have_no_access() {
    for status in [UserStatus::Deleted, UserStatus::Banned] {
        for need in [Need::Session, role("admin"), Need::AnyOrg, Need::NoOrg] {
            assert_eq!(
                decide(&plain(), &admin_in_one_org(status), &need),
                Err(Denied::UserBlocked)
            );
            assert_eq!(decide(&plain(), &without_roles(status), &need), Err(Denied::UserBlocked));
        }
    }
}

#[test]
fn app_roles() {
    check(&role("admin"), Ok(()));
    check(&role("Admin"), Err(Denied::NotGranted));
    check(&role("org:admin"), Err(Denied::NotGranted));
    check(&role(""), Err(Denied::NotGranted));
}

#[test]
fn organization_roles_apply_to_their_organization_only() {
    check(&org_role("org_a", "org:admin"), Ok(()));
    check(&org_role("org_b", "org:admin"), Err(Denied::NotGranted));
    check(&org_role("", "org:admin"), Err(Denied::NotGranted));
    check(&permission("org_a", "org:posts:read"), Ok(()));
    check(&permission("org_a", "org:posts:write"), Err(Denied::NotGranted));
    check(&permission("org_b", "org:posts:read"), Err(Denied::NotGranted));
}

#[test]
fn any_org_and_no_org() {
    check(&Need::Member { org: "org_a".into() }, Ok(()));
    check(&Need::Member { org: "org_b".into() }, Err(Denied::NotGranted));
    check(&Need::AnyOrg, Ok(()));
    check(&Need::NoOrg, Err(Denied::NotGranted));
    let of = |status, need: &Need| decide(&plain(), &without_roles(status), need);
    assert_eq!(of(UserStatus::Active, &Need::AnyOrg), Err(Denied::NotGranted));
    assert_eq!(of(UserStatus::Active, &Need::NoOrg), Ok(()));
    // The webhook is late: the absence of organizations is unknown.
    assert_eq!(of(UserStatus::Unknown, &Need::AnyOrg), Err(Denied::NotGranted));
    assert_eq!(of(UserStatus::Unknown, &Need::NoOrg), Err(Denied::NotGranted));
}

#[test]
fn an_empty_need_is_denied() {
    check(&Need::All(vec![]), Err(Denied::NotGranted));
    check(&Need::Any(vec![]), Err(Denied::NotGranted));
    check(&Need::All(vec![Need::Session, Need::Any(vec![])]), Err(Denied::NotGranted));
}

#[test]
fn all_and_any() {
    check(&Need::All(vec![role("admin"), role("editor")]), Err(Denied::NotGranted));
    check(&Need::All(vec![role("admin"), Need::AnyOrg]), Ok(()));
    check(&Need::Any(vec![role("admin"), role("editor")]), Ok(()));
    check(&Need::Any(vec![role("editor"), role("admin")]), Ok(()));
}

#[test]
fn j_16_a_missing_or_malformed_factor_age_denies() {
    let snapshot = admin_in_one_org(UserStatus::Active);
    let both = |need: Need| Need::All(vec![role("admin"), need]);
    let strict = reverified("strict");
    let malformed = [
        json!({}),
        json!({ "fva": null }),
        json!({ "fva": "0,0" }),
        json!({ "fva": [] }),
        json!({ "fva": [0] }),
        json!({ "fva": [0, 0, 0] }),
        json!({ "fva": ["0", "0"] }),
        json!({ "fva": [0, null] }),
        json!({ "fva": [-2, 0] }),
        json!({ "fva": [0.5, 0] }),
        json!({ "fva": { "0": 0, "1": 0 } }),
        json!({ "fva": [-1, 0] }),
        json!({ "fva": [-1, -1] }),
        // An age without `iat`.
        json!({ "fva": [0, 0], "iat": null }),
    ];
    for claims in malformed {
        let session = session(claims.clone());
        assert_eq!(decide(&session, &snapshot, &strict), Err(Denied::NotReverified), "{claims}");
        assert_eq!(decide(&session, &snapshot, &both(strict.clone())), Err(Denied::NotReverified));
        // It does not affect another need that is met.
        let either = Need::Any(vec![strict.clone(), role("admin")]);
        assert_eq!(decide(&session, &snapshot, &either), Ok(()), "{claims}");
    }
    let young = session(json!({ "fva": [0, 0] }));
    assert_eq!(decide(&young, &snapshot, &both(strict.clone())), Ok(()));
    let lacking = Need::All(vec![role("editor"), strict.clone()]);
    assert_eq!(decide(&young, &snapshot, &lacking), Err(Denied::NotGranted));
    // Roles without a session never meet it.
    assert_eq!(roles_meet(Some(&snapshot), &strict, NOW), Err(Denied::NotReverified));
}

#[test]
fn factor_ages_follow_clerks_rules() {
    let snapshot = admin_in_one_org(UserStatus::Active);
    let ask = |how: &str, fva: [i64; 2]| {
        decide(&session(json!({ "fva": fva })), &snapshot, &reverified(how)).is_ok()
    };
    // An age equal to the limit is too old.
    assert!(ask("first_factor:10", [9, -1]) && !ask("first_factor:10", [10, -1]));
    assert!(ask("first_factor:10", [9, 500]));
    assert!(ask("strict", [500, 9]) && !ask("strict", [0, 10]));
    assert!(ask("strict", [9, -1]) && !ask("strict", [10, -1]), "no second factor: the first");
    assert!(
        ask("strict_mfa", [9, 9]) && !ask("strict_mfa", [9, 10]) && !ask("strict_mfa", [10, 9])
    );
    assert!(ask("strict_mfa", [9, -1]) && !ask("strict_mfa", [10, -1]));
    assert!(ask("moderate", [0, 59]) && !ask("moderate", [0, 60]));
    assert!(ask("lax", [0, 1_439]) && !ask("lax", [0, 1_440]));
    for none in ["", "strictest", "strict ", "second_factor", "second_factor:", "second_factor:0"] {
        assert_eq!(Reverification::parse(none), None, "{none}");
    }
    for none in ["second_factor:-1", "second_factor:1.5", "third_factor:1", "strict:10"] {
        assert_eq!(Reverification::parse(none), None, "{none}");
    }
}

#[test]
fn an_age_grows_while_the_token_is_used() {
    let mut snapshot = admin_in_one_org(UserStatus::Active);
    snapshot.good_until = NOW.plus(600_000);
    let session = session(json!({ "fva": [9, -1] }));
    let at = |ms| permit(&session, Some(&snapshot), &reverified("strict"), NOW.plus(ms)).map(drop);
    assert_eq!(at(59_999), Ok(()));
    assert_eq!(at(60_000), Err(Denied::NotReverified));
    assert_eq!(at(-5_000), Ok(()), "a clock behind Clerk's makes nothing younger");
}

#[test]
fn j_22_impersonators_have_no_administrative_roles() {
    let (snapshot, actor) = (admin_in_one_org(UserStatus::Active), impersonated());
    for need in [
        role("admin"),
        org_role("org_a", "org:admin"),
        permission("org_a", "org:sys_memberships:manage"),
        Need::All(vec![Need::Session, role("admin")]),
        Need::Any(vec![role("editor"), role("admin")]),
    ] {
        assert_eq!(decide(&plain(), &snapshot, &need), Ok(()), "{need:?}");
        assert_eq!(decide(&actor, &snapshot, &need), Err(Denied::Impersonated), "{need:?}");
    }
    let sees = [Need::Session, Need::AnyOrg, permission("org_a", "org:posts:read")];
    for need in sees {
        assert_eq!(decide(&actor, &snapshot, &need), Ok(()), "{need:?}");
    }
    // A need that the user does not meet is `NotGranted`, not `Impersonated`.
    assert_eq!(decide(&actor, &snapshot, &role("editor")), Err(Denied::NotGranted));
    for name in ["admin", "org:admin", "org:sys_profile:delete"] {
        assert!(is_administrative(name), "{name}");
    }
    for name in ["member", "org:member", "Admin", "org:posts:read", "org:system"] {
        assert!(!is_administrative(name), "{name}");
    }
}
