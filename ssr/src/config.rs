//! The Worker's variables, read once per isolate.
//!
//! Each mistake is one sentence that names the variable. A mistake closes what depends on it: with
//! any of those that sessions need, every page under a guard is answered 503.

mod address;

use std::cell::OnceCell;
use std::rc::Rc;

use shared::session::keys::{self, RsaKey};
use shared::session::publishable_key::PublishableKey;
use shared::session::source::{Instance, Stage};
use shared::session::{Nameless, Policy, PolicyError};
use url::Url;
use worker::Env;

use self::address::safe_url;

/// What the Worker was told, or what is wrong with it.
#[derive(Debug)]
pub(crate) struct Config {
    /// How sessions are judged.
    pub(crate) sessions: Result<Sessions, Mistake>,
    /// Where people without a session are sent.
    pub(crate) sign_in_url: Result<String, Mistake>,
    /// Clerk's own sign-in page.
    pub(crate) clerk_sign_in: Result<Url, Mistake>,
    /// Where a form ends a session, if it is known. A mistake closes nothing: who may see a page
    /// does not hang on how they leave.
    pub(crate) sign_out_url: Result<Option<Url>, Mistake>,
    /// For how long this isolate serves a role set without asking; 0 is never.
    pub(crate) isolate_ms: Result<i64, Mistake>,
}

/// How sessions are judged.
#[derive(Debug)]
pub(crate) struct Sessions {
    /// Whose tokens are ours.
    pub(crate) policy: Policy,
    /// Where the keys are.
    pub(crate) keys: Keys,
    /// The suffix of the instance's cookies, where the publishable key is known.
    pub(crate) cookie_suffix: Option<String>,
    /// What the instance is for.
    pub(crate) stage: Stage,
    /// Clerk's Frontend API, which knows browsers.
    pub(crate) frontend: Result<Url, Mistake>,
}

impl Sessions {
    /// What tells the instance's cookies from others.
    pub(crate) fn instance(&self) -> Instance<'_> {
        Instance {
            issuer: self.policy.issuer(),
            suffix: self.cookie_suffix.as_deref(),
            stage: self.stage,
        }
    }

    /// This site's origin: what the client says only if the configuration knows it.
    pub(crate) fn own_origin<'a>(&'a self, said: &'a str) -> &'a str {
        let mut ours = self.policy.parties();
        let first = ours.next().unwrap_or_default();
        if ours.any(|party| party == said) { said } else { first }
    }
}

/// Where Clerk's public keys come from.
#[derive(Debug)]
pub(crate) enum Keys {
    /// `CLERK_JWT_KEY`: no network at all.
    Pem(RsaKey),
    /// A JWKS to fetch.
    Jwks(Url),
}

/// What is wrong with the variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Mistake {
    #[error("CLERK_PUBLISHABLE_KEY is not a publishable key")]
    PublishableKey,
    #[error("CLERK_JWT_KEY is not the PEM of an RSA public key of 2048 bits or more")]
    JwtKey,
    #[error("CLERK_JWT_KEY is the key of Clerk's own tests: anyone can sign with it")]
    TestKey,
    #[error(
        "set CLERK_JWT_KEY, CLERK_JWKS_URL or CLERK_PUBLISHABLE_KEY: there is no key, and no https \
             issuer to ask for one"
    )]
    NoKey,
    #[error("CLERK_JWKS_URL is neither https nor on the loopback")]
    JwksUrl,
    #[error("set CLERK_ISSUER or CLERK_PUBLISHABLE_KEY: there is no issuer")]
    Issuer,
    #[error("AUTHORIZED_PARTIES is empty: name the origins of this application")]
    Parties,
    #[error("COOKIES_WITHOUT_AZP is neither refuse nor take")]
    WithoutAzp,
    #[error("SIGN_IN_URL is neither a path of this site nor an http(s) address")]
    SignInUrl,
    #[error("SIGN_OUT_URL is neither https nor on the loopback")]
    SignOutUrl,
    #[error("set CLERK_FRONTEND_API_URL or CLERK_PUBLISHABLE_KEY: there is no sign-in page")]
    NoFrontend,
    #[error("CLERK_FRONTEND_API_URL is neither https nor on the loopback")]
    FrontendUrl,
    #[error("ROLES_ISOLATE_MS is not a whole number of milliseconds from 0 to 60000")]
    IsolateMs,
}

/// The longest that an isolate may serve a set without asking: as long as Clerk's tokens live.
const ISOLATE_MS_MAX: i64 = 60_000;

