//! D1: registers the watch and reads the roles in one batch. All access to D1 from this Worker is
//! in this file.

use std::time::Duration;

use edge::d1::StatementResult;
use futures_util::future::{Either, select};
use shared::cache::{FillRequest, FillResult};
use shared::limits::FILL_TIMEOUT_MS;
use shared::sql::{self, Arg, FillRow, Statement};
use worker::{Delay, Env};

/// Sends a fill. `None` means that there is no watch of this user.
pub(crate) async fn fill(
    env: &Env,
    user_id: &str,
    fill: &FillRequest,
) -> Result<Option<FillResult>, String> {
    let statements = sql::fill(user_id, fill);
    let results = batch(env, &statements).await?;
    let read = results.last().ok_or("D1 returned no result")?;
    fill_result(read)
}

/// Deletes the watch of one owner.
pub(crate) async fn end_watch(env: &Env, user_id: &str, owner: i64) -> Result<(), String> {
    let args = vec![Arg::Text(user_id.into()), Arg::Int(owner)];
    batch(env, &[Statement { sql: sql::UNWATCH, args }]).await.map(|_| ())
}

async fn batch(env: &Env, statements: &[Statement]) -> Result<Vec<StatementResult>, String> {
    let db = env.d1("DB").map_err(|error| format!("binding DB is missing: {error}"))?;
    let sent = Box::pin(edge::d1::batch(&db, statements));
    match select(sent, Delay::from(Duration::from_millis(FILL_TIMEOUT_MS))).await {
        Either::Left((results, _)) => results,
        Either::Right(_) => {
            edge::d1::count_failed(statements);
            Err("D1 timed out".into())
        }
    }
}

fn fill_result(result: &StatementResult) -> Result<Option<FillResult>, String> {
    sql::parse_fill(result.rows::<FillRow>()?).map_err(Into::into)
}
