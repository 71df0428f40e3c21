//! What a handler gets: the request, and who asks.

use edge::body::{self, BodyError};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use shared::operators::authentication::Caller;
use shared::operators::query::QueryMembers;
use worker::{Env, Request};

use crate::incoming::IncomingRequest;
use crate::reply::Failure;

/// Bytes in a body.
pub(crate) const BODY_BYTES_MAX: usize = 65_536;

/// The parameters in a path, decoded, by their names.
pub(crate) type PathParams = Vec<(&'static str, String)>;

/// A request.
#[derive(Debug)]
pub(crate) struct RequestContext<'a> {
    /// For its body: [`RequestContext::body`].
    pub(crate) req: &'a Request,
    /// The bindings.
    pub(crate) env: &'a Env,
    /// The rest of it.
    pub(crate) incoming: &'a IncomingRequest,
    /// The parameters in its path, decoded.
    pub(crate) params: PathParams,
}

/// A request of a caller who may make it.
#[derive(Debug)]
pub(crate) struct CallerContext<'a> {
    /// The request.
    pub(crate) request: &'a RequestContext<'a>,
    /// Who asks.
    pub(crate) caller: Caller,
}

impl RequestContext<'_> {
    /// A parameter in the path.
    pub(crate) fn param(&self, name: &str) -> &str {
        let found = self.params.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// The query, whose members have the names `known`.
    ///
    /// # Errors
    /// If it has others.
    pub(crate) fn query(&self, known: &[&'static str]) -> Result<QueryMembers, Failure> {
        Ok(QueryMembers::parse(&self.incoming.query, known)?)
    }

    /// The body, at most [`BODY_BYTES_MAX`], of this media type.
    ///
    /// # Errors
    /// If it is of another type, too large or aborted, or not UTF-8.
    pub(crate) async fn body(&self, media_type: &'static str) -> Result<String, Failure> {
        let sent = self.incoming.content_type.split(';').next().unwrap_or_default().trim();
        if !sent.eq_ignore_ascii_case(media_type) {
            return Err(Failure::media_type(media_type));
        }
        let declared = body::content_length(self.req.headers());
        // A second handle on the same request; its own method `clone` would split the body.
        let stream = Request::from(Clone::clone(self.req.inner())).stream();
        let bytes = body::read_up_to(BODY_BYTES_MAX, declared, stream).await;
        let bytes = bytes.map_err(|error| match error {
            BodyError::TooLarge => Failure::body_too_large(),
            BodyError::Aborted => Failure::invalid("body", "The body was aborted.".to_owned()),
        })?;
        String::from_utf8(bytes)
            .map_err(|_| Failure::invalid("body", "The body is not UTF-8.".to_owned()))
    }

    /// The body as a JSON object with these members and no others; `within` names those of members
    /// that are objects. None may be there twice: programs differ in which of them they read.
    ///
    /// # Errors
    /// As [`Self::body`], and if it is another value.
    pub(crate) async fn json_body<T: DeserializeOwned>(
        &self,
        known: &[&str],
        within: &[(&str, &[&str])],
    ) -> Result<T, Failure> {
        let text = self.body("application/json").await?;
        let invalid = |message: String| Failure::invalid("body", message);
        let object: Map<String, Value> = serde_json::from_str(&text)
            .map_err(|error| invalid(format!("The body is not a JSON object: {error}.")))?;
        known_members(&object, known)?;
        for (name, known) in within {
            let inner = object.get(*name).and_then(Value::as_object);
            inner.map_or(Ok(()), |inner| known_members(inner, known))?;
        }
        // From the text and not from `object`, which has the last one of two equal names.
        serde_json::from_str(&text)
            .map_err(|error| invalid(format!("The body is not as described: {error}.")))
    }
}

/// Refuses an object with other members than these.
///
/// # Errors
/// The first other member.
fn known_members(object: &Map<String, Value>, known: &[&str]) -> Result<(), Failure> {
    let Some(other) = object.keys().find(|name| !known.contains(&name.as_str())) else {
        return Ok(());
    };
    let other: String = other.chars().filter(|letter| !letter.is_control()).take(40).collect();
    let message = format!("`{other}` is not known here; allowed: {}.", known.join(", "));
    Err(Failure::invalid("body", message))
}
