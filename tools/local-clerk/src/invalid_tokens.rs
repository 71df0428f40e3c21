//! Tokens that are invalid on purpose. Each must be refused; one table lists them all.

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::claims::{ClientRecord, SessionClaims};
use crate::session_key::{SessionKey, SessionKeyError, generate_pem};

mod table;

pub use self::table::INVALID_TOKENS;

/// A way in which a token is invalid.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct InvalidToken {
    /// The name that a request gives.
    pub name: &'static str,
    /// What is wrong with it.
    pub what: &'static str,
    /// Whether Clerk's SDK accepts it, given the keys of this server.
    pub taken_by_sdk: bool,
    #[serde(skip)]
    defect: Defect,
}

#[derive(Clone, Copy, Debug)]
enum Defect {
    /// A member of the header is changed or removed.
    Header(&'static str, MemberChange),
    /// A claim is changed or removed.
    Claim(&'static str, MemberChange),
    /// The signature is wrong.
    Signature(SignatureDefect),
    /// It is another kind of token that this server signs.
    OtherToken(OtherToken),
}

/// How a member is changed.
#[derive(Clone, Copy, Debug)]
enum MemberChange {
    Remove,
    Text(&'static str),
    /// The time so many seconds from now.
    SecondsFromNow(i64),
    /// The same, and half a second more.
    HalfSecondAfter(i64),
    /// A list with this text.
    List(&'static str),
}

#[derive(Clone, Copy, Debug)]
enum SignatureDefect {
    Unsigned,
    OtherKey,
    PublicKeyAsSecret,
    Rs512,
    OtherClaims,
    Truncated,
}

#[derive(Clone, Copy, Debug)]
enum OtherToken {
    Handshake,
    ClientRecord,
}

/// The invalid token of this name.
#[must_use]
pub fn find(name: &str) -> Option<InvalidToken> {
    INVALID_TOKENS.iter().copied().find(|invalid| invalid.name == name)
}

/// Makes invalid tokens, some with a key that is in no key set.
#[derive(Default)]
pub struct TokenForger {
    other_key: OnceLock<EncodingKey>,
}

impl std::fmt::Debug for TokenForger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenForger").finish_non_exhaustive()
    }
}

/// Why an invalid token could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    /// It could not be signed.
    #[error("could not sign the token: {0}; restart the local Clerk with another --state-dir")]
    Sign(#[from] jsonwebtoken::errors::Error),
    /// The other key could not be made.
    #[error(transparent)]
    Key(#[from] SessionKeyError),
    /// It could not be written as JSON.
    #[error("could not write the token as JSON: {0}; leave out the organization or the actor")]
    Write(#[from] serde_json::Error),
}

impl TokenForger {
    /// A token of these claims that is invalid in this way.
    ///
    /// # Errors
    /// [`ForgeError`] when it cannot be signed.
    pub fn forge(
        &self,
        session_key: &SessionKey,
        invalid: InvalidToken,
        claims: &SessionClaims,
    ) -> Result<String, ForgeError> {
        let mut header = session_key.session_header(claims);
        let mut body = members(serde_json::to_value(claims)?);
        match invalid.defect {
            Defect::Header(member, change) => {
                change_member(&mut header, member, change, claims.iat);
            }
            Defect::Claim(claim, change) => change_member(&mut body, claim, change, claims.iat),
            Defect::Signature(defect) => return self.sign(session_key, defect, header, &body),
            Defect::OtherToken(OtherToken::Handshake) => {
                return Ok(session_key.sign_handshake(&[])?);
            }
            Defect::OtherToken(OtherToken::ClientRecord) => {
                return Ok(session_key.sign_client_record(&record(claims))?);
            }
        }
        let text = text(&header, &body);
        let signature = session_key.sign_text(&text, Algorithm::RS256)?;
        Ok(format!("{text}.{signature}"))
    }

    fn sign(
        &self,
        session_key: &SessionKey,
        defect: SignatureDefect,
        mut header: Map<String, Value>,
        body: &Map<String, Value>,
    ) -> Result<String, ForgeError> {
        let alg = match defect {
            SignatureDefect::Unsigned => "none",
            SignatureDefect::PublicKeyAsSecret => "HS256",
            SignatureDefect::Rs512 => "RS512",
            SignatureDefect::OtherKey
            | SignatureDefect::OtherClaims
            | SignatureDefect::Truncated => "RS256",
        };
        header.insert("alg".to_owned(), json!(alg));
        let text = text(&header, body);
        let signature = match defect {
            SignatureDefect::Unsigned => String::new(),
            SignatureDefect::PublicKeyAsSecret => {
                let key = EncodingKey::from_secret(session_key.public_pem().as_bytes());
                crypto::sign(text.as_bytes(), &key, Algorithm::HS256)?
            }
            SignatureDefect::Rs512 => session_key.sign_text(&text, Algorithm::RS512)?,
            SignatureDefect::OtherKey => {
                crypto::sign(text.as_bytes(), self.other_key()?, Algorithm::RS256)?
            }
            SignatureDefect::OtherClaims => {
                let mut before = body.clone();
                before.insert("sub".to_owned(), json!("user_2before"));
                session_key.sign_text(&self::text(&header, &before), Algorithm::RS256)?
            }
            SignatureDefect::Truncated => {
                let whole = session_key.sign_text(&text, Algorithm::RS256)?;
                whole.chars().take(whole.len() / 2).collect()
            }
        };
        Ok(format!("{text}.{signature}"))
    }

    /// A key that is in no key set. It is made on first use, since that takes a moment.
    fn other_key(&self) -> Result<&EncodingKey, ForgeError> {
        if let Some(key) = self.other_key.get() {
            return Ok(key);
        }
        let key = EncodingKey::from_rsa_pem(generate_pem()?.as_bytes())?;
        Ok(self.other_key.get_or_init(|| key))
    }
}

fn change_member(members: &mut Map<String, Value>, name: &str, change: MemberChange, now_s: i64) {
    let value = match change {
        MemberChange::Remove => {
            members.remove(name);
            return;
        }
        MemberChange::Text(text) => json!(text),
        MemberChange::SecondsFromNow(seconds) => json!(now_s.saturating_add(seconds)),
        MemberChange::HalfSecondAfter(seconds) => half_past(now_s.saturating_add(seconds)),
        MemberChange::List(text) => json!([text]),
    };
    members.insert(name.to_owned(), value);
}

/// A JSON number with a fraction.
fn half_past(seconds: i64) -> Value {
    serde_json::from_str(&format!("{seconds}.5")).unwrap_or_default()
}

fn record(claims: &SessionClaims) -> ClientRecord {
    ClientRecord {
        sub: claims.sub.clone(),
        sid: claims.sid.clone(),
        iat: claims.iat,
        exp: claims.exp,
    }
}

fn members(value: Value) -> Map<String, Value> {
    if let Value::Object(members) = value { members } else { Map::new() }
}

/// The header and the claims, encoded for signing.
fn text(header: &Map<String, Value>, body: &Map<String, Value>) -> String {
    let part = |members: &Map<String, Value>| {
        URL_SAFE_NO_PAD.encode(Value::Object(members.clone()).to_string())
    };
    format!("{}.{}", part(header), part(body))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Map, Value};

    use super::{Defect, INVALID_TOKENS, SignatureDefect, TokenForger, find};
    use crate::claims::SessionClaims;
    use crate::session_key::SessionKey;

    #[test]
    fn each_invalid_token_has_its_own_name_and_says_what_is_wrong() {
        let names: BTreeSet<&str> = INVALID_TOKENS.iter().map(|invalid| invalid.name).collect();
        assert_eq!(names.len(), INVALID_TOKENS.len());
        assert!(INVALID_TOKENS.iter().all(|invalid| !invalid.what.is_empty()));
        assert!(find("expired").is_some() && find("valid").is_none());
    }

    /// The members of the header or of the claims.
    fn part(token: &str, at: usize) -> Map<String, Value> {
        let part = token.split('.').nth(at).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    }

    /// What differs between a token and a valid one of the same claims.
    fn differing(token: &str, valid: &str) -> Vec<String> {
        let differing = |at| {
            let (wrong, right) = (part(token, at), part(valid, at));
            let names: BTreeSet<String> = wrong.keys().chain(right.keys()).cloned().collect();
            names.into_iter().filter(move |name| wrong.get(name) != right.get(name))
        };
        differing(0).chain(differing(1)).collect()
    }

    #[test]
    fn each_invalid_token_differs_from_a_valid_one_in_one_place() {
        let dir = tempfile::tempdir().unwrap();
        let session_key = SessionKey::load_or_create(dir.path()).unwrap();
        let forger = TokenForger::default();
        let claims =
            SessionClaims::new("http://127.0.0.1:2", "http://127.0.0.1:3", "user_1", 1_000, 60);
        let valid = session_key.sign_session(&claims).unwrap();
        let mut seen = BTreeSet::from([valid.clone()]);
        for &invalid in INVALID_TOKENS {
            let token = forger.forge(&session_key, invalid, &claims).unwrap();
            assert_eq!(token.split('.').count(), 3, "{}", invalid.name);
            let differs = differing(&token, &valid);
            match invalid.defect {
                Defect::Header(member, _) | Defect::Claim(member, _) => {
                    assert_eq!(differs, [member], "{}", invalid.name);
                }
                Defect::Signature(
                    SignatureDefect::Unsigned
                    | SignatureDefect::PublicKeyAsSecret
                    | SignatureDefect::Rs512,
                ) => {
                    assert_eq!(differs, ["alg"], "{}", invalid.name);
                }
                Defect::Signature(_) => {
                    assert!(differs.is_empty(), "{}: {differs:?}", invalid.name);
                }
                Defect::OtherToken(_) => {
                    assert!(differs.contains(&"iss".to_owned()), "{}", invalid.name);
                }
            }
            assert!(seen.insert(token), "{} is made twice", invalid.name);
        }
    }
}
