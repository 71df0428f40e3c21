//! Settings of ssr, the application.

use url::Url;

use super::address::{
    clerk_sign_in, frontend, https_or_loopback, https_or_loopback_url, issuer, origins, sign_in,
};
use super::{NumberSetting, RawSetting, Reported, SettingError, SettingProblem, SettingsReader};
use crate::limits::ROLES_ISOLATE_MS_MAX;
use crate::session::candidates::{ClerkInstance, InstanceType};
use crate::session::keys::{self, KeySource, RsaKey};
use crate::session::publishable_key::PublishableKey;
use crate::session::{MissingAzp, TokenPolicy};

/// The publishable key. It contains the issuer and the suffix of the cookies.
pub const PUBLISHABLE_KEY: &str = "CLERK_PUBLISHABLE_KEY";
/// Clerk's public key as a PEM.
pub const JWT_KEY: &str = "CLERK_JWT_KEY";
/// Where Clerk's public keys are.
pub const JWKS_URL: &str = "CLERK_JWKS_URL";
/// What Clerk writes into `iss`.
pub const ISSUER: &str = "CLERK_ISSUER";
/// Clerk's Frontend API.
pub const FRONTEND_API_URL: &str = "CLERK_FRONTEND_API_URL";
/// The accepted origins (`azp`).
pub const AUTHORIZED_PARTIES: &str = "AUTHORIZED_PARTIES";
/// Whether cookie tokens without `azp` are accepted.
pub const COOKIES_WITHOUT_AZP: &str = "COOKIES_WITHOUT_AZP";
/// The sign-in page.
pub const SIGN_IN_URL: &str = "SIGN_IN_URL";
/// The default of [`SIGN_IN_URL`].
pub const SIGN_IN_URL_DEFAULT: &str = "/sign-in";
/// The target of the sign-out form.
pub const SIGN_OUT_URL: &str = "SIGN_OUT_URL";

/// How long an isolate may use its own cache.
pub const ROLES_ISOLATE_MS: NumberSetting = NumberSetting {
    name: "ROLES_ISOLATE_MS",
    unit: "milliseconds",
    min: 0,
    max: ROLES_ISOLATE_MS_MAX,
    default: 0,
};

/// There is no Frontend API URL, so handshakes are impossible. Not in [`SsrSettings::errors`]:
/// API-only applications do not need it.
pub const NO_FRONTEND: SettingError = SettingError {
    name: FRONTEND_API_URL,
    problem: SettingProblem::Missing(
        "is not set, and neither is CLERK_PUBLISHABLE_KEY: set one, so that users can sign in",
    ),
};

/// The application's settings. An invalid setting disables what depends on it.
#[derive(Debug)]
pub struct SsrSettings {
    /// How tokens are validated; `None` if no session can be accepted.
    pub sessions: Option<SessionSettings>,
    /// Where visitors without a session are redirected.
    pub sign_in_url: Option<String>,
    /// Clerk's own sign-in page, if known.
    pub clerk_sign_in: Option<Url>,
    /// The target of the sign-out form, if known. An error here does not affect who may see a page.
    pub sign_out_url: Option<Url>,
    /// How long an isolate may serve its own cached role set, in milliseconds; 0 disables it.
    pub isolate_ms: Option<i64>,
    /// All errors.
    pub errors: Vec<SettingError>,
}

/// How tokens are validated.
#[derive(Debug)]
pub struct SessionSettings {
    /// Which tokens are accepted.
    pub policy: TokenPolicy,
    /// The source of the public keys.
    pub keys: KeySource,
    /// The suffix of the instance's cookies, if the publishable key is known.
    pub cookie_suffix: Option<String>,
    /// Development or production.
    pub instance_type: InstanceType,
    /// Clerk's Frontend API, if known. It can renew sessions of browsers.
    pub frontend: Option<Url>,
}

impl SsrSettings {
    /// Parses the settings; `raw` returns the raw value of a name.
    #[must_use]
    pub fn from_env(raw: &dyn Fn(&str) -> RawSetting) -> Self {
        let mut reader = SettingsReader::new(raw);
        let instance = reader.parsed(PUBLISHABLE_KEY, publishable_key);
        let known = instance.as_ref().ok().and_then(Option::as_ref);
        let frontend = reader
            .parsed(FRONTEND_API_URL, frontend)
            .ok()
            .and_then(|written| written.or_else(|| Url::parse(&known?.issuer()).ok()));
        let sessions = sessions(&mut reader, &instance, frontend.as_ref());
        let sign_in_url = reader.parsed(SIGN_IN_URL, sign_in);
        let sign_out_url = reader.parsed(SIGN_OUT_URL, https_or_loopback);
        let isolate_ms = reader.number(&ROLES_ISOLATE_MS);
        Self {
            sessions: sessions.ok(),
            sign_in_url: sign_in_url.ok().map(|url| url.unwrap_or(SIGN_IN_URL_DEFAULT.to_owned())),
            clerk_sign_in: frontend.and_then(clerk_sign_in),
            sign_out_url: sign_out_url.ok().flatten(),
            isolate_ms: isolate_ms.ok().map(|ms| ms.unwrap_or(ROLES_ISOLATE_MS.default)),
            errors: reader.errors,
        }
    }
}

