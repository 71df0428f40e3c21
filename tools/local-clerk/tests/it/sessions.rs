//! The session key, tokens and the sign-in page.

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use local_clerk::faults::FaultSwitches;
use local_clerk::sample_users::{ADA, ALL};
use serde_json::{Value, json};

use crate::support::{APP, CONSOLE, OTHER_APP, RunningClerk, WebhookReceiver, config, state_dir};

async fn clerk() -> RunningClerk {
    RunningClerk::start(&WebhookReceiver::start().await).await
}

/// Verifies a token with the key set, except for its expiry.
async fn verified(clerk: &RunningClerk, token: &str) -> (Header, Value) {
    let keys: JwkSet =
        serde_json::from_value(clerk.get("/.well-known/jwks.json").await.json()).unwrap();
    let header = decode_header(token).unwrap();
    let jwk = keys.find(header.kid.as_deref().unwrap()).expect("the key set has the token's key");
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&[&clerk.url]);
    validation.validate_exp = false;
    let token = decode::<Value>(token, &DecodingKey::from_jwk(jwk).unwrap(), &validation).unwrap();
    (header, token.claims)
}

#[tokio::test]
async fn the_key_set_is_one_public_rsa_key() {
    let clerk = clerk().await;
    let set = clerk.get("/.well-known/jwks.json").await.json();
    assert_eq!(set, clerk.backend("/v1/jwks").await.json());
    let key = set["keys"][0].as_object().unwrap();
    let names: Vec<&str> = key.keys().map(String::as_str).collect();
    assert_eq!(names, ["alg", "e", "kid", "kty", "n", "use"], "no private member");
    assert_eq!(
        (&key["kty"], &key["use"], &key["alg"]),
        (&json!("RSA"), &json!("sig"), &json!("RS256"))
    );
    let id = key["kid"].as_str().unwrap().strip_prefix("ins_").unwrap();
    assert!(id.len() == 27 && id.bytes().all(|b| b.is_ascii_alphanumeric()), "{id}");
    assert_eq!(key["e"], "AQAB");
    assert_eq!(key["n"].as_str().unwrap().len(), 342, "2048 bits");
}

#[tokio::test]
async fn a_token_has_the_claims_of_clerks_session_token() {
    let clerk = clerk().await;
    let reply = clerk.post("/local/tokens", json!({ "user_id": ADA.id })).await;
    let (header, claims) = verified(&clerk, reply["token"].as_str().unwrap()).await;
    assert_eq!(header.alg, Algorithm::RS256);
    assert_eq!(header.typ.as_deref(), Some("JWT"));
    assert_eq!(header.extras.inner()["cat"], "cl_B7d4PD111AAA");
    assert_eq!(claims["sub"], ADA.id);
    assert_eq!(claims["azp"], APP);
    assert!(claims["sid"].as_str().unwrap().starts_with("sess_"));
    assert_eq!(
        (&claims["v"], &claims["sts"], &claims["fva"]),
        (&json!(2), &json!("active"), &json!([0, -1]))
    );
    let time = |name: &str| claims[name].as_i64().unwrap();
    assert_eq!(time("exp") - time("iat"), 3_600);
    assert_eq!(time("iat") - time("nbf"), 10);
    let other = clerk.post("/local/tokens", json!({ "user_id": ADA.id })).await;
    let (_, other) = verified(&clerk, other["token"].as_str().unwrap()).await;
    assert_ne!(claims["jti"], other["jti"]);
    assert_ne!(claims["sid"], other["sid"]);
}

#[tokio::test]
async fn a_token_has_the_requested_lifetime() {
    let clerk = clerk().await;
    for ttl_s in [60, -60, 86_400] {
        let request = json!({ "user_id": "user_2anyone", "ttl_s": ttl_s });
        let reply = clerk.post("/local/tokens", request).await;
        let (_, claims) = verified(&clerk, reply["token"].as_str().unwrap()).await;
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), ttl_s);
    }
}

#[tokio::test]
async fn a_token_names_the_actor() {
    let clerk = clerk().await;
    for actor in ["user_2colleague", "support.desk@corp.example"] {
        let request = json!({ "user_id": ADA.id, "actor_id": actor });
        let reply = clerk.post("/local/tokens", request).await;
        let (_, claims) = verified(&clerk, reply["token"].as_str().unwrap()).await;
        assert_eq!(claims["sub"], ADA.id);
        assert_eq!(claims["act"], json!({ "iss": clerk.url, "sub": actor }));
    }
}

