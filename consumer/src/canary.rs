//! The canary: changes its user through Clerk each minute, and notes when each stage ended.
//! `shared::canary` decides. A failure here is logged and touches no delivery.

use std::rc::Rc;
use std::time::Duration;

use edge::fault_point;
use shared::batch::BatchPart;
use shared::canary::clerk::has_own_roles;
use shared::canary::{CanaryRun, CanaryStep, LOOK_PAUSES_MS, Sighting, next_role, next_step};
use shared::d1_error::D1Error;
use shared::limits::ROLE_QUERY_TIMEOUT_MS;
use shared::role_cache::{ROLE_CACHE_BINDING, RoleAnswer, RoleQuery};
use shared::settings::consumer::{CanarySetting, CanarySettings};
use shared::sweep::SweepStep;
use shared::time::UnixMillis;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::future_to_promise;
use worker::{Delay, Env, RequestInit, worker_sys};

use crate::clerk;
use crate::count;
use crate::db::ConsumerDb;

/// The step of a sweep: begins a run, or looks at the open one. Gives how many runs it began or
/// saw; `None` without a canary.
pub(crate) async fn sweep(env: &Env, db: &ConsumerDb) -> Option<Result<usize, D1Error>> {
    match &db.canary {
        CanarySetting::Off => db.forget_runs_once().await.err().map(Err),
        CanarySetting::Invalid => {
            // The settings are in the log. A canary that was meant to run must not pass for none.
            count::sweep_step(SweepStep::Canary, &Err::<(), _>("invalid settings"));
            None
        }
        CanarySetting::On(settings) => Some(sweep_once(env, db, settings).await),
    }
}

async fn sweep_once(
    env: &Env,
    db: &ConsumerDb,
    settings: &CanarySettings,
) -> Result<usize, D1Error> {
    let user_id = settings.user_id.as_str();
    let now = edge::clock::now();
    let newest = db.newest_run_of_day(now).await?;
    match next_step(newest.as_ref(), now) {
        CanaryStep::Wait => Ok(0),
        CanaryStep::Look(run) => {
            let Some((roles, at)) = look(env, user_id).await else { return Ok(0) };
            let Some(run) = run.seen(&roles, at) else { return Ok(0) };
            db.write_run(&run).await.map(|()| 1)
        }
        CanaryStep::Begin(at) => {
            // As a guard's page would: from here on, the role cache has a fresh role set, so that
            // only a hint can show the change soon.
            let shown = look(env, user_id).await;
            let (roles, now) = shown.unzip();
            let default_role = db.default_role.as_deref();
            if roles.as_deref().is_some_and(|roles| has_own_roles(roles, default_role)) {
                tracing::error!("the canary would replace the roles of its user");
                return Ok(0);
            }
            let role = next_role(roles.as_deref(), newest.as_ref());
            let run = CanaryRun::begin(now.map_or(at, |now| now.max(at)), role);
            if !db.begin_run(&run, newest.as_ref()).await? {
                return Ok(0);
            }
            fault_point!(env, "canary-begun", "");
            let run = change(settings, run).await;
            fault_point!(env, "canary-changed", "");
            db.write_run(&run).await.map(|()| 1)
        }
    }
}

/// Asks Clerk for the change of a run.
async fn change(settings: &CanarySettings, run: CanaryRun) -> CanaryRun {
    let asked_at = Some(edge::clock::now());
    let answer = clerk::change(settings, &run).await;
    match answer {
        Ok(updated_at) => {
            let (updated_at, changed_at) = (Some(updated_at), Some(edge::clock::now()));
            CanaryRun { asked_at, updated_at, changed_at, ..run }
        }
        Err(clerk::Problem { text: problem, needs_operator }) => {
            let cause = problem.as_str();
            if needs_operator {
                tracing::error!(cause, "Clerk refused the canary's change");
            } else {
                tracing::warn!(cause, "Clerk did not make the canary's change");
            }
            CanaryRun { asked_at, problem: Some(problem), ..run }
        }
    }
}

