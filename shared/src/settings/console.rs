//! Settings of console, for operators.

use super::address::https_or_loopback_url;
use super::metrics::flush_settings_from_env;
use super::{NumberSetting, RawSetting, Reported, SettingError, SettingProblem, SettingsReader};
use crate::operators::access::{AccessPolicy, parse_email};
use crate::operators::bearer::{BearerTokenError, BearerTokens};
use crate::session::keys::KeySource;

/// The team of Cloudflare Access.
pub const ACCESS_TEAM_DOMAIN: &str = "ACCESS_TEAM_DOMAIN";
/// The tag of the Access application.
pub const ACCESS_AUD: &str = "ACCESS_AUD";
/// The people who may change things, among those that Access lets in.
pub const OPERATORS: &str = "OPERATORS";
/// The tokens of operators.
pub const OPERATOR_TOKEN: &str = "OPERATOR_TOKEN";
/// The tokens that open the metrics.
pub const METRICS_TOKEN: &str = "METRICS_TOKEN";
/// The size at which D1 refuses writes. It does not say so itself; a database of a paid plan may
/// have 10 GB, one of the free plan 500 MB. <https://developers.cloudflare.com/d1/platform/limits/>
pub const D1_BYTES_MAX: NumberSetting = NumberSetting {
    name: "D1_BYTES_MAX",
    unit: "bytes",
    min: 1,
    max: 1_000_000_000_000_000,
    default: 10_000_000_000,
};

/// Hexadecimal digits of an application's tag.
const AUD_DIGITS: usize = 64;

/// The settings of console. An invalid setting disables what depends on it.
#[derive(Debug)]
pub struct ConsoleSettings {
    /// How assertions of Access are verified; `None` if none can be accepted.
    pub access: Option<AccessSettings>,
    /// The people who may change things, among those that Access lets in.
    pub operators: OperatorList,
    /// The tokens of operators. None is accepted if there is none.
    pub operator_tokens: BearerTokens,
    /// The tokens that open `/metrics`, and nothing else.
    pub metrics_tokens: BearerTokens,
    /// The size at which D1 refuses writes. For the metrics only.
    pub d1_bytes_max: i64,
    /// The shards of `Meter`.
    pub meter_shards: u32,
    /// All errors.
    pub errors: Vec<SettingError>,
}

/// How assertions of Access are verified.
#[derive(Debug)]
pub struct AccessSettings {
    /// Which are accepted.
    pub policy: AccessPolicy,
    /// The source of the public keys.
    pub keys: KeySource,
}

/// E-mail addresses in lower case.
#[derive(Clone, Default)]
pub struct OperatorList(Vec<String>);

impl OperatorList {
    /// Whether an address in lower case is in the list.
    #[must_use]
    pub fn contains(&self, email: &str) -> bool {
        self.0.iter().any(|known| known == email)
    }
}

impl std::fmt::Debug for OperatorList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OperatorList({} [redacted])", self.0.len())
    }
}

impl ConsoleSettings {
    /// Parses the settings; `raw` returns the raw value of a name.
    #[must_use]
    pub fn from_env(raw: &dyn Fn(&str) -> RawSetting) -> Self {
        let mut reader = SettingsReader::new(raw);
        let access = access(&mut reader);
        let operators = operators(&mut reader);
        let operator_tokens = tokens(&mut reader, OPERATOR_TOKEN);
        let metrics_tokens = tokens(&mut reader, METRICS_TOKEN);
        if let (Ok(None), Ok(None)) = (&access, &operator_tokens) {
            reader.report(OPERATOR_TOKEN, SettingProblem::Missing(NOTHING));
        }
        let d1_bytes_max = reader.number(&D1_BYTES_MAX).unwrap_or_default();
        let operator_tokens = operator_tokens.unwrap_or_default().unwrap_or_default();
        let mut metrics_tokens = metrics_tokens.unwrap_or_default().unwrap_or_default();
        if metrics_tokens.has_one_of(&operator_tokens) {
            reader.report(METRICS_TOKEN, SettingProblem::Other(SHARED));
            metrics_tokens = BearerTokens::default();
        }
        Self {
            access: access.unwrap_or_default(),
            operators: operators.unwrap_or_default(),
            operator_tokens,
            metrics_tokens,
            d1_bytes_max: d1_bytes_max.unwrap_or(D1_BYTES_MAX.default),
            // Errors are reported with those of every other Worker: `WorkerName::setting_errors`.
            meter_shards: flush_settings_from_env(raw).map_or(1, |it| it.shards),
            errors: reader.errors,
        }
    }
}

