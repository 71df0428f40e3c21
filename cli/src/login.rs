//! `rolecall login` and `logout`: a profile in the configuration file.

use std::io::{self, IsTerminal as _};

use clap::Args;
use shared::operators::api::Whoami;

use crate::app::App;
use crate::client::{Client, Credentials};
use crate::config::{self, Profile};
use crate::failure::{Failure, Kind};
use crate::target::{parse_url, variable};

/// The longest token that is read.
const TOKEN_MAX_BYTES: u64 = 4096;

/// Arguments of `login`.
#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    /// The console's address; by default that of --url, or the profile's.
    address: Option<String>,
    /// Where `send` delivers to: the address of ingest, with its path.
    #[arg(long, value_name = "URL")]
    ingest_url: Option<String>,
}

/// `login`: the token comes from the terminal without echo, or from standard input.
///
/// # Errors
/// When the console does not accept the token, or the file cannot be written.
pub(crate) fn login(app: &App, args: &LoginArgs) -> Result<(), Failure> {
    let path = config::config_path()?;
    let mut file = config::load(&path)?;
    let name = app.target.profile_name();
    let old = file.profiles.get(name).cloned().unwrap_or_default();
    let known = Some(old.url.clone()).filter(|url| !url.is_empty());
    let address = args.address.clone().or_else(|| app.target.url.clone()).or(known);
    let Some(address) = address else {
        let next = "Run: rolecall login https://console.example.com";
        return Err(Failure::usage("the console's address is missing", next));
    };
    let url = parse_url(&address)?;
    let same = parse_url(&old.url).is_ok_and(|old| old == url);
    let old = Some(old).filter(|_| same).unwrap_or_default();
    let ingest_url = args.ingest_url.clone().or(old.ingest_url);
    if let Some(ingest) = &ingest_url {
        parse_url(ingest)?;
    }
    let profile = Profile {
        url: url.to_string(),
        token: Some(read_token(app)?),
        access_client_id: variable("CF_ACCESS_CLIENT_ID").or(old.access_client_id),
        access_client_secret: variable("CF_ACCESS_CLIENT_SECRET").or(old.access_client_secret),
        ingest_url,
    };
    let credentials = Credentials {
        token: profile.token.clone(),
        access_client_id: profile.access_client_id.clone(),
        access_client_secret: profile.access_client_secret.clone(),
    };
    let whoami: Whoami = Client::new(url, credentials, &app.screen)?.get(&["whoami"], &[])?;
    file.profiles.insert(name.to_owned(), profile);
    config::save(&path, &file)?;
    if app.screen.json {
        return app.screen.print_json(&whoami);
    }
    let may = if whoami.may_change { "may change things" } else { "may look, and change nothing" };
    app.screen.say(format!("{} ({}): {may}", whoami.name, whoami.actor))?;
    app.screen.say(format!("profile `{name}` is in {}", path.display()))
}

fn read_token(app: &App) -> Result<String, Failure> {
    let read = if io::stdin().is_terminal() {
        app.screen.ask("Token (not shown): ");
        rpassword::read_password()
    } else {
        io::read_to_string(io::Read::take(io::stdin().lock(), TOKEN_MAX_BYTES))
    };
    let token = read.map(|text| text.trim().to_owned()).unwrap_or_default();
    if token.is_empty() {
        let next = "Type one of the console's OPERATOR_TOKEN, or pipe it: \
                    rolecall login URL < token.txt";
        return Err(Failure::usage("no token was read", next));
    }
    Ok(token)
}

/// `logout`: removes the profile.
///
/// # Errors
/// When there is none, or the file cannot be written.
pub(crate) fn logout(app: &App) -> Result<(), Failure> {
    let path = config::config_path()?;
    let mut file = config::load(&path)?;
    let name = app.target.profile_name();
    if file.profiles.remove(name).is_none() {
        let message = format!("{} has no profile `{name}`", path.display());
        return Err(Failure::new(Kind::Failed, "no-profile", message, "Name it with --profile."));
    }
    config::save(&path, &file)?;
    app.screen.note(format!("profile `{name}` is removed; the token itself is still valid"));
    Ok(())
}