#[tokio::test]
async fn a_token_names_the_active_organization_in_both_versions() {
    let clerk = clerk().await;
    let permissions = ["org:settings:manage", "org:reports:read", "org:settings:read"];
    let acme = json!({
        "id": "org_2acme", "slug": "acme", "role": "org:admin", "permissions": permissions,
    });
    let token_with = |version: Value| {
        let request = json!({ "user_id": ADA.id, "organization": acme, "version": version });
        clerk.post("/local/tokens", request)
    };
    for version in [json!(null), json!(2)] {
        let reply = token_with(version).await;
        let (header, claims) = verified(&clerk, reply["token"].as_str().unwrap()).await;
        assert_eq!(header.extras.inner()["oiat"], claims["iat"]);
        assert_eq!((&claims["v"], &claims["fea"]), (&json!(2), &json!("o:settings,o:reports")));
        let want = json!({
            "id": "org_2acme", "slg": "acme", "rol": "admin", "per": "manage,read", "fpm": "3,2",
        });
        assert_eq!(claims["o"], want);
        assert_eq!(claims["org_id"], json!(null));
    }
    let reply = token_with(json!(1)).await;
    let (_, claims) = verified(&clerk, reply["token"].as_str().unwrap()).await;
    let names = ["v", "o", "fea", "org_id", "org_slug", "org_role", "org_permissions"];
    let got = names.map(|name| claims[name].clone());
    let none = json!(null);
    let want =
        [&none, &none, &none, &acme["id"], &acme["slug"], &acme["role"], &acme["permissions"]];
    assert_eq!(got, want.map(Clone::clone));
}

#[tokio::test]
async fn a_token_request_with_bad_members_is_refused() {
    let clerk = clerk().await;
    for request in [
        json!({ "user_id": ADA.id, "actor_id": "" }),
        json!({ "user_id": ADA.id, "version": 3 }),
        json!({ "user_id": "mch_1" }),
        json!({ "user_id": "user_" }),
        json!({ "user_id": "user_a b" }),
        json!({ "user_id": ADA.id, "ttl_s": 86_401 }),
        json!({ "user_id": ADA.id, "ttl_s": -86_401 }),
    ] {
        let reply = clerk.json("POST", "/local/tokens", request.clone()).await;
        assert_eq!(reply.status, 400, "{request}");
        assert!(reply.json()["error"].is_string());
    }
    let misspelt = clerk.json("POST", "/local/tokens", json!({ "user": ADA.id })).await;
    assert_eq!(misspelt.status, 422);
    assert!(misspelt.json()["error"].as_str().unwrap().contains("user"), "{}", misspelt.text);
}

#[tokio::test]
async fn the_sign_in_page_lists_every_sample_user() {
    let clerk = clerk().await;
    let page = clerk.get("/sign-in?redirect_url=%2Fadmin%3Fx%3D%22%3E%3Cscript%3E").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.headers["cache-control"], "no-store");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains(&format!("form-action 'self' {APP} ")), "{policy}");
    for person in ALL {
        assert!(
            page.text.contains(&format!("Sign in as {}<", person.display_name())),
            "{}",
            person.id
        );
        assert!(page.text.contains(&format!("value=\"{}\"", person.id)));
        assert!(page.text.contains(person.description));
    }
    assert!(page.text.contains("<html lang=\"en\">") && page.text.contains("<main>"));
    assert!(!page.text.contains("<script"), "the requested address is escaped");
    let root = clerk.get("/").await;
    assert_eq!((root.status, &root.headers["location"]), (303, &"/sign-in".parse().unwrap()));
}

