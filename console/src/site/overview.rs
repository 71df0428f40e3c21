//! `GET /`.

use worker::Response;

use crate::api::overview::overview;
use crate::context::CallerContext;
use crate::pages;
use crate::reply::Failure;
use crate::route::RouteRow;
use crate::site::frame::{PageFrame, shown};

pub(crate) const ROUTES: &[RouteRow] =
    &[RouteRow::get("/", |cx| Box::pin(shown(cx, get(cx)))).page()];

async fn get(cx: &CallerContext<'_>) -> Result<Response, Failure> {
    cx.request.query(&[])?;
    let page = PageFrame::of(cx)?;
    let overview = overview(cx.request.env).await?;
    page.page(200, pages::overview::page(&page.frame(), &overview))
}
