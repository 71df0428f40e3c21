//! `GET /overview`.

use futures_util::future::join;
use shared::operators::api::overview::Overview;
use shared::operators::letter::LetterState;
use shared::sql::overview::{
    FlowRow, ReasonCount, SchemaRow, StateOfThings, flow, reason_counts, schema, state_of_things,
};
use worker::{Env, Response};

use crate::context::CallerContext;
use crate::reply::{self, Failure};
use crate::route::RouteRow;
use crate::{db, meter};

pub(crate) const ROUTES: &[RouteRow] = &[RouteRow::get("/api/v1/overview", |cx| Box::pin(get(cx)))];

/// The states that are counted.
const COUNTED: [&str; 2] = [LetterState::Parked.as_str(), LetterState::Replaying.as_str()];

async fn get(cx: &CallerContext<'_>) -> Result<Response, Failure> {
    cx.request.query(&[])?;
    reply::json(200, &overview(cx.request.env).await?)
}

/// Whether all is well, in one look.
pub(crate) async fn overview(env: &Env) -> Result<Overview, Failure> {
    let now = edge::clock::now();
    let (figures, activity) = join(figures(env), meter::activity(env, now)).await;
    let Figures { state, mut flow, reasons } = figures?;
    let last_batch_at = flow.first().map(|row| row.last_at);
    flow.reverse();
    let letters = |state: LetterState| {
        let of_state = reasons.iter().filter(|it| it.state == state.as_str());
        of_state.map(|it| it.letters).sum()
    };
    Ok(Overview {
        now,
        flow: flow.iter().map(FlowRow::shown).collect(),
        last_batch_at,
        last_sweep_at: state.last_sweep_at,
        pending_hints: state.pending_hints,
        oldest_pending_hint: state.oldest_pending_hint,
        parked: letters(LetterState::Parked),
        replaying: letters(LetterState::Replaying),
        oldest_parked_at: state.oldest_parked_at,
        open_replays: state.open_replays,
        schema: schema_name(env).await?,
        activity,
    })
}

/// What D1 knows.
#[derive(Debug)]
struct Figures {
    /// What the tables say now.
    state: StateOfThings,
    /// The last hours with a commit, the newest first.
    flow: Vec<FlowRow>,
    /// Parked and replaying letters by reason.
    reasons: Vec<ReasonCount>,
}

/// Reads [`Figures`] in one batch.
async fn figures(env: &Env) -> Result<Figures, Failure> {
    let results = db::batch(env, &[state_of_things(), flow(), reason_counts(&COUNTED)]).await?;
    let state = results.first(0)?.ok_or_else(|| Failure::database("the overview has no row"))?;
    Ok(Figures { state, flow: results.rows(1)?, reasons: results.rows(2)? })
}

/// The newest migration; empty where D1 does not record them.
pub(crate) async fn schema_name(env: &Env) -> Result<String, Failure> {
    let Ok(results) = db::try_batch(env, &[schema()]).await? else { return Ok(String::new()) };
    let row: Option<SchemaRow> = results.first(0)?;
    Ok(row.map(|row| row.name).unwrap_or_default())
}
