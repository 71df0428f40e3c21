//! Session tokens: Clerk's own and derived ones with their marked verdicts, the attacks that token
//! readers have fallen for, and `jsonwebtoken` as a second opinion.
//!
//! The signature is checked by `jsonwebtoken` here; in the Worker the runtime does that.

mod attacks;
mod config;
mod handshake;
mod keys;
mod oracle;
mod organization;
mod source;
mod verdicts;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use rsa::pkcs8::{EncodePrivateKey, LineEnding};
use serde_json::{Value, json};
use shared::session::keys::RsaKey;
use shared::session::{self, Session, SignatureStatus, TokenError, TokenPolicy, UnverifiedToken};
use shared::time::UnixMillis;

fn fixture(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/clerk-sessions/");
    std::fs::read_to_string(format!("{folder}{name}")).expect("the fixture is there")
}

fn json_fixture(name: &str) -> Value {
    serde_json::from_str(&fixture(name)).expect("the fixture is JSON")
}

/// The keys that a Worker would hold: by id from a JWKS, or one whatever the id from a PEM.
enum Keys {
    Jwks(BTreeMap<String, RsaKey>),
    Pem(RsaKey),
}

impl Keys {
    fn find(&self, kid: Option<&str>) -> Result<&RsaKey, TokenError> {
        match self {
            Self::Jwks(keys) => {
                keys.get(kid.ok_or(TokenError::MissingKeyId)?).ok_or(TokenError::UnknownKey)
            }
            Self::Pem(key) => Ok(key),
        }
    }
}

/// Checks a signature in the runtime's place.
fn signature_of(token: &UnverifiedToken<'_>, keys: &Keys) -> Result<SignatureStatus, TokenError> {
    let key = keys.find(token.kid())?;
    let key = DecodingKey::from_rsa_components(&key.n(), &key.e()).expect("a checked key");
    let signature = URL_SAFE_NO_PAD.encode(token.signature());
    let signed = token.signed_bytes();
    let good = jsonwebtoken::crypto::verify(&signature, signed, &key, Algorithm::RS256);
    Ok(if good.unwrap_or(false) { SignatureStatus::Valid } else { SignatureStatus::Invalid })
}

fn verify(
    token: &str,
    keys: &Keys,
    policy: &TokenPolicy,
    now: UnixMillis,
) -> Result<Session, TokenError> {
    let unverified = session::parse_token(token)?;
    let check = signature_of(&unverified, keys)?;
    session::validate_claims(&unverified.with_signature(check)?, policy, now)
}

fn both_sources() -> [(&'static str, Keys); 2] {
    let jwks =
        session::keys::from_jwks(fixture("jwks.json").as_bytes()).expect("Clerk's test JWKS");
    let pem = session::keys::from_pem(&fixture("public-key.pem")).expect("the same key as a PEM");
    [("jwks", Keys::Jwks(jwks)), ("pem", Keys::Pem(pem))]
}

const ISSUER: &str = "https://clerk.example.com";
const PARTY: &str = "https://app.example.com";
const NOW_S: i64 = 1_700_000_000;
const NOW: UnixMillis = UnixMillis(NOW_S * 1000);

struct Signer {
    encoding: EncodingKey,
    keys: Keys,
}

static SIGNER: LazyLock<Signer> = LazyLock::new(|| {
    let private = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).expect("an RSA key");
    let pem = private.to_pkcs8_pem(LineEnding::LF).expect("its PEM");
    let encoding = EncodingKey::from_rsa_pem(pem.as_bytes()).expect("an encoding key");
    let mut jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&encoding, Algorithm::RS256)
        .expect("its public half");
    jwk.common.key_id = Some("ins_run".to_owned());
    let set = serde_json::to_vec(&json!({ "keys": [jwk] })).expect("a JWKS");
    Signer { encoding, keys: Keys::Jwks(session::keys::from_jwks(&set).expect("a usable key")) }
});

fn policy() -> TokenPolicy {
    TokenPolicy::new(ISSUER, [PARTY, "https://second.example.com"]).expect("a policy")
}

fn header() -> Value {
    json!({ "alg": "RS256", "cat": "cl_B7d4PD111AAA", "kid": "ins_run", "typ": "JWT" })
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "user_1", "sid": "sess_1", "azp": PARTY,
        "iat": NOW_S, "nbf": NOW_S - 10, "exp": NOW_S + 60, "sts": "active",
    })
}

/// Signs header and payload as they are, JSON or not.
fn sign(header: &str, payload: &[u8]) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature =
        jsonwebtoken::crypto::sign(signed.as_bytes(), &SIGNER.encoding, Algorithm::RS256);
    format!("{signed}.{}", signature.expect("a signature"))
}

fn judge(token: &str) -> Result<Session, TokenError> {
    verify(token, &SIGNER.keys, &policy(), NOW)
}

#[track_caller]
fn check_header(header: &str, want: Result<(), TokenError>) {
    let got = judge(&sign(header, claims().to_string().as_bytes())).map(drop);
    assert_eq!(got, want, "{header}");
}

#[track_caller]
fn check_payload(payload: &str, want: Result<(), TokenError>) {
    let got = judge(&sign(&header().to_string(), payload.as_bytes())).map(drop);
    assert_eq!(got, want, "{payload}");
}

/// The usual claims with `name` set to this JSON, or without it.
#[track_caller]
fn check_claim(name: &str, value: Option<&str>, want: Result<(), TokenError>) {
    let mut others = claims();
    others.as_object_mut().expect("an object").remove(name);
    let others = others.to_string();
    let payload = match value {
        Some(value) => format!("{{\"{name}\":{value},{}", &others[1..]),
        None => others,
    };
    check_payload(&payload, want);
}
