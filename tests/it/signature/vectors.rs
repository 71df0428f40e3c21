//! Test vectors of Svix and of Standard Webhooks, with our expected result for each.

use std::collections::BTreeMap;

use serde::Deserialize;
use shared::signature::SignatureError::{
    self, BadTimestamp, MalformedSignature, MissingHeader, NoMatchingSignature, TimestampInFuture,
    TimestampTooOld,
};
use shared::signature::{SvixHeaderName, WebhookSecretError, WebhookSecrets};
use shared::time::UnixMillis;

use super::Sent;

#[derive(Deserialize)]
struct Signed {
    name: String,
    secret: String,
    msg_id: String,
    timestamp: i64,
    expected_signature: String,
    payload: Option<String>,
    payload_repeat: Option<Repeat>,
}

#[derive(Deserialize)]
struct Repeat {
    char: String,
    count: usize,
}

fn sent(id: &str, timestamp_s: i64, signature: &str, body: &str) -> Sent {
    Sent {
        headers: vec![
            ("svix-id", id.to_owned()),
            ("svix-timestamp", timestamp_s.to_string()),
            ("svix-signature", signature.to_owned()),
        ],
        body: body.as_bytes().to_vec(),
    }
}

#[test]
fn every_published_signature_is_accepted() {
    let raw = include_str!("../../fixtures/svix-vectors/sign-known-answers.json");
    let cases: Vec<Signed> = serde_json::from_str(raw).unwrap();
    assert_eq!(cases.len(), 6);
    for case in cases {
        let body = match (&case.payload, &case.payload_repeat) {
            (Some(text), None) => text.clone(),
            (None, Some(repeat)) => repeat.char.repeat(repeat.count),
            (Some(_), Some(_)) | (None, None) => panic!("{}: no payload", case.name),
        };
        let sent = sent(&case.msg_id, case.timestamp, &case.expected_signature, &body);
        let now = UnixMillis(case.timestamp * 1000);
        assert_eq!(sent.verify(&case.secret, now), Ok(()), "{}", case.name);
    }
}

#[derive(Deserialize)]
struct Matrix {
    tolerance_seconds: i64,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    secret: String,
    now: i64,
    enforce_tolerance: bool,
    headers: BTreeMap<String, String>,
    payload: String,
    expect: String,
}

const NAMES: [&str; 6] = [
    "svix-id",
    "svix-timestamp",
    "svix-signature",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
];

impl Case {
    /// The delivery as a Worker gets it: Fetch compares header names without case.
    fn sent(&self) -> Sent {
        let header = |(name, value): (&String, &String)| {
            let known = NAMES.into_iter().find(|known| known.eq_ignore_ascii_case(name));
            (known.expect("one of the six"), value.clone())
        };
        let headers = self.headers.iter().map(header).collect();
        Sent { headers, body: self.payload.clone().into_bytes() }
    }

    /// The time cannot be ignored: a case without tolerance is verified at its own time.
    fn now_s(&self) -> i64 {
        if self.enforce_tolerance {
            return self.now;
        }
        self.sent().joined("svix-timestamp").unwrap().parse().unwrap()
    }
}

/// The expected errors. All other cases are accepted.
const REFUSALS: [(&str, SignatureError); 22] = [
    ("missing_id", MissingHeader(SvixHeaderName::Id)),
    ("missing_timestamp", MissingHeader(SvixHeaderName::Timestamp)),
    ("missing_signature", MissingHeader(SvixHeaderName::Signature)),
    ("timestamp_not_a_number", BadTimestamp),
    ("signature_garbage", NoMatchingSignature),
    ("signature_wrong_but_wellformed", NoMatchingSignature),
    ("signature_one_char_changed", NoMatchingSignature),
    ("signature_partial_prefix_only", MalformedSignature),
    ("signature_partial_8_chars", NoMatchingSignature),
    ("signature_version_v2_only", NoMatchingSignature),
    ("signature_no_comma", NoMatchingSignature),
    ("signature_empty_string", MissingHeader(SvixHeaderName::Signature)),
    ("multi_sig_none_valid", NoMatchingSignature),
    ("tolerance_301s_old", TimestampTooOld { age_s: 301 }),
    ("tolerance_301s_future", TimestampInFuture { ahead_s: 301 }),
    ("timestamp_tampered_after_signing", NoMatchingSignature),
    ("timestamp_tampered_ignoring_tolerance", NoMatchingSignature),
    ("negative_timestamp", BadTimestamp),
    // JavaScript's `parseInt` accepts it. The signed text and the parsed number must agree.
    ("fractional_timestamp", BadTimestamp),
    ("body_reserialized", NoMatchingSignature),
    ("id_header_wrong", NoMatchingSignature),
    // Clerk's library trims the value and rejects the empty rest; so do we.
    ("clerk_header_whitespace_only", MissingHeader(SvixHeaderName::Id)),
];

