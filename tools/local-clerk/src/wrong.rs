//! Tokens that are wrong on purpose: each must be refused, and one table lists them all.

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::claims::{Claims, Client};
use crate::keys::{KeyError, Keys, new_pem};

mod table;

pub use self::table::TABLE;

/// A form in which a token is wrong.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Wrong {
    /// What it is asked for by.
    pub name: &'static str,
    /// What is wrong with it.
    pub what: &'static str,
    /// Whether Clerk's SDK, which has the keys from here, takes it all the same.
    pub taken_by_sdk: bool,
    #[serde(skip)]
    form: Form,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    /// A member of the header is another, or missing.
    Header(&'static str, To),
    /// A claim is another, or missing.
    Claim(&'static str, To),
    /// It is signed otherwise.
    Signed(How),
    /// It is another thing that this server signs.
    Other(Thing),
}

/// What a member becomes.
#[derive(Clone, Copy, Debug)]
enum To {
    Nothing,
    Text(&'static str),
    /// So many seconds from now.
    FromNow(i64),
    /// As many, and half a second more.
    Half(i64),
    /// A list of one text.
    List(&'static str),
}

#[derive(Clone, Copy, Debug)]
enum How {
    Not,
    ByAnotherKey,
    ByThePublicKey,
    WithRs512,
    ForOtherClaims,
    NotWhole,
}

#[derive(Clone, Copy, Debug)]
enum Thing {
    Answer,
    Record,
}

/// The form of this name.
#[must_use]
pub fn find(name: &str) -> Option<Wrong> {
    TABLE.iter().copied().find(|wrong| wrong.name == name)
}

/// Makes wrong tokens, some with a key that nobody knows.
#[derive(Default)]
pub struct Forger {
    stranger: OnceLock<EncodingKey>,
}

impl std::fmt::Debug for Forger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Forger").finish_non_exhaustive()
    }
}

/// Why a wrong token could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    /// The library did not sign it.
    #[error("could not sign the token: {0}")]
    Sign(#[from] jsonwebtoken::errors::Error),
    /// There was no other key to be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// It could not be written as JSON.
    #[error("could not write the token: {0}")]
    Write(#[from] serde_json::Error),
}

impl Forger {
    /// The token of these claims, wrong in this form.
    ///
    /// # Errors
    /// [`ForgeError`] when it cannot be signed.
    pub fn forge(&self, keys: &Keys, wrong: Wrong, claims: &Claims) -> Result<String, ForgeError> {
        let mut header = keys.session_header(claims);
        let mut body = members(serde_json::to_value(claims)?);
        match wrong.form {
            Form::Header(member, to) => change(&mut header, member, to, claims.iat),
            Form::Claim(claim, to) => change(&mut body, claim, to, claims.iat),
            Form::Signed(how) => return self.sign(keys, how, header, &body),
            Form::Other(Thing::Answer) => return Ok(keys.sign_handshake(&[])?),
            Form::Other(Thing::Record) => return Ok(keys.sign_client(&record(claims))?),
        }
        let text = text(&header, &body);
        let signature = keys.sign_text(&text, Algorithm::RS256)?;
        Ok(format!("{text}.{signature}"))
    }

    fn sign(
        &self,
        keys: &Keys,
        how: How,
        mut header: Map<String, Value>,
        body: &Map<String, Value>,
    ) -> Result<String, ForgeError> {
        let alg = match how {
            How::Not => "none",
            How::ByThePublicKey => "HS256",
            How::WithRs512 => "RS512",
            How::ByAnotherKey | How::ForOtherClaims | How::NotWhole => "RS256",
        };
        header.insert("alg".to_owned(), json!(alg));
        let text = text(&header, body);
        let signature = match how {
            How::Not => String::new(),
            How::ByThePublicKey => {
                let key = EncodingKey::from_secret(keys.public_pem().as_bytes());
                crypto::sign(text.as_bytes(), &key, Algorithm::HS256)?
            }
            How::WithRs512 => keys.sign_text(&text, Algorithm::RS512)?,
            How::ByAnotherKey => crypto::sign(text.as_bytes(), self.stranger()?, Algorithm::RS256)?,
            How::ForOtherClaims => {
                let mut before = body.clone();
                before.insert("sub".to_owned(), json!("user_2before"));
                keys.sign_text(&self::text(&header, &before), Algorithm::RS256)?
            }
            How::NotWhole => {
                let whole = keys.sign_text(&text, Algorithm::RS256)?;
                whole.chars().take(whole.len() / 2).collect()
            }
        };
        Ok(format!("{text}.{signature}"))
    }

    /// A key that is in no set: made when it is first needed, since that takes a moment.
    fn stranger(&self) -> Result<&EncodingKey, ForgeError> {
        if let Some(key) = self.stranger.get() {
            return Ok(key);
        }
        let key = EncodingKey::from_rsa_pem(new_pem()?.as_bytes())?;
        Ok(self.stranger.get_or_init(|| key))
    }
}

fn change(members: &mut Map<String, Value>, name: &str, to: To, now_s: i64) {
    let value = match to {
        To::Nothing => {
            members.remove(name);
            return;
        }
        To::Text(text) => json!(text),
        To::FromNow(seconds) => json!(now_s.saturating_add(seconds)),
        To::Half(seconds) => half_past(now_s.saturating_add(seconds)),
        To::List(text) => json!([text]),
    };
    members.insert(name.to_owned(), value);
}

/// A number with a fraction, as JSON has it.
fn half_past(seconds: i64) -> Value {
    serde_json::from_str(&format!("{seconds}.5")).unwrap_or_default()
}

fn record(claims: &Claims) -> Client {
    Client { sub: claims.sub.clone(), sid: claims.sid.clone(), iat: claims.iat, exp: claims.exp }
}

fn members(value: Value) -> Map<String, Value> {
    if let Value::Object(members) = value { members } else { Map::new() }
}

/// Header and claims as they are signed.
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

    use super::{Forger, Form, How, TABLE, find};
    use crate::claims::Claims;
    use crate::keys::Keys;

    #[test]
    fn each_form_has_a_name_of_its_own_and_says_what_is_wrong() {
        let names: BTreeSet<&str> = TABLE.iter().map(|wrong| wrong.name).collect();
        assert_eq!(names.len(), TABLE.len());
        assert!(TABLE.iter().all(|wrong| !wrong.what.is_empty()));
        assert!(find("expired").is_some() && find("sound").is_none());
    }

    /// The members of the header or of the claims.
    fn part(token: &str, at: usize) -> Map<String, Value> {
        let part = token.split('.').nth(at).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    }

    /// What differs between a token and a sound one of the same claims.
    fn differing(token: &str, sound: &str) -> Vec<String> {
        let differing = |at| {
            let (wrong, right) = (part(token, at), part(sound, at));
            let names: BTreeSet<String> = wrong.keys().chain(right.keys()).cloned().collect();
            names.into_iter().filter(move |name| wrong.get(name) != right.get(name))
        };
        differing(0).chain(differing(1)).collect()
    }

    #[test]
    fn each_form_is_a_token_of_its_own_with_one_thing_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::open(dir.path()).unwrap();
        let forger = Forger::default();
        let claims = Claims::new("http://127.0.0.1:2", "http://127.0.0.1:3", "user_1", 1_000, 60);
        let sound = keys.sign(&claims).unwrap();
        let mut seen = BTreeSet::from([sound.clone()]);
        for &wrong in TABLE {
            let token = forger.forge(&keys, wrong, &claims).unwrap();
            assert_eq!(token.split('.').count(), 3, "{}", wrong.name);
            let differs = differing(&token, &sound);
            match wrong.form {
                Form::Header(member, _) | Form::Claim(member, _) => {
                    assert_eq!(differs, [member], "{}", wrong.name);
                }
                Form::Signed(How::Not | How::ByThePublicKey | How::WithRs512) => {
                    assert_eq!(differs, ["alg"], "{}", wrong.name);
                }
                Form::Signed(_) => assert!(differs.is_empty(), "{}: {differs:?}", wrong.name),
                Form::Other(_) => assert!(differs.contains(&"iss".to_owned()), "{}", wrong.name),
            }
            assert!(seen.insert(token), "{} is like another", wrong.name);
        }
    }
}
