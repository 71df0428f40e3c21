//! The frame of a page: who looks at it, and its form token; and the page of a failure.

use std::future::Future;

use shared::operators::api::Whoami;
use shared::operators::authentication::{Credential, form_token, set_form_token};
use shared::time::UnixMillis;
use worker::Response;

use crate::api::whoami::whoami;
use crate::config;
use crate::context::{CallerContext, RequestContext};
use crate::incoming::{IncomingRequest, RequestMethod};
use crate::pages::frame::Frame;
use crate::pages::message::{Message, message, sign_in};
use crate::reply::{self, Failure};

/// Only what comes from here runs, is shown, or is sent to.
const CSP: (&str, &str) = (
    "content-security-policy",
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

const HTML: &str = "text/html; charset=utf-8";

/// What the frame of a page is made of.
#[derive(Debug)]
pub(crate) struct PageFrame {
    now: UnixMillis,
    who: Option<Whoami>,
    form_token: String,
    /// The browser does not have the form token yet.
    is_new: bool,
    has_sign_out: bool,
}

impl PageFrame {
    /// The frame for a caller.
    pub(crate) fn of(cx: &CallerContext<'_>) -> Result<Self, Failure> {
        let has_sign_out = cx.caller.credential == Credential::Cookie;
        let stranger = Self::of_stranger(cx.request.incoming)?;
        Ok(Self { who: Some(whoami(cx)), has_sign_out, ..stranger })
    }

    /// The frame for somebody who is not known.
    pub(crate) fn of_stranger(incoming: &IncomingRequest) -> Result<Self, Failure> {
        let known = form_token(incoming.cookie()).map(str::to_owned);
        let is_new = known.is_none();
        let form_token = known.map_or_else(random, Ok)?;
        let now = edge::clock::now();
        Ok(Self { now, who: None, form_token, is_new, has_sign_out: false })
    }

    /// As the pages take it.
    pub(crate) fn frame(&self) -> Frame<'_> {
        Frame {
            now: self.now,
            who: self.who.as_ref(),
            form_token: &self.form_token,
            has_sign_out: self.has_sign_out,
        }
    }

    /// A page.
    pub(crate) fn page(
        &self,
        status: u16,
        page: askama::Result<String>,
    ) -> Result<Response, Failure> {
        self.page_with(status, &[], page)
    }

    fn page_with(
        &self,
        status: u16,
        more: &[(&str, &str)],
        page: askama::Result<String>,
    ) -> Result<Response, Failure> {
        let page = page.map_err(|error| Failure::internal(&error.to_string()))?;
        let cookie = self.is_new.then(|| set_form_token(&self.form_token));
        let mut headers = vec![CSP];
        headers.extend(more);
        headers.extend(cookie.as_deref().map(|cookie| ("set-cookie", cookie)));
        Ok(reply::builder(status, HTML, &headers)?.fixed(page.into_bytes()))
    }

    /// The page of a failure.
    pub(crate) fn failure(&self, failure: &Failure) -> Result<Response, Failure> {
        let Failure { status, message: text, next, .. } = failure;
        let is_closed = failure.error == "not-configured";
        let it = Message { status: *status, text, next, is_closed };
        self.page_with(*status, &failure.headers(), message(&self.frame(), it))
    }
}

/// A random UUID.
pub(crate) fn random() -> Result<String, Failure> {
    edge::random::uuid().map_err(|error| Failure::internal(&format!("no random number: {error:?}")))
}

/// The answer of a page's handler; a failure becomes a page with the caller's navigation.
pub(crate) async fn shown(
    cx: &CallerContext<'_>,
    answer: impl Future<Output = Result<Response, Failure>>,
) -> Result<Response, Failure> {
    match answer.await {
        Ok(answer) => Ok(answer),
        Err(failure) => PageFrame::of(cx)?.failure(&failure),
    }
}

/// The page of a failure before it is known who asks. Who has to sign in gets the form.
pub(crate) fn failure_of_stranger(
    request: &RequestContext<'_>,
    failure: &Failure,
) -> Result<Response, Failure> {
    let page = PageFrame::of_stranger(request.incoming)?;
    let has_tokens = !config::settings(request.env).operator_tokens.is_empty();
    if failure.status != 401 || !has_tokens {
        return page.failure(failure);
    }
    let wrong = (failure.error != "signed-out").then_some(failure.message.as_str());
    let IncomingRequest { method, path, query, .. } = request.incoming;
    let back = match (method, query.as_str()) {
        (RequestMethod::Post, _) => "/".to_owned(),
        (_, "") => path.clone(),
        (_, query) => format!("{path}?{query}"),
    };
    let html = sign_in(&page.frame(), &back, wrong);
    page.page_with(401, &failure.headers(), html)
}
