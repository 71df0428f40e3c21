//! D1: the fill, which registers the watch and reads the roles in one batch. Only this file of the
//! Worker names it.

use std::time::Duration;

use futures_util::future::{Either, select};
use serde::Deserialize;
use shared::cache::{Fill, Row};
use shared::limits::FILL_MS_MAX;
use shared::roles::{Membership, RoleSet, Standing};
use shared::sql::{self, Arg, Statement};
use worker::{D1Result, Delay, Env};

/// A row of [`sql::FILL`]; the lists are JSON text.
#[derive(Deserialize)]
struct Columns {
    owner: i64,
    version: i64,
    standing: Standing,
    roles: String,
    organizations: String,
}

/// Sends a fill. `None`: nobody watches this user.
pub(crate) async fn send(env: &Env, user_id: &str, fill: &Fill) -> Result<Option<Row>, String> {
    let statements = sql::fill(user_id, fill);
    let results = batch(env, &statements).await?;
    let read = results.last().ok_or("D1 answered nothing")?;
    row(read)
}

/// Ends the watch of one incarnation.
pub(crate) async fn unwatch(env: &Env, user_id: &str, owner: i64) -> Result<(), String> {
    let args = vec![Arg::Text(user_id.into()), Arg::Int(owner)];
    batch(env, &[Statement { sql: sql::UNWATCH, args }]).await.map(|_| ())
}

async fn batch(env: &Env, statements: &[Statement]) -> Result<Vec<D1Result>, String> {
    let db = env.d1("DB").map_err(|error| format!("the binding DB is missing: {error}"))?;
    let sent = Box::pin(edge::d1::batch(&db, statements));
    match select(sent, Delay::from(Duration::from_millis(FILL_MS_MAX))).await {
        Either::Left((results, _)) => results,
        Either::Right(_) => Err("no answer in time".into()),
    }
}

fn row(result: &D1Result) -> Result<Option<Row>, String> {
    let text = |error: worker::Error| error.to_string();
    let Some(columns) = result.results::<Columns>().map_err(text)?.pop() else { return Ok(None) };
    let json = |error: serde_json::Error| error.to_string();
    let Columns { owner, version, standing, .. } = columns;
    let roles: Vec<String> = serde_json::from_str(&columns.roles).map_err(json)?;
    let organizations: Vec<Membership> =
        serde_json::from_str(&columns.organizations).map_err(json)?;
    let set = RoleSet { version, standing, roles, organizations }.canonical();
    Ok(Some(Row { owner, set }))
}
