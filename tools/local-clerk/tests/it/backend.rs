//! The Backend API: its key, its lists, its errors, and that it shows the events' resources.

use local_clerk::faults::FaultSwitches;
use local_clerk::sample_users::{
    ACME_ID, ADA, ADA_MEMBERSHIP_ID, EDSGER, GRACE, GRACE_MEMBERSHIP_ID, LINUS,
};
use serde_json::{Value, json};

use crate::support::{HttpReply, RunningClerk, WebhookReceiver};

async fn clerk() -> RunningClerk {
    RunningClerk::start(&WebhookReceiver::start().await).await
}

#[track_caller]
fn refused(reply: &HttpReply, status: u16, code: &str) {
    assert_eq!(reply.status, status, "{}", reply.text);
    let body = reply.json();
    assert_eq!(body["errors"][0]["code"], code);
    let texts = [&body["errors"][0]["message"], &body["errors"][0]["long_message"]];
    assert!(texts.iter().all(|text| text.is_string()) && body["clerk_trace_id"].is_string());
}

async fn ids(clerk: &RunningClerk, path: &str) -> Vec<String> {
    let reply = clerk.backend(path).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.text);
    let body = reply.json();
    let rows = body.get("data").unwrap_or(&body).as_array().unwrap();
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn requests_without_the_secret_key_are_refused() {
    let clerk = clerk().await;
    for path in ["/v1/users", "/v1/users/count", "/v1/jwks", "/v1/organization_memberships"] {
        refused(&clerk.get(path).await, 401, "authorization_header_format_invalid");
        for (key, code) in [
            ("sk_test_of_the_tests", "authorization_header_format_invalid"),
            ("Basic sk_test_of_the_tests", "authorization_header_format_invalid"),
            ("Bearer sk_test_another", "clerk_key_invalid"),
            ("Bearer", "authorization_header_format_invalid"),
        ] {
            refused(&clerk.request("GET", path, &[("authorization", key)], "").await, 401, code);
        }
        assert_eq!(clerk.backend(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn it_shows_the_resources_of_the_webhooks() {
    let clerk = clerk().await;
    let day = clerk.get("/local/day").await.json();
    let last = |id: &str, kind: &str| {
        let steps = day.as_array().unwrap().iter().filter(|step| step["outcome"] != "refused");
        let bodies = steps.map(|step| step["delivery"]["body"].as_str().unwrap());
        let events = bodies.map(|body| serde_json::from_str::<Value>(body).unwrap());
        let mut of_it = events.filter(|event| event["data"]["id"] == id && event["type"] == kind);
        of_it.next_back().unwrap()["data"].clone()
    };
    let shown = |path: String| {
        let clerk = &clerk;
        async move { clerk.backend(&path).await.json() }
    };
    let ada = shown(format!("/v1/users/{}", ADA.id)).await;
    assert_eq!(ada, last(ADA.id, "user.created"));
    let acme = shown(format!("/v1/organizations/{ACME_ID}")).await;
    assert_eq!(acme, last(ACME_ID, "organization.created"));
    for (list, kind) in [("organization_roles", "role"), ("organization_permissions", "permission")]
    {
        let page = shown(format!("/v1/{list}")).await;
        assert_eq!(page["total_count"], 2);
        for row in page["data"].as_array().unwrap() {
            let id = row["id"].as_str().unwrap();
            assert_eq!(row, &last(id, &format!("{kind}.created")), "{list}");
        }
    }
    let memberships = shown(format!("/v1/users/{}/organization_memberships", ADA.id)).await;
    let want = last(ADA_MEMBERSHIP_ID, "organizationMembership.created");
    assert_eq!(memberships, json!({ "data": [want], "total_count": 1 }));
}

#[tokio::test]
async fn users_are_a_plain_array_and_can_be_filtered() {
    let clerk = clerk().await;
    let all = [ADA.id, GRACE.id, LINUS.id];
    assert_eq!(ids(&clerk, "/v1/users?order_by=created_at").await, all);
    assert_eq!(ids(&clerk, "/v1/users?order_by=%2Bcreated_at").await, all);
    let back: Vec<&str> = all.into_iter().rev().collect();
    assert_eq!(ids(&clerk, "/v1/users").await, back, "the newest first");
    assert_eq!(ids(&clerk, "/v1/users?order_by=-updated_at&limit=1").await, [GRACE.id]);
    let after = format!("/v1/users?order_by=created_at&limit=1&starting_after={}", ADA.id);
    assert_eq!(ids(&clerk, &after).await, [GRACE.id]);
    // Of a hundred ids, those of existing users. A deleted user is left out.
    let some = format!("user_id={}&user_id={}", LINUS.id, EDSGER.id);
    assert_eq!(ids(&clerk, &format!("/v1/users?{some}")).await, [LINUS.id]);
    let members = format!("organization_id={ACME_ID}");
    assert_eq!(ids(&clerk, &format!("/v1/users?{members}")).await, [GRACE.id, ADA.id]);
    assert!(ids(&clerk, "/v1/users?created_at_after=99999999999999").await.is_empty());
    assert_eq!(ids(&clerk, "/v1/users?created_at_before=99999999999999").await.len(), 3);
    for (filter, want) in [("", 3), (&some, 1), (&members, 2)] {
        let counted = clerk.backend(&format!("/v1/users/count?{filter}")).await.json();
        assert_eq!(counted, json!({ "object": "total_count", "total_count": want }));
    }
}

#[tokio::test]
async fn lists_of_organizations_have_a_total_count() {
    let clerk = clerk().await;
    let all = clerk.backend("/v1/organization_memberships?limit=1").await.json();
    assert_eq!((all["total_count"].as_i64(), all["data"].as_array().unwrap().len()), (Some(2), 1));
    assert_eq!(ids(&clerk, "/v1/organizations?include_members_count=true").await, [ACME_ID]);
    assert_eq!(ids(&clerk, &format!("/v1/organizations?user_id={}", ADA.id)).await, [ACME_ID]);
    assert!(ids(&clerk, &format!("/v1/organizations?user_id={}", LINUS.id)).await.is_empty());
    let members = format!("/v1/organizations/{ACME_ID}/memberships");
    assert_eq!(ids(&clerk, &members).await, [GRACE_MEMBERSHIP_ID, ADA_MEMBERSHIP_ID]);
    for filter in ["role=org:admin".to_owned(), format!("user_id={}", ADA.id)] {
        assert_eq!(ids(&clerk, &format!("{members}?{filter}")).await, [ADA_MEMBERSHIP_ID]);
    }
    assert!(ids(&clerk, &format!("{members}?created_at_before=1")).await.is_empty());
}

#[tokio::test]
async fn missing_resources_and_invalid_parameters_are_errors_in_clerks_form() {
    let clerk = clerk().await;
    for path in [
        format!("/v1/users/{}", EDSGER.id),
        format!("/v1/users/{}/organization_memberships", EDSGER.id),
        "/v1/organizations/org_none".to_owned(),
        "/v1/organizations/org_none/memberships".to_owned(),
        "/v1/clients/handshake_payload?nonce=none".to_owned(),
    ] {
        refused(&clerk.backend(&path).await, 404, "resource_not_found");
    }
    let cursor = format!("/v1/users?starting_after={}", ADA.id);
    for path in [
        format!("{cursor}&offset=1"),
        format!("{cursor}&order_by=-updated_at"),
        "/v1/users?limit=0".to_owned(),
        "/v1/users?order_by=+created_at".to_owned(),
        "/v1/organizations?limit=x".to_owned(),
        "/v1/clients/handshake_payload".to_owned(),
    ] {
        refused(&clerk.backend(&path).await, 422, "form_param_value_invalid");
    }
    for path in ["/v1/users?updated_since=1", "/v1/organization_roles?starting_after=x"] {
        refused(&clerk.backend(path).await, 422, "form_param_unknown");
    }
}

#[tokio::test]
async fn a_change_is_shown_even_if_its_delivery_is_lost() {
    let receiver = WebhookReceiver::start().await;
    let faults = FaultSwitches { drop_every: 1, ..FaultSwitches::default() };
    let clerk = RunningClerk::start_with(&receiver, faults).await;
    let ada = format!("/v1/users/{}", ADA.id);
    let roles = json!({ "roles": ["admin"] });
    assert_eq!(clerk.backend(&ada).await.json()["public_metadata"], roles);
    assert_eq!(clerk.post("/local/day/revocation", json!({})).await["dropped"], true);
    assert_eq!(clerk.backend(&ada).await.json()["public_metadata"], json!({}));
    let mut forged = clerk.backend(&ada).await.json();
    (forged["public_metadata"], forged["updated_at"]) = (roles, json!(99_999_999_999_999_i64));
    let request = json!({ "type": "user.updated", "data": forged, "faults": { "tamper": "body" } });
    clerk.post("/local/deliveries", request).await;
    assert_eq!(
        clerk.backend(&ada).await.json()["public_metadata"],
        json!({}),
        "a forged event does not count"
    );
    let new = json!({ "id": "user_2new", "created_at": 1, "updated_at": 1 });
    clerk.post("/local/deliveries", json!({ "type": "user.created", "data": new })).await;
    assert_eq!(clerk.backend("/v1/users/user_2new").await.json(), new);
    let gone = json!({ "id": "user_2new", "deleted": true });
    clerk.post("/local/deliveries", json!({ "type": "user.deleted", "data": gone })).await;
    refused(&clerk.backend("/v1/users/user_2new").await, 404, "resource_not_found");
}

#[tokio::test]
async fn the_switch_limits_every_nth_request() {
    let receiver = WebhookReceiver::start().await;
    let faults = FaultSwitches { limit_every: 2, ..FaultSwitches::default() };
    let clerk = RunningClerk::start_with(&receiver, faults).await;
    for want in [200, 429, 200, 429] {
        // Requests without the right key, and those for the key set, are not counted.
        assert_eq!(clerk.get("/v1/users").await.status, 401);
        assert_eq!(clerk.backend("/v1/jwks").await.status, 200);
        let reply = clerk.backend("/v1/users").await;
        assert_eq!(reply.status, want);
        assert_eq!(reply.headers.contains_key("retry-after"), want == 429);
        if want == 429 {
            refused(&reply, 429, "too_many_requests");
            assert_eq!(reply.headers["retry-after"], "1");
        }
    }
    clerk.json("PUT", "/local/faults", json!({})).await;
    for _ in 0..4 {
        assert_eq!(clerk.backend("/v1/users").await.status, 200);
    }
}

#[tokio::test]
async fn a_nonce_is_exchanged_for_the_cookies_once() {
    let clerk = clerk().await;
    let back = "redirect_url=http%3A%2F%2F127.0.0.1%3A8787%2F";
    for format in ["token", "other"] {
        let path = format!("/v1/client/handshake?{back}&format={format}");
        let reply = clerk.get(&path).await;
        assert!(reply.headers["location"].to_str().unwrap().contains("?__clerk_handshake="));
    }
    let reply = clerk.get(&format!("/v1/client/handshake?{back}&format=nonce")).await;
    assert_eq!(reply.status, 307);
    assert_eq!(reply.headers["cache-control"], "no-store");
    let location = reply.headers["location"].to_str().unwrap();
    let (page, nonce) = location.split_once("?__clerk_handshake_nonce=").unwrap();
    assert_eq!(page, "http://127.0.0.1:8787/");
    let path = format!("/v1/clients/handshake_payload?nonce={nonce}");
    let answer = clerk.backend(&path).await.json();
    let lines = answer["directives"].as_array().unwrap();
    assert_eq!(lines[0], "__session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    assert_eq!(lines.len(), 3);
    refused(&clerk.backend(&path).await, 404, "resource_not_found");
}
