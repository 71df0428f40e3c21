//! The application's settings.

use url::Url;

use super::address::{
    clerk_sign_in, frontend, https_or_loopback, https_or_loopback_url, issuer, origins, sign_in,
};
use super::{NumberSetting, RawSetting, Reported, SettingError, SettingProblem, SettingsReader};
use crate::limits::ROLES_ISOLATE_MS_MAX;
use crate::session::candidates::{ClerkInstance, InstanceType};
use crate::session::keys::{self, RsaKey};
use crate::session::publishable_key::PublishableKey;
use crate::session::{MissingAzp, TokenPolicy};

/// Names the issuer and the cookie.
pub const PUBLISHABLE_KEY: &str = "CLERK_PUBLISHABLE_KEY";
/// Clerk's public key as a PEM.
pub const JWT_KEY: &str = "CLERK_JWT_KEY";
/// Where Clerk's public keys are.
pub const JWKS_URL: &str = "CLERK_JWKS_URL";
/// What Clerk writes into `iss`.
pub const ISSUER: &str = "CLERK_ISSUER";
/// Clerk's Frontend API.
pub const FRONTEND_API_URL: &str = "CLERK_FRONTEND_API_URL";
/// The origins whose sessions are taken.
pub const AUTHORIZED_PARTIES: &str = "AUTHORIZED_PARTIES";
/// Whether cookies count whose token names no origin.
pub const COOKIES_WITHOUT_AZP: &str = "COOKIES_WITHOUT_AZP";
/// Where people sign in.
pub const SIGN_IN_URL: &str = "SIGN_IN_URL";
/// What [`SIGN_IN_URL`] is where it is absent.
pub const SIGN_IN_URL_DEFAULT: &str = "/sign-in";
/// Where a form ends a session.
pub const SIGN_OUT_URL: &str = "SIGN_OUT_URL";

/// For how long an isolate may answer from its own memory.
pub const ROLES_ISOLATE_MS: NumberSetting = NumberSetting {
    name: "ROLES_ISOLATE_MS",
    unit: "milliseconds",
    min: 0,
    max: ROLES_ISOLATE_MS_MAX,
    default: 0,
};

/// Nobody can be sent to Clerk. Not among [`SsrSettings::mistakes`]: an application for programs
/// alone needs none of its pages.
pub const NO_FRONTEND: SettingError = SettingError {
    name: FRONTEND_API_URL,
    wrong: SettingProblem::Missing(
        "gives no address, nor does CLERK_PUBLISHABLE_KEY: set one, or nobody can sign in",
    ),
};

/// What the application is set to. A mistake closes what depends on it.
#[derive(Debug)]
pub struct SsrSettings {
    /// How sessions are judged. Without it nobody has one.
    pub sessions: Option<SessionSettings>,
    /// Where people without a session are sent.
    pub sign_in_url: Option<String>,
    /// Clerk's own sign-in page, if it is known.
    pub clerk_sign_in: Option<Url>,
    /// Where a form ends a session, if it is known. A mistake closes no page: who may see one does
    /// not hang on how they leave.
    pub sign_out_url: Option<Url>,
    /// For how long an isolate serves a role set without asking; 0 is never.
    pub isolate_ms: Option<i64>,
    /// Everything that is wrong.
    pub mistakes: Vec<SettingError>,
}

/// How sessions are judged.
#[derive(Debug)]
pub struct SessionSettings {
    /// Whose tokens are ours.
    pub policy: TokenPolicy,
    /// Where the keys are.
    pub keys: KeySource,
    /// The suffix of the instance's cookies, where the publishable key is known.
    pub cookie_suffix: Option<String>,
    /// What the instance is for.
    pub stage: InstanceType,
    /// Clerk's Frontend API, which knows browsers, if it is known.
    pub frontend: Option<Url>,
}

/// Where Clerk's public keys come from.
#[derive(Debug)]
pub enum KeySource {
    /// `CLERK_JWT_KEY`: no network at all.
    Pem(RsaKey),
    /// A JWKS to fetch.
    Jwks(Url),
}

impl SsrSettings {
    /// Reads the application's settings; `raw` gives what stands under a name.
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
            mistakes: reader.mistakes,
        }
    }
}

impl SessionSettings {
    /// What tells the instance's cookies from others.
    #[must_use]
    pub fn clerk_instance(&self) -> ClerkInstance<'_> {
        ClerkInstance {
            issuer: self.policy.issuer(),
            suffix: self.cookie_suffix.as_deref(),
            stage: self.stage,
        }
    }

    /// This site's origin: what the client says only if the configuration knows it.
    #[must_use]
    pub fn site_origin<'a>(&'a self, said: &'a str) -> &'a str {
        let mut ours = self.policy.parties();
        let first = ours.next().unwrap_or_default();
        if ours.any(|party| party == said) { said } else { first }
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
    let nameless = reader.parsed(COOKIES_WITHOUT_AZP, missing_azp);
    let known = instance.as_ref().ok().and_then(Option::as_ref);
    let keys = keys(reader, known, &issuer);
    let issuer = match (issuer?, instance) {
        (Some(issuer), Ok(_)) => issuer,
        (None, Ok(Some(instance))) => instance.issuer(),
        (_, Err(noted)) => return Err(*noted),
        (None, Ok(None)) => {
            let said = "is not set, nor CLERK_ISSUER: there is no issuer; copy `pk_…` from Clerk's \
                        API keys";
            return Err(reader.report(PUBLISHABLE_KEY, SettingProblem::Missing(said)));
        }
    };
    let parties = parties?;
    // It refuses what is empty, and neither is.
    let policy =
        TokenPolicy::new(&issuer, parties.iter().map(String::as_str)).map_err(|_| Reported)?;
    let policy = policy.with_missing_azp(nameless?.unwrap_or(MissingAzp::Reject));
    // A wrong key leaves a set to nobody; without any the issuer says where one is.
    let keys = keys?.ok_or(Reported)?;
    Ok(SessionSettings {
        policy,
        keys,
        cookie_suffix: known.map(|instance| instance.cookie_suffix().to_owned()),
        stage: known.map_or(InstanceType::Production, PublishableKey::stage),
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

/// A text of origins, or a list of them. There is at least one.
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
        read.map_err(|said| reader.report(AUTHORIZED_PARTIES, SettingProblem::Other(said)))?;
    }
    if parties.is_empty() {
        let said = "is empty: name the origins of this application, such as \
                    https://app.example.com";
        return Err(reader.report(AUTHORIZED_PARTIES, SettingProblem::Missing(said)));
    }
    Ok(parties)
}

/// The first of these that is set: a key, a set of keys, the instance's set, the issuer's.
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
    if key.is_published() {
        return Err(
            "is the key of Clerk's own tests, with which anyone can sign: copy the key of \
                    your instance",
        );
    }
    Ok(key)
}
