//! Tokens whose signature was found good a moment ago, so that it need not be checked again.
//!
//! A browser shows one token with everything that it asks for within the minute that the token
//! lives. What is remembered is one fact that does not change: this signature is this key's, over
//! these bytes. Times, parties and all other claims are judged anew each time, and a key that
//! Clerk has withdrawn is not looked up here, since the caller names the key.
//!
//! Only good signatures are remembered: whoever sends bad ones fills nothing.

use std::collections::{BTreeSet, VecDeque};

use sha2::{Digest as _, Sha256};

use super::UnverifiedToken;
use super::keys::RsaKey;

/// Tokens remembered at once, the oldest forgotten first: about 100 KB.
pub const SIGNATURES_MAX: usize = 1_024;

/// A key, signed bytes and their signature, in a form that tells nothing of them: looking one up
/// takes no time that depends on how much of a token was guessed right.
type SignatureFingerprint = [u8; 32];

/// The signatures that were found good.
#[derive(Debug, Default)]
pub struct VerifiedSignatures {
    prints: BTreeSet<SignatureFingerprint>,
    order: VecDeque<SignatureFingerprint>,
}

impl VerifiedSignatures {
    /// Whether the token's signature was found good with `key`.
    #[must_use]
    pub fn contains(&self, token: &UnverifiedToken<'_>, key: &RsaKey) -> bool {
        self.prints.contains(&fingerprint(token, key))
    }

    /// Remembers that the token's signature was found good with `key`.
    pub fn insert(&mut self, token: &UnverifiedToken<'_>, key: &RsaKey) {
        let print = fingerprint(token, key);
        if !self.prints.insert(print) {
            return;
        }
        self.order.push_back(print);
        if SIGNATURES_MAX < self.order.len()
            && let Some(oldest) = self.order.pop_front()
        {
            self.prints.remove(&oldest);
        }
    }
}

/// Each part with its length before it: no two tokens are one text.
fn fingerprint(token: &UnverifiedToken<'_>, key: &RsaKey) -> SignatureFingerprint {
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
    fn only_the_same_token_with_the_same_key_is_known() {
        let [key, other] = keys();
        let mut seen = VerifiedSignatures::default();
        let text = format!("{HEAD}.e30.AAAA");
        assert!(!seen.contains(&token(&text), &key));
        seen.insert(&token(&text), &key);
        assert!(seen.contains(&token(&text), &key));
        assert!(!seen.contains(&token(&text), &other), "another key");
        for altered in ["e30g.AAAA", "e30.AAAB", "e30.AAAAAAAA", "e30.AA"] {
            assert!(!seen.contains(&token(&format!("{HEAD}.{altered}")), &key), "{altered}");
        }
    }

    #[test]
    fn the_oldest_is_forgotten() {
        let [key, _] = keys();
        let mut seen = VerifiedSignatures::default();
        let texts: Vec<_> = (0..=SIGNATURES_MAX).map(|i| format!("{HEAD}.e30.{i:08}")).collect();
        for text in &texts {
            seen.insert(&token(text), &key);
            // Again: a token takes one place.
            seen.insert(&token(text), &key);
        }
        assert!(!seen.contains(&token(&texts[0]), &key));
        assert!(texts[1..].iter().all(|text| seen.contains(&token(text), &key)));
        assert_eq!((seen.prints.len(), seen.order.len()), (SIGNATURES_MAX, SIGNATURES_MAX));
    }
}
