//! The forms of replays: `POST /replays` and what is below it. After each the browser is sent to
//! the replay's page, so that loading it again repeats nothing.

use worker::Response;

use crate::api::replay_changes::{Told, plan, tell};
use crate::api::replays::one;
use crate::context::CallerContext;
use crate::pages::new_replay::PlanForm;
use crate::pages::replay::is_typed_word;
use crate::reply::{Failure, see_other};
use crate::route::RouteRow;
use crate::site::form::{field, own_form};
use crate::site::frame::shown;
use crate::site::replays::{form_failure, form_page, replay_page};

pub(crate) const ROUTES: &[RouteRow] = &[
    RouteRow::post("/replays", |cx| Box::pin(shown(cx, post_plan(cx)))).page(),
    RouteRow::post("/replays/{id}/apply", |cx| Box::pin(shown(cx, post_apply(cx)))).page(),
    RouteRow::post("/replays/{id}/continue", |cx| Box::pin(shown(cx, post(cx, Told::Continue))))
        .page(),
    RouteRow::post("/replays/{id}/pause", |cx| Box::pin(shown(cx, post(cx, Told::Pause)))).page(),
    RouteRow::post("/replays/{id}/resume", |cx| Box::pin(shown(cx, post(cx, Told::Resume)))).page(),
    RouteRow::post("/replays/{id}/cancel", |cx| Box::pin(shown(cx, post(cx, Told::Cancel)))).page(),
];

async fn post_plan(cx: &CallerContext<'_>) -> Result<Response, Failure> {
    let form = own_form(cx, "/replays").await?;
    let asked = PlanForm::parse(&form).map_err(form_failure)?;
    let key = Some(asked.idempotency_key.as_str()).filter(|key| !key.is_empty());
    match plan(cx, &asked.request, key).await {
        Ok(replay) => see_other(&address(&replay.id), &[]),
        Err(failure) if failure.status < 500 => {
            form_page(cx, failure.status, &asked, Some(&failure.in_words())).await
        }
        Err(failure) => Err(failure),
    }
}

async fn post_apply(cx: &CallerContext<'_>) -> Result<Response, Failure> {
    let form = own_form(cx, "/replays/{id}/apply").await?;
    let id = cx.request.param("id");
    let replay = one(cx.request.env, id).await?;
    let word = field(&form, "word").unwrap_or_default();
    if !is_typed_word(&replay, &word) {
        let wrong = "Nothing was done: that is not the word. Type it as it is written below.";
        return replay_page(cx, 400, &replay, Some(wrong)).await;
    }
    let hash = field(&form, "hash").unwrap_or_default();
    told(cx, Told::Apply(&hash)).await
}

async fn post(cx: &CallerContext<'_>, what: Told<'_>) -> Result<Response, Failure> {
    own_form(cx, "/replays/{id}").await?;
    told(cx, what).await
}

/// Tells the replay something. What does not fit its state is said on its page as it is now.
async fn told(cx: &CallerContext<'_>, what: Told<'_>) -> Result<Response, Failure> {
    let id = cx.request.param("id");
    match tell(cx, id, what).await {
        Ok(replay) => see_other(&address(&replay.id), &[]),
        Err(failure) if failure.status == 409 => {
            let replay = one(cx.request.env, id).await?;
            replay_page(cx, 409, &replay, Some(&failure.in_words())).await
        }
        Err(failure) => Err(failure),
    }
}

fn address(id: &str) -> String {
    format!("/replays/{id}")
}
