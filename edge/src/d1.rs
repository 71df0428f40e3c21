//! Runs SQL statements as one D1 batch, which is one transaction.

use shared::sql::{Arg, Statement};
use wasm_bindgen::JsValue;
use worker::{D1Database, D1Result, Error, js_sys};

/// Sends `statements` as one batch: atomic, in one round trip.
///
/// # Errors
/// D1's own text, for [`shared::d1_error::D1Error::classify`]. After an error the batch may
/// still have been committed: statements must be idempotent.
pub async fn batch(db: &D1Database, statements: &[Statement]) -> Result<Vec<D1Result>, String> {
    let bound = statements.iter().map(|statement| {
        let args: Vec<JsValue> = statement.args.iter().map(value).collect();
        db.prepare(statement.sql).bind(&args)
    });
    let bound = bound.collect::<worker::Result<Vec<_>>>().map_err(|error| cause(&error))?;
    db.batch(bound).await.map_err(|error| cause(&error))
}

/// D1 does not accept `BigInt`. All our numbers are below 2^53, where a double is exact.
#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "exact below 2^53")]
fn value(arg: &Arg) -> JsValue {
    match arg {
        Arg::Text(text) => JsValue::from_str(text),
        Arg::Int(int) => JsValue::from_f64(*int as f64),
    }
}

/// The text of an error, beginning with its name (`D1_TYPE_ERROR`). The cause from `worker` lacks
/// the name and is not always present, and displaying `worker`'s `D1Error` panics.
#[must_use]
pub fn cause(error: &Error) -> String {
    let Error::D1(error) = error else { return error.to_string() };
    let error: &js_sys::Error = error.as_ref();
    error.message().into()
}
