//! Clerk's public keys, from a PEM or from a JWKS.

use std::collections::BTreeMap;

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{
    GeneralPurpose, GeneralPurposeConfig, STANDARD, URL_SAFE_NO_PAD,
};
use serde_json::value::RawValue;
use url::Url;

use crate::json::{JsonObject, array_items, parse_scalar};

mod der;

/// Bits in an RSA modulus: RFC 7518 section 3.3 asks for no fewer with RS256.
pub const MODULUS_BITS_MIN: usize = 2_048;

/// Bytes in a JWKS. Clerk's has one key, about 500 bytes.
pub const JWKS_BYTES_MAX: usize = 65_536;

/// Why no key could be parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// Not a PEM, or not the base64 of one.
    #[error("not a PEM public key")]
    Pem,
    /// Not an RSA public key.
    #[error("not an RSA public key")]
    NotRsa,
    /// A modulus of fewer than [`MODULUS_BITS_MIN`] bits.
    #[error("an RSA key of fewer than {MODULUS_BITS_MIN} bits")]
    Weak,
    /// Not a set of keys.
    #[error("not a JWKS")]
    Jwks,
    /// A set without one key that verifies RS256.
    #[error("the JWKS has no usable RS256 key")]
    NoKey,
}

/// An RSA public key that may verify RS256, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RsaKey {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl RsaKey {
    fn new(modulus: &[u8], exponent: &[u8]) -> Result<Self, PublicKeyError> {
        let (modulus, exponent) = (magnitude(modulus), magnitude(exponent));
        if bits(modulus) < MODULUS_BITS_MIN {
            return Err(PublicKeyError::Weak);
        }
        // With exponent 1 anyone can forge signatures.
        if exponent.last().is_none_or(|low| low & 1 == 0) || exponent == [1] {
            return Err(PublicKeyError::NotRsa);
        }
        Ok(Self { modulus: modulus.to_vec(), exponent: exponent.to_vec() })
    }

    /// Whether this is Clerk's published test key: Clerk signs its own tests with it
    /// (clerk/javascript, `packages/backend/src/fixtures`), so anyone can sign with it.
    #[must_use]
    pub fn is_test_key(&self) -> bool {
        self.modulus.starts_with(&TEST_KEY_MODULUS_PREFIX)
    }

    /// The modulus, encoded as in a JWK.
    #[must_use]
    pub fn n(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.modulus)
    }

    /// The exponent, encoded as in a JWK.
    #[must_use]
    pub fn e(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.exponent)
    }
}

/// Where an issuer's public keys come from.
#[derive(Debug)]
pub enum KeySource {
    /// One key: nothing is fetched.
    Pem(RsaKey),
    /// A JWKS to fetch.
    Jwks(Url),
}

/// The first 256 bits of the modulus of Clerk's test key. No other key has the same ones: a modulus
/// is a product of random primes.
const TEST_KEY_MODULUS_PREFIX: [u8; 32] = [
    0xa9, 0x8c, 0xb7, 0x31, 0x8f, 0x1f, 0x3a, 0x77, 0x84, 0xcb, 0x33, 0x43, 0xbb, 0xd9, 0x69, 0xea,
    0x21, 0x97, 0x2a, 0x43, 0x54, 0x17, 0xeb, 0xbf, 0x75, 0x49, 0xeb, 0x96, 0x46, 0x9d, 0x65, 0x8c,
];

