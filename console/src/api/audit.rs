//! `GET /audit` and `GET /audit/head`.

use shared::operators::api::{ActorName, AuditPage};
use shared::operators::audit::{AuditEntry, AuditHead};
use shared::operators::cursor::{NUMBERS_END, decode_number};
use shared::sql::audit::{after, audit_head, names, newest, newest_of};
use worker::{Env, Response};

use crate::context::CallerContext;
use crate::db;
use crate::reply::{self, Failure};
use crate::route::RouteRow;

pub(crate) const ROUTES: &[RouteRow] = &[
    RouteRow::get("/api/v1/audit", |cx| Box::pin(get(cx))),
    RouteRow::get("/api/v1/audit/head", |cx| Box::pin(get_head(cx))),
];

/// Which part of the trail.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AuditOrder<'a> {
    /// The newest first, before this number.
    NewestBefore(i64),
    /// The same about one target.
    NewestOf(&'a str, i64),
    /// In the order of the chain, after this number.
    After(i64),
}

async fn get(cx: &CallerContext<'_>) -> Result<Response, Failure> {
    let query = cx.request.query(&["after", "cursor", "limit"])?;
    let limit = query.limit()?;
    let cursor = query.text("cursor")?.map(decode_number).transpose();
    let cursor = cursor.map_err(|error| Failure::invalid("query", format!("{error}.")))?;
    let order = match query.number("after")? {
        Some(_) if cursor.is_some() => {
            let message = "`after` and `cursor` cannot both be given.";
            return Err(Failure::invalid("query", message.to_owned()));
        }
        Some(after) => AuditOrder::After(after),
        None => AuditOrder::NewestBefore(cursor.unwrap_or(NUMBERS_END)),
    };
    reply::json(200, &page(cx.request.env, order, limit).await?)
}

/// A page of the trail.
pub(crate) async fn page(
    env: &Env,
    order: AuditOrder<'_>,
    limit: u32,
) -> Result<AuditPage, Failure> {
    let statement = match order {
        AuditOrder::NewestBefore(before) => newest(before, limit),
        AuditOrder::NewestOf(target, before) => newest_of(target, before, limit),
        AuditOrder::After(number) => after(number, limit),
    };
    let results = db::batch(env, &[statement, audit_head()]).await?;
    let entries: Vec<AuditEntry> = results.rows(0)?;
    let mut actors: Vec<&str> = entries.iter().map(|entry| entry.actor.as_str()).collect();
    actors.sort_unstable();
    actors.dedup();
    let named: Vec<ActorName> = if actors.is_empty() {
        Vec::new()
    } else {
        db::batch(env, &[names(actors)]).await?.rows(0)?
    };
    let is_full = usize::try_from(limit).is_ok_and(|limit| limit <= entries.len());
    let next = entries.last().filter(|_| is_full).map(|entry| entry.seq.to_string());
    let head: Option<AuditHead> = results.first(1)?;
    Ok(AuditPage { entries, names: named, head: head.unwrap_or_default(), next })
}

async fn get_head(cx: &CallerContext<'_>) -> Result<Response, Failure> {
    cx.request.query(&[])?;
    let head: Option<AuditHead> = db::batch(cx.request.env, &[audit_head()]).await?.first(0)?;
    reply::json(200, &head.unwrap_or_default())
}
