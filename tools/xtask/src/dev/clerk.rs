//! The local Clerk: its build, its start, and requests to it.

use std::env;
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Addresses;
use super::background::BackgroundProgram;
use super::day::{DayStep, StepResult};
use super::http::{HttpAnswer, HttpClient};
use super::state::DevState;
use crate::call::Call;
use crate::place::Place;
use crate::show::Step;

/// The most time for its start. The first start makes an RSA key.
const START: Duration = Duration::from_mins(1);

/// The running local Clerk.
#[derive(Debug)]
pub(super) struct LocalClerk {
    _program: BackgroundProgram,
    url: String,
    client: HttpClient,
}

/// Builds the program and returns its path.
///
/// # Errors
/// When it does not compile.
pub(super) fn build(place: &Place) -> Result<PathBuf> {
    let step = Step::begin("build local-clerk");
    Call::new("cargo")
        .args(["build", "--locked", "--package", "local-clerk"])
        .dir(&place.root)
        .run(|line| step.say(line))?
        .ok("Fix crate local-clerk, or the manifest that is named above.")?;
    step.done("");
    // Both programs have one workspace and one profile, so they are in one folder.
    let own =
        env::current_exe().context("this program cannot find its own path; run it with cargo")?;
    let program = own.with_file_name("local-clerk");
    if !program.is_file() {
        bail!("cargo wrote no {}; unset CARGO_BUILD_TARGET", program.display());
    }
    Ok(program)
}

impl LocalClerk {
    /// Starts it and waits until it listens.
    ///
    /// # Errors
    /// When it does not start.
    pub(super) fn start(
        program: &PathBuf,
        state: &DevState,
        addresses: Addresses,
        ended: &Sender<String>,
    ) -> Result<Self> {
        let call = Call::new(program)
            .args(["--port", &addresses.clerk_port().to_string()])
            .args(["--app-url", &addresses.app(), "--webhook-url", &addresses.webhook()])
            .args(["--other-app-url", &addresses.example()])
            .args(["--console-url", &addresses.console()])
            .arg("--state-dir")
            .arg(state.clerk_folder())
            .vars([("CLERK_WEBHOOK_SECRET", &state.secret)]);
        let mut program = BackgroundProgram::start("local-clerk", call, ended)?;
        // It prints one line, its address, once it listens.
        program.hear(START)?;
        Ok(Self { _program: program, url: addresses.clerk(), client: HttpClient::new() })
    }

    /// Its public key, as a JSON Web Key.
    ///
    /// # Errors
    /// When its response cannot be read. This is so for all requests below.
    pub(super) fn key(&self) -> Result<Value> {
        let path = "/.well-known/jwks.json";
        let keys: Value = parse_answer(path, &self.client.data(&self.at(path), None))?;
        let key = keys.pointer("/keys/0").cloned();
        key.with_context(|| {
            format!("{path} of the local Clerk has no key: {keys}; start again with --fresh")
        })
    }

    /// The deliveries of the day, in their order.
    ///
    /// # Errors
    /// When its response cannot be read.
    pub(super) fn day(&self) -> Result<Vec<DayStep>> {
        parse_answer("GET /local/day", &self.client.data(&self.at("/local/day"), None))
    }

    /// Delivers one step of the day.
    pub(super) fn play(&self, index: usize) -> Result<StepResult> {
        self.post(&format!("/local/day/{index}"), &json!({}))
    }

    /// Delivers the revocation of Ada's role.
    pub(super) fn revoke(&self) -> Result<StepResult> {
        self.post("/local/day/revocation", &json!({}))
    }

    /// Delivers the grant of Ada's role.
    pub(super) fn grant(&self) -> Result<StepResult> {
        self.post("/local/day/grant", &json!({}))
    }

    /// A user, as Clerk's Backend API shows them.
    pub(super) fn user(&self, user_id: &str) -> Result<Value> {
        self.api(&format!("/v1/users/{user_id}"))
    }

    /// What Clerk's Backend API answers.
    pub(super) fn api(&self, path: &str) -> Result<Value> {
        parse_answer(path, &self.client.api(&self.at(path), &secret_key()))
    }

    /// Delivers an event, or a raw body.
    pub(super) fn deliver(&self, delivery: &Value) -> Result<StepResult> {
        self.post("/local/deliveries", delivery)
    }

    /// A session token of a user, as the sign-in page would set it.
    pub(super) fn token(&self, user_id: &str) -> Result<String> {
        self.token_like(user_id, None)
    }

    /// The same, or with what is `wrong` with it.
    pub(super) fn token_like(&self, user_id: &str, wrong: Option<&str>) -> Result<String> {
        let asked = json!({ "user_id": user_id, "wrong": wrong });
        let said: Value = self.post("/local/tokens", &asked)?;
        let token = said.get("token").and_then(Value::as_str).map(str::to_owned);
        token.with_context(|| {
            format!("POST /local/tokens returned no token: {said}; look at crate local-clerk")
        })
    }

    fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T> {
        parse_answer(&format!("POST {path}"), &self.client.post(&self.at(path), body))
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

/// The key of its Backend API: it reads the same variable.
pub(super) fn secret_key() -> String {
    let key = env::var("CLERK_SECRET_KEY").ok().filter(|key| !key.is_empty());
    key.unwrap_or_else(|| "sk_test_local".to_owned())
}

fn parse_answer<T: DeserializeOwned>(request: &str, answer: &HttpAnswer) -> Result<T> {
    if answer.status != 200 {
        bail!("{request} of the local Clerk returned {}: {}", answer.status, answer.body);
    }
    serde_json::from_str(&answer.body).with_context(|| {
        format!("{request} of the local Clerk returned an unexpected form: {}", answer.body)
    })
}
