//! Asks `Meter`, all of its shards at once.

use std::time::Duration;

use edge::object;
use futures_util::future::{Either, join_all, select};
use serde::de::DeserializeOwned;
use shared::metrics::flush::{METER_BINDING, ShardTotals, TOTALS_URL, shard_name};
use shared::metrics::history::{HistoryQuery, ShardHistory};
use shared::operators::activity;
use shared::operators::api::overview::Activity;
use shared::time::UnixMillis;
use worker::{Delay, Env, ObjectNamespace, RequestInit};

use crate::config;

/// For all shards together. Prometheus gives a scrape 10 seconds.
const TIMEOUT_MS: u64 = 3_000;

/// The sum of what every shard knows; `None`, with a line in the log, if one does not answer:
/// without it every sum is too small, and a counter would go back.
pub(crate) async fn totals(env: &Env) -> Option<ShardTotals> {
    logged(in_time(all_totals(env)).await)
}

/// What the charts show; `None`, with a line in the log, if a shard does not answer.
pub(crate) async fn activity(env: &Env, now: UnixMillis) -> Option<Activity> {
    let reading = async {
        // A shard that this Worker does not know of may have counted too.
        let shards = all_totals(env).await?.shards;
        let day = history(env, shards, activity::last_day(now)).await?;
        if !day.is_young(now) {
            return Ok(day);
        }
        history(env, shards, activity::last_hour(now)).await
    };
    logged(in_time(reading).await)
}

fn logged<T>(answer: Result<T, String>) -> Option<T> {
    answer.inspect_err(|cause| tracing::warn!(cause, "Meter did not answer")).ok()
}

async fn in_time<T>(asking: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    match select(Box::pin(asking), Delay::from(Duration::from_millis(TIMEOUT_MS))).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err("timed out".to_owned()),
    }
}

/// The shards that this Worker knows of; then, if `METER_SHARDS` was lowered, those that they know
/// of.
async fn all_totals(env: &Env) -> Result<ShardTotals, String> {
    let mut sum = ShardTotals { shards: config::settings(env).meter_shards, ..Default::default() };
    let mut asked = 0;
    while asked < sum.shards {
        let wanted = sum.shards;
        for totals in ask::<ShardTotals>(env, asked..wanted, TOTALS_URL).await? {
            sum.merge(&totals);
        }
        asked = wanted;
    }
    Ok(sum)
}

async fn history(env: &Env, shards: u32, query: HistoryQuery) -> Result<Activity, String> {
    let mut sum = ShardHistory::default();
    for history in ask::<ShardHistory>(env, 0..shards, &query.to_url()).await? {
        sum.merge(&history);
    }
    Ok(Activity::from_history(&sum))
}

async fn ask<T: DeserializeOwned>(
    env: &Env,
    shards: std::ops::Range<u32>,
    url: &str,
) -> Result<Vec<T>, String> {
    let meter = env.durable_object(METER_BINDING).map_err(|_| "binding METER is missing")?;
    let calls = shards.map(|shard| ask_one(&meter, shard, url));
    join_all(calls).await.into_iter().collect()
}

async fn ask_one<T: DeserializeOwned>(
    meter: &ObjectNamespace,
    shard: u32,
    url: &str,
) -> Result<T, String> {
    let (name, get) = (shard_name(shard), RequestInit::new());
    let answer = object::call(meter, &name, (url, &get), TIMEOUT_MS).await;
    answer.map_err(|cause| format!("shard {shard}: {cause}"))
}
