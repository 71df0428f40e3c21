//! Gathers the values of a scrape from D1 and from `Meter`, at the same time.

use std::time::Duration;

use futures_util::future::{Either, join, select};
use shared::metrics::table;
use shared::sql::metrics::scrape;
use worker::{Delay, Env};

use super::database::{self, DatabaseFigures};
use super::page::MetricsPage;
use super::samples::Samples;
use super::shards;
use crate::api::overview::schema_name;
use crate::reply::Failure;
use crate::{config, db, meter};

/// For D1. Prometheus gives a scrape 10 seconds.
const D1_TIMEOUT: Duration = Duration::from_secs(5);

/// In place of a schema that is not known: an empty label is as none.
const UNKNOWN_SCHEMA: &str = "unknown";

/// The whole page. What does not answer is absent, and its metric `…_up` is 0.
pub(super) async fn page(env: &Env) -> MetricsPage {
    let settings = config::settings(env);
    let (figures, totals) = join(figures_in_time(env), meter::totals(env)).await;
    let mut samples = Samples::default();
    samples.gauge(&table::D1_SIZE_LIMIT, &[], settings.d1_bytes_max);
    samples.gauge(&table::D1_UP, &[], figures.is_some().into());
    samples.gauge(&table::METER_UP, &[], totals.is_some().into());
    let mut schema = UNKNOWN_SCHEMA.to_owned();
    if let Some((figures, name)) = figures {
        database::add(&mut samples, figures, edge::clock::now());
        if !name.is_empty() {
            schema = name;
        }
    }
    if let Some(totals) = totals {
        shards::add(&mut samples, &totals);
    }
    MetricsPage { samples, schema }
}

/// The figures, and the name of the newest migration; `None`, with a line in the log, if D1 does
/// not answer.
async fn figures_in_time(env: &Env) -> Option<(DatabaseFigures, String)> {
    let asking = join(figures(env), schema_name(env));
    match select(Box::pin(asking), Delay::from(D1_TIMEOUT)).await {
        Either::Left(((figures, schema), _)) => Some((figures.ok()?, schema.unwrap_or_default())),
        Either::Right(_) => {
            tracing::warn!("D1 did not answer the scrape in time");
            None
        }
    }
}

async fn figures(env: &Env) -> Result<DatabaseFigures, Failure> {
    let results = db::batch(env, &scrape()).await?;
    let state = results.first(1)?.ok_or_else(|| Failure::database("the state has no row"))?;
    Ok(DatabaseFigures {
        totals: results.rows(0)?,
        state,
        flow: results.rows(2)?,
        letters: results.rows(3)?,
        canary: results.rows(4)?,
        size: results.size(),
    })
}
