//! `GET /replays`, `GET /replays/new` and `GET /replays/{id}`.

use shared::operators::api::replays::Replay;
use shared::operators::cursor::{Cursor, decode_number};
use shared::operators::letter::LetterState;
use shared::sql::replays::planned_letters;
use worker::Response;

use crate::api::letters::matrix;
use crate::api::replays::{list, one, page as letters_page};
use crate::context::CallerContext;
use crate::pages;
use crate::pages::matrix::count;
use crate::pages::new_replay::{FormError, PlanForm};
use crate::pages::outcome::was_applied;
use crate::pages::replay::ReplayQuery;
use crate::reply::Failure;
use crate::route::RouteRow;
use crate::site::frame::{PageFrame, random, shown};

pub(crate) const ROUTES: &[RouteRow] = &[
    RouteRow::get("/replays", |cx| Box::pin(shown(cx, get_list(cx)))).page(),
    RouteRow::get("/replays/new", |cx| Box::pin(shown(cx, get_form(cx)))).page(),
    RouteRow::get("/replays/{id}", |cx| Box::pin(shown(cx, get_one(cx)))).page(),
];

/// Replays, or letters of one, on a page.
const LIMIT: u32 = 50;

async fn get_list(cx: &CallerContext<'_>) -> Result<Response, Failure> {
    let query = cx.request.query(&["cursor"])?;
    let cursor = query.text("cursor")?.map(Cursor::decode).transpose();
    let cursor = cursor.map_err(|error| Failure::invalid("query", format!("{error}.")))?;
    let page = PageFrame::of(cx)?;
    let replays = list(cx.request.env, cursor.as_ref(), LIMIT).await?;
    page.page(200, pages::replays::page(&page.frame(), &replays, cursor.is_none()))
}

async fn get_form(cx: &CallerContext<'_>) -> Result<Response, Failure> {
    let form = PlanForm::parse(&cx.request.incoming.query).map_err(form_failure)?;
    let form = PlanForm { idempotency_key: random()?, ..form };
    form_page(cx, 200, &form, None).await
}

/// The form of a plan, with what was wrong with it.
pub(crate) async fn form_page(
    cx: &CallerContext<'_>,
    status: u16,
    form: &PlanForm,
    wrong: Option<&str>,
) -> Result<Response, Failure> {
    let page = PageFrame::of(cx)?;
    let cells = matrix(cx.request.env, &[LetterState::Parked]).await?;
    let count = count(&cells, LetterState::Parked, &form.request.filter);
    page.page(status, pages::new_replay::page(&page.frame(), form, count, wrong))
}

/// A form that asks for no plan.
pub(crate) fn form_failure(error: FormError) -> Failure {
    Failure::new(400, "invalid", error.text(), "Begin with the filter of the dead letters.")
}

async fn get_one(cx: &CallerContext<'_>) -> Result<Response, Failure> {
    let replay = one(cx.request.env, cx.request.param("id")).await?;
    replay_page(cx, 200, &replay, None).await
}

/// The page of a replay, with what was wrong with the last form.
pub(crate) async fn replay_page(
    cx: &CallerContext<'_>,
    status: u16,
    replay: &Replay,
    wrong: Option<&str>,
) -> Result<Response, Failure> {
    let page = PageFrame::of(cx)?;
    let query = ReplayQuery::parse(&cx.request.incoming.query).or_first_difference(replay);
    let after = query.cursor.as_deref().map(decode_number).transpose();
    let after = after.map_err(|error| Failure::invalid("query", format!("{error}.")))?;
    let is_listed = was_applied(replay.state) || query != ReplayQuery::default();
    let letters = if is_listed {
        let became = query.became.as_deref();
        let statement = planned_letters(&replay.id, query.planned, became, after, LIMIT);
        Some(letters_page(cx.request.env, &statement, LIMIT).await?)
    } else {
        None
    };
    let html = pages::replay::page(&page.frame(), replay, &query, letters.as_ref(), wrong);
    page.page(status, html)
}
