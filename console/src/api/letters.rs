//! `GET /dead-letters` and what is below it.

use shared::operators::api::letters::{LetterMatrix, LetterPage};
use shared::operators::cursor::Cursor;
use shared::operators::letter::LetterState;
use shared::operators::query::{FILTER_MEMBERS, QueryMembers};
use shared::sql::letter_lists::{
    LetterBytes, LetterQuery, Letters, ScanRow, letter_matrix, letters, parse_letters,
};
use worker::{Env, Response};

use crate::context::CallerContext;
use crate::db;
use crate::reply::{self, Failure};
use crate::route::RouteRow;

pub(crate) const ROUTES: &[RouteRow] = &[
    RouteRow::get("/api/v1/dead-letters", |cx| Box::pin(get_list(cx))),
    RouteRow::get("/api/v1/dead-letters/matrix", |cx| Box::pin(get_matrix(cx))),
    RouteRow::get("/api/v1/dead-letters/export", |cx| Box::pin(get_export(cx))),
];

/// A page of letters.
#[derive(Clone, Debug)]
pub(crate) struct LetterPageQuery {
    /// Which.
    pub(crate) query: LetterQuery,
    /// After this one.
    pub(crate) cursor: Option<Cursor>,
    /// How many.
    pub(crate) limit: u32,
}

impl LetterPageQuery {
    /// Parses a query that has been parsed with [`members`].
    pub(crate) fn parse(members: &QueryMembers) -> Result<Self, Failure> {
        let cursor = members.text("cursor")?.map(Cursor::decode).transpose();
        let cursor = cursor.map_err(|error| Failure::invalid("query", format!("{error}.")))?;
        let (filter, state) = (members.filter()?, members.state()?);
        let query = LetterQuery { filter, state, seen_until: None };
        Ok(Self { query, cursor, limit: members.limit()? })
    }
}

/// The members of the query of a list of letters.
pub(crate) fn members() -> Vec<&'static str> {
    [&FILTER_MEMBERS[..], &["state", "cursor", "limit"]].concat()
}

async fn get_list(cx: &CallerContext<'_>) -> Result<Response, Failure> {
    let query = LetterPageQuery::parse(&cx.request.query(&members())?)?;
    reply::json(200, &list(cx.request.env, &query).await?)
}

/// A page of the list.
pub(crate) async fn list(env: &Env, query: &LetterPageQuery) -> Result<LetterPage, Failure> {
    Ok(read(env, query, LetterBytes::Skip).await?.page())
}

async fn read(
    env: &Env,
    LetterPageQuery { query, cursor, limit }: &LetterPageQuery,
    bytes: LetterBytes,
) -> Result<Letters, Failure> {
    let statement = letters(query, cursor.as_ref(), *limit, bytes);
    let rows: Vec<ScanRow> = db::batch(env, &[statement]).await?.rows(0)?;
    parse_letters(&rows, *limit).map_err(Failure::internal)
}

async fn get_matrix(cx: &CallerContext<'_>) -> Result<Response, Failure> {
    let state = cx.request.query(&["state"])?.state()?;
    let states = state.map_or_else(|| LetterState::ALL.to_vec(), |state| vec![state]);
    reply::json(200, &matrix(cx.request.env, &states).await?)
}

/// How many letters there are in these states.
pub(crate) async fn matrix(env: &Env, states: &[LetterState]) -> Result<LetterMatrix, Failure> {
    let statement = letter_matrix(states, edge::clock::now());
    Ok(LetterMatrix { cells: db::batch(env, &[statement]).await?.rows(0)? })
}

/// One JSON object a line; the last line has the cursor of the next page.
async fn get_export(cx: &CallerContext<'_>) -> Result<Response, Failure> {
    let query = LetterPageQuery::parse(&cx.request.query(&members())?)?;
    let letters = read(cx.request.env, &query, LetterBytes::Read).await?;
    let mut lines = Vec::new();
    for letter in letters.export() {
        serde_json::to_writer(&mut lines, &letter).map_err(worker::Error::from)?;
        lines.push(b'\n');
    }
    let next = letters.next.as_ref().map(Cursor::encode);
    let last = serde_json::json!({ "next": next });
    lines.extend_from_slice(last.to_string().as_bytes());
    lines.push(b'\n');
    reply::bytes(200, "application/x-ndjson", lines)
}
