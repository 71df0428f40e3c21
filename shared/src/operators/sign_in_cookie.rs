//! The cookie that a browser gets at `/sign-in` for an operator's token: `v1.<end>.<name>.<mac>`.
//!
//! It is not the token: a stolen cookie is good for 12 hours at most, and taking the token out of
//! the settings ends it at once.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use super::bearer::{BearerToken, BearerTokens};
use crate::time::UnixMillis;

/// The cookie's name. The prefix holds it to this host, `Secure` and `Path=/`.
pub const SIGN_IN_COOKIE: &str = "__Host-rolecall-operator";

/// How long it is valid.
pub const SIGN_IN_MS: i64 = 12 * 3_600_000;

/// Its attributes. `Max-Age` comes last.
const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=";

/// The line of `Set-Cookie` that signs a browser in until `now` plus [`SIGN_IN_MS`].
#[must_use]
pub fn sign_in(token: &BearerToken, now: UnixMillis) -> String {
    let text = signed_text(now.plus(SIGN_IN_MS), &token.name());
    let mac = URL_SAFE_NO_PAD.encode(token.mac(&text));
    format!("{SIGN_IN_COOKIE}={text}.{mac}; {ATTRIBUTES}{}", SIGN_IN_MS / 1000)
}

/// The line of `Set-Cookie` that signs a browser out.
#[must_use]
pub fn sign_out() -> String {
    format!("{SIGN_IN_COOKIE}=; {ATTRIBUTES}0")
}

/// The token that a cookie was made for, if it is valid at `now`.
#[must_use]
pub fn find<'a>(tokens: &'a BearerTokens, value: &str, now: UnixMillis) -> Option<&'a BearerToken> {
    let (text, mac) = value.rsplit_once('.')?;
    let mac: [u8; 32] = URL_SAFE_NO_PAD.decode(mac).ok()?.try_into().ok()?;
    let token = tokens.select(|token| token.mac(text).ct_eq(&mac))?;
    // What was signed is parsed only now, and has one spelling.
    let (head, name) = text.rsplit_once('.')?;
    let end = UnixMillis(head.strip_prefix("v1.")?.parse().ok()?);
    let is_it = signed_text(end, &token.name()) == text && name == token.name();
    (is_it && now < end && end <= now.plus(SIGN_IN_MS)).then_some(token)
}

fn signed_text(end: UnixMillis, name: &str) -> String {
    format!("v1.{}.{name}", end.0)
}

#[cfg(test)]
mod tests {
    use super::{BearerToken, SIGN_IN_COOKIE, SIGN_IN_MS, find, sign_in, sign_out};
    use crate::operators::bearer::BearerTokens;
    use crate::time::UnixMillis;

    const ONE: &str = "one-0123456789-0123456789-0123456789";
    const TWO: &str = "two-0123456789-0123456789-0123456789";
    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn value(tokens: &BearerTokens, token: &str) -> String {
        let line = sign_in(tokens.find(token).unwrap(), NOW);
        let value = line.strip_prefix(SIGN_IN_COOKIE).unwrap().strip_prefix('=').unwrap();
        value.split(';').next().unwrap().to_owned()
    }

    #[test]
    fn a_cookie_is_valid_for_twelve_hours_and_for_its_token() {
        let tokens = BearerTokens::parse(&format!("{ONE} {TWO}")).unwrap();
        let value = value(&tokens, TWO);
        let name = |now| find(&tokens, &value, now).map(BearerToken::name);
        let want = Some(tokens.find(TWO).unwrap().name());
        assert_eq!((name(NOW), name(NOW.plus(SIGN_IN_MS - 1))), (want.clone(), want));
        assert_eq!(name(NOW.plus(SIGN_IN_MS)), None);
        assert_eq!(name(NOW.plus(-1)), None, "it would be valid for longer than it can be");
        let others = BearerTokens::parse(ONE).unwrap();
        assert!(find(&others, &value, NOW).is_none(), "the token was taken out");
        assert!(!value.contains(TWO));
    }

    #[test]
    fn each_changed_letter_invalidates_a_cookie() {
        let tokens = BearerTokens::parse(ONE).unwrap();
        let value = value(&tokens, ONE);
        assert!(find(&tokens, &value, NOW).is_some());
        for at in 0..value.len() {
            for letter in ["a", "Z", "7", ".", ""] {
                let changed = format!("{}{letter}{}", &value[..at], &value[at + 1..]);
                let is_same = changed == value;
                assert_eq!(find(&tokens, &changed, NOW).is_some(), is_same, "{changed}");
            }
        }
        for other in ["", ".", "v1...", &format!("{value}."), &format!("{value}=")] {
            assert!(find(&tokens, other, NOW).is_none(), "{other}");
        }
    }

    #[test]
    fn the_attributes_keep_the_cookie_here() {
        let tokens = BearerTokens::parse(ONE).unwrap();
        for line in [sign_in(tokens.find(ONE).unwrap(), NOW), sign_out()] {
            for part in ["__Host-", "; Path=/;", "; Secure;", "; HttpOnly;", "; SameSite=Strict;"] {
                assert!(line.contains(part), "{line}");
            }
            assert!(!line.contains("Domain"), "{line}");
        }
        assert!(sign_out().ends_with("Max-Age=0"));
    }
}
