//! Validates the assertions of Cloudflare Access: JWTs in the header `Cf-Access-Jwt-Assertion`.
//!
//! They have the form of a session token and are verified by the same code, up to their claims.
//! <https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/>

use crate::json::{array_items, parse_scalar};
use crate::session::{ClaimReader, TokenError, VerifiedToken};
use crate::time::UnixMillis;

/// The header that counts. Never the cookie: a site on a sibling domain may set one.
pub const ASSERTION_HEADER: &str = "cf-access-jwt-assertion";

/// The claims that are read.
const NAMES: [&str; 8] = ["iss", "aud", "exp", "nbf", "iat", "sub", "email", "type"];

/// Letters in `sub`, at most: a UUID has 36.
const SUB_BYTES_MAX: usize = 64;

/// Which assertions are accepted.
#[derive(Clone, Debug)]
pub struct AccessPolicy {
    /// `iss`: `https://<team>.cloudflareaccess.com`.
    pub issuer: String,
    /// What `aud` has to contain: the application's tag.
    pub audience: String,
}

/// A person that Access let in.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessUser {
    /// Access's own id for them.
    pub sub: String,
    /// Their e-mail address in lower case.
    pub email: String,
}

impl std::fmt::Debug for AccessUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AccessUser({}, [redacted])", self.sub)
    }
}

/// Why an assertion is not accepted. For the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// As for a session token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// It is for another application.
    #[error("aud does not contain ACCESS_AUD")]
    WrongAudience,
    /// It is not for an application, but for the team as a whole for example.
    #[error("unexpected type of assertion")]
    WrongKind,
    /// It is valid, but for a program and not for a person.
    #[error("a service token, which has no e-mail address")]
    ServiceToken,
}

impl AssertionError {
    /// Its name in the log: that of a session token, or its own.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Token(error) => error.label(),
            Self::WrongAudience => "audience",
            Self::WrongKind => "kind",
            Self::ServiceToken => "service-token",
        }
    }
}

/// Validates the claims of an assertion whose signature is verified.
///
/// # Errors
/// Why they are not those of a person that Access let in at `now`.
pub fn validate_assertion(
    token: &VerifiedToken,
    policy: &AccessPolicy,
    now: UnixMillis,
) -> Result<AccessUser, AssertionError> {
    let claims = ClaimReader::parse(token.payload(), &NAMES)?;
    if claims.text("iss")?.as_deref() != Some(&policy.issuer) {
        return Err(TokenError::WrongIssuer.into());
    }
    if !audiences(&claims)?.contains(&policy.audience) {
        return Err(AssertionError::WrongAudience);
    }
    if claims.text("type")?.is_some_and(|kind| kind != "app") {
        return Err(AssertionError::WrongKind);
    }
    let times = claims.times()?;
    if times.exp.is_none() {
        return Err(TokenError::MissingExpiry.into());
    }
    times.check(now)?;
    let (sub, email) = (claims.text("sub")?, claims.text("email")?);
    // <https://developers.cloudflare.com/cloudflare-one/access-controls/service-credentials/>
    let (Some(sub), Some(email)) = (non_empty(sub), non_empty(email)) else {
        return Err(AssertionError::ServiceToken);
    };
    let is_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if SUB_BYTES_MAX < sub.len() || !sub.bytes().all(is_id) {
        return Err(TokenError::BadSubject.into());
    }
    let email = parse_email(&email).ok_or(TokenError::BadClaims)?;
    Ok(AccessUser { sub, email })
}

/// `aud` is an array for people and a string for programs.
fn audiences(claims: &ClaimReader<'_>) -> Result<Vec<String>, TokenError> {
    let Some(raw) = claims.raw("aud")? else { return Ok(Vec::new()) };
    let items = if raw.get().starts_with('[') {
        array_items(raw).map_err(|_| TokenError::BadClaims)?
    } else {
        vec![raw]
    };
    let items = items.into_iter().map(parse_scalar::<String>);
    items.collect::<Result<_, _>>().map_err(|_| TokenError::BadClaims)
}

