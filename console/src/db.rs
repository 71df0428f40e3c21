//! All D1 access of the console (checked by `xtask tidy`).

use edge::d1::StatementResult;
use serde::de::DeserializeOwned;
use shared::sql::Statement;
use worker::{D1Database, Env};

use crate::reply::Failure;

/// The database, for the crate `replayer`.
pub(crate) fn open(env: &Env) -> Result<D1Database, Failure> {
    env.d1("DB").map_err(|error| Failure::database(&format!("binding DB is missing: {error:?}")))
}

/// The results of one batch, which is one transaction.
#[derive(Debug)]
pub(crate) struct Results(Vec<StatementResult>);

/// Runs one batch.
pub(crate) async fn batch(env: &Env, statements: &[Statement]) -> Result<Results, Failure> {
    try_batch(env, statements).await?.map_err(|cause| Failure::database(&cause))
}

/// Runs one batch. The inner error is D1's own text.
pub(crate) async fn try_batch(
    env: &Env,
    statements: &[Statement],
) -> Result<Result<Results, String>, Failure> {
    let db = open(env)?;
    Ok(edge::d1::batch(&db, statements).await.map(Results))
}

impl Results {
    /// The rows of a statement, by its place in the batch.
    pub(crate) fn rows<T: DeserializeOwned>(&self, at: usize) -> Result<Vec<T>, Failure> {
        let result = self.0.get(at).ok_or_else(|| Failure::database("a result is missing"))?;
        result.rows().map_err(|cause| Failure::database(&cause))
    }

    /// Bytes of the database, if D1 says so.
    pub(crate) fn size(&self) -> Option<i64> {
        let bytes = self.0.iter().filter_map(StatementResult::database_bytes).next_back();
        bytes.and_then(|bytes| i64::try_from(bytes).ok())
    }

    /// The first row of a statement.
    pub(crate) fn first<T: DeserializeOwned>(&self, at: usize) -> Result<Option<T>, Failure> {
        Ok(self.rows(at)?.into_iter().next())
    }
}
