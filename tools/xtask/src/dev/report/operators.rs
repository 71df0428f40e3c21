//! The operators' console, asked as a program asks it: what would become of each letter, then the
//! replay of one, from the plan to the role that it brings.

use std::thread;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::super::day::LINUS;
use super::super::letters::{self, NEW_ROLE, SampleLetter};
use super::me::app_roles;
use super::{DayReport, ReportContext, heading};
use crate::clock::Stopwatch;

/// The most time for a replay, and for the role after it.
const PATIENCE: Duration = Duration::from_secs(30);

/// The pause between requests meanwhile.
const PAUSE: Duration = Duration::from_millis(200);

/// The console's API, and what opens it.
#[derive(Debug)]
pub(in crate::dev) struct ConsoleAccess {
    /// Its address.
    pub(in crate::dev) url: String,
    /// One of its tokens.
    pub(in crate::dev) token: String,
}

impl DayReport {
    /// Makes the letters, and checks the console with them.
    ///
    /// # Errors
    /// When a letter cannot be made. A failed check is no error.
    pub(super) fn operators(
        &mut self,
        scene: &ReportContext<'_>,
        console: &ConsoleAccess,
    ) -> Result<()> {
        let letters = letters::make(scene.system, scene.clerk)?;
        heading("The console (GET /api/v1/whoami)");
        let stranger = scene.client.data(&console.at("/whoami"), None).status;
        let is_closed = [401, 403].contains(&stranger);
        self.check(is_closed, &format!("without a token: {stranger}"));
        let (status, who) = scene.asked(console, "/whoami");
        let may_change = who.get("may_change") == Some(&Value::Bool(true));
        let actor = text(&who, "/actor");
        self.check(status == 200 && may_change, &format!("with the token: {status} {actor}"));

        heading("What a replay would do with the dead letters");
        for SampleLetter { class, id } in &letters {
            let (status, letter) = scene.asked(console, &format!("/dead-letters/{id}"));
            let (found, reason) = (text(&letter, "/class"), text(&letter, "/letter/reason"));
            self.check(found == *class, &format!("{status} {found:<11} {reason}"));
        }
        heading("A replay: plan, apply, proof");
        let Some(letter) = letters.iter().find(|letter| letter.class == "applied") else {
            return Ok(());
        };
        self.replay(scene, console, &letter.id)
    }

    fn replay(
        &mut self,
        scene: &ReportContext<'_>,
        console: &ConsoleAccess,
        letter: &str,
    ) -> Result<()> {
        let before = roles_of_linus(scene)?;
        let plan = json!({
            "action": "replay",
            "filter": { "ids": [letter] },
            "reason": "cargo xtask dev: the table is open again",
        });
        let mut replay = scene.sent(console, "/replays", &plan);
        let id = text(&replay, "/id").to_owned();
        let watch = Stopwatch::start();
        while text(&replay, "/state") == "planning" && watch.elapsed() < PATIENCE {
            replay = scene.sent(console, &format!("/replays/{id}/continue"), &json!({}));
        }
        let planned = replay.pointer("/counts/0").cloned().unwrap_or_default();
        let right = text(&planned, "/planned") == "applied"
            && planned.get("letters") == Some(&json!(1))
            && text(&replay, "/state") == "planned";
        self.check(right, &format!("planned: {}", shown(&replay)));

        let hash = json!({ "hash": text(&replay, "/hash") });
        replay = scene.sent(console, &format!("/replays/{id}/apply"), &hash);
        while is_moving(text(&replay, "/state")) && watch.elapsed() < PATIENCE {
            thread::sleep(PAUSE);
            // What the cron does each minute, then what a page does.
            scene.system.run_crons()?;
            replay = scene.sent(console, &format!("/replays/{id}/continue"), &json!({}));
        }
        let took = watch.shown();
        let is_done = text(&replay, "/state") == "done";
        self.check(is_done, &format!("applied: {} after {took}", shown(&replay)));
        let became = scene.asked(console, &format!("/dead-letters/{letter}")).1;
        let state = text(&became, "/letter/state");
        self.check(state == "applied", &format!("the letter: {state}"));

        let mut after = roles_of_linus(scene)?;
        while !has_new_role(&after) && watch.elapsed() < PATIENCE {
            thread::sleep(PAUSE);
            after = roles_of_linus(scene)?;
        }
        let line = format!("Linus: {}, then {}", before.join(", "), after.join(", "));
        self.check(!has_new_role(&before) && has_new_role(&after), &line);
        let (status, head) = scene.asked(console, "/audit/head");
        let seq = head.get("seq").and_then(Value::as_i64).unwrap_or_default();
        let hash: String = text(&head, "/hash").chars().take(12).collect();
        self.check(0 < seq, &format!("the audit trail: {status}, entry {seq}, head {hash}…"));
        Ok(())
    }
}

impl ReportContext<'_> {
    /// `GET` of the API: the status and the answer.
    fn asked(&self, console: &ConsoleAccess, path: &str) -> (u16, Value) {
        let answer = self.client.api(&console.at(path), &console.token);
        (answer.status, answer.json())
    }

    /// `POST` to the API: the answer.
    fn sent(&self, console: &ConsoleAccess, path: &str, body: &Value) -> Value {
        self.client.api_post(&console.at(path), &console.token, body).json()
    }
}

impl ConsoleAccess {
    fn at(&self, path: &str) -> String {
        format!("{}/api/v1{path}", self.url)
    }
}

/// Whether a replay goes on by itself.
fn is_moving(state: &str) -> bool {
    ["planning", "checking", "canary", "running"].contains(&state)
}

/// The state of a replay and its own words, or those of an error.
fn shown(replay: &Value) -> String {
    let (state, error) = (text(replay, "/state"), text(replay, "/error"));
    format!("{state}{error} ({})", text(replay, "/message"))
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn roles_of_linus(scene: &ReportContext<'_>) -> Result<Vec<String>> {
    let token = scene.clerk.token(LINUS)?;
    let body = scene.client.data(&scene.at("/api/me"), Some(&token)).json();
    Ok(app_roles(&body).into_iter().map(str::to_owned).collect())
}

fn has_new_role(roles: &[String]) -> bool {
    roles.iter().any(|role| role == NEW_ROLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_or_an_error_is_shown() {
        let replay = json!({ "state": "planned", "message": "Apply it." });
        assert_eq!(shown(&replay), "planned (Apply it.)");
        let error = json!({ "error": "plan-changed", "message": "Plan again." });
        assert_eq!(shown(&error), "plan-changed (Plan again.)");
        assert!(is_moving("canary") && !is_moving("done") && !is_moving(""));
    }
}
