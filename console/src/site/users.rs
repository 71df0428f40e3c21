//! `GET /explain?id=`, `GET /users/{id}` and the form of a user's app roles.

use worker::Response;

use crate::api::explain::explanation;
use crate::api::roles::change_role;
use crate::context::CallerContext;
use crate::pages;
use crate::pages::role_change::RoleForm;
use crate::reply::{Failure, see_other};
use crate::route::RouteRow;
use crate::site::form::own_form;
use crate::site::frame::{PageFrame, shown};

pub(crate) const ROUTES: &[RouteRow] = &[
    RouteRow::get("/explain", |cx| Box::pin(shown(cx, get_explain(cx)))).page(),
    RouteRow::get("/users/{id}", |cx| Box::pin(shown(cx, get_user(cx)))).page(),
    RouteRow::post("/users/{id}/roles", |cx| Box::pin(shown(cx, post_roles(cx)))).page(),
];

/// What the page says after a change.
const DONE: &str = "Done, and written to the audit trail. The roles below are as they are now.";

async fn get_explain(cx: &CallerContext<'_>) -> Result<Response, Failure> {
    let query = cx.request.query(&["id"])?;
    let id = query.text("id")?.unwrap_or_default().trim();
    let page = PageFrame::of(cx)?;
    if id.is_empty() {
        return page.page(200, pages::explain::look_up(&page.frame(), None));
    }
    match explanation(cx.request.env, id).await {
        Ok(it) => page.page(200, pages::explain::page(&page.frame(), &it, None, None)),
        Err(failure) if failure.status < 500 => {
            let wrong = failure.in_words();
            page.page(failure.status, pages::explain::look_up(&page.frame(), Some(&wrong)))
        }
        Err(failure) => Err(failure),
    }
}

async fn get_user(cx: &CallerContext<'_>) -> Result<Response, Failure> {
    let query = cx.request.query(&["changed"])?;
    let done = query.text("changed")?.map(|_| DONE);
    user_page(cx, 200, done, None).await
}

async fn user_page(
    cx: &CallerContext<'_>,
    status: u16,
    done: Option<&str>,
    wrong: Option<&str>,
) -> Result<Response, Failure> {
    let page = PageFrame::of(cx)?;
    let it = explanation(cx.request.env, cx.request.param("id")).await?;
    page.page(status, pages::explain::page(&page.frame(), &it, done, wrong))
}

/// The first step only says what would change; the second one changes it.
async fn post_roles(cx: &CallerContext<'_>) -> Result<Response, Failure> {
    let form = own_form(cx, "/users/{id}/roles").await?;
    let request = match RoleForm::parse(&form) {
        Ok(RoleForm(request)) => request,
        Err(error) => return user_page(cx, 400, None, Some(error.0)).await,
    };
    let user = cx.request.param("id");
    match change_role(cx, user, &request).await {
        Ok(change) if change.done => see_other(&format!("/users/{user}?changed=1"), &[]),
        Ok(change) => {
            let page = PageFrame::of(cx)?;
            let html = pages::role_change::page(&page.frame(), &change, &request.reason);
            page.page(200, html)
        }
        Err(failure) if failure.status < 500 => {
            user_page(cx, failure.status, None, Some(&failure.in_words())).await
        }
        Err(failure) => Err(failure),
    }
}
