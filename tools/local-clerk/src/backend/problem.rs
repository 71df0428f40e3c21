//! Refusals in Clerk's shape: <https://clerk.com/docs/errors/overview>

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::ids::new_id;

/// Seconds after which one may ask again.
const RETRY_AFTER_S: &str = "1";

/// A refusal: what programs read, and what people read.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    message: &'static str,
    long: String,
}

impl Problem {
    /// No secret key, or not in the form `Bearer sk_test_…`.
    pub(crate) fn no_key() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            code: "authorization_header_format_invalid",
            message: "Invalid Authorization header format",
            long: "Invalid Authorization header format. Must be 'Bearer <YOUR_API_KEY>'".to_owned(),
        }
    }

    /// Another secret key. The SDK knows it by its code.
    pub(crate) fn wrong_key() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            code: "clerk_key_invalid",
            message: "The provided Clerk Secret Key is invalid. Make sure that your Clerk Secret \
                      Key is correct.",
            long: "The secret key is not the one that this local Clerk was started with: see \
                   CLERK_SECRET_KEY in its help"
                .to_owned(),
        }
    }

    /// What is asked for is not there.
    pub(crate) fn not_found(what: &str, id: &str) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            code: "resource_not_found",
            message: "not found",
            long: format!("No {what} was found with id {id}"),
        }
    }

    /// A parameter whose value is none that it may have.
    pub(crate) fn invalid(name: &str, should: &str) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            code: "form_param_value_invalid",
            message: "is invalid",
            long: format!("{name} {should}"),
        }
    }

    /// A parameter that is not known here. A filter that is passed over would answer another
    /// question than the one that was asked.
    pub(crate) fn unknown(name: &str) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            code: "form_param_unknown",
            message: "is unknown",
            long: format!("{name} is not a parameter that the local Clerk knows here"),
        }
    }

    /// More requests than are allowed.
    pub(crate) fn too_many() -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            code: "too_many_requests",
            message: "Too many requests. Please try again in a bit.",
            long: "Too many requests. Please try again in a bit.".to_owned(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let error =
            json!({ "code": self.code, "message": self.message, "long_message": self.long });
        let body = Json(json!({ "errors": [error], "clerk_trace_id": new_id("") }));
        let limited = self.status == StatusCode::TOO_MANY_REQUESTS;
        (self.status, limited.then_some([(RETRY_AFTER, RETRY_AFTER_S)]), body).into_response()
    }
}