/// The isolate's configuration.
pub(crate) fn of(env: &Env) -> Rc<Config> {
    thread_local! {
        static READ: OnceCell<Rc<Config>> = const { OnceCell::new() };
    }
    // A change of a variable is a deployment, and a deployment is a new isolate.
    READ.with(|read| {
        Rc::clone(read.get_or_init(|| Rc::new(Config::read(|name| edge::vars::text(env, name)))))
    })
}

impl Config {
    /// Reads the variables; `var` gives a variable's text, or nothing for a blank one.
    fn read(var: impl Fn(&str) -> Option<String>) -> Self {
        let var = |name: &str| var(name).map(|text| text.trim().to_owned());
        let instance = var("CLERK_PUBLISHABLE_KEY")
            .map(|key| PublishableKey::parse(&key).map_err(|_| Mistake::PublishableKey))
            .transpose();
        Self {
            sessions: instance
                .as_ref()
                .map_err(|mistake| *mistake)
                .and_then(|instance| sessions(&var, instance.as_ref())),
            sign_in_url: sign_in_url(var("SIGN_IN_URL")),
            clerk_sign_in: instance
                .as_ref()
                .map_err(|mistake| *mistake)
                .and_then(|instance| clerk_sign_in(&var, instance.as_ref())),
            sign_out_url: var("SIGN_OUT_URL")
                .map(|text| safe_url(&text).ok_or(Mistake::SignOutUrl))
                .transpose(),
            isolate_ms: isolate_ms(var("ROLES_ISOLATE_MS")),
        }
    }
}

fn sessions(
    var: &impl Fn(&str) -> Option<String>,
    instance: Option<&PublishableKey>,
) -> Result<Sessions, Mistake> {
    let issuer = var("CLERK_ISSUER").or_else(|| instance.map(PublishableKey::issuer));
    let parties = var("AUTHORIZED_PARTIES").unwrap_or_default();
    let policy = Policy::new(&issuer.unwrap_or_default(), parties.split(','));
    let policy = policy.map_err(|error| match error {
        PolicyError::Issuer => Mistake::Issuer,
        PolicyError::Parties => Mistake::Parties,
    })?;
    Ok(Sessions {
        policy: policy.with_nameless(nameless(var("COOKIES_WITHOUT_AZP").as_deref())?),
        keys: key_source(var, instance)?,
        cookie_suffix: instance.map(|instance| instance.cookie_suffix().to_owned()),
        stage: instance.map_or(Stage::Production, PublishableKey::stage),
        frontend: frontend(var, instance),
    })
}

fn key_source(
    var: &impl Fn(&str) -> Option<String>,
    instance: Option<&PublishableKey>,
) -> Result<Keys, Mistake> {
    if let Some(pem) = var("CLERK_JWT_KEY") {
        let key = keys::from_pem(&pem).map_err(|_| Mistake::JwtKey)?;
        return if key.is_published() { Err(Mistake::TestKey) } else { Ok(Keys::Pem(key)) };
    }
    if let Some(url) = var("CLERK_JWKS_URL").or_else(|| instance.map(PublishableKey::jwks_url)) {
        return safe_url(&url).map(Keys::Jwks).ok_or(Mistake::JwksUrl);
    }
    // An issuer is a name, and only most of them are addresses too.
    let issuer = var("CLERK_ISSUER").ok_or(Mistake::NoKey)?;
    let url = format!("{}/.well-known/jwks.json", issuer.trim_end_matches('/'));
    let is_path = |url: &Url| url.query().is_none() && url.fragment().is_none();
    safe_url(&url).filter(is_path).map(Keys::Jwks).ok_or(Mistake::NoKey)
}

/// What is to come of tokens that name no party.
fn nameless(var: Option<&str>) -> Result<Nameless, Mistake> {
    match var {
        None | Some("refuse") => Ok(Nameless::Refuse),
        Some("take") => Ok(Nameless::TakeFromCookies),
        Some(_) => Err(Mistake::WithoutAzp),
    }
}

fn sign_in_url(var: Option<String>) -> Result<String, Mistake> {
    let Some(text) = var else { return Ok("/sign-in".to_owned()) };
    let is_path = text.starts_with('/') && shared::session::redirect::local_path(&text) == text;
    let is_address = Url::parse(&text).is_ok_and(|url| matches!(url.scheme(), "https" | "http"));
    if is_path || is_address { Ok(text) } else { Err(Mistake::SignInUrl) }
}

