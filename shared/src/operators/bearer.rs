//! The tokens of operators and of the metrics: `OPERATOR_TOKEN` and `METRICS_TOKEN`.
//!
//! A token is compared by its digest, in constant time and with every token: the duration reveals
//! nothing about a match. The tokens themselves are not kept.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

/// Bytes in a token, at least.
pub const TOKEN_BYTES_MIN: usize = 32;

/// Bytes in a token, at most. A header may have some kilobytes.
pub const TOKEN_BYTES_MAX: usize = 512;

/// Tokens in one setting: two while one is replaced, and some more for several programs.
pub const TOKENS_MAX: usize = 16;

/// What the key of a token's cookies is made for.
const COOKIE_KEY: &[u8] = b"rolecall console: cookie of /sign-in";

/// Hexadecimal digits of a token's digest in the actor's name.
const NAME_DIGITS: usize = 8;

/// The tokens of one setting. There may be none.
#[derive(Clone, Default)]
pub struct BearerTokens(Vec<BearerToken>);

/// One token.
#[derive(Clone)]
pub struct BearerToken {
    digest: [u8; 32],
    cookie_mac: Hmac<Sha256>,
}

/// Why the tokens of a setting are invalid. Positions begin with 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BearerTokenError {
    /// Fewer than [`TOKEN_BYTES_MIN`] bytes.
    Short(usize),
    /// More than [`TOKEN_BYTES_MAX`] bytes.
    Long(usize),
    /// Something else than visible ASCII, or quotes.
    Letters(usize),
    /// More than [`TOKENS_MAX`] tokens.
    Many,
}

impl BearerTokens {
    /// Parses tokens that are separated by spaces or commas. None is fine here.
    ///
    /// # Errors
    /// The first invalid token. One invalid token invalidates all: none is dropped in silence.
    pub fn parse(text: &str) -> Result<Self, BearerTokenError> {
        let items = text.split(|letter: char| letter == ',' || letter.is_ascii_whitespace());
        let mut tokens = Vec::new();
        for item in items.filter(|item| !item.is_empty()) {
            let position = tokens.len() + 1;
            if TOKENS_MAX < position {
                return Err(BearerTokenError::Many);
            }
            tokens.push(BearerToken::parse(item, position)?);
        }
        Ok(Self(tokens))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The token that `text` is.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<&BearerToken> {
        // An oversized header need not be hashed.
        if TOKEN_BYTES_MAX < text.len() {
            return None;
        }
        let digest = digest(text);
        self.select(|token| token.digest.ct_eq(&digest))
    }

    /// Whether a token is also one of `others`.
    #[must_use]
    pub fn has_one_of(&self, others: &Self) -> bool {
        self.0.iter().any(|one| others.0.iter().any(|other| one.digest == other.digest))
    }

    /// The last token that `is_it` accepts. Every token is asked.
    pub(super) fn select(&self, is_it: impl Fn(&BearerToken) -> Choice) -> Option<&BearerToken> {
        let mut found = u32::MAX;
        for (at, token) in (0_u32..).zip(&self.0) {
            found.conditional_assign(&at, is_it(token));
        }
        self.0.get(usize::try_from(found).ok()?)
    }
}

impl BearerToken {
    fn parse(text: &str, position: usize) -> Result<Self, BearerTokenError> {
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'".contains(&byte)) {
            return Err(BearerTokenError::Letters(position));
        }
        if text.len() < TOKEN_BYTES_MIN {
            return Err(BearerTokenError::Short(position));
        }
        if TOKEN_BYTES_MAX < text.len() {
            return Err(BearerTokenError::Long(position));
        }
        let keyed = |key: &[u8]| {
            Hmac::<Sha256>::new_from_slice(key).map_err(|_| BearerTokenError::Letters(position))
        };
        let cookie_key = keyed(text.as_bytes())?.chain_update(COOKIE_KEY).finalize();
        let cookie_mac = keyed(&cookie_key.into_bytes())?;
        Ok(Self { digest: digest(text), cookie_mac })
    }

    /// The first digits of its digest, which name it in the audit trail.
    #[must_use]
    pub fn name(&self) -> String {
        let digits = self.digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let digits = digits.filter_map(|digit| char::from_digit(digit.into(), 16));
        digits.take(NAME_DIGITS).collect()
    }

    /// The MAC of `text` with the key of its cookies.
    pub(super) fn mac(&self, text: &str) -> [u8; 32] {
        self.cookie_mac.clone().chain_update(text).finalize().into_bytes().into()
    }
}

impl fmt::Debug for BearerTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BearerTokens({} [redacted])", self.0.len())
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken([redacted])")
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

#[cfg(test)]
mod tests {
    use super::{BearerTokenError, BearerTokens, TOKEN_BYTES_MAX};

    const ONE: &str = "one-0123456789-0123456789-0123456789";
    const TWO: &str = "two-0123456789-0123456789-0123456789";

    #[test]
    fn several_tokens_count_and_no_other_does() {
        let tokens = BearerTokens::parse(&format!(" {ONE},\n{TWO} ")).unwrap();
        let names: Vec<_> =
            [ONE, TWO].iter().map(|token| tokens.find(token).unwrap().name()).collect();
        assert!(names[0] != names[1] && names.iter().all(|name| name.len() == 8), "{names:?}");
        for other in
            ["", &ONE[1..], &format!("{ONE} "), &ONE.to_uppercase(), &format!("{ONE}{TWO}")]
        {
            assert!(tokens.find(other).is_none(), "{other}");
        }
        assert!(BearerTokens::default().find("").is_none());
    }

    #[test]
    fn an_invalid_token_invalidates_all() {
        let error = |text: &str| BearerTokens::parse(text).unwrap_err();
        assert_eq!(error(&format!("{ONE} short")), BearerTokenError::Short(2));
        assert_eq!(error(&"a".repeat(31)), BearerTokenError::Short(1));
        assert_eq!(error(&"a".repeat(TOKEN_BYTES_MAX + 1)), BearerTokenError::Long(1));
        assert_eq!(error(&"é".repeat(32)), BearerTokenError::Letters(1));
        assert_eq!(error(&format!("\"{ONE}\"")), BearerTokenError::Letters(1));
        assert_eq!(error(&[ONE; 17].join(" ")), BearerTokenError::Many);
        assert!(BearerTokens::parse(&"a".repeat(32)).is_ok());
        assert!(BearerTokens::parse(" , ").unwrap().is_empty());
    }

    #[test]
    fn nothing_of_a_token_is_printed() {
        let tokens = BearerTokens::parse(ONE).unwrap();
        let printed = format!("{tokens:?} {:?}", tokens.find(ONE));
        assert!(printed.contains("[redacted]") && !printed.contains("0123"), "{printed}");
    }
}
