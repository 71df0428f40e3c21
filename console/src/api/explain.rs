//! `GET /explain/{id}`: what is known of an id, and why.

use shared::entity::EntityKind;
use shared::id::{SvixId, UserId};
use shared::operators::api::explain::Explanation;
use shared::operators::explain::{
    self, CacheState, EntityRead, JsonRow, RowError, Target, delivery,
};
use shared::role_cache::{CachePeek, PEEK_URL, ROLE_CACHE_BINDING, object_name};
use shared::sql::Statement;
use shared::sql::explain as statements;
use worker::{Env, Response};

use crate::context::CallerContext;
use crate::db;
use crate::reply::{self, Failure};
use crate::route::RouteRow;

pub(crate) const ROUTES: &[RouteRow] =
    &[RouteRow::get("/api/v1/explain/{id}", |cx| Box::pin(get(cx)))];

async fn get(cx: &CallerContext<'_>) -> Result<Response, Failure> {
    cx.request.query(&[])?;
    reply::json(200, &explanation(cx.request.env, cx.request.param("id")).await?)
}

/// Everything about this id.
pub(crate) async fn explanation(env: &Env, id: &str) -> Result<Explanation, Failure> {
    // Every id that is stored is one of these: ids of Clerk have fewer characters.
    SvixId::parse(id)
        .map_err(|error| Failure::invalid("id", format!("This is no valid id: {error}.")))?;
    let by_prefix = Target::by_prefix(id);
    let target = if by_prefix.is_some() { by_prefix } else { look_up(env, id).await? };
    let found = match target {
        Some(Target::Delivery) => {
            let results = read(env, &statements::delivery(id)).await?;
            delivery(id, &results).map_err(unreadable)?
        }
        Some(Target::Entity(kind)) => Some(entity(env, kind, id).await?),
        None => None,
    };
    found.ok_or_else(|| unheard_of(target))
}

/// What an id without a known prefix names.
async fn look_up(env: &Env, id: &str) -> Result<Option<Target>, Failure> {
    let results = db::batch(env, &[statements::target(id)]).await?;
    Target::found(&results.rows(0)?).map_err(unreadable)
}

async fn entity(env: &Env, kind: EntityKind, id: &str) -> Result<Explanation, Failure> {
    let results = read(env, &statements::entity(kind, id)).await?;
    let peek = match (kind, UserId::parse(id)) {
        (EntityKind::User, Ok(user)) => peek(env, &user).await,
        _ => None,
    };
    let cache = peek.as_ref().map_or(CacheState::Silent, CacheState::Answered);
    let read = EntityRead { kind, id, results: &results, cache, now: edge::clock::now() };
    explain::entity(read).map_err(unreadable)
}

/// Reads the rows of one batch.
async fn read(env: &Env, batch: &[Statement]) -> Result<Vec<Vec<JsonRow>>, Failure> {
    let results = db::batch(env, batch).await?;
    (0..batch.len()).map(|at| results.rows(at)).collect()
}

/// The state of a user's role cache. `None` if it does not answer: the rest is still worth an
/// answer.
async fn peek(env: &Env, user: &UserId) -> Option<CachePeek> {
    let answer = async {
        let objects = env.durable_object(ROLE_CACHE_BINDING)?;
        let stub = objects.id_from_name(object_name(user))?.get_stub()?;
        stub.fetch_with_str(PEEK_URL).await?.json::<CachePeek>().await
    };
    let answer = answer.await;
    answer
        .inspect_err(|error| {
            tracing::warn!(user_id = user.as_str(), cause = ?error, "role cache did not answer");
        })
        .ok()
}

fn unheard_of(target: Option<Target>) -> Failure {
    let next = if target == Some(Target::Delivery) {
        "Look for it in Clerk's Dashboard: it may be on its way, in the queue, refused by ingest, \
         or of a type that is not synced."
    } else {
        "Check the id: that of a delivery, user, organization, membership, role or permission."
    };
    Failure::new(404, "not-found", "Nothing with this id was ever recorded.", next)
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that `map_err` needs")]
fn unreadable(error: RowError) -> Failure {
    Failure::internal(&error.to_string())
}
