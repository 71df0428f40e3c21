//! The claims of a token. Every known one is read strictly: a claim of the wrong type is never
//! taken for a missing one (jsonwebtoken before 10.3.0 did that with `exp`, CVE-2026-25537).

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::factors::FactorAges;
use super::header::some;
use super::organization::{self, Organization};
use super::{Rejection, SKEW_MS};
use crate::id::ObjectId;
use crate::time::UnixMillis;

/// What is read of the claims. A repeated one is refused, an unknown one is left alone.
#[derive(Deserialize)]
pub(super) struct Claims {
    #[serde(default, deserialize_with = "some")]
    pub(super) iss: Option<String>,
    #[serde(default, deserialize_with = "some")]
    pub(super) sub: Option<String>,
    #[serde(default, deserialize_with = "some")]
    pub(super) sid: Option<String>,
    #[serde(default, deserialize_with = "some")]
    pub(super) azp: Option<String>,
    #[serde(default, deserialize_with = "seconds")]
    pub(super) exp: Option<UnixMillis>,
    #[serde(default, deserialize_with = "seconds")]
    pub(super) nbf: Option<UnixMillis>,
    #[serde(default, deserialize_with = "seconds")]
    pub(super) iat: Option<UnixMillis>,
    #[serde(default, deserialize_with = "some")]
    pub(super) sts: Option<String>,
    #[serde(default, deserialize_with = "actor")]
    pub(super) act: Option<ObjectId>,
    // What only narrows or informs is read as far as it can be: without it less is allowed.
    v: Option<Value>,
    fva: Option<Value>,
    o: Option<Value>,
    fea: Option<Value>,
    org_id: Option<Value>,
    org_role: Option<Value>,
    org_slug: Option<Value>,
    org_permissions: Option<Value>,
    pub(super) handshake: Option<Value>,
}

impl Claims {
    /// Clerk's rules with [`SKEW_MS`]: at the end of the skew a token has expired, and at its
    /// beginning it is valid.
    pub(super) fn check_times(&self, now: UnixMillis) -> Result<(), Rejection> {
        let is_ahead = |at: Option<UnixMillis>| at.is_some_and(|at| now.plus(SKEW_MS) < at);
        if self.exp.is_some_and(|exp| exp <= now.plus(-SKEW_MS)) {
            return Err(Rejection::Expired);
        }
        if is_ahead(self.nbf) {
            return Err(Rejection::Early);
        }
        if is_ahead(self.iat) {
            return Err(Rejection::Future);
        }
        Ok(())
    }

    /// The active organization, in either version of the claims. A version that is not known is
    /// read as neither.
    pub(super) fn organization(&self) -> Option<Organization> {
        match self.v.as_ref().map(Value::as_u64) {
            None | Some(Some(1)) => organization::version_1(
                self.org_id.as_ref()?,
                self.org_role.as_ref(),
                self.org_slug.as_ref(),
                self.org_permissions.as_ref(),
            ),
            Some(Some(2)) => organization::version_2(self.o.as_ref()?, self.fea.as_ref()),
            Some(_) => None,
        }
    }

    /// How old the user's factors are; ages without a date say nothing.
    pub(super) fn factors(&self) -> Option<FactorAges> {
        FactorAges::read(self.fva.as_ref()?, self.iat?)
    }
}

/// Reads the claims.
pub(super) fn read(json: &[u8]) -> Result<Claims, Rejection> {
    // serde_json passes over the bytes of a claim that nobody reads, whatever they are.
    let json = str::from_utf8(json).map_err(|_| Rejection::Claims)?;
    // serde would fill the struct from a JSON array as well.
    if !json.trim_ascii_start().starts_with('{') {
        return Err(Rejection::Claims);
    }
    serde_json::from_str(json).map_err(|_| Rejection::Claims)
}

/// The last second that a claim may name: 9999-12-31T23:59:59Z.
const SECONDS_MAX: u64 = 253_402_300_799;

/// Whole seconds. Not a string, not a fraction, nothing negative, nothing beyond the year 9999.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<UnixMillis>, D::Error> {
    let seconds = u64::deserialize(deserializer)?;
    let seconds = Some(seconds).filter(|s| *s <= SECONDS_MAX).and_then(|s| i64::try_from(s).ok());
    let seconds = seconds.ok_or_else(|| serde::de::Error::custom("after the year 9999"))?;
    Ok(Some(UnixMillis(seconds.saturating_mul(1000))))
}

#[derive(Deserialize)]
struct Actor {
    sub: String,
}

fn actor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ObjectId>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?.get();
    // As above.
    if !raw.starts_with('{') {
        return Err(serde::de::Error::custom("not an object"));
    }
    let actor: Actor = serde_json::from_str(raw).map_err(serde::de::Error::custom)?;
    ObjectId::parse(&actor.sub).map(Some).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::read;

    /// Found by the fuzz target `session_token`.
    #[test]
    fn claims_are_utf_8_also_where_nobody_reads_them() {
        assert!(read(b"{\"jti\":\"\xed\xe6\x25\"}").is_err());
        assert!(read("{\"jti\":\"\u{ed}\"}".as_bytes()).is_ok());
    }

    #[test]
    fn who_acts_is_an_object() {
        let actor = |act: &str| read(format!("{{\"act\":{act}}}").as_bytes()).map(|it| it.act);
        assert!(actor(r#"{"sub":"user_9"}"#).is_ok_and(|act| act.is_some()));
        for act in [r#"["user_9"]"#, r#""user_9""#, "null", "{}", r#"{"sub":"a","sub":"b"}"#] {
            assert!(actor(act).is_err(), "{act}");
        }
    }
}
