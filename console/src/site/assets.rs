//! The files of the pages: a style sheet, a script, an icon.

use worker::Response;

use crate::incoming::RequestMethod;
use crate::pages::{ICON, SCRIPT, STYLE};
use crate::reply::{self, AnswerForm, Failure};
use crate::route::{Handler, RouteRow};

pub(crate) const ROUTES: &[RouteRow] = &[
    asset("/assets/console.css", Handler::Open(|_| Box::pin(async { css(STYLE) }))),
    asset("/assets/console.js", Handler::Open(|_| Box::pin(async { javascript(SCRIPT) }))),
    asset("/assets/icon.svg", Handler::Open(|_| Box::pin(async { svg(ICON) }))),
];

const fn asset(path: &'static str, handler: Handler) -> RouteRow {
    RouteRow { method: RequestMethod::Get, path, form: AnswerForm::Page, handler }
}

fn css(text: &'static str) -> Result<Response, Failure> {
    reply::bytes(200, "text/css; charset=utf-8", text.into())
}

fn javascript(text: &'static str) -> Result<Response, Failure> {
    reply::bytes(200, "text/javascript; charset=utf-8", text.into())
}

fn svg(text: &'static str) -> Result<Response, Failure> {
    reply::bytes(200, "image/svg+xml", text.into())
}