#[test]
fn the_verify_matrix_has_the_expected_results() {
    let raw = include_str!("../../fixtures/svix-vectors/verify-matrix.json");
    let matrix: Matrix = serde_json::from_str(raw).unwrap();
    assert_eq!(matrix.tolerance_seconds, shared::signature::TOLERANCE_S);
    assert_eq!(matrix.cases.len(), 35);

    let mut refusals = BTreeMap::from(REFUSALS);
    for case in &matrix.cases {
        let want = refusals.remove(case.name.as_str()).map_or(Ok(()), Err);
        let got = case.sent().verify(&case.secret, UnixMillis(case.now_s() * 1000));
        assert_eq!(got, want, "{}", case.name);

        let accepted = match case.expect.as_str() {
            "ok" => true,
            "err" => false,
            "js-ok / rust-err" if case.name == "fractional_timestamp" => false,
            other => panic!("{}: {other}", case.name),
        };
        assert_eq!(got.is_ok(), accepted, "{}", case.name);
    }
    assert!(refusals.is_empty(), "not in the file: {refusals:?}");
}

#[derive(Deserialize)]
struct Parsed {
    secret: String,
}

#[test]
fn secret_strings_have_the_expected_results() {
    let long = "whsec_V09IYXZUaFJoSnFobnpJQkpPMXdpdGFNWnJsRzAxdXZCeTVndVpwRmxSSXFsc0oyYzBTRWRUekJh\
                YnlaZ0JSRGNPQ3BGZG1xYjFVVmRGQ3UK";
    let asymmetric = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
    // The number of weak keys, or the error.
    let mut wants = BTreeMap::from([
        ("", Err(WebhookSecretError::Missing)),
        ("whsec_", Err(WebhookSecretError::Short { position: 1, bytes: 0 })),
        ("whsec_%", Err(WebhookSecretError::Undecodable { position: 1 })),
        ("whsec_wronglength", Err(WebhookSecretError::Short { position: 1, bytes: 8 })),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", Ok(0)),
        // The libraries differ for a secret without padding. Python adds it; so do we.
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", Ok(1)),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwBr", Ok(0)),
        (asymmetric, Err(WebhookSecretError::Asymmetric { position: 1 })),
        (long, Ok(0)),
    ]);
    let raw = include_str!("../../fixtures/svix-vectors/secret-parsing.json");
    let cases: Vec<Parsed> = serde_json::from_str(raw).unwrap();
    assert_eq!(cases.len(), 9);
    for case in cases {
        let want = wants.remove(case.secret.as_str()).expect("an expected result for each");
        let got = WebhookSecrets::parse(&case.secret).map(|secrets| secrets.weak_count());
        assert_eq!(got, want, "{:?}", case.secret);
    }
    assert!(wants.is_empty(), "not in the file: {wants:?}");
}

#[derive(Deserialize)]
struct Asymmetric {
    msg_id: String,
    timestamp: i64,
    payload: String,
    expected_signature: String,
}

#[test]
fn an_asymmetric_signature_is_skipped() {
    let raw = include_str!("../../fixtures/svix-vectors/ed25519-v1a.json");
    let cases: Vec<Asymmetric> = serde_json::from_str(raw).unwrap();
    let [case] = cases.as_slice() else { panic!("one case, not {}", cases.len()) };
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let now = UnixMillis(case.timestamp * 1000);
    let check = |signature: &str, secret: &str, want: Result<(), SignatureError>| {
        let sent = sent(&case.msg_id, case.timestamp, signature, &case.payload);
        assert_eq!(sent.verify(secret, now), want, "{signature}");
    };

    let v1a = case.expected_signature.as_str();
    check(v1a, secret, Err(NoMatchingSignature));
    check(&v1a.replace("v1a,", "v1,"), secret, Err(NoMatchingSignature));
    let v1 = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    check(&format!("{v1a} {v1}"), secret, Ok(()));
    check(&format!("{v1} {v1a}"), secret, Ok(()));
}
