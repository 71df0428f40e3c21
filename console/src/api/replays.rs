//! `GET /replays` and what is below it.

use shared::operators::api::replays::{PlannedLetterPage, Replay, ReplayPage};
use shared::operators::cursor::{Cursor, decode_number};
use shared::operators::letter::LetterClass;
use shared::operators::query::QueryError;
use shared::operators::replay::{CountRow, ReplayRow, StoredReplay, replay_answer};
use shared::sql::replays::{
    PlannedRow, counts, examples, parse_planned_letters, planned_letters, replay, replays,
};
use worker::{Env, Response};

use crate::context::CallerContext;
use crate::db;
use crate::reply::{self, Failure};
use crate::route::RouteRow;

pub(crate) const ROUTES: &[RouteRow] = &[
    RouteRow::get("/api/v1/replays", |cx| Box::pin(get_list(cx))),
    RouteRow::get("/api/v1/replays/{id}", |cx| Box::pin(get_one(cx))),
    RouteRow::get("/api/v1/replays/{id}/letters", |cx| Box::pin(get_letters(cx))),
];

/// What becomes of a letter of a replay.
const BECAME: [&str; 8] =
    ["waiting", "sent", "applied", "superseded", "duplicate", "parked", "discarded", "left"];

async fn get_list(cx: &CallerContext<'_>) -> Result<Response, Failure> {
    let query = cx.request.query(&["cursor", "limit"])?;
    let cursor = query.text("cursor")?.map(Cursor::decode).transpose();
    let cursor = cursor.map_err(|error| Failure::invalid("query", format!("{error}.")))?;
    reply::json(200, &list(cx.request.env, cursor.as_ref(), query.limit()?).await?)
}

/// A page of the list, the newest first. A replay that this build cannot read is left out: the
/// others have to be seen, also after a newer build was taken back.
pub(crate) async fn list(
    env: &Env,
    cursor: Option<&Cursor>,
    limit: u32,
) -> Result<ReplayPage, Failure> {
    let rows: Vec<ReplayRow> = db::batch(env, &[replays(cursor, limit)]).await?.rows(0)?;
    let is_full = usize::try_from(limit).is_ok_and(|limit| limit <= rows.len());
    let last = rows.last().filter(|_| is_full);
    let next = last.map(|last| Cursor { at: last.created_at, id: last.id.clone() }.encode());
    let stored: Vec<StoredReplay> = rows.into_iter().filter_map(readable).collect();
    let ids: Vec<&str> = stored.iter().map(|it| it.id.as_str()).collect();
    let counts: Vec<CountRow> = db::batch(env, &[counts(&ids)]).await?.rows(0)?;
    let replays = stored.iter().map(|it| replay_answer(it, &counts, Vec::new())).collect();
    Ok(ReplayPage { replays, next })
}

async fn get_one(cx: &CallerContext<'_>) -> Result<Response, Failure> {
    cx.request.query(&[])?;
    reply::json(200, &one(cx.request.env, cx.request.param("id")).await?)
}

/// The replay with this id.
pub(crate) async fn one(env: &Env, id: &str) -> Result<Replay, Failure> {
    let stored = stored(env, id).await?;
    let results = db::batch(env, &[counts(&[id]), examples(&stored)]).await?;
    let counts: Vec<CountRow> = results.rows(0)?;
    Ok(replay_answer(&stored, &counts, results.rows(1)?))
}

/// The row of the replay with this id.
async fn stored(env: &Env, id: &str) -> Result<StoredReplay, Failure> {
    let row: Option<ReplayRow> = db::batch(env, &[replay(id)]).await?.first(0)?;
    open(row.ok_or_else(|| Failure::not_found("replay"))?)
}

fn readable(row: ReplayRow) -> Option<StoredReplay> {
    let id = row.id.clone();
    let opened = row.open();
    opened.inspect_err(|cause| tracing::error!(replay_id = id, cause, "left out of the list")).ok()
}

fn open(row: ReplayRow) -> Result<StoredReplay, Failure> {
    row.open().map_err(Failure::internal)
}

async fn get_letters(cx: &CallerContext<'_>) -> Result<Response, Failure> {
    let query = cx.request.query(&["planned", "became", "cursor", "limit"])?;
    let planned = match query.text("planned")? {
        None => None,
        Some(name) => Some(LetterClass::from_name(name).ok_or(QueryError::Invalid(
            "planned",
            "is none of applied, superseded, duplicate, unreadable, newer",
        ))?),
    };
    let became = query.text("became")?;
    if became.is_some_and(|became| !BECAME.contains(&became)) {
        let problem = "is neither waiting, sent nor left, nor the state of a letter";
        return Err(QueryError::Invalid("became", problem).into());
    }
    let after = query.text("cursor")?.map(decode_number).transpose();
    let after = after.map_err(|error| Failure::invalid("query", format!("{error}.")))?;
    let (env, id) = (cx.request.env, cx.request.param("id"));
    stored(env, id).await?;
    let limit = query.limit()?;
    let statement = planned_letters(id, planned, became, after, limit);
    reply::json(200, &page(env, &statement, limit).await?)
}

/// A page of the letters that the statement reads.
pub(crate) async fn page(
    env: &Env,
    statement: &shared::sql::Statement,
    limit: u32,
) -> Result<PlannedLetterPage, Failure> {
    let rows: Vec<PlannedRow> = db::batch(env, std::slice::from_ref(statement)).await?.rows(0)?;
    parse_planned_letters(&rows, limit).map_err(Failure::internal)
}
