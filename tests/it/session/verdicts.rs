//! The fixtures, each with its marked verdict and the clock at the case's `now`.

use serde_json::Value;
use shared::session::keys;
use shared::session::{TokenError, TokenPolicy, TokenPolicyError};
use shared::time::UnixMillis;

use super::{Keys, both_sources, fixture, json_fixture, verify};

#[test]
fn every_derived_token_gets_its_expected_result() {
    let cases = json_fixture("derived-session-tokens.json");
    let cases = cases["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 37);
    for (source, keys) in both_sources() {
        for case in cases {
            let name = case["name"].as_str().expect("a name");
            assert_eq!(derived(case, &keys), wanted(name, source), "{name} by {source}");
        }
    }
}

fn derived(case: &Value, keys: &Keys) -> Result<(), TokenError> {
    let options = &case["options"];
    let parties = options["authorizedParties"].as_array();
    let parties: Vec<&str> = match parties {
        Some(parties) => parties.iter().filter_map(Value::as_str).collect(),
        // This case asks for no party at all. That is no policy of ours, so it is judged with one.
        None => vec!["https://app.example.com"],
    };
    let policy = TokenPolicy::new(options["issuer"].as_str().expect("an issuer"), parties);
    let now = UnixMillis(case["now"].as_i64().expect("seconds") * 1000);
    let token = case["token"].as_str().expect("a token");
    verify(token, keys, &policy.expect("a policy"), now).map(drop)
}

/// The verdict for a derived case. `ok` and `err` of the file are kept; where ours is stricter
/// than Clerk's SDK, the line says so.
fn wanted(name: &str, source: &str) -> Result<(), TokenError> {
    match name {
        "v2_no_org"
        | "v2_org_admin"
        | "v1_org"
        | "no_cat_header_legacy"
        | "cat_ignore"
        | "typ_missing"
        | "unknown_extra_header"
        | "impersonated"
        | "exp_within_skew"
        | "nbf_future_within_skew"
        | "aud_present_no_audience_option" => Ok(()),
        "pending_session" => Err(TokenError::PendingSession),
        "cat_jwt_template" | "cat_m2m" => Err(TokenError::WrongCategory),
        "sub_machine" | "sub_missing" => Err(TokenError::BadSubject),
        "typ_at_jwt" => Err(TokenError::WrongType),
        "alg_none" => Err(TokenError::Malformed), // Its signature is empty: refused before its header.
        // The second one, stricter: Clerk's SDK takes RS512, Clerk itself signs with RS256 alone.
        "alg_hs256_key_confusion" | "alg_rs512" => Err(TokenError::WrongAlgorithm),
        // As in Clerk's SDK: a PEM is one key, and the id does not matter.
        "kid_unknown" if source == "pem" => Ok(()),
        "kid_unknown" => Err(TokenError::UnknownKey),
        "azp_mismatch" => Err(TokenError::WrongAzp),
        "azp_missing_with_authorizedParties"
        // Stricter: the SDK skips `azp` without a list, here there is always one.
        | "azp_missing_no_authorizedParties" => Err(TokenError::MissingAzp),
        // Stricter: the SDK does not look at the issuer.
        "iss_mismatch" => Err(TokenError::WrongIssuer),
        "exp_at_skew_boundary" | "expired" => Err(TokenError::Expired),
        "nbf_future" => Err(TokenError::NotYetValid),
        "iat_future" => Err(TokenError::IssuedInFuture),
        "exp_string" => Err(TokenError::BadClaims),
        "payload_tampered" => Err(TokenError::BadSignature),
        "two_segments" | "four_segments" | "not_base64" | "empty" | "padded_base64url" => {
            Err(TokenError::Malformed)
        }
        "not_json" => Err(TokenError::BadHeader),
        other => panic!("no verdict is written down for {other}"),
    }
}

#[test]
fn every_token_of_clerks_tests_gets_its_expected_result() {
    let file = json_fixture("clerk-fixture-tokens.json");
    let now = UnixMillis(file["now_for_tests"].as_i64().expect("seconds") * 1000);
    let tokens = file["tokens"].as_object().expect("tokens");
    assert_eq!(tokens.len(), 7);
    let policy = TokenPolicy::new(
        "https://clerk.inspired.puma-74.lcl.dev",
        ["https://accounts.inspired.puma-74.lcl.dev"],
    )
    .expect("a policy");
    for (source, keys) in both_sources() {
        for (name, case) in tokens {
            let token = case["token"].as_str().expect("a token");
            let got = verify(token, &keys, &policy, now).map(drop);
            let want = match name.as_str() {
                "mockJwt" | "signedJwt" => Ok(()),
                "mockExpiredJwt" => Err(TokenError::Expired),
                "mockInvalidSignatureJwt" | "mockMalformedJwt" => Err(TokenError::BadSignature),
                "mockSignedOAuthAccessTokenJwt" | "mockSignedOAuthAccessTokenJwtApplicationTyp" => {
                    Err(TokenError::WrongType)
                }
                other => panic!("no verdict is written down for {other}"),
            };
            assert_eq!(got, want, "{name} by {source}");
        }
    }
}

#[test]
fn a_token_does_not_verify_with_another_key() {
    let file = json_fixture("clerk-fixture-tokens.json");
    let token = file["tokens"]["mockJwt"]["token"].as_str().expect("a token");
    let policy =
        TokenPolicy::new("https://clerk.inspired.puma-74.lcl.dev", ["x"]).expect("a policy");
    let now = UnixMillis(1_666_648_250_000);
    let other = keys::from_pem(&fixture("other-public-key.pem")).expect("a key");
    assert_eq!(verify(token, &Keys::Pem(other), &policy, now), Err(TokenError::BadSignature));
    let others = keys::from_jwks(fixture("jwks-other-fixture.json").as_bytes()).expect("a set");
    assert_eq!(verify(token, &Keys::Jwks(others), &policy, now), Err(TokenError::UnknownKey));
}

#[test]
fn a_policy_needs_an_issuer_and_a_party() {
    assert_eq!(TokenPolicy::new("", ["https://a.example"]).err(), Some(TokenPolicyError::Issuer));
    assert_eq!(TokenPolicy::new("https://i.example", []).err(), Some(TokenPolicyError::Parties));
    assert_eq!(
        TokenPolicy::new("https://i.example", ["", "  "]).err(),
        Some(TokenPolicyError::Parties)
    );
}
