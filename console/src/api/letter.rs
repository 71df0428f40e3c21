//! `GET /dead-letters/{id}`: one letter, and what a replay would do with it now.

use serde_json::Value;
use shared::envelope::Envelope;
use shared::operators::api::letters::{LetterDetail, LetterReplay};
use shared::operators::replay::{Facts, classify, named};
use shared::projection::ContentDigest;
use shared::sql::letter_lists::{LetterRow, letter, letter_replays};
use shared::sql::replays::facts;
use worker::{Env, Response};

use crate::context::CallerContext;
use crate::db;
use crate::reply::{self, Failure};
use crate::route::RouteRow;

pub(crate) const ROUTES: &[RouteRow] =
    &[RouteRow::get("/api/v1/dead-letters/{id}", |cx| Box::pin(get(cx)))];

async fn get(cx: &CallerContext<'_>) -> Result<Response, Failure> {
    cx.request.query(&[])?;
    reply::json(200, &detail(cx.request.env, cx.request.param("id")).await?)
}

/// The letter with this id.
pub(crate) async fn detail(env: &Env, id: &str) -> Result<LetterDetail, Failure> {
    let results = db::batch(env, &[letter(id), letter_replays(id)]).await?;
    let row: Option<LetterRow> = results.first(0)?;
    let row = row.ok_or_else(|| Failure::not_found("letter"))?;
    let replays: Vec<LetterReplay> = results.rows(1)?;
    let statements = facts(&named(std::slice::from_ref(&row)));
    let results = db::batch(env, &statements).await?;
    let classified = classify(&row, &Facts::new(results.rows(0)?, results.rows(1)?));
    let event = event(&row.envelope);
    Ok(LetterDetail {
        letter: row.summary(),
        class: classified.class,
        class_detail: classified.detail.to_owned(),
        digest_matches: digest_matches(&row),
        queue: row.queue,
        raw: event.is_none().then_some(row.envelope),
        event,
        replays,
    })
}

/// `None` for a letter from before digests.
fn digest_matches(row: &LetterRow) -> Option<bool> {
    let is_known = !row.digest.is_empty();
    is_known.then(|| ContentDigest::of(row.envelope.as_bytes()).as_str() == row.digest)
}

/// The message as JSON, if it is an envelope: ingest keeps the projected event only.
fn event(envelope: &str) -> Option<Value> {
    Envelope::decode(envelope).ok()?;
    serde_json::from_str(envelope).ok()
}
