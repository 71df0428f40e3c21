//! `rolecall send`: a signed delivery to an endpoint, to test it.

mod fixtures;

use std::io;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use svix::webhooks::Webhook;
use url::Url;

use crate::app::App;
use crate::client;
use crate::failure::{Failure, Kind};
use crate::target::{parse_url, variable};
use crate::text::{now, parse_span, shortened};

/// The longest answer that is shown.
const ANSWER_MAX_CHARS: usize = 500;

/// The longest answer that is read.
const ANSWER_MAX_BYTES: u64 = 64 << 10;

/// Arguments of `send`.
#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    /// A file with the body, `-` for standard input, or the word `fixture`.
    source: String,
    /// With `fixture`: its name. Without one, the names are listed.
    name: Option<String>,
    /// The endpoint; by default `ROLECALL_INGEST_URL`, or `ingest_url` of the profile.
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// The svix-id; by default each delivery has its own.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// How often it is delivered; with --id the same delivery is repeated.
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    count: u32,
    /// When it is said to be signed: seconds since 1970, or 10m for that long ago. By default now.
    #[arg(long, value_name = "WHEN")]
    timestamp: Option<String>,
    /// Spoil the signature: the endpoint must refuse the delivery.
    #[arg(long)]
    bad_signature: bool,
}

/// The answer to one delivery: a line of `--json`.
#[derive(Debug, Serialize)]
struct Sent {
    svix_id: String,
    timestamp: i64,
    status: u16,
    body: String,
}

/// `send`. The secret comes from `CLERK_WEBHOOK_SECRET`.
///
/// # Errors
/// When nothing could be sent, or an answer was not 2xx.
pub(crate) fn run(app: &App, args: &SendArgs) -> Result<(), Failure> {
    let is_fixture = args.source == "fixture";
    if is_fixture && args.name.is_none() {
        return fixtures::names().try_for_each(|name| app.screen.say(name));
    }
    let body = match &args.name {
        Some(name) if is_fixture => fixtures::find(name)?.to_owned(),
        Some(extra) => {
            let next = "Give one file, or: rolecall send fixture NAME";
            return Err(Failure::usage(format!("`{extra}` is one argument too many"), next));
        }
        None => read_body(&args.source)?,
    };
    let url = endpoint(app, args)?;
    let webhook = webhook(app)?;
    let agent = client::agent();
    let mut refused = 0;
    for _ in 0..args.count {
        let sent = deliver(&agent, &webhook, &url, args, &body)?;
        refused += u32::from(!(200..300).contains(&sent.status));
        if app.screen.json {
            app.screen.print_json(&sent)?;
        } else {
            let body = shortened(&sent.body, ANSWER_MAX_CHARS);
            app.screen.say(format!("{} {} {body}", sent.status, sent.svix_id))?;
        }
    }
    if refused == 0 {
        return Ok(());
    }
    let message = format!("{refused} of {} deliveries were not accepted", args.count);
    let next = "Check CLERK_WEBHOOK_SECRET and the address; then read the log of ingest.";
    Err(Failure::new(Kind::Failed, "not-accepted", message, next))
}

fn read_body(source: &str) -> Result<String, Failure> {
    let read = match source {
        "-" => io::read_to_string(io::stdin().lock()),
        path => std::fs::read_to_string(path),
    };
    read.map_err(|error| {
        let next = "Give a file with JSON, or: rolecall send fixture NAME";
        Failure::usage(format!("{source} cannot be read: {error}"), next)
    })
}

fn endpoint(app: &App, args: &SendArgs) -> Result<Url, Failure> {
    let known = args.to.clone().or_else(|| variable("ROLECALL_INGEST_URL"));
    let known = match known {
        Some(url) => Some(url),
        None => app.target.profile()?.and_then(|profile| profile.ingest_url),
    };
    let Some(url) = known else {
        let next = "Give --to URL, or set ROLECALL_INGEST_URL.";
        return Err(Failure::usage("the endpoint's address is not known", next));
    };
    parse_url(&url)
}

fn webhook(app: &App) -> Result<Webhook, Failure> {
    let next = "Set CLERK_WEBHOOK_SECRET to the endpoint's signing secret, whsec_….";
    let Some(secret) = variable("CLERK_WEBHOOK_SECRET") else {
        return Err(Failure::usage("the signing secret is missing", next));
    };
    app.screen.hide(&secret);
    Webhook::new(&secret)
        .map_err(|_| Failure::usage("CLERK_WEBHOOK_SECRET is not a signing secret", next))
}

fn signed_at(args: &SendArgs) -> Result<i64, Failure> {
    let now = now().0 / 1000;
    let Some(text) = args.timestamp.as_deref() else { return Ok(now) };
    let ago = parse_span(text).map(|ago| now - ago / 1000);
    ago.or_else(|| text.parse().ok()).ok_or_else(|| {
        Failure::usage(format!("`{text}` is not a time"), "Write seconds since 1970, or 10m.")
    })
}

fn deliver(
    agent: &ureq::Agent,
    webhook: &Webhook,
    url: &Url,
    args: &SendArgs,
    body: &str,
) -> Result<Sent, Failure> {
    let new_id = || format!("msg_cli{:026x}", fastrand::u128(..) >> 24);
    let svix_id = args.id.clone().unwrap_or_else(new_id);
    let timestamp = signed_at(args)?;
    let signature = webhook.sign(&svix_id, timestamp, body.as_bytes()).map_err(|error| {
        Failure::usage(format!("the delivery cannot be signed: {error}"), "Check --timestamp.")
    })?;
    let signature = if args.bad_signature { "v1,AAAA".to_owned() } else { signature };
    let unreached = |error: &ureq::Error| {
        let message = format!("{url} cannot be reached: {error}");
        let next = "Check the address, and that ingest runs there.";
        Failure::new(Kind::Unreachable, "offline", message, next)
    };
    let request = agent
        .post(url.as_str())
        .header("content-type", "application/json")
        .header("svix-id", &svix_id)
        .header("svix-timestamp", timestamp.to_string())
        .header("svix-signature", signature)
        .config()
        .timeout_global(Some(Duration::from_secs(20)))
        .build();
    let mut answer = request.send(body).map_err(|error| unreached(&error))?;
    let status = answer.status().as_u16();
    let read = answer.body_mut().with_config().limit(ANSWER_MAX_BYTES).lossy_utf8(true);
    let body = read.read_to_string().map_err(|error| unreached(&error))?;
    Ok(Sent { svix_id, timestamp, status, body })
}