fn magnitude(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

fn bits(magnitude: &[u8]) -> usize {
    let unused = magnitude.first().map_or(0, |byte| byte.leading_zeros());
    (magnitude.len() * 8).saturating_sub(usize::try_from(unused).unwrap_or(usize::MAX))
}

const PEM_BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const PEM_END: &str = "-----END PUBLIC KEY-----";

/// Parses `CLERK_JWT_KEY`: a PEM, or only its base64, with line breaks or with the two characters
/// `\n` in their place, as dashboards and shells write them.
///
/// # Errors
/// [`PublicKeyError::Pem`] when it is not that, otherwise why the key is not usable.
pub fn from_pem(text: &str) -> Result<RsaKey, PublicKeyError> {
    let text = text.replace("\\r", "").replace("\\n", "\n");
    let text = text.trim();
    let body = match text.strip_prefix(PEM_BEGIN) {
        Some(rest) => rest.strip_suffix(PEM_END).ok_or(PublicKeyError::Pem)?,
        None => text,
    };
    let body: String = body.split_ascii_whitespace().collect();
    let der = STANDARD.decode(body).map_err(|_| PublicKeyError::Pem)?;
    if der.is_empty() {
        return Err(PublicKeyError::Pem);
    }
    let (modulus, exponent) = der::rsa(&der).ok_or(PublicKeyError::NotRsa)?;
    RsaKey::new(modulus, exponent)
}

/// Parses a JWKS into keys by key id. Entries that cannot verify RS256 are skipped, so that an
/// unknown kind of key does not invalidate the others.
///
/// A key without an id is skipped too, and so are keys with duplicate ids.
///
/// # Errors
/// [`PublicKeyError::Jwks`] when it is not a JWKS, [`PublicKeyError::NoKey`] when nothing in it is
/// usable.
pub fn from_jwks(json: &[u8]) -> Result<BTreeMap<String, RsaKey>, PublicKeyError> {
    if JWKS_BYTES_MAX < json.len() {
        return Err(PublicKeyError::Jwks);
    }
    let json = str::from_utf8(json).map_err(|_| PublicKeyError::Jwks)?;
    let set = JsonObject::parse(json, &["keys"]).map_err(|_| PublicKeyError::Jwks)?;
    let keys = set.raw_member("keys").ok().flatten().and_then(|raw| array_items(raw).ok());
    let keys = keys.ok_or(PublicKeyError::Jwks)?;
    let mut by_kid: BTreeMap<String, Option<RsaKey>> = BTreeMap::new();
    for (kid, key) in keys.into_iter().filter_map(usable) {
        by_kid.entry(kid).and_modify(|key| *key = None).or_insert(Some(key));
    }
    let keys: BTreeMap<_, _> =
        by_kid.into_iter().filter_map(|(kid, key)| Some((kid, key?))).collect();
    if keys.is_empty() {
        return Err(PublicKeyError::NoKey);
    }
    Ok(keys)
}

/// Lenient base64, as one of Clerk's own test keys needs: the encoding of the number is not signed.
const BASE64_LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What is read of a key (RFC 7517 section 4, RFC 7518 section 6.3).
const JWK: [&str; 7] = ["kty", "use", "key_ops", "alg", "kid", "n", "e"];

fn usable(entry: &RawValue) -> Option<(String, RsaKey)> {
    let jwk = JsonObject::parse(entry.get(), &JWK).ok()?;
    let text = |name| jwk.scalar::<String>(name).ok();
    let is = |name, wanted: &str| text(name).map(|text| text.is_none_or(|text| text == wanted));
    if text("kty")?? != "RSA" || !is("use", "sig")? || !is("alg", "RS256")? {
        return None;
    }
    // RFC 7517, section 4.3: `key_ops`, if present, must include "verify".
    if let Some(operations) = jwk.non_null_member("key_ops").ok()? {
        let operations = array_items(operations).ok()?.into_iter().map(parse_scalar::<String>);
        let operations = operations.collect::<Result<Vec<_>, _>>().ok()?;
        if !operations.iter().any(|operation| operation == "verify") {
            return None;
        }
    }
    let modulus = BASE64_LENIENT.decode(text("n")??).ok()?;
    let exponent = BASE64_LENIENT.decode(text("e")??).ok()?;
    let kid = text("kid")?.filter(|kid| !kid.is_empty())?;
    Some((kid, RsaKey::new(&modulus, &exponent).ok()?))
}
