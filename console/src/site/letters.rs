//! `GET /dead-letters` and `GET /dead-letters/{id}`.

use shared::operators::cursor::Cursor;
use shared::operators::letter::LetterState;
use shared::sql::letter_lists::LetterQuery;
use worker::Response;

use crate::api::letter::detail;
use crate::api::letters::{LetterPageQuery, list, matrix};
use crate::context::CallerContext;
use crate::pages;
use crate::pages::letters::LettersQuery;
use crate::reply::Failure;
use crate::route::RouteRow;
use crate::site::frame::{PageFrame, shown};

pub(crate) const ROUTES: &[RouteRow] = &[
    RouteRow::get("/dead-letters", |cx| Box::pin(shown(cx, get_list(cx)))).page(),
    RouteRow::get("/dead-letters/{id}", |cx| Box::pin(shown(cx, get_one(cx)))).page(),
];

/// Letters on a page.
const LIMIT: u32 = 50;

async fn get_list(cx: &CallerContext<'_>) -> Result<Response, Failure> {
    let query = LettersQuery::parse(&cx.request.incoming.query)
        .map_err(|error| Failure::invalid("query", error.0.to_owned()))?;
    let cursor = query.cursor.as_deref().map(Cursor::decode).transpose();
    let wanted = LetterPageQuery {
        query: LetterQuery {
            filter: query.filter.clone(),
            state: Some(query.state),
            seen_until: None,
        },
        cursor: cursor.map_err(|error| Failure::invalid("query", format!("{error}.")))?,
        limit: LIMIT,
    };
    let page = PageFrame::of(cx)?;
    let cells = matrix(cx.request.env, &LetterState::ALL).await?;
    let letters = list(cx.request.env, &wanted).await?;
    page.page(200, pages::letters::page(&page.frame(), &query, &cells, &letters))
}

async fn get_one(cx: &CallerContext<'_>) -> Result<Response, Failure> {
    cx.request.query(&[])?;
    let page = PageFrame::of(cx)?;
    let detail = detail(cx.request.env, cx.request.param("id")).await?;
    page.page(200, pages::letter::page(&page.frame(), &detail))
}