fn frontend(
    var: &impl Fn(&str) -> Option<String>,
    instance: Option<&PublishableKey>,
) -> Result<Url, Mistake> {
    let text = var("CLERK_FRONTEND_API_URL").or_else(|| instance.map(PublishableKey::issuer));
    safe_url(&text.ok_or(Mistake::NoFrontend)?).ok_or(Mistake::FrontendUrl)
}

/// Clerk hosts sign-in beside the Frontend API: `clerk.<domain>` has `accounts.<domain>`, and a
/// development instance `x.clerk.accounts.dev` has `x.accounts.dev`
/// (<https://clerk.com/docs/guides/customizing-clerk/account-portal>). A stand-in on the loopback
/// serves both at one address.
fn clerk_sign_in(
    var: &impl Fn(&str) -> Option<String>,
    instance: Option<&PublishableKey>,
) -> Result<Url, Mistake> {
    let mut url = frontend(var, instance)?;
    if let Some(host) = url.host_str().and_then(portal_host) {
        url.set_host(Some(&host)).map_err(|_| Mistake::FrontendUrl)?;
    }
    url.set_path("/sign-in");
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

fn portal_host(frontend: &str) -> Option<String> {
    if let Some(domain) = frontend.strip_prefix("clerk.") {
        return Some(format!("accounts.{domain}"));
    }
    let (name, rest) = frontend.split_once(".clerk.accounts.")?;
    Some(format!("{name}.accounts.{rest}"))
}

fn isolate_ms(var: Option<String>) -> Result<i64, Mistake> {
    let Some(text) = var else { return Ok(0) };
    let ms = text.parse().map_err(|_| Mistake::IsolateMs)?;
    if (0..=ISOLATE_MS_MAX).contains(&ms) { Ok(ms) } else { Err(Mistake::IsolateMs) }
}

#[cfg(test)]
mod tests {
    use super::{Config, Keys, Mistake};

    const KEY: &str = "pk_test_Zm9vLWJhci0xMy5jbGVyay5hY2NvdW50cy5kZXYk";
    const PARTIES: (&str, &str) = ("AUTHORIZED_PARTIES", "https://app.example.com");

    fn read(vars: &[(&str, &str)]) -> Config {
        Config::read(|name| {
            let value = vars.iter().find(|(known, _)| *known == name);
            value.map(|(_, value)| (*value).to_owned()).filter(|value| !value.trim().is_empty())
        })
    }

    #[track_caller]
    fn check_mistake(vars: &[(&str, &str)], want: Mistake) {
        assert_eq!(read(vars).sessions.err(), Some(want), "{vars:?}");
    }

    #[test]
    fn a_publishable_key_and_the_parties_are_enough() {
        let config = read(&[("CLERK_PUBLISHABLE_KEY", KEY), PARTIES]);
        let sessions = config.sessions.expect("complete");
        assert!(matches!(&sessions.keys, Keys::Jwks(url)
            if url.as_str() == "https://foo-bar-13.clerk.accounts.dev/.well-known/jwks.json"));
        assert_eq!(sessions.cookie_suffix.as_deref(), Some("nx2hSE6I"));
        let sign_in = config.clerk_sign_in.expect("known");
        assert_eq!(sign_in.as_str(), "https://foo-bar-13.accounts.dev/sign-in");
        assert_eq!(config.sign_in_url, Ok("/sign-in".to_owned()));
        assert_eq!(config.sign_out_url, Ok(None));
        assert_eq!(config.isolate_ms, Ok(0));
    }

    #[test]
    fn an_issuer_alone_says_where_its_keys_are() {
        for (issuer, want) in [
            ("https://clerk.example.com", "https://clerk.example.com/.well-known/jwks.json"),
            ("https://clerk.example.com/", "https://clerk.example.com/.well-known/jwks.json"),
            ("https://a.example/clerk", "https://a.example/clerk/.well-known/jwks.json"),
            ("http://127.0.0.1:8790", "http://127.0.0.1:8790/.well-known/jwks.json"),
        ] {
            let sessions = read(&[("CLERK_ISSUER", issuer), PARTIES]).sessions.expect(issuer);
            assert!(matches!(&sessions.keys, Keys::Jwks(url) if url.as_str() == want), "{issuer}");
            assert_eq!(sessions.policy.issuer(), issuer);
        }
        // Whoever says where the keys are is believed before.
        let issuer = ("CLERK_ISSUER", "https://proxy.example.com");
        let config = read(&[issuer, PARTIES, ("CLERK_PUBLISHABLE_KEY", KEY)]);
        assert!(matches!(config.sessions.expect("complete").keys, Keys::Jwks(url)
            if url.host_str() == Some("foo-bar-13.clerk.accounts.dev")));
    }

    #[test]
    fn each_mistake_is_named() {
        let issuer = ("CLERK_ISSUER", "https://clerk.example.com");
        let pem = include_str!("../../tests/fixtures/clerk-sessions/other-public-key.pem");
        assert!(read(&[issuer, PARTIES, ("CLERK_JWT_KEY", pem)]).sessions.is_ok());
        for name in ["http://clerk.example.com", "clerk.example.com", "https://x.example/?"] {
            check_mistake(&[("CLERK_ISSUER", name), PARTIES], Mistake::NoKey);
        }
        check_mistake(&[PARTIES, ("CLERK_JWT_KEY", pem)], Mistake::Issuer);
        check_mistake(&[issuer, ("CLERK_JWT_KEY", pem)], Mistake::Parties);
        check_mistake(&[issuer, ("AUTHORIZED_PARTIES", " , ,")], Mistake::Parties);
        check_mistake(&[issuer, PARTIES, ("CLERK_JWT_KEY", "x")], Mistake::JwtKey);
        check_mistake(&[PARTIES, ("CLERK_PUBLISHABLE_KEY", "pk_x")], Mistake::PublishableKey);
        for url in ["http://clerk.example.com/jwks", "ftp://x", "x", "https://u:p@x.example/"] {
            check_mistake(&[issuer, PARTIES, ("CLERK_JWKS_URL", url)], Mistake::JwksUrl);
        }
        for text in ["1", "yes", "TAKE"] {
            let vars = [issuer, PARTIES, ("COOKIES_WITHOUT_AZP", text)];
            check_mistake(&vars, Mistake::WithoutAzp);
        }
        let published = include_str!("../../tests/fixtures/clerk-sessions/public-key.pem");
        check_mistake(&[issuer, PARTIES, ("CLERK_JWT_KEY", published)], Mistake::TestKey);
        for ms in ["x", "-1", "60001", "1.5"] {
            assert_eq!(read(&[("ROLES_ISOLATE_MS", ms)]).isolate_ms, Err(Mistake::IsolateMs));
        }
        for url in ["//evil.example", "javascript:alert(1)", "sign-in", "/a\\b"] {
            assert_eq!(read(&[("SIGN_IN_URL", url)]).sign_in_url, Err(Mistake::SignInUrl), "{url}");
        }
    }

    #[test]
    fn a_wrong_sign_out_address_closes_nothing() {
        let plain = ["http://x.example/out", "/out", "javascript:alert(1)", "https://u@x.example/"];
        // In a policy these would add a directive, and let forms go anywhere.
        let policy = ["https://a;script-src/x", "https://*/", "https://a,b/"];
        for url in plain.into_iter().chain(policy) {
            let config = read(&[("CLERK_PUBLISHABLE_KEY", KEY), PARTIES, ("SIGN_OUT_URL", url)]);
            assert_eq!(config.sign_out_url, Err(Mistake::SignOutUrl), "{url}");
            assert!(config.sessions.is_ok());
        }
        for url in ["https://accounts.example.com/out", "http://127.0.0.1:8790/sign-out"] {
            let known = read(&[("SIGN_OUT_URL", url)]).sign_out_url.expect("good");
            assert_eq!(known.expect("set").as_str(), url);
        }
    }

    #[test]
    fn sign_in_is_where_clerk_hosts_it() {
        for (frontend, want) in [
            ("https://clerk.example.com", "https://accounts.example.com/sign-in"),
            ("https://x.clerk.accounts.dev", "https://x.accounts.dev/sign-in"),
            ("http://127.0.0.1:8790", "http://127.0.0.1:8790/sign-in"),
            ("http://localhost:8790/", "http://localhost:8790/sign-in"),
        ] {
            let config = read(&[("CLERK_FRONTEND_API_URL", frontend)]);
            assert_eq!(config.clerk_sign_in.expect("known").as_str(), want);
        }
        let config = read(&[("CLERK_FRONTEND_API_URL", "http://clerk.example.com")]);
        assert_eq!(config.clerk_sign_in, Err(Mistake::FrontendUrl));
        assert_eq!(read(&[]).clerk_sign_in, Err(Mistake::NoFrontend));
    }
}