/// What the messages of a part say of the canary's user.
pub(crate) fn sightings(
    db: &ConsumerDb,
    part: &BatchPart,
    taken_at: UnixMillis,
    committed_at: Option<UnixMillis>,
) -> Vec<Sighting> {
    let CanarySetting::On(settings) = &db.canary else { return Vec::new() };
    let user_id = settings.user_id.as_str();
    let of = |message| Sighting::of(user_id, message, taken_at, committed_at);
    part.messages.iter().filter_map(of).collect()
}

/// Goes on in the background: before the commit it notes when the delivery came, and after the
/// hints it looks until a guard would see the change.
pub(crate) fn follow_in_background(
    env: &Env,
    db: &Rc<ConsumerDb>,
    context: &worker_sys::Context,
    sightings: Vec<Sighting>,
) {
    let Some(first) = sightings.first() else { return };
    let is_committed = first.committed_at.is_some();
    let (env, db) = (env.clone(), Rc::clone(db));
    let following = future_to_promise(async move {
        let followed = if is_committed {
            follow(&env, &db, &sightings).await
        } else {
            note_arrival(&db, &sightings).await
        };
        if let Err(error) = followed {
            tracing::warn!(cause = error.text(), "following the canary failed");
        }
        Ok(JsValue::UNDEFINED)
    });
    if context.wait_until(&following).is_err() {
        tracing::warn!("following the canary could not begin");
    }
}

/// If D1 then refuses the batch, the run says so.
async fn note_arrival(db: &ConsumerDb, sightings: &[Sighting]) -> Result<(), D1Error> {
    match newest_after(db, sightings).await? {
        Some(run) => db.write_run(&run).await,
        None => Ok(()),
    }
}

/// The newest run, if one of the sightings is of it.
async fn newest_after(
    db: &ConsumerDb,
    sightings: &[Sighting],
) -> Result<Option<CanaryRun>, D1Error> {
    let newest = db.newest_run().await?;
    let now = edge::clock::now();
    Ok(newest.and_then(|newest| sightings.iter().find_map(|it| newest.after(it, now))))
}

/// The first look is before anything else, so that D1's time for this does not count.
async fn follow(env: &Env, db: &ConsumerDb, sightings: &[Sighting]) -> Result<(), D1Error> {
    let CanarySetting::On(settings) = &db.canary else { return Ok(()) };
    let user_id = settings.user_id.as_str();
    fault_point!(env, "canary-looking", "");
    let mut looked = look(env, user_id).await;
    let Some(mut run) = newest_after(db, sightings).await? else { return Ok(()) };
    for pause_ms in [0].into_iter().chain(LOOK_PAUSES_MS) {
        if 0 < pause_ms {
            Delay::from(Duration::from_millis(pause_ms)).await;
            looked = look(env, user_id).await;
        }
        let seen = looked.as_ref().and_then(|(roles, at)| run.seen(roles, *at));
        let is_seen = seen.is_some();
        run = seen.unwrap_or(run);
        // The first time also if it was not seen: what is known must not be lost.
        if is_seen || pause_ms == 0 {
            db.write_run(&run).await?;
        }
        if is_seen {
            fault_point!(env, "canary-seen", "");
            return Ok(());
        }
    }
    tracing::warn!("the canary's change is not seen yet");
    Ok(())
}

/// Asks the role cache as a guard does. Gives the roles, and when they were there; `None` without
/// an answer.
async fn look(env: &Env, user_id: &str) -> Option<(Vec<String>, UnixMillis)> {
    let query =
        RoleQuery { user_id: user_id.to_owned(), fresh: false, min_version: 0, compact: false };
    let answer = async {
        let url = query.to_url().map_err(|error| error.to_string())?;
        let roles = env.durable_object(ROLE_CACHE_BINDING).map_err(|error| error.to_string())?;
        let request = (url.as_str(), &RequestInit::new());
        edge::object::call::<RoleAnswer>(&roles, user_id, request, ROLE_QUERY_TIMEOUT_MS).await
    };
    match answer.await {
        Ok(answer) => Some((answer.set.roles, edge::clock::now())),
        Err(cause) => {
            tracing::warn!(cause, "the canary's role cache did not answer");
            None
        }
    }
}
