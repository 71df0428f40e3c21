//! `GET /whoami`.

use shared::operators::api::Whoami;
use worker::Response;

use crate::context::CallerContext;
use crate::reply::{self, Failure};
use crate::route::RouteRow;

pub(crate) const ROUTES: &[RouteRow] =
    &[RouteRow::get("/api/v1/whoami", |cx| Box::pin(async { get(cx) }))];

fn get(cx: &CallerContext<'_>) -> Result<Response, Failure> {
    cx.request.query(&[])?;
    reply::json(200, &whoami(cx))
}

/// Who asks, and what they may do.
pub(crate) fn whoami(cx: &CallerContext<'_>) -> Whoami {
    Whoami {
        actor: cx.caller.actor.clone(),
        name: cx.caller.name.clone(),
        may_change: cx.caller.may_change,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
