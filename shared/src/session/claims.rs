//! The claims of a token. Known claims are strict: a claim of the wrong type is never
//! treated as missing (jsonwebtoken before 10.3.0 did that with `exp`, CVE-2026-25537).

use serde_json::Value;
use serde_json::value::RawValue;

use super::factors::FactorAges;
use super::organization::{self, ActiveOrganization};
use super::{Actor, SKEW_MS, TokenError};
use crate::json::{JsonObject, JsonScalar, parse_scalar};
use crate::time::UnixMillis;

/// The claims that are read. A duplicate is an error; other claims are ignored.
const NAMES: [&str; 18] = [
    "iss",
    "sub",
    "sid",
    "azp",
    "exp",
    "nbf",
    "iat",
    "sts",
    "act",
    "v",
    "fva",
    "o",
    "fea",
    "org_id",
    "org_role",
    "org_slug",
    "org_permissions",
    "handshake",
];

/// What is read of the claims.
pub(super) struct Claims<'a> {
    pub(super) iss: Option<String>,
    pub(super) sub: Option<String>,
    pub(super) sid: Option<String>,
    pub(super) azp: Option<String>,
    pub(super) exp: Option<UnixMillis>,
    pub(super) nbf: Option<UnixMillis>,
    pub(super) iat: Option<UnixMillis>,
    pub(super) sts: Option<String>,
    pub(super) act: Option<Actor>,
    /// Optional claims, parsed on demand.
    others: JsonObject<'a>,
}

/// When a token is valid.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokenTimes {
    pub(crate) exp: Option<UnixMillis>,
    pub(crate) nbf: Option<UnixMillis>,
    pub(crate) iat: Option<UnixMillis>,
}

impl TokenTimes {
    /// `exp` is exclusive and `nbf` inclusive, both with [`SKEW_MS`], as in Clerk's SDK. Before
    /// 1970 nothing is valid: the clock is wrong.
    pub(crate) fn check(self, now: UnixMillis) -> Result<(), TokenError> {
        let is_ahead = |at: Option<UnixMillis>| at.is_some_and(|at| now.plus(SKEW_MS) < at);
        if self.exp.is_some_and(|exp| exp <= now.plus(-SKEW_MS)) {
            return Err(TokenError::Expired);
        }
        if is_ahead(self.nbf.or(Some(UnixMillis(0)))) {
            return Err(TokenError::NotYetValid);
        }
        if is_ahead(self.iat) {
            return Err(TokenError::IssuedInFuture);
        }
        Ok(())
    }
}

impl Claims<'_> {
    pub(super) fn check_times(&self, now: UnixMillis) -> Result<(), TokenError> {
        TokenTimes { exp: self.exp, nbf: self.nbf, iat: self.iat }.check(now)
    }

    /// The active organization, in either version of the claims. With an unknown version there is
    /// none.
    pub(super) fn organization(&self) -> Option<ActiveOrganization> {
        match self.other("v").map(|v| v.as_u64()) {
            None | Some(Some(1)) => organization::version_1(
                &self.other("org_id")?,
                self.other("org_role").as_ref(),
                self.other("org_slug").as_ref(),
                self.other("org_permissions").as_ref(),
            ),
            Some(Some(2)) => organization::version_2(self.raw("o")?, self.other("fea").as_ref()),
            Some(_) => None,
        }
    }

    /// The ages of the user's factors; needs `iat`.
    pub(super) fn factors(&self) -> Option<FactorAges> {
        FactorAges::parse(&self.other("fva")?, self.iat?)
    }

    /// The cookies that a handshake sets.
    pub(super) fn handshake(&self) -> Option<Value> {
        self.other("handshake")
    }

    fn other(&self, name: &str) -> Option<Value> {
        serde_json::from_str(self.raw(name)?.get()).ok()
    }

    fn raw(&self, name: &str) -> Option<&RawValue> {
        self.others.raw_member(name).ok().flatten()
    }
}

/// Parses the claims.
pub(super) fn parse_claims(json: &[u8]) -> Result<Claims<'_>, TokenError> {
    let claims = ClaimReader::parse(json, &NAMES)?;
    Ok(Claims {
        iss: claims.text("iss")?,
        sub: claims.text("sub")?,
        sid: claims.text("sid")?,
        azp: claims.text("azp")?,
        exp: claims.seconds("exp")?,
        nbf: claims.seconds("nbf")?,
        iat: claims.seconds("iat")?,
        sts: claims.text("sts")?,
        act: claims.actor("act")?,
        others: claims.0,
    })
}

