//! A token, judged by `session` and by two others: a reader written apart, and `jsonwebtoken`.
//!
//! The input is a token, or the JSON of its header and of its claims on a line each, for mutations
//! rarely survive base64. The claims are judged as if the signature were good: no mutation finds
//! an RSA signature, and claims are only as safe as their own reading. The real signature is then
//! checked too, on the tokens of Clerk's test key.

mod rules;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;
use shared::session::keys::{RsaKey, from_jwks};
use shared::session::{
    Session, SignatureStatus, TokenError, TokenPolicy, VerifiedToken, parse_token, validate_claims,
};
use shared::time::UnixMillis;

use crate::Target;
use rules::{Said, claims, is_plain, parts};

/// See the module.
pub const TARGET: Target = Target {
    name: "session_token",
    run,
    met: &[
        "not a token",
        "session, signed",
        "session, unsigned",
        "claims",
        "issuer",
        "subject",
        "session id",
        "party",
        "expired",
        "early",
        "pending",
    ],
};

const JWKS: &[u8] = include_bytes!("../../../tests/fixtures/clerk-sessions/jwks.json");

const ISSUER: &str = "https://clerk.example.com";

const PARTY: &str = "https://app.example.com";

/// The clock of every case, in seconds: that of the fixtures.
const NOW_S: u64 = 1_700_000_010;

static KEYS: LazyLock<BTreeMap<String, RsaKey>> =
    LazyLock::new(|| from_jwks(JWKS).expect("Clerk's test key"));

/// Judges one token three ways.
///
/// # Panics
/// When the verdicts differ.
#[must_use]
pub fn run(data: &[u8]) -> &'static str {
    let Ok(text) = str::from_utf8(data) else { return "not text" };
    let token = match text.split_once('\n') {
        Some((header, claims)) => compact(header, claims),
        None => text.to_owned(),
    };
    let reference = parts(&token);
    let Ok(unverified) = parse_token(&token) else {
        assert!(!reference.is_some_and(|parts| parts.is_plain), "refused: {token}");
        return "not a token";
    };
    let parts = reference.unwrap_or_else(|| panic!("taken apart: {token}"));
    assert_eq!(unverified.kid(), parts.kid.as_deref());
    assert_eq!(unverified.signature(), parts.signature);
    assert_eq!(Some(unverified.signed_bytes()), token.rsplit_once('.').map(|it| it.0.as_bytes()));

    let signed = is_signed(&token, parts.kid.as_deref(), &parts.signature);
    let verified = unverified.with_signature(SignatureStatus::Valid).expect("a good signature");
    let ours = judge(&verified);
    let theirs = claims(&parts.payload);
    // Other claims may be read or passed over; where they are no plain JSON, both is right.
    if ours.is_ok() || is_plain(&parts.payload) {
        assert_eq!(ours.as_ref().ok().map(said), theirs, "{ours:?} of {token}");
    }
    if ours.is_ok() && is_plain(&parts.payload) {
        assert!(jsonwebtokens_opinion(&token), "jsonwebtoken refuses the claims of {token}");
    }
    match ours {
        Ok(_) if signed => "session, signed",
        Ok(_) => "session, unsigned",
        Err(rejection) => name(rejection),
    }
}

fn compact(header: &str, claims: &str) -> String {
    let [header, claims, signature] =
        [header, claims, "signature"].map(|part| URL_SAFE_NO_PAD.encode(part));
    format!("{header}.{claims}.{signature}")
}

fn judge(token: &VerifiedToken) -> Result<Session, TokenError> {
    let policy = TokenPolicy::new(ISSUER, [PARTY]).expect("a policy");
    validate_claims(
        token,
        &policy,
        UnixMillis(i64::try_from(NOW_S * 1000).expect("a year of ours")),
    )
}

fn said(session: &Session) -> Said {
    (
        session.user_id().to_string(),
        session.id().to_string(),
        session.expires_at().0,
        session.actor().map(|actor| actor.as_str().to_owned()),
    )
}

/// Whether the token is signed by Clerk's test key: the primitive and the whole of `jsonwebtoken`
/// must say the same, where the claims are JSON at all.
fn is_signed(token: &str, kid: Option<&str>, signature: &[u8]) -> bool {
    let Some(key) = kid.and_then(|kid| KEYS.get(kid)) else { return false };
    let key = DecodingKey::from_rsa_components(&key.n(), &key.e()).expect("a key that was read");
    let spelled = URL_SAFE_NO_PAD.encode(signature);
    let (message, _) = token.rsplit_once('.').expect("a token has dots");
    let verify = jsonwebtoken::crypto::verify;
    let is_good = verify(&spelled, message.as_bytes(), &key, Algorithm::RS256).unwrap_or(false);
    let mut validation = Validation::new(Algorithm::RS256);
    validation.required_spec_claims.clear();
    (validation.validate_exp, validation.validate_aud) = (false, false);
    let is_taken = jsonwebtoken::decode::<Value>(token, &key, &validation).is_ok();
    assert!(is_good || !is_taken, "jsonwebtoken takes {token}");
    is_good
}

/// Whether `jsonwebtoken` finds the claims there and of the right form. It reads the machine's
/// clock, so times are the reference's to judge.
fn jsonwebtokens_opinion(token: &str) -> bool {
    let claims = jsonwebtoken::dangerous::insecure_decode::<BTreeMap<String, Value>>(token);
    claims.is_ok_and(|data| {
        data.header.alg == Algorithm::RS256
            && data.claims.get("iss").and_then(Value::as_str) == Some(ISSUER)
            && data.claims.get("exp").is_some_and(Value::is_u64)
    })
}

/// What the claims of a token can be refused for.
const REASONS: [(TokenError, &str); 10] = [
    (TokenError::WrongIssuer, "issuer"),
    (TokenError::BadSubject, "subject"),
    (TokenError::MissingSessionId, "session id"),
    (TokenError::MissingAzp, "no party"),
    (TokenError::WrongAzp, "party"),
    (TokenError::MissingExpiry, "no expiry"),
    (TokenError::Expired, "expired"),
    (TokenError::NotYetValid, "early"),
    (TokenError::PendingSession, "pending"),
    (TokenError::BadClaims, "claims"),
];

fn name(rejection: TokenError) -> &'static str {
    let reason = REASONS.iter().find(|(reason, _)| *reason == rejection);
    reason.map_or("refused otherwise", |(_, name)| name)
}
