//! Runs SQL statements as one D1 batch, which is one transaction, and counts what it cost.
//!
//! It calls the runtime's database itself: `worker` hides the cost from a database above 4 GiB,
//! whose size it cannot parse on wasm32.

use js_sys::{Array, Reflect};
use serde::de::DeserializeOwned;
use shared::metrics::table::{D1_QUERIES, D1_ROWS_READ, D1_ROWS_WRITTEN};
use shared::sql::{Arg, Statement};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use worker::d1::serde_wasm_bindgen;
use worker::worker_sys::types;
use worker::{D1Database, js_sys};

use crate::metrics;

/// The result of one statement of a batch.
#[derive(Debug)]
pub struct StatementResult(types::D1Result);

impl StatementResult {
    /// The rows.
    ///
    /// # Errors
    /// If a row cannot be decoded. The text goes to the log; serde's own would quote the value,
    /// which may be personal.
    pub fn rows<T: DeserializeOwned>(&self) -> Result<Vec<T>, String> {
        let rows = self.0.results().map_err(|error| cause(&error))?.unwrap_or_default();
        let row = |row| {
            serde_wasm_bindgen::from_value(row)
                .map_err(|_| format!("a row is no {}", std::any::type_name::<T>()))
        };
        rows.iter().map(row).collect()
    }

    /// Bytes of the database after the statement, if D1 says so.
    #[must_use]
    pub fn database_bytes(&self) -> Option<u64> {
        self.meta("size_after")
    }

    /// What D1 bills the statement for: `rows_read` or `rows_written`.
    fn cost(&self, name: &str) -> u64 {
        self.meta(name).unwrap_or_default()
    }

    /// A number of what D1 says about the statement. Below 2^53.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::as_conversions,
        reason = "a count, which `as` saturates"
    )]
    fn meta(&self, name: &str) -> Option<u64> {
        let meta = self.0.meta().ok()?;
        Some(Reflect::get(&meta, &name.into()).ok()?.as_f64()? as u64)
    }
}

/// Sends `statements` as one batch: atomic, in one round trip.
///
/// # Errors
/// D1's own text, for [`shared::d1_error::D1Error::classify`]. After an error the batch may
/// still have been committed: statements must be idempotent.
pub async fn batch(
    db: &D1Database,
    statements: &[Statement],
) -> Result<Vec<StatementResult>, String> {
    let results = send(db, statements).await.map_err(|error| cause(&error));
    match &results {
        Ok(results) => count_done(results),
        Err(_) => count_failed(statements),
    }
    results
}

fn count_done(results: &[StatementResult]) {
    let worker = metrics::worker();
    let cost = |name| results.iter().map(|result| result.cost(name)).sum();
    metrics::count(&D1_QUERIES, &[worker, "ok"], number(results));
    metrics::count(&D1_ROWS_READ, &[worker], cost("rows_read"));
    metrics::count(&D1_ROWS_WRITTEN, &[worker], cost("rows_written"));
}

/// Counts the statements of a batch that failed, or that nobody waits for any longer.
pub fn count_failed(statements: &[Statement]) {
    metrics::count(&D1_QUERIES, &[metrics::worker(), "failed"], number(statements));
}

fn number<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).unwrap_or(u64::MAX)
}

async fn send(db: &D1Database, statements: &[Statement]) -> Result<Vec<StatementResult>, JsValue> {
    let db: &types::D1Database = AsRef::<JsValue>::as_ref(db).unchecked_ref();
    let bound = Array::new();
    for statement in statements {
        let args = statement.args.iter().map(value).collect();
        let statement = db.prepare(statement.sql)?.bind(args)?;
        bound.push(statement.as_ref());
    }
    let results: Array = JsFuture::from(db.batch(bound)?).await?.dyn_into()?;
    Ok(results.iter().map(|result| StatementResult(result.unchecked_into())).collect())
}

/// D1 does not accept `BigInt`. All our numbers are below 2^53, where a double is exact.
#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "exact below 2^53")]
fn value(arg: &Arg) -> JsValue {
    match arg {
        Arg::Text(text) => JsValue::from_str(text),
        Arg::Int(int) => JsValue::from_f64(*int as f64),
    }
}

/// The text of an error, beginning with its name (`D1_TYPE_ERROR`).
fn cause(error: &JsValue) -> String {
    let text = |error: &js_sys::Error| error.message().into();
    error.dyn_ref().map_or_else(|| format!("{error:?}"), text)
}
