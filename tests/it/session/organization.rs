//! The active organization and the factors' ages, as tokens of both versions tell them.

use serde_json::{Value, json};
use shared::session::{ActiveOrganization, Session};

use super::{claims, header, json_fixture, judge, sign};

fn session(more: &Value) -> Session {
    let mut all = claims();
    for (name, value) in more.as_object().expect("claims") {
        all[name] = value.clone();
    }
    judge(&sign(&header().to_string(), all.to_string().as_bytes())).expect("a good token")
}

/// Id, role, slug and permissions.
type Told<'a> = (&'a str, &'a str, Option<&'a str>, &'a [String]);

fn told(organization: &ActiveOrganization) -> Told<'_> {
    (
        organization.id().as_str(),
        organization.role(),
        organization.slug(),
        organization.permissions(),
    )
}

#[track_caller]
fn check_permissions(fea: &Value, per: &Value, fpm: &Value, want: &[&str]) {
    let o = json!({ "id": "org_1", "rol": "admin", "slg": "acme", "per": per, "fpm": fpm });
    let session = session(&json!({ "v": 2, "fea": fea, "o": o }));
    let organization = session.organization().expect("an organization");
    assert_eq!(organization.permissions(), want, "{fea} {per} {fpm}");
}

#[test]
fn every_case_of_clerks_own_decoder_is_decoded_alike() {
    let file = json_fixture("v2-permission-decode.json");
    let cases = file["cases"].as_array().expect("cases");
    assert!(14 <= cases.len());
    for case in cases {
        let want: Vec<&str> =
            case["expect"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
        check_permissions(&case["fea"], &case["per"], &case["fpm"], &want);
    }
}

#[test]
fn masks_of_any_length_are_decoded() {
    let actions: Vec<String> = (0..200).map(|at| format!("a{at}")).collect();
    let per = json!(actions.join(","));
    // 2^199 + 2^128 + 1
    let mask = "803469022129495137771321328537502239724564871498828185862145";
    let want = ["org:f:a0", "org:f:a128", "org:f:a199"];
    check_permissions(&json!("o:f"), &per, &json!(mask), &want);
    // 2^128 - 1, the end of the widest integer type.
    let want: Vec<String> = (0..128).map(|at| format!("org:f:a{at}")).collect();
    let want: Vec<&str> = want.iter().map(String::as_str).collect();
    let mask = "340282366920938463463374607431768211455";
    check_permissions(&json!("o:f"), &per, &json!(mask), &want);
    check_permissions(&json!("o:f"), &per, &json!(format!("000{mask}")), &want);
}

#[test]
fn j_16_malformed_masks_and_features_give_nothing() {
    let (fea, per) = (json!("o:f,o:g"), json!("read,write"));
    check_permissions(&fea, &per, &json!("3,2"), &["org:f:read", "org:f:write", "org:g:write"]);
    for mask in ["", "x", "+1", "-1", "1.5", "1e1", " 1", "0x1", "1n", "\u{0661}"] {
        let masks = json!(format!("{mask},2"));
        check_permissions(&fea, &per, &masks, &["org:g:write"]);
    }
    check_permissions(&fea, &per, &json!("3"), &["org:f:read", "org:f:write"]);
    check_permissions(&fea, &per, &json!("0,0,3"), &[]);
    check_permissions(&fea, &json!("read,,write"), &json!("7,0"), &["org:f:read", "org:f:write"]);
    check_permissions(&json!("o:f,g"), &per, &json!("3,3"), &[]);
    for nothing in [Value::Null, json!("")] {
        check_permissions(&fea, &nothing, &json!("3,3"), &[]);
        check_permissions(&fea, &per, &nothing, &[]);
        check_permissions(&nothing, &per, &json!("3,3"), &[]);
    }
}

#[test]
fn both_claim_versions_have_the_organization() {
    let second = session(&json!({
        "v": 2, "fea": "u:x,o:posts",
        "o": { "id": "org_1", "rol": "editor", "slg": "acme", "per": "read", "fpm": "1" },
    }));
    let permissions = ["org:posts:read".to_owned()];
    let want = ("org_1", "org:editor", Some("acme"), &permissions[..]);
    assert_eq!(second.organization().map(told), Some(want));
    let first = json!({
        "org_id": "org_1", "org_role": "org:editor", "org_slug": "acme",
        "org_permissions": ["org:posts:read"],
    });
    assert_eq!(session(&first).organization().map(told), Some(want));
    let (mut bare, mut named) = (first.clone(), first.clone());
    (bare["org_role"], named["v"]) = (json!("editor"), json!(1));
    assert_eq!(session(&bare).organization().map(told), Some(want), "a role without its prefix");
    assert_eq!(session(&named).organization().map(told), Some(want));
}

#[test]
fn j_16_a_malformed_organization_is_ignored() {
    let o = json!({ "id": "org_1", "rol": "admin" });
    for claims in [
        json!({}),
        json!({ "v": 2 }),
        json!({ "o": o }),
        json!({ "v": 3, "o": o }),
        json!({ "v": "2", "o": o }),
        json!({ "v": 2, "o": null }),
        json!({ "v": 2, "o": "org_1" }),
        json!({ "v": 2, "o": [o] }),
        json!({ "v": 2, "o": ["org_1", "admin", null, null, null] }),
        json!({ "v": 2, "o": { "id": "org_1" } }),
        json!({ "v": 2, "o": { "rol": "admin" } }),
        json!({ "v": 2, "o": { "id": "org 1", "rol": "admin" } }),
        json!({ "v": 2, "o": { "id": "org_1", "rol": 7 } }),
        json!({ "v": 2, "o": { "id": "org_1", "rol": "admin", "per": ["read"] } }),
        json!({ "v": 2, "org_id": "org_1", "org_role": "org:admin" }),
        json!({ "org_id": "org_1" }),
        json!({ "org_id": 7, "org_role": "org:admin" }),
        json!({ "org_id": "org_1", "org_role": ["org:admin"] }),
    ] {
        assert_eq!(session(&claims).organization(), None, "{claims}");
    }
}

#[test]
fn factor_ages_are_parsed_or_absent() {
    assert!(session(&json!({ "fva": [0, -1] })).factors().is_some());
    for claims in [json!({}), json!({ "fva": [0] }), json!({ "fva": "0,0" })] {
        assert_eq!(session(&claims).factors(), None, "{claims}");
    }
}
