//! `GET /audit`.

use shared::operators::cursor::{NUMBERS_END, decode_number};
use worker::Response;

use crate::api::audit::{AuditOrder, page as trail};
use crate::context::CallerContext;
use crate::pages;
use crate::reply::Failure;
use crate::route::RouteRow;
use crate::site::frame::{PageFrame, shown};

pub(crate) const ROUTES: &[RouteRow] =
    &[RouteRow::get("/audit", |cx| Box::pin(shown(cx, get(cx)))).page()];

/// Entries on a page.
const LIMIT: u32 = 50;

async fn get(cx: &CallerContext<'_>) -> Result<Response, Failure> {
    let query = cx.request.query(&["target", "cursor"])?;
    let target = query.text("target")?.unwrap_or_default().trim();
    let cursor = query.text("cursor")?.map(decode_number).transpose();
    let cursor = cursor.map_err(|error| Failure::invalid("query", format!("{error}.")))?;
    let before = cursor.unwrap_or(NUMBERS_END);
    let order = match target {
        "" => AuditOrder::NewestBefore(before),
        _ => AuditOrder::NewestOf(target, before),
    };
    let page = PageFrame::of(cx)?;
    let entries = trail(cx.request.env, order, LIMIT).await?;
    page.page(200, pages::audit::page(&page.frame(), &entries, target, cursor.is_none()))
}