#[tokio::test]
async fn the_sign_in_page_leads_operators_to_the_console() {
    let link = format!("<a href=\"{CONSOLE}/\">");
    let page = clerk().await.get("/sign-in").await;
    assert!(page.text.contains(&link), "{}", page.text);

    let webhook = "http://127.0.0.1:1/webhooks/clerk";
    let mut config = config(state_dir(), webhook, FaultSwitches::default());
    config.console = None;
    let page = RunningClerk::start_by(config).await.get("/sign-in").await;
    assert!(!page.text.contains("console"), "{}", page.text);
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[tokio::test]
async fn signing_in_sets_the_cookies_and_redirects_to_the_application() {
    let clerk = clerk().await;
    let own = clerk.url.clone();
    for (redirect, want) in [
        ("&redirect_url=%2Forgs%2Forg_1%3Ftab%3D2", "/orgs/org_1?tab=2"),
        ("&redirect_url=", "/dashboard"),
        ("", "/dashboard"),
        ("&redirect_url=%2F%2Fevil.example", "/dashboard"),
        ("&redirect_url=%2F%5Cevil.example", "/dashboard"),
    ] {
        let form = format!("user_id={}{redirect}", ADA.id);
        let headers = [FORM, ("origin", own.as_str()), ("sec-fetch-site", "same-origin")];
        let reply = clerk.request("POST", "/sign-in", &headers, &form).await;
        assert_eq!(reply.status, 303, "{}", reply.text);
        assert_eq!(reply.headers["location"].to_str().unwrap(), format!("{APP}{want}"));
        assert_eq!(reply.headers["cache-control"], "no-store");
        let cookie = reply.headers["set-cookie"].to_str().unwrap();
        let (token, rest) = cookie.strip_prefix("__session=").unwrap().split_once("; ").unwrap();
        assert_eq!(rest, "Path=/; HttpOnly; SameSite=Lax; Max-Age=3600");
        let (_, claims) = verified(&clerk, token).await;
        assert_eq!(claims["sub"], ADA.id);
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3_600);
    }
}

#[tokio::test]
async fn a_user_of_another_application_returns_to_it() {
    let clerk = clerk().await;
    let back = format!("redirect_url={OTHER_APP}/admin?tab=2");
    let page = clerk.get(&format!("/sign-in?{back}")).await;
    assert!(page.text.contains(&format!("{OTHER_APP}/admin?tab=2")), "{}", page.text);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains(&format!("form-action 'self' {APP} {OTHER_APP};")), "{policy}");

    let form = format!("user_id={}&{back}", ADA.id);
    let reply = clerk.request("POST", "/sign-in", &[FORM], &form).await;
    assert_eq!(reply.headers["location"].to_str().unwrap(), format!("{OTHER_APP}/admin?tab=2"));
    let cookie = reply.headers["set-cookie"].to_str().unwrap();
    let token = cookie.strip_prefix("__session=").unwrap().split(';').next().unwrap();
    assert_eq!(verified(&clerk, token).await.1["azp"], OTHER_APP);

    let cookies = signed_in(&clerk).await;
    let (lines, page) = handshake_cookies(&clerk, &back, &cookies).await;
    assert_eq!(page, format!("{OTHER_APP}/admin?tab=2"));
    let token = lines[0].strip_prefix("__session=").unwrap().split(';').next().unwrap();
    assert_eq!(verified(&clerk, token).await.1["azp"], OTHER_APP);

    let headers = [FORM, ("origin", OTHER_APP), ("sec-fetch-site", "same-site")];
    let form = format!("redirect_url={OTHER_APP}/");
    let reply = clerk.request("POST", "/sign-out", &headers, &form).await;
    assert_eq!(reply.headers["location"].to_str().unwrap(), format!("{OTHER_APP}/"));
}

#[tokio::test]
async fn only_sample_users_can_sign_in() {
    let clerk = clerk().await;
    let reply = clerk.request("POST", "/sign-in", &[FORM], "user_id=user_2nobody").await;
    assert_eq!(reply.status, 400);
    assert!(!reply.headers.contains_key("set-cookie"));
    assert!(reply.text.contains("no such sample user"));
}

#[tokio::test]
async fn signing_out_clears_the_plain_and_the_suffixed_cookies() {
    let clerk = clerk().await;
    let reply = clerk.request("POST", "/sign-out", &[FORM, ("origin", APP)], "").await;
    assert_eq!(reply.status, 303, "{}", reply.text);
    assert_eq!(reply.headers["location"].to_str().unwrap(), format!("{APP}/"));
    let cookies: Vec<_> = reply.headers.get_all("set-cookie").iter().collect();
    let suffix = clerk.suffix();
    let want = [
        "__session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0",
        "__client_uat=0; Path=/; SameSite=Lax; Max-Age=315360000",
        &format!("__session_{suffix}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"),
        &format!("__client_uat_{suffix}=0; Path=/; SameSite=Lax; Max-Age=315360000"),
        "__client=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0",
    ];
    assert_eq!(cookies, want);
}

