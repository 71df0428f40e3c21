//! Which console is asked, and by which user: from flags, the environment and a profile.

use clap::Args;
use url::{Host, Url};

use crate::client::{Client, Credentials};
use crate::config::{self, Profile};
use crate::failure::{Failure, Kind};
use crate::screen::Screen;

/// The profile when none is named.
const DEFAULT_PROFILE: &str = "default";

/// The switches of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Console and output")]
pub(crate) struct Target {
    /// The console's address; by default the profile's.
    #[arg(long, global = true, env = "ROLECALL_URL", value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The profile of the configuration file; by default `default`.
    #[arg(long, global = true, env = "ROLECALL_PROFILE", value_name = "NAME")]
    profile: Option<String>,
    /// Write JSON: the result to standard output, progress and errors to standard error.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl Target {
    /// The name of the profile.
    pub(crate) fn profile_name(&self) -> &str {
        self.profile.as_deref().unwrap_or(DEFAULT_PROFILE)
    }

    /// The profile, if the file has it.
    ///
    /// # Errors
    /// When the file cannot be read, or does not have a profile that was asked for.
    pub(crate) fn profile(&self) -> Result<Option<Profile>, Failure> {
        let path = config::config_path()?;
        let mut config = config::load(&path)?;
        let found = config.profiles.remove(self.profile_name());
        if found.is_none() && self.profile.is_some() && self.url.is_none() {
            let message = format!("{} has no profile `{}`", path.display(), self.profile_name());
            let next = format!("Run: rolecall login --profile {}", self.profile_name());
            return Err(Failure::usage(message, next));
        }
        Ok(found)
    }

    /// The console, with what opens it.
    ///
    /// # Errors
    /// When no address or no token is known, or the token would travel in the clear.
    pub(crate) fn client(&self, screen: &Screen) -> Result<Client, Failure> {
        let profile = self.profile()?;
        let known = profile.as_ref().map(|profile| parse_url(&profile.url)).transpose()?;
        let given = self.url.as_deref().map(parse_url).transpose()?;
        // What a profile holds is for the profile's console alone.
        let is_own = given.is_none() || given == known;
        let profile = profile.filter(|_| is_own).unwrap_or_default();
        let Some(url) = given.or(known) else {
            let next = "Run: rolecall login URL, or set ROLECALL_URL and ROLECALL_TOKEN.";
            return Err(Failure::usage("the console's address is not known", next));
        };
        let credentials = Credentials {
            token: variable("ROLECALL_TOKEN").or(profile.token),
            access_client_id: variable("CF_ACCESS_CLIENT_ID").or(profile.access_client_id),
            access_client_secret: variable("CF_ACCESS_CLIENT_SECRET")
                .or(profile.access_client_secret),
        };
        if credentials.token.is_none() && credentials.access_client_secret.is_none() {
            let message = format!("no token is known for {url}");
            let next = "Run: rolecall login URL, or set ROLECALL_TOKEN.";
            return Err(Failure::new(Kind::NotAllowed, "no-token", message, next));
        }
        Client::new(url, credentials, screen)
    }
}

/// A variable of the environment that is not empty.
pub(crate) fn variable(name: &str) -> Option<String> {
    let value = std::env::var(name).ok()?.trim().to_owned();
    Some(value).filter(|value| !value.is_empty())
}

/// The address of a console or an endpoint.
///
/// # Errors
/// When it is none, or secrets would travel in the clear.
pub(crate) fn parse_url(text: &str) -> Result<Url, Failure> {
    let next = "Give it like https://console.example.com.";
    let url = Url::parse(text.trim())
        .map_err(|error| Failure::usage(format!("`{text}` is not an address: {error}"), next))?;
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let has_password = !url.username().is_empty() || url.password().is_some();
    match url.scheme() {
        _ if has_password => Err(Failure::usage("an address with a password is not used", next)),
        "https" => Ok(url),
        "http" if is_here => Ok(url),
        "http" => Err(Failure::usage(format!("`{url}` would send secrets in the clear"), next)),
        _ => Err(Failure::usage(format!("`{url}` is not an address of the web"), next)),
    }
}

#[cfg(test)]
mod tests {
    use super::parse_url;

    #[test]
    fn secrets_travel_encrypted_or_not_at_all() {
        for url in
            ["https://c.example", "http://localhost:8787", "http://127.0.0.1/", "http://[::1]:1"]
        {
            assert!(parse_url(url).is_ok(), "{url}");
        }
        let wrong = [
            "",
            "console",
            "http://c.example",
            "http://localhost.example",
            "ftp://c.example",
            "https://ada:secret@c.example",
            "file:///x",
        ];
        for url in wrong {
            assert!(parse_url(url).is_err(), "{url}");
        }
    }
}
