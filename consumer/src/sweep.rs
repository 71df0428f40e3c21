//! Cron, each minute: what must go on without a message or an operator. Each step stands alone: one
//! that fails does not stop the others, and the next sweep repeats it.

use edge::fault_point;
use replayer::{Replayer, SWEEP_ACTOR};
use serde_json::{Map, Value};
use shared::d1_error::D1Error;
use shared::sweep::SweepStep;
use worker::Env;

use crate::canary;
use crate::count;
use crate::db::ConsumerDb;
use crate::send_pages;

pub(crate) async fn sweep(env: &Env) {
    let began_at = edge::clock::now();
    let db = ConsumerDb::new(env);
    let written = db.write_default_role().await;
    count::sweep_step(SweepStep::DefaultRole, &written);
    if let Err(error) = written {
        tracing::warn!(cause = error.text(), "writing the default role failed");
    }
    fault_point!(env, "sweep-begun", "");
    let mut report = Map::new();
    let sent = send_pages::send_pages(env, &db).await;
    note(&mut report, SweepStep::Hints, sent);
    let returned = db.return_lost_letters(env, edge::clock::now()).await;
    fault_point!(env, "sweep-returned", "");
    note(&mut report, SweepStep::Returned, returned);
    let ended = db.end_grants(env, edge::clock::now()).await;
    fault_point!(env, "sweep-ended", "");
    note(&mut report, SweepStep::Ended, ended);
    carry_replays_on(env, &mut report).await;
    if let Some(canary) = canary::sweep(env, &db).await {
        note(&mut report, SweepStep::Canary, canary);
    }
    let detail = Value::Object(report).to_string();
    let duration_ms = edge::clock::now().since(began_at);
    tracing::info!(detail, duration_ms, "sweep finished");
    let written = db.write_heartbeat(edge::clock::now(), &detail).await;
    count::sweep_step(SweepStep::Heartbeat, &written);
    if let Err(error) = written {
        tracing::warn!(cause = error.text(), "writing the heartbeat failed");
    }
    fault_point!(env, "sweep-noted", "");
}

/// Carries open replays on, then begins one of the letters that time may have helped.
async fn carry_replays_on(env: &Env, report: &mut Map<String, Value>) {
    let replayer = match Replayer::new(env, SWEEP_ACTOR) {
        Ok(replayer) => replayer,
        Err(error) => return note(report, SweepStep::Replayed, Err(error)),
    };
    let steps = replayer.advance_open().await;
    fault_point!(env, "sweep-replayed", "");
    note(report, SweepStep::Replayed, steps);
    note(report, SweepStep::Started, replayer.auto_replay().await);
    fault_point!(env, "sweep-started", "");
}

/// Notes what a step did: its number, or `null` where it failed.
fn note(report: &mut Map<String, Value>, step: SweepStep, done: Result<usize, D1Error>) {
    count::sweep_step(step, &done);
    let step = step.as_str();
    if let Err(error) = &done {
        tracing::warn!(step, cause = error.text(), "a step of the sweep failed");
    }
    report.insert(step.into(), done.ok().map_or(Value::Null, Value::from));
}
