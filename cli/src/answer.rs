//! What an answer of the console means, and the next step where it is not usable.

use serde::de::DeserializeOwned;
use shared::operators::api::ApiError;

use crate::failure::{Failure, Kind};
use crate::text::shortened;

/// The next step when the console does not have a route of this build.
const OLDER_NEXT: &str =
    "Check the address. If it is right the console is older than this program: deploy it.";

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The status of HTTP.
    pub(crate) status: u16,
    /// `Content-Type`, or empty.
    pub(crate) content_type: String,
    /// `Location`, or empty.
    pub(crate) location: String,
    /// `Retry-After`, or empty.
    pub(crate) retry_after: String,
    /// The body.
    pub(crate) body: String,
}

/// The value of a usable answer.
///
/// # Errors
/// When this build does not know its form.
pub(crate) fn parse<T: DeserializeOwned>(answer: &Answer) -> Result<T, Failure> {
    parse_text(&answer.body)
}

/// The value of a text of an answer.
///
/// # Errors
/// As [`parse`].
pub(crate) fn parse_text<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| {
        let message = format!("the console's answer is not what this program knows: {error}");
        let next = "Compare `rolecall --version` with `rolecall whoami`, and update the older one.";
        Failure::new(Kind::Unreachable, "other-version", message, next)
    })
}

/// A connection that came to nothing.
pub(crate) fn not_reached(base: &str, error: &ureq::Error) -> Failure {
    let is_tls =
        matches!(error, ureq::Error::Tls(_) | ureq::Error::NativeTls(_) | ureq::Error::Der(_))
            || error.to_string().contains("certificate");
    let (code, next) = if is_tls {
        ("tls", "Check the address, this machine's clock and its list of authorities.")
    } else if matches!(error, ureq::Error::Timeout(_)) {
        ("timeout", "Check the network, then run it again.")
    } else if matches!(error, ureq::Error::BodyExceedsLimit(_)) {
        ("too-large", "Ask for fewer with --limit.")
    } else {
        ("offline", "Check that the console runs at this address, and the network.")
    };
    Failure::new(Kind::Unreachable, code, format!("{base} cannot be reached: {error}"), next)
}

/// The answer, if it is usable.
///
/// # Errors
/// When the console says no, or what answers is no console.
pub(crate) fn judge(base: &str, answer: Answer) -> Result<Answer, Failure> {
    if (300..400).contains(&answer.status) {
        return Err(redirected(base, &answer));
    }
    if (200..300).contains(&answer.status) {
        if answer.content_type.contains("json") {
            return Ok(answer);
        }
        return Err(not_a_console(base));
    }
    Err(match serde_json::from_str::<ApiError>(&answer.body) {
        Ok(error) => refused(&answer, error),
        Err(_) => unexplained(base, &answer),
    })
}

fn redirected(base: &str, answer: &Answer) -> Failure {
    let is_access = ["cloudflareaccess.com", "/cdn-cgi/access/"];
    if is_access.iter().any(|part| answer.location.contains(part)) {
        let next = "Set CF_ACCESS_CLIENT_ID and CF_ACCESS_CLIENT_SECRET to a service token that \
                    the console's Access application admits.";
        let message = format!("Cloudflare Access stands before {base} and asks to sign in");
        return Failure::new(Kind::NotAllowed, "access", message, next);
    }
    let message = format!("{base} sends on to {}", shortened(&answer.location, 200));
    Failure::new(Kind::Unreachable, "moved", message, "Give the console's own address.")
}

fn not_a_console(base: &str) -> Failure {
    let message = format!("{base} answers, but it is not a console of Rolecall");
    let next = "Check the address: it is that of the Worker `console`, without a path.";
    Failure::new(Kind::Unreachable, "not-a-console", message, next)
}

/// The console said no, and why.
fn refused(answer: &Answer, mut error: ApiError) -> Failure {
    let (kind, next) = match answer.status {
        401 => (Kind::NotAllowed, "Run `rolecall login`, or set ROLECALL_TOKEN to a valid token."),
        403 => (Kind::NotAllowed, "Ask someone who is listed in OPERATORS of the console."),
        404 => (Kind::Failed, "Check the id."),
        409 | 412 => (Kind::Refused, "Make a new plan and read it."),
        429 => (Kind::Unreachable, "Wait a minute, then run it again."),
        400..500 => (Kind::Usage, "Check the arguments; `--help` shows an example."),
        _ => (Kind::Unreachable, "Run it again in a minute; then read the console's log."),
    };
    if matches!(&*error.error, "no-route" | "method-not-allowed") {
        OLDER_NEXT.clone_into(&mut error.next);
        return Failure { kind: Kind::Unreachable, error };
    }
    if error.next.is_empty() {
        next.clone_into(&mut error.next);
    }
    if matches!(answer.status, 429 | 503) && !answer.retry_after.is_empty() {
        error.message = format!("{} (wait {} s)", error.message, answer.retry_after);
    }
    Failure { kind, error }
}

/// Something said no that does not speak as the console does.
fn unexplained(base: &str, answer: &Answer) -> Failure {
    let status = answer.status;
    let said = |text: &str| format!("{base} answers {status}: {text}");
    let (kind, code, message, next) = match status {
        401 | 403 => (
            Kind::NotAllowed,
            "not-allowed",
            said("not allowed, and what says so is not the console"),
            "Check the token; with Cloudflare Access in front, check CF_ACCESS_CLIENT_ID and \
             CF_ACCESS_CLIENT_SECRET.",
        ),
        404 | 405 => (
            Kind::Unreachable,
            "no-such-route",
            said("this console does not know the request"),
            OLDER_NEXT,
        ),
        429 => (
            Kind::Unreachable,
            "too-many",
            said("too many requests"),
            "Wait a minute, then run it again.",
        ),
        _ => (
            Kind::Unreachable,
            "no-answer",
            said("no answer of a console"),
            "Run it again in a minute; then read the console's log.",
        ),
    };
    Failure::new(kind, code, message, next)
}
