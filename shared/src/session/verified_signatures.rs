//! A cache of verified signatures.
//!
//! A browser sends the same token for a minute. The cache holds a fact that does not change: this
//! key made this signature over these bytes. All claims are validated each time, and the caller
//! looks up the key each time, so a withdrawn key is not used.
//!
//! Only valid signatures are cached: invalid tokens cannot fill it.

use std::collections::{BTreeSet, VecDeque};

use sha2::{Digest as _, Sha256};

use super::UnverifiedToken;
use super::keys::RsaKey;

/// The most signatures cached, about 100 KB. The oldest is evicted first.
pub const SIGNATURES_MAX: usize = 1_024;

/// SHA-256 of a key, signed bytes and their signature, so that look-ups leak no timing.
type SignatureFingerprint = [u8; 32];

/// The verified signatures.
#[derive(Debug, Default)]
pub struct VerifiedSignatures {
    fingerprints: BTreeSet<SignatureFingerprint>,
    order: VecDeque<SignatureFingerprint>,
}

impl VerifiedSignatures {
    /// Whether the token's signature is known to be valid with `key`.
    #[must_use]
    pub fn contains(&self, token: &UnverifiedToken<'_>, key: &RsaKey) -> bool {
        self.fingerprints.contains(&compute_fingerprint(token, key))
    }

    /// Stores that the token's signature is valid with `key`.
    pub fn insert(&mut self, token: &UnverifiedToken<'_>, key: &RsaKey) {
        let fingerprint = compute_fingerprint(token, key);
        if !self.fingerprints.insert(fingerprint) {
            return;
        }
        self.order.push_back(fingerprint);
        if SIGNATURES_MAX < self.order.len()
            && let Some(oldest) = self.order.pop_front()
        {
            self.fingerprints.remove(&oldest);
        }
    }
}

/// Each part is prefixed with its length, so that the encoding is unambiguous.
fn compute_fingerprint(token: &UnverifiedToken<'_>, key: &RsaKey) -> SignatureFingerprint {
    let mut sha = Sha256::new();
    for part in [key.n().as_bytes(), key.e().as_bytes(), token.signed_bytes(), token.signature()] {
        sha.update(part.len().to_le_bytes());
        sha.update(part);
    }
    sha.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::{SIGNATURES_MAX, VerifiedSignatures};
    use crate::session::keys::{RsaKey, from_pem};
    use crate::session::{UnverifiedToken, parse_token};

    const HEAD: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9";

    fn keys() -> [RsaKey; 2] {
        [
            include_str!("../../../tests/fixtures/clerk-sessions/public-key.pem"),
            include_str!("../../../tests/fixtures/clerk-sessions/other-public-key.pem"),
        ]
        .map(|pem| from_pem(pem).expect("a key"))
    }

    fn token(text: &str) -> UnverifiedToken<'_> {
        parse_token(text).expect("a token's form")
    }

    #[test]
    fn only_an_identical_token_and_key_hit_the_cache() {
        let [key, other] = keys();
        let mut cache = VerifiedSignatures::default();
        let text = format!("{HEAD}.e30.AAAA");
        assert!(!cache.contains(&token(&text), &key));
        cache.insert(&token(&text), &key);
        assert!(cache.contains(&token(&text), &key));
        assert!(!cache.contains(&token(&text), &other), "another key");
        for altered in ["e30g.AAAA", "e30.AAAB", "e30.AAAAAAAA", "e30.AA"] {
            assert!(!cache.contains(&token(&format!("{HEAD}.{altered}")), &key), "{altered}");
        }
    }

    #[test]
    fn the_oldest_entry_is_evicted() {
        let [key, _] = keys();
        let mut cache = VerifiedSignatures::default();
        let texts: Vec<_> = (0..=SIGNATURES_MAX).map(|i| format!("{HEAD}.e30.{i:08}")).collect();
        for text in &texts {
            cache.insert(&token(text), &key);
            // Again: a token takes one place.
            cache.insert(&token(text), &key);
        }
        assert!(!cache.contains(&token(&texts[0]), &key));
        assert!(texts[1..].iter().all(|text| cache.contains(&token(text), &key)));
        assert_eq!((cache.fingerprints.len(), cache.order.len()), (SIGNATURES_MAX, SIGNATURES_MAX));
    }
}