#[tokio::test]
async fn posts_from_pages_of_other_sites_are_refused() {
    let receiver = WebhookReceiver::start().await;
    let clerk = RunningClerk::start(&receiver).await;
    let form = format!("user_id={}", ADA.id);
    for stranger in
        [("origin", "http://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")]
    {
        let posts = ["/sign-in", "/sign-out", "/local/day/revocation", "/local/flush"];
        for path in posts {
            let reply = clerk.request("POST", path, &[FORM, stranger], &form).await;
            assert_eq!(reply.status, 403, "{path} {stranger:?}");
            assert!(!reply.headers.contains_key("set-cookie"));
        }
    }
    for host in ["evil.example", "localhost:8790"] {
        let reply = clerk.request("GET", "/sign-in", &[("host", host)], "").await;
        assert_eq!(reply.status, 421, "{host}");
        assert!(reply.text.contains(&clerk.url));
    }
    assert!(receiver.arrived().is_empty());
}

/// Signs Ada in, and returns the cookies of the browser.
async fn signed_in(clerk: &RunningClerk) -> String {
    let form = format!("user_id={}", ADA.id);
    let reply = clerk.request("POST", "/sign-in", &[FORM], &form).await;
    assert_eq!(reply.status, 303, "{}", reply.text);
    let lines = reply.headers.get_all("set-cookie").iter();
    let pairs: Vec<&str> =
        lines.map(|line| line.to_str().unwrap().split(';').next().unwrap()).collect();
    let names: Vec<&str> = pairs.iter().map(|pair| pair.split('=').next().unwrap()).collect();
    let own = ["__session", "__client_uat", "__clerk_db_jwt"]
        .map(|name| format!("{name}_{}", clerk.suffix()));
    let want =
        ["__session", "__client_uat", &own[0], &own[1], "__clerk_db_jwt", &own[2], "__client"];
    assert_eq!(names, want, "the plain and the suffixed cookies");
    let values: Vec<&str> = pairs.iter().map(|pair| pair.split_once('=').unwrap().1).collect();
    assert_eq!(values[..2], values[2..4], "of one session");
    pairs.join("; ")
}

/// The cookies of a handshake, and the page that it redirects to.
async fn handshake_cookies(
    clerk: &RunningClerk,
    query: &str,
    cookies: &str,
) -> (Vec<String>, String) {
    let path = format!("/v1/client/handshake?{query}");
    let reply = clerk.request("GET", &path, &[("cookie", cookies)], "").await;
    assert_eq!(reply.status, 307, "{}", reply.text);
    assert_eq!(reply.headers["cache-control"], "no-store");
    assert!(!reply.headers.contains_key("set-cookie"), "the application sets them");
    let location = reply.headers["location"].to_str().unwrap();
    let (page, answer) = location.split_once("__clerk_handshake=").unwrap();
    let (header, claims) = handshake(clerk, answer).await;
    // Clerk uses the category of session tokens here too; the claims differ.
    assert_eq!(header.extras.inner()["cat"], "cl_B7d4PD111AAA");
    assert_eq!((&claims["sid"], &claims["sub"]), (&json!(null), &json!(null)));
    let lines = claims["handshake"].as_array().unwrap();
    let lines = lines.iter().map(|line| line.as_str().unwrap().to_owned()).collect();
    (lines, page.trim_end_matches(['?', '&']).to_owned())
}

async fn handshake(clerk: &RunningClerk, answer: &str) -> (Header, Value) {
    let keys: JwkSet =
        serde_json::from_value(clerk.get("/.well-known/jwks.json").await.json()).unwrap();
    let key = DecodingKey::from_jwk(&keys.keys[0]).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    let token = decode::<Value>(answer, &key, &validation).unwrap();
    (token.header, token.claims)
}

const BACK: &str = "redirect_url=http%3A%2F%2F127.0.0.1%3A8787%2Fdashboard%3Ftab%3D2";

