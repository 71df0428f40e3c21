//! Errors in the form of Clerk's: <https://clerk.com/docs/errors/overview>

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::ids::new_id;

/// The seconds after which a client may retry.
const RETRY_AFTER_S: &str = "1";

/// An error of the Backend API, for programs and for people.
#[derive(Debug)]
pub(crate) struct BackendApiError {
    status: StatusCode,
    code: &'static str,
    message: &'static str,
    long: String,
}

impl BackendApiError {
    /// The secret key is missing, or not in the form `Bearer sk_test_…`.
    pub(crate) fn no_key() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            code: "authorization_header_format_invalid",
            message: "Invalid Authorization header format",
            long: "Invalid Authorization header format. Must be 'Bearer <YOUR_API_KEY>'".to_owned(),
        }
    }

    /// A wrong secret key. The SDK recognises the code.
    pub(crate) fn wrong_key() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            code: "clerk_key_invalid",
            message: "The provided Clerk Secret Key is invalid. Make sure that your Clerk Secret \
                      Key is correct.",
            long:
                "The secret key is not the one that this local Clerk was started with. Compare the \
                   variable CLERK_SECRET_KEY on both sides"
                    .to_owned(),
        }
    }

    /// There is no such resource.
    pub(crate) fn not_found(what: &str, id: &str) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            code: "resource_not_found",
            message: "not found",
            long: format!("No {what} was found with id {id}"),
        }
    }

    /// A parameter has a value that it may not have.
    pub(crate) fn invalid(name: &str, should: &str) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            code: "form_param_value_invalid",
            message: "is invalid",
            long: format!("{name} {should}"),
        }
    }

    /// A body that is not JSON, or no object.
    pub(crate) fn unreadable() -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "request_body_invalid",
            message: "Request body invalid",
            long: "The request body is invalid. Send a JSON object with content-type \
                   application/json"
                .to_owned(),
        }
    }

    /// An unknown parameter. If a filter were ignored, the result would be wrong.
    pub(crate) fn unknown(name: &str) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            code: "form_param_unknown",
            message: "is unknown",
            long: format!("{name} is not a parameter of this route. Leave it out"),
        }
    }

    /// Too many requests.
    pub(crate) fn too_many() -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            code: "too_many_requests",
            message: "Too many requests. Please try again in a bit.",
            long: "Too many requests. Please try again in a bit.".to_owned(),
        }
    }
}

impl IntoResponse for BackendApiError {
    fn into_response(self) -> Response {
        let error =
            json!({ "code": self.code, "message": self.message, "long_message": self.long });
        let body = Json(json!({ "errors": [error], "clerk_trace_id": new_id("") }));
        let limited = self.status == StatusCode::TOO_MANY_REQUESTS;
        (self.status, limited.then_some([(RETRY_AFTER, RETRY_AFTER_S)]), body).into_response()
    }
}
