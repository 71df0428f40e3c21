//! The Workers in workerd, and queries to their database.

use std::cell::RefCell;
use std::path::Path;
use std::sync::mpsc::Sender;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use shared::limits::DEAD_ATTEMPTS_MAX;

use super::Addresses;
use super::background::BackgroundProgram;
use super::canary;
use super::state::DevState;
use crate::call::Call;
use crate::place::Place;
use crate::setup::Tools;
use crate::workers::Worker;

/// The most time for the start of workerd. It takes about a second.
const START: Duration = Duration::from_mins(1);

/// The most time for a query.
const ANSWER: Duration = Duration::from_secs(20);

/// The running Workers.
#[derive(Debug)]
pub(super) struct System {
    program: RefCell<BackgroundProgram>,
    /// The migrations that this start applied.
    pub(super) migrated: Vec<String>,
}

/// A line that `serve.mjs` prints.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum ServeMessage {
    Ready(Ready),
    Fatal(String),
    Rows(Vec<Map<String, Value>>),
    Error(String),
}

#[derive(Deserialize)]
struct Ready {
    migrated: Vec<String>,
}

impl System {
    /// Starts the Workers by [`options`] and applies the new migrations.
    ///
    /// # Errors
    /// When workerd does not start, or a migration fails.
    pub(super) fn start(
        place: &Place,
        tools: &Tools,
        options: &Value,
        ended: &Sender<String>,
    ) -> Result<Self> {
        let script = Path::new("tools/xtask/js").join("serve.mjs");
        let call = Call::new(&tools.node).arg(script).dir(&place.root).vars(tools.vars()?);
        let mut program = BackgroundProgram::start("workerd", call, ended)?;
        // On standard input: other users of the machine can read arguments.
        program.say(&options.to_string())?;
        match parse_message(&program.hear(START)?)? {
            ServeMessage::Ready(Ready { migrated }) => {
                Ok(Self { program: RefCell::new(program), migrated })
            }
            ServeMessage::Fatal(why) => bail!(
                "the Workers did not start: {why}\nFix what is named; if the data may be the \
                 cause, `cargo xtask dev --fresh` starts without it."
            ),
            ServeMessage::Rows(_) | ServeMessage::Error(_) => {
                Err(program.gone("sent an unexpected line"))
            }
        }
    }

    /// Runs a query.
    ///
    /// # Errors
    /// When the query fails, or the program has ended.
    pub(super) fn query(&self, sql: &str, args: &[&str]) -> Result<Vec<Map<String, Value>>> {
        let request = json!({ "sql": sql, "args": args });
        self.ask(&request)
            .with_context(|| format!("the query `{sql}` failed; check the migrations"))
    }

    /// Runs every cron once, without waiting for the minute.
    ///
    /// # Errors
    /// When the program has ended. What a cron logs is in the Workers' log.
    pub(super) fn run_crons(&self) -> Result<()> {
        self.ask(&json!({ "crons": true })).map(drop)
    }

    /// Gives the consumer a message at its last attempt, as the queue would after ten days.
    ///
    /// # Errors
    /// When no consumer runs, or it does not take the message.
    pub(super) fn last_attempt(&self, id: &str, body: &str) -> Result<()> {
        let message = json!({ "id": id, "attempts": DEAD_ATTEMPTS_MAX, "body": body });
        self.ask(&json!({ "message": message })).map(drop)
    }

    fn ask(&self, request: &Value) -> Result<Vec<Map<String, Value>>> {
        let mut program = self.program.borrow_mut();
        program.say(&request.to_string())?;
        match parse_message(&program.hear(ANSWER)?)? {
            ServeMessage::Rows(rows) => Ok(rows),
            ServeMessage::Error(why) | ServeMessage::Fatal(why) => bail!("{why}"),
            ServeMessage::Ready(_) => Err(program.gone("sent an unexpected line")),
        }
    }
}

fn parse_message(line: &str) -> Result<ServeMessage> {
    serde_json::from_str(line).with_context(|| {
        format!("tools/xtask/js/serve.mjs printed `{line}`, which is no message; correct it")
    })
}

/// The first line that `serve.mjs` reads.
pub(super) fn options(
    place: &Place,
    state: &DevState,
    addresses: Addresses,
    workers: &[Worker],
    example: Option<&Value>,
    with_canary: bool,
) -> Value {
    let bindings = |env: &str| match env {
        "consumer" if with_canary => canary::bindings(addresses),
        _ => bindings(env, state, addresses),
    };
    let workers: Vec<Value> = workers
        .iter()
        .map(|Worker { env }| {
            let port = addresses.port_of(env);
            json!({ "env": env, "port": port, "bindings": bindings(env) })
        })
        .collect();
    json!({ "root": place.root, "state": state.folder(), "workers": workers, "example": example })
}

/// The vars and secrets that `wrangler.toml` leaves open and a deployment sets.
fn bindings(env: &str, state: &DevState, addresses: Addresses) -> Value {
    let clerk = addresses.clerk();
    match env {
        "ingest" => json!({ "CLERK_WEBHOOK_SECRET": state.secret }),
        "console" => json!({
            "OPERATOR_TOKEN": state.operator_token,
            "METRICS_TOKEN": state.metrics_token,
        }),
        "ssr" => json!({
            "CLERK_PUBLISHABLE_KEY": publishable_key(addresses.clerk_port()),
            "CLERK_ISSUER": clerk,
            "CLERK_FRONTEND_API_URL": clerk,
            "CLERK_JWKS_URL": format!("{clerk}/.well-known/jwks.json"),
            "AUTHORIZED_PARTIES": addresses.parties(),
            "SIGN_IN_URL": "/sign-in",
            "SIGN_OUT_URL": format!("{clerk}/sign-out"),
        }),
        _ => json!({}),
    }
}

/// A publishable key is the host of the frontend API and a dollar sign, in base64:
/// <https://clerk.com/docs/guides/how-clerk-works/overview#publishable-key>
fn publishable_key(port: u16) -> String {
    format!("pk_test_{}", STANDARD.encode(format!("127.0.0.1:{port}$")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publishable_key_contains_the_host() {
        assert_eq!(publishable_key(8790), "pk_test_MTI3LjAuMC4xOjg3OTAk");
    }

    #[test]
    fn a_line_that_is_no_message_is_shown() {
        let rows = parse_message(r#"{"rows":[{"n":1}]}"#).unwrap();
        assert!(matches!(rows, ServeMessage::Rows(rows) if rows.len() == 1));
        let Err(error) = parse_message("warning: x") else {
            panic!("a warning was read as a message")
        };
        assert!(error.to_string().contains("warning: x"));
    }
}
