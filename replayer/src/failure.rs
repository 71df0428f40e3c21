//! Why a request about a replay was not done.

use shared::d1_error::D1Error;
use shared::operators::api::ApiError;
use shared::operators::replay::refusal;

/// Why a request was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// There is no such replay.
    NotFound,
    /// The request is refused.
    Refused(ApiError),
    /// The database failed.
    Database(D1Error),
}

impl From<D1Error> for Failure {
    fn from(error: D1Error) -> Self {
        Self::Database(error)
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

impl Failure {
    /// The error of the API. The database's own text is for the log.
    #[must_use]
    pub fn api_error(&self) -> ApiError {
        match self {
            Self::NotFound => {
                refusal("not-found", "there is no such replay", "list the replays to find its id")
            }
            Self::Refused(error) => error.clone(),
            Self::Database(_) => refusal(
                "database-failed",
                "the database did not answer as expected",
                "try again; a request with an `Idempotency-Key` is never done twice",
            ),
        }
    }

    /// The database's error, for a caller that asked for nothing that can be refused.
    pub(crate) fn into_d1(self) -> D1Error {
        match self {
            Self::Database(error) => error,
            Self::NotFound => D1Error::Transient("the replay is gone".into()),
            Self::Refused(error) => D1Error::Transient(error.message),
        }
    }
}
