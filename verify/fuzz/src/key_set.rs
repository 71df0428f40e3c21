//! A JWKS or a PEM, from whoever answers at the address of the keys.
//!
//! What was taken for a key is one: long enough, odd, spelled out and read again the same, and
//! good enough for `jsonwebtoken`. A set never holds two keys for one name.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde_json::{Value, json};
use shared::session::keys::{
    JWKS_BYTES_MAX, MODULUS_BITS_MIN, PublicKeyError, RsaKey, from_jwks, from_pem,
};

use crate::Target;
use crate::reference::{member, members};

/// See the module.
pub const TARGET: Target =
    Target { name: "key_set", run, met: &["a set", "a PEM", "no set", "no key", "no PEM"] };

/// Reads one answer: JSON as a set, anything else as a PEM.
///
/// # Panics
/// When a key is none, or is not the same when it is read again.
#[must_use]
pub fn run(data: &[u8]) -> &'static str {
    if !data.starts_with(b"{") {
        let Ok(text) = str::from_utf8(data) else { return "no PEM" };
        let Ok(key) = from_pem(text) else { return "no PEM" };
        holds(&key);
        return "a PEM";
    }
    let keys = match from_jwks(data) {
        Ok(keys) => keys,
        Err(PublicKeyError::NoKey) => return "no key",
        Err(error) => {
            assert_eq!(error, PublicKeyError::Jwks);
            return "no set";
        }
    };
    let names = named(data).expect("a set is JSON with keys");
    let jwk = |(kid, key): (&String, &RsaKey)| {
        holds(key);
        assert_eq!(names.iter().filter(|name| *name == kid).count(), 1, "{kid} is named twice");
        json!({ "kty": "RSA", "kid": kid, "n": key.n(), "e": key.e() })
    };
    let again = json!({ "keys": keys.iter().map(jwk).collect::<Vec<_>>() });
    if again.to_string().len() <= JWKS_BYTES_MAX {
        assert_eq!(from_jwks(again.to_string().as_bytes()).as_ref(), Ok(&keys));
    }
    "a set"
}

/// The names of all usable-looking RSA keys of a set: `None` when it is no set.
fn named(data: &[u8]) -> Option<Vec<String>> {
    let set = members(data, &["keys"])?;
    let keys = member(&set, "keys")?.as_array()?;
    let is_rsa = |key: &&Value| {
        holds_member(key, "kty", &["RSA"])
            && holds_optional(key, "use", "sig")
            && holds_optional(key, "alg", "RS256")
            && is_usable(key)
    };
    let name = |key: &Value| key.get("kid").and_then(Value::as_str).map(str::to_owned);
    Some(keys.iter().filter(is_rsa).filter_map(name).collect())
}

fn holds_member(key: &Value, name: &str, values: &[&str]) -> bool {
    key.get(name).and_then(Value::as_str).is_some_and(|value| values.contains(&value))
}

fn holds_optional(key: &Value, name: &str, value: &str) -> bool {
    key.get(name).is_none_or(Value::is_null) || holds_member(key, name, &[value])
}

/// Alone in a set it is read: so beside others it counts for its name.
fn is_usable(key: &Value) -> bool {
    from_jwks(json!({ "keys": [key] }).to_string().as_bytes()).is_ok()
}

fn holds(key: &RsaKey) {
    let modulus = URL_SAFE_NO_PAD.decode(key.n()).expect("base64url");
    let exponent = URL_SAFE_NO_PAD.decode(key.e()).expect("base64url");
    let high = modulus.first().copied().unwrap_or_default();
    assert!(high != 0 && exponent.first() != Some(&0), "leading zeros: {key:?}");
    assert!(MODULUS_BITS_MIN <= modulus.len() * 8 - zeros(high), "short: {key:?}");
    assert!(exponent.last().is_some_and(|low| low % 2 == 1) && exponent != [1], "{key:?}");
    assert!(DecodingKey::from_rsa_components(&key.n(), &key.e()).is_ok(), "{key:?}");
}

fn zeros(high: u8) -> usize {
    usize::try_from(high.leading_zeros()).expect("at most eight")
}