fn non_empty(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// An e-mail address in lower case, as addresses are compared. The form is checked only roughly.
///
/// Only ASCII letters are changed: the lower case of `\u{212a}`, the sign of the kelvin, is `k`, so
/// another address would become that of an operator.
#[must_use]
pub fn parse_email(text: &str) -> Option<String> {
    const BYTES_MAX: usize = 254;
    let is_plain = text.chars().all(|letter| !letter.is_whitespace() && !letter.is_control());
    let (name, domain) = text.rsplit_once('@')?;
    let is_it = is_plain && !name.is_empty() && !domain.is_empty() && text.len() <= BYTES_MAX;
    is_it.then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::{AccessPolicy, AssertionError, parse_email, validate_assertion};
    use crate::session::{SignatureStatus, TokenError, parse_token};
    use crate::time::UnixMillis;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
    const TEAM: &str = "https://team.cloudflareaccess.com";
    const AUD: &str = "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2";

    fn claims() -> Value {
        json!({
            "iss": TEAM, "aud": [AUD], "type": "app", "email": "Ada@Example.com",
            "sub": "7335d417-61da-459d-899c-0a01c76a2f94", "country": "DE",
            "iat": 1_699_999_990, "nbf": 1_699_999_990, "exp": 1_700_000_100,
        })
    }

    fn validate(claims: &str) -> Result<(String, String), AssertionError> {
        let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
        let token = format!("{}.{}.AAAA", part(r#"{"alg":"RS256","kid":"k"}"#), part(claims));
        let token = parse_token(&token)?.with_signature(SignatureStatus::Valid)?;
        let policy = AccessPolicy { issuer: TEAM.into(), audience: AUD.into() };
        validate_assertion(&token, &policy, NOW).map(|user| (user.sub, user.email))
    }

    fn changed(name: &str, value: Value) -> Result<(String, String), AssertionError> {
        let mut claims = claims();
        claims[name] = value;
        validate(&claims.to_string())
    }

    fn without(name: &str) -> Result<(String, String), AssertionError> {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        validate(&claims.to_string())
    }

    #[test]
    fn a_person_is_let_in() {
        let want = ("7335d417-61da-459d-899c-0a01c76a2f94".into(), "ada@example.com".into());
        assert_eq!(validate(&claims().to_string()), Ok(want));
        for (name, value) in [("aud", json!(AUD)), ("aud", json!(["x", AUD])), ("x", json!(null))] {
            assert!(changed(name, value).is_ok(), "{name}");
        }
        assert!(without("nbf").is_ok() && without("type").is_ok() && without("iat").is_ok());
    }

    #[test]
    fn each_wrong_claim_is_refused() {
        use AssertionError::{ServiceToken, Token, WrongAudience, WrongKind};
        let cases = [
            (changed("iss", json!("https://other.cloudflareaccess.com")), "iss"),
            (changed("iss", json!(format!("{TEAM}/"))), "iss"),
            (without("iss"), "iss"),
        ];
        for (found, name) in cases {
            assert_eq!(found, Err(Token(TokenError::WrongIssuer)), "{name}");
        }
        for aud in [json!([]), json!(""), json!([AUD.to_uppercase()]), json!(format!("{AUD}0"))] {
            assert_eq!(changed("aud", aud), Err(WrongAudience));
        }
        assert_eq!(without("aud"), Err(WrongAudience));
        assert_eq!(changed("type", json!("org")), Err(WrongKind));
        for (name, value) in [("sub", json!("")), ("email", json!(""))] {
            assert_eq!(changed(name, value), Err(ServiceToken), "{name}");
            assert_eq!(without(name), Err(ServiceToken), "{name}");
        }
        assert_eq!(changed("exp", json!(1_699_999_995)), Err(Token(TokenError::Expired)));
        assert_eq!(without("exp"), Err(Token(TokenError::MissingExpiry)));
        assert_eq!(changed("nbf", json!(1_700_000_006)), Err(Token(TokenError::NotYetValid)));
        assert_eq!(changed("iat", json!(1_700_000_006)), Err(Token(TokenError::IssuedInFuture)));
        assert_eq!(changed("sub", json!("a\nb")), Err(Token(TokenError::BadSubject)));
    }

    #[test]
    fn a_claim_of_another_type_is_never_a_missing_one() {
        for name in ["iss", "aud", "exp", "nbf", "iat", "sub", "email", "type"] {
            for value in [json!(null), json!({}), json!(true), json!([7])] {
                let found = changed(name, value.clone());
                assert_eq!(found, Err(TokenError::BadClaims.into()), "{name} {value}");
            }
        }
        let doubled = claims().to_string().replacen('{', r#"{"email":"eve@example.com","#, 1);
        assert_eq!(validate(&doubled), Err(TokenError::BadClaims.into()));
    }

    #[test]
    fn an_address_has_two_sides_and_no_space() {
        for wrong in
            ["", "@", "a@", "@b", "a b@c", "a@b\n", "ab", &format!("{}@b", "a".repeat(260))]
        {
            assert_eq!(parse_email(wrong), None, "{wrong}");
        }
        assert_eq!(parse_email("A@B.c").as_deref(), Some("a@b.c"));
        for other in ["\u{212a}@b.c", "\u{c5}@b.c", "\u{212b}@b.c"] {
            assert_eq!(parse_email(other).as_deref(), Some(other), "another letter stays itself");
        }
    }
}