impl SessionSettings {
    /// The Clerk instance, to recognize its cookies.
    #[must_use]
    pub fn clerk_instance(&self) -> ClerkInstance<'_> {
        ClerkInstance {
            issuer: self.policy.issuer(),
            suffix: self.cookie_suffix.as_deref(),
            instance_type: self.instance_type,
        }
    }

    /// This site's origin: the request's origin if it is configured, else the first configured one.
    #[must_use]
    pub fn site_origin<'a>(&'a self, requested: &'a str) -> &'a str {
        let mut ours = self.policy.parties();
        let first = ours.next().unwrap_or_default();
        if ours.any(|party| party == requested) { requested } else { first }
    }
}

fn publishable_key(text: &str) -> Result<PublishableKey, &'static str> {
    let key = PublishableKey::parse(text)
        .ok()
        .filter(|key| https_or_loopback_url(&key.issuer()).is_some());
    key.ok_or("is not a publishable key: copy `pk_…` from Clerk's API keys")
}

fn sessions(
    reader: &mut SettingsReader<'_>,
    instance: &Result<Option<PublishableKey>, Reported>,
    frontend: Option<&Url>,
) -> Result<SessionSettings, Reported> {
    let issuer = reader.parsed(ISSUER, issuer);
    let parties = parties(reader);
    let without_azp = reader.parsed(COOKIES_WITHOUT_AZP, missing_azp);
    let known = instance.as_ref().ok().and_then(Option::as_ref);
    let keys = keys(reader, known, &issuer);
    let issuer = match (issuer?, instance) {
        (Some(issuer), Ok(_)) => issuer,
        (None, Ok(Some(instance))) => instance.issuer(),
        (_, Err(reported)) => return Err(*reported),
        (None, Ok(None)) => {
            let problem = "and CLERK_ISSUER are both not set: copy `pk_…` from Clerk's API keys";
            return Err(reader.report(PUBLISHABLE_KEY, SettingProblem::Missing(problem)));
        }
    };
    let parties = parties?;
    // The policy rejects an empty issuer or an empty list: both are checked above.
    let policy =
        TokenPolicy::new(&issuer, parties.iter().map(String::as_str)).map_err(|_| Reported)?;
    let policy = policy.with_missing_azp(without_azp?.unwrap_or(MissingAzp::Reject));
    // An invalid key setting must not fall back to a JWKS. Without one the issuer has a JWKS.
    let keys = keys?.ok_or(Reported)?;
    Ok(SessionSettings {
        policy,
        keys,
        cookie_suffix: known.map(|instance| instance.cookie_suffix().to_owned()),
        instance_type: known.map_or(InstanceType::Production, PublishableKey::instance_type),
        frontend: frontend.cloned(),
    })
}

fn missing_azp(text: &str) -> Result<MissingAzp, &'static str> {
    match text {
        "refuse" => Ok(MissingAzp::Reject),
        "take" => Ok(MissingAzp::AcceptInCookies),
        _ => Err("is neither `refuse` nor `take`: write one of them, or remove the variable"),
    }
}

/// Parses a string or an array of origins. There is at least one.
fn parties(reader: &mut SettingsReader<'_>) -> Result<Vec<String>, Reported> {
    let items = match (reader.raw)(AUTHORIZED_PARTIES) {
        RawSetting::List(items) => items,
        RawSetting::Absent | RawSetting::Text(_) | RawSetting::Number(_) | RawSetting::Other => {
            vec![reader.text(AUTHORIZED_PARTIES)?.unwrap_or_default()]
        }
    };
    let mut parties = Vec::new();
    for item in &items {
        let read = origins(item, &mut parties);
        read.map_err(|problem| reader.report(AUTHORIZED_PARTIES, SettingProblem::Other(problem)))?;
    }
    if parties.is_empty() {
        let problem = "is empty: list this application's origins, for example \
                    https://app.example.com";
        return Err(reader.report(AUTHORIZED_PARTIES, SettingProblem::Missing(problem)));
    }
    Ok(parties)
}

/// The first of these that is set: a key, a JWKS URL, the instance's JWKS, the issuer's JWKS.
fn keys(
    reader: &mut SettingsReader<'_>,
    instance: Option<&PublishableKey>,
    issuer: &Result<Option<String>, Reported>,
) -> Result<Option<KeySource>, Reported> {
    let key = reader.parsed(JWT_KEY, jwt_key);
    let url = reader.parsed(JWKS_URL, https_or_loopback);
    if let Some(key) = key? {
        return Ok(Some(KeySource::Pem(key)));
    }
    if let Some(url) = url? {
        return Ok(Some(KeySource::Jwks(url)));
    }
    let issuer = issuer.as_ref().ok().and_then(Option::as_ref);
    let url = instance
        .map(PublishableKey::jwks_url)
        .or_else(|| issuer.map(|issuer| format!("{issuer}/.well-known/jwks.json")));
    Ok(url.and_then(|url| https_or_loopback_url(&url)).map(KeySource::Jwks))
}

fn jwt_key(text: &str) -> Result<RsaKey, &'static str> {
    let key = keys::from_pem(text).map_err(|_| {
        "is not the PEM of an RSA public key of 2048 bits or more: copy it from Clerk's API keys"
    })?;
    if key.is_test_key() {
        return Err(
            "is Clerk's published test key, which anyone can sign with: copy your instance's key",
        );
    }
    Ok(key)
}