/// The claims by their names, each as it is written.
pub(crate) struct ClaimReader<'a>(JsonObject<'a>);

/// The last second that a claim may name: 9999-12-31T23:59:59Z.
const SECONDS_MAX: u64 = 253_402_300_799;

impl<'a> ClaimReader<'a> {
    /// The claims with these names. A duplicate is an error; other claims are ignored.
    pub(crate) fn parse(
        json: &'a [u8],
        names: &'static [&'static str],
    ) -> Result<Self, TokenError> {
        // serde_json does not validate UTF-8 in skipped values.
        let json = str::from_utf8(json).map_err(|_| TokenError::BadClaims)?;
        let claims = JsonObject::parse(json, names).map_err(|_| TokenError::BadClaims)?;
        if claims.has_duplicate() { Err(TokenError::BadClaims) } else { Ok(Self(claims)) }
    }

    /// The claim as it is written.
    pub(crate) fn raw(&self, name: &str) -> Result<Option<&'a RawValue>, TokenError> {
        self.0.raw_member(name).map_err(|_| TokenError::BadClaims)
    }

    /// When the token is valid.
    pub(crate) fn times(&self) -> Result<TokenTimes, TokenError> {
        let (exp, nbf) = (self.seconds("exp")?, self.seconds("nbf")?);
        Ok(TokenTimes { exp, nbf, iat: self.seconds("iat")? })
    }

    /// An optional claim. `null` or another type is an error.
    fn optional_scalar<T: JsonScalar>(&self, name: &str) -> Result<Option<T>, TokenError> {
        self.raw(name)?.map(parse_scalar).transpose().map_err(|_| TokenError::BadClaims)
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, TokenError> {
        self.optional_scalar(name)
    }

    /// Whole seconds. Not a string, not a fraction, nothing negative, nothing beyond the year 9999.
    fn seconds(&self, name: &str) -> Result<Option<UnixMillis>, TokenError> {
        let Some(seconds) = self.optional_scalar::<u64>(name)? else { return Ok(None) };
        let seconds = Some(seconds).filter(|seconds| *seconds <= SECONDS_MAX);
        let seconds = seconds.and_then(|seconds| i64::try_from(seconds).ok());
        let seconds = seconds.ok_or(TokenError::BadClaims)?;
        Ok(Some(UnixMillis(seconds.saturating_mul(1000))))
    }

    fn actor(&self, name: &str) -> Result<Option<Actor>, TokenError> {
        let Some(raw) = self.raw(name)? else { return Ok(None) };
        let actor = JsonObject::parse(raw.get(), &["sub"]).and_then(|actor| actor.scalar("sub"));
        let sub: String = actor.ok().flatten().ok_or(TokenError::BadClaims)?;
        Actor::parse(&sub).map(Some).ok_or(TokenError::BadClaims)
    }
}

#[cfg(test)]
mod tests {
    use super::parse_claims;
    use crate::session::ACTOR_BYTES_MAX;

    /// Found by the fuzz target `session_token`.
    #[test]
    fn unread_claims_must_be_utf_8() {
        assert!(parse_claims(b"{\"jti\":\"\xed\xe6\x25\"}").is_err());
        assert!(parse_claims("{\"jti\":\"\u{ed}\"}".as_bytes()).is_ok());
    }

    #[test]
    fn act_must_be_an_object() {
        let actor =
            |act: &str| parse_claims(format!("{{\"act\":{act}}}").as_bytes()).map(|it| it.act);
        for sub in ["user_9", "support.desk@corp.example", "Ann \u{c9} <b>", "\u{0}"] {
            let act = actor(&serde_json::json!({ "sub": sub, "iss": "x" }).to_string());
            let act = act.expect("an actor").expect("an actor");
            assert_eq!(act.as_str(), sub);
        }
        for act in [r#"["user_9"]"#, r#""user_9""#, "null", "{}", r#"{"sub":"a","sub":"b"}"#] {
            assert!(actor(act).is_err(), "{act}");
        }
        for act in [r#"{"sub":""}"#, r#"{"sub":7}"#, r#"{"sub":null}"#] {
            assert!(actor(act).is_err(), "{act}");
        }
        let of = |bytes| actor(&format!(r#"{{"sub":"{}"}}"#, "a".repeat(bytes)));
        assert!(of(ACTOR_BYTES_MAX).is_ok());
        assert!(of(ACTOR_BYTES_MAX + 1).is_err());
    }
}