const NOTHING: &str = "is not set, and neither is ACCESS_TEAM_DOMAIN: set one of them, so that \
                       operators can sign in";
const SHARED: &str = "has a token of OPERATOR_TOKEN, with which a reader of the metrics could \
                      change things: make another token";
const NO_TEAM: &str = "is not set, but ACCESS_AUD is: write for example \
                       team.cloudflareaccess.com";
const NO_AUD: &str = "is not set, but ACCESS_TEAM_DOMAIN is: copy the Application Audience (AUD) \
                      Tag of the application from Zero Trust";

/// `None` if Access is not set up.
fn access(reader: &mut SettingsReader<'_>) -> Result<Option<AccessSettings>, Reported> {
    let team = reader.parsed(ACCESS_TEAM_DOMAIN, team_domain);
    let audience = reader.parsed(ACCESS_AUD, audience);
    match (team?, audience?) {
        (Some(issuer), Some(audience)) => {
            let keys = https_or_loopback_url(&format!("{issuer}/cdn-cgi/access/certs"));
            let keys = KeySource::Jwks(keys.ok_or(Reported)?);
            Ok(Some(AccessSettings { policy: AccessPolicy { issuer, audience }, keys }))
        }
        (None, None) => Ok(None),
        (None, Some(_)) => Err(reader.report(ACCESS_TEAM_DOMAIN, SettingProblem::Missing(NO_TEAM))),
        (Some(_), None) => Err(reader.report(ACCESS_AUD, SettingProblem::Missing(NO_AUD))),
    }
}

/// The issuer: an origin, without a slash at the end.
fn team_domain(text: &str) -> Result<String, &'static str> {
    let wrong = "is not the domain of a team: write for example team.cloudflareaccess.com";
    let url = https_or_loopback_url(text).ok_or(wrong)?;
    let is_origin = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if is_origin { Ok(url.origin().ascii_serialization()) } else { Err(wrong) }
}

fn audience(text: &str) -> Result<String, &'static str> {
    let is_tag = text.len() == AUD_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_tag {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("is not the tag of an application, 64 hexadecimal digits: copy the Application \
             Audience (AUD) Tag from Zero Trust")
    }
}

/// A string or an array of e-mail addresses. An invalid one lets nobody change anything.
fn operators(reader: &mut SettingsReader<'_>) -> Result<OperatorList, Reported> {
    let items = match (reader.raw)(OPERATORS) {
        RawSetting::List(items) => items,
        RawSetting::Absent | RawSetting::Text(_) | RawSetting::Number(_) | RawSetting::Other => {
            vec![reader.text(OPERATORS)?.unwrap_or_default()]
        }
    };
    let mut operators = Vec::new();
    for item in items.iter().flat_map(|item| item.split([',', ' ', '\t', '\r', '\n'])) {
        if item.is_empty() {
            continue;
        }
        let email = parse_email(item).filter(|email| !email.contains(['*', '"', '\'', ';']));
        let Some(email) = email else {
            let problem = "contains something else than e-mail addresses: separate them by commas";
            return Err(reader.report(OPERATORS, SettingProblem::Other(problem)));
        };
        operators.push(email);
    }
    Ok(OperatorList(operators))
}

/// `None` if there is none.
fn tokens(
    reader: &mut SettingsReader<'_>,
    name: &'static str,
) -> Result<Option<BearerTokens>, Reported> {
    let Some(text) = reader.text(name)? else { return Ok(None) };
    let next = "make one with `openssl rand -base64 48`";
    // The length of a short token is not shown: `/healthz` is public.
    let (position, problem) = match BearerTokens::parse(&text) {
        Ok(tokens) => return Ok(Some(tokens).filter(|tokens| !tokens.is_empty())),
        Err(BearerTokenError::Short(position)) => (position, "is too short"),
        Err(BearerTokenError::Long(position)) => (position, "is too long"),
        Err(BearerTokenError::Letters(position)) => (position, "has quotes or no ASCII letters"),
        Err(BearerTokenError::Many) => {
            let problem = "has more than 16 tokens: remove those that nobody uses";
            return Err(reader.report(name, SettingProblem::Other(problem)));
        }
    };
    Err(reader.report(name, SettingProblem::Secret { position, problem, next }))
}
