//! `GET /sign-in`: the form whose `POST` is in `sign_in.rs`.

use shared::operators::authentication::Refusal;
use worker::Response;

use crate::config;
use crate::context::RequestContext;
use crate::incoming::RequestMethod;
use crate::pages::message::sign_in;
use crate::reply::{AnswerForm, Failure};
use crate::route::{Handler, RouteRow};
use crate::site::frame::PageFrame;

pub(crate) const ROUTES: &[RouteRow] = &[RouteRow {
    method: RequestMethod::Get,
    path: "/sign-in",
    form: AnswerForm::Page,
    handler: Handler::Open(|cx| Box::pin(async { get(cx) })),
}];

fn get(cx: &RequestContext<'_>) -> Result<Response, Failure> {
    if config::settings(cx.env).operator_tokens.is_empty() {
        return Err(Refusal::NotConfigured.into());
    }
    let page = PageFrame::of_stranger(cx.incoming)?;
    page.page(200, sign_in(&page.frame(), "/", None))
}
