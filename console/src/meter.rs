//! Asks `Meter`, all of its shards at once.

use std::time::Duration;

use futures_util::future::{Either, join_all, select};
use serde::de::DeserializeOwned;
use shared::metrics::flush::{METER_BINDING, ShardTotals, TOTALS_URL, shard_name};
use worker::{Delay, Env, ObjectNamespace};

/// For all shards together. Prometheus gives a scrape 10 seconds.
const TIMEOUT: Duration = Duration::from_secs(3);

/// What every shard answers to `GET url`. `shards` are those that this Worker knows of; a shard may
/// know of more, if `METER_SHARDS` was lowered: `known` reads that from an answer.
///
/// # Errors
/// If a shard does not answer in time: without it every sum is too small, and a counter would go
/// back.
async fn ask_all<T: DeserializeOwned>(
    env: &Env,
    url: &str,
    shards: u32,
    known: fn(&T) -> u32,
) -> Result<Vec<T>, String> {
    let meter = env.durable_object(METER_BINDING).map_err(|_| "binding METER is missing")?;
    let asking = async {
        let mut answers: Vec<T> = Vec::new();
        let mut wanted = shards.max(1);
        let mut asked = 0;
        while asked < wanted {
            let calls = (asked..wanted).map(|shard| ask(&meter, shard, url));
            for answer in join_all(calls).await {
                answers.push(answer?);
            }
            asked = wanted;
            wanted = answers.iter().map(known).max().unwrap_or(0);
        }
        Ok(answers)
    };
    match select(Box::pin(asking), Delay::from(TIMEOUT)).await {
        Either::Left((answers, _)) => answers,
        Either::Right(_) => Err("timed out".to_owned()),
    }
}

async fn ask<T: DeserializeOwned>(
    meter: &ObjectNamespace,
    shard: u32,
    url: &str,
) -> Result<T, String> {
    let text = |error: worker::Error| format!("shard {shard}: {error}");
    let stub = meter.get_by_name(&shard_name(shard)).map_err(text)?;
    let mut response = stub.fetch_with_str(url).await.map_err(text)?;
    if response.status_code() != 200 {
        return Err(format!("shard {shard} answered with status {}", response.status_code()));
    }
    response.json().await.map_err(text)
}

/// The totals of every shard; `None`, with a line in the log, if one did not answer.
pub(crate) async fn totals(env: &Env) -> Option<Vec<ShardTotals>> {
    let totals = ask_all(env, TOTALS_URL, 1, |totals: &ShardTotals| totals.shards).await;
    totals.inspect_err(|cause| tracing::warn!(cause, "Meter did not answer")).ok()
}