#[tokio::test]
async fn a_handshake_renews_the_session_of_a_signed_in_user() {
    let clerk = clerk().await;
    let cookies = signed_in(&clerk).await;
    let (lines, page) = handshake_cookies(&clerk, BACK, &cookies).await;
    assert_eq!(page, format!("{APP}/dashboard?tab=2"));
    let [session, uat, browser] = &lines[..] else { panic!("{lines:?}") };
    let (id, rest) = browser.split_once("; ").unwrap();
    assert!(cookies.contains(id) && id.starts_with("__clerk_db_jwt=dvb_"), "the same browser");
    assert_eq!(rest, "Path=/; SameSite=Lax; Max-Age=31536000");
    let (token, rest) = session.strip_prefix("__session=").unwrap().split_once("; ").unwrap();
    assert_eq!(rest, "Path=/; HttpOnly; SameSite=Lax; Max-Age=3600");
    let (_, claims) = verified(&clerk, token).await;
    assert_eq!(claims["sub"], ADA.id);
    let old = cookies.split("; ").next().unwrap().strip_prefix("__session=").unwrap();
    let (_, before) = verified(&clerk, old).await;
    assert_eq!(claims["sid"], before["sid"], "the same session");
    assert_ne!(claims["jti"], before["jti"], "another token");
    let since: i64 =
        uat.strip_prefix("__client_uat=").unwrap().split(';').next().unwrap().parse().unwrap();
    assert!(since <= claims["iat"].as_i64().unwrap(), "the token is newer than the sign-in");

    let suffixed = format!("{BACK}&suffixed_cookies=true&__clerk_hs_reason=x&__session=y");
    let (lines, _) = handshake_cookies(&clerk, &suffixed, &cookies).await;
    let names: Vec<&str> = lines.iter().map(|line| line.split('=').next().unwrap()).collect();
    let suffix = clerk.suffix();
    let own = ["__session", "__client_uat"].map(|name| format!("{name}_{suffix}"));
    let browser = format!("__clerk_db_jwt_{suffix}");
    assert_eq!(names, ["__session", "__client_uat", &own[0], &own[1], "__clerk_db_jwt", &browser]);
}

#[tokio::test]
async fn a_handshake_ends_the_session_of_a_signed_out_user() {
    let clerk = clerk().await;
    let cookies = signed_in(&clerk).await;
    let record = cookies.split("; ").last().unwrap().to_owned();
    let session = cookies.split("; ").next().unwrap().strip_prefix("__session=").unwrap();
    // Not the last character: it has four values, so one forgery in four would be the original.
    let (start, end) = record.split_at(record.len() - 9);
    let letter = if end.starts_with('A') { "B" } else { "A" };
    let forged = format!("{start}{letter}{}", &end[1..]);
    // An id that could inject a header attribute is not used.
    let odd =
        [format!("{BACK}&__clerk_db_jwt=dvb_1%0d%0aevil"), format!("{BACK}&__clerk_db_jwt=x")];
    for query in odd {
        let (lines, _) = handshake_cookies(&clerk, &query, "").await;
        assert!(lines[2].starts_with("__clerk_db_jwt=dvb_") && !lines[2].contains("evil"));
    }
    let (lines, _) =
        handshake_cookies(&clerk, &format!("{BACK}&__clerk_db_jwt=dvb_2own"), "").await;
    assert!(lines[2].starts_with("__clerk_db_jwt=dvb_2own; "), "{lines:?}");
    // A session token is no record of a browser, although the same key signed it.
    for cookies in ["", "__client=", "__client=x", &forged, &format!("__client={session}")] {
        let (lines, _) = handshake_cookies(&clerk, BACK, cookies).await;
        let want = [
            "__session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0",
            "__client_uat=0; Path=/; SameSite=Lax; Max-Age=315360000",
        ];
        assert_eq!(lines[..2], want, "{cookies}");
        assert!(lines[2].starts_with("__clerk_db_jwt=dvb_"), "{cookies}");
        assert_eq!(lines.len(), 3, "{cookies}");
    }
    // And the record of a browser is no session token.
    let header = decode_header(record.strip_prefix("__client=").unwrap()).unwrap();
    assert_eq!(header.extras.inner()["cat"], "local_client");
}

#[tokio::test]
async fn a_handshake_redirects_only_to_the_application() {
    let clerk = clerk().await;
    for to in [
        "",
        "http%3A%2F%2Fevil.example%2F",
        "%2F%2Fevil.example",
        "http%3A%2F%2F127.0.0.1%3A8787.evil.example%2F",
        "http%3A%2F%2F127.0.0.1%3A8787%40evil.example%2F",
        "javascript%3Aalert(1)",
    ] {
        let reply = clerk.get(&format!("/v1/client/handshake?redirect_url={to}")).await;
        assert_eq!(reply.status, 400, "{to}");
        assert!(!reply.headers.contains_key("location"), "{to}");
    }
    assert_eq!(clerk.get("/v1/client/handshake").await.status, 400);
}
