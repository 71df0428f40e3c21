//! Routes: what an area says of its handlers.

use futures_util::future::LocalBoxFuture;
use worker::Response;

use crate::context::{CallerContext, RequestContext};
use crate::incoming::RequestMethod;
use crate::reply::{AnswerForm, Failure};

/// The answer of a handler.
pub(crate) type Answer<'a> = LocalBoxFuture<'a, Result<Response, Failure>>;

/// A route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RouteRow {
    /// `Get` or `Post`; `HEAD` is answered as `GET`.
    pub(crate) method: RequestMethod,
    /// With parameters in braces.
    pub(crate) path: &'static str,
    /// Whether errors are shown to people or to programs.
    pub(crate) form: AnswerForm,
    /// What answers it, and who may call that.
    pub(crate) handler: Handler,
}

/// What answers a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Handler {
    /// For everybody; it checks for itself what it has to.
    Open(for<'a> fn(&'a RequestContext<'a>) -> Answer<'a>),
    /// For callers who may look.
    Look(for<'a> fn(&'a CallerContext<'a>) -> Answer<'a>),
    /// For callers who may change things, by a request of this site.
    Change(for<'a> fn(&'a CallerContext<'a>) -> Answer<'a>),
}

impl RouteRow {
    /// `GET` of the JSON API.
    pub(crate) const fn get(
        path: &'static str,
        look: for<'a> fn(&'a CallerContext<'a>) -> Answer<'a>,
    ) -> Self {
        let (method, form) = (RequestMethod::Get, AnswerForm::Json);
        Self { method, path, form, handler: Handler::Look(look) }
    }

    /// `POST` of the JSON API.
    pub(crate) const fn post(
        path: &'static str,
        change: for<'a> fn(&'a CallerContext<'a>) -> Answer<'a>,
    ) -> Self {
        let (method, form) = (RequestMethod::Post, AnswerForm::Json);
        Self { method, path, form, handler: Handler::Change(change) }
    }

    /// The same for a page or a form of it.
    pub(crate) const fn page(self) -> Self {
        Self { form: AnswerForm::Page, ..self }
    }
}
