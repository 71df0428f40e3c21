//! A webhook delivery, and the signed request of each attempt. No I/O.

use axum::http::header::{CONTENT_TYPE, USER_AGENT};
use axum::http::{Request, Uri};
use serde::{Deserialize, Serialize};
use svix::webhooks::{Webhook, WebhookError};

/// The age of a stale attempt. Svix's libraries accept five minutes.
const STALE_S: i64 = 600;

/// A key that no receiver was given.
const OTHER_KEY: &[u8] = b"a key that no receiver was given";

/// What is sent: the same id and body in every attempt and every copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WebhookDelivery {
    /// `svix-id`.
    pub svix_id: String,
    /// The body, byte for byte.
    pub body: String,
    /// The faults of this delivery.
    pub faults: DeliveryFaults,
}

/// The faults of one delivery. The fault switches decide on what is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeliveryFaults {
    /// The number of further copies, sent after the response to the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicate: Option<u32>,
    /// The wait before the first attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// Whether it is lost: Clerk does not guarantee delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drop: Option<bool>,
    /// What a forger changed. A forger sends once, so there is no retry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tamper: Option<Tampering>,
}

/// What is wrong with a request that a receiver must refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tampering {
    /// The body is not the one that was signed.
    Body,
    /// `svix-timestamp` is not the one that was signed.
    Timestamp,
    /// The signature differs in one character.
    Signature,
    /// `svix-id` is not the one that was signed.
    Id,
    /// Signed correctly, but ten minutes ago: a replay.
    Stale,
    /// Signed with a key that the receiver does not have.
    OtherSecret,
}

impl Tampering {
    /// All of them. The tests go through this list.
    pub const ALL: [Self; 6] =
        [Self::Body, Self::Timestamp, Self::Signature, Self::Id, Self::Stale, Self::OtherSecret];
}

/// The headers and the body of one attempt: signed, then tampered with on request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRequest {
    /// `svix-id`.
    pub id: String,
    /// `svix-timestamp`, in seconds: the time of this attempt.
    pub timestamp_s: i64,
    /// `svix-signature`.
    pub signature: String,
    /// The body.
    pub body: String,
}

impl SignedRequest {
    /// Signs an attempt at `now_s`, then tampers with it as `tampering` says.
    ///
    /// # Errors
    /// [`WebhookError`] from the `svix` crate; none is expected when the body is text.
    pub fn new(
        delivery: &WebhookDelivery,
        tampering: Option<Tampering>,
        webhook: &Webhook,
        now_s: i64,
    ) -> Result<Self, WebhookError> {
        let (id, body) = (delivery.svix_id.clone(), delivery.body.clone());
        let timestamp_s =
            if tampering == Some(Tampering::Stale) { now_s.saturating_sub(STALE_S) } else { now_s };
        let signature = if tampering == Some(Tampering::OtherSecret) {
            let other = Webhook::from_bytes(OTHER_KEY.to_vec())?;
            other.sign(&id, timestamp_s, body.as_bytes())?
        } else {
            webhook.sign(&id, timestamp_s, body.as_bytes())?
        };
        let signed = Self { id, timestamp_s, signature, body };
        Ok(match tampering {
            Some(tampering) => signed.tampered_with(tampering),
            None => signed,
        })
    }

    fn tampered_with(mut self, tampering: Tampering) -> Self {
        match tampering {
            Tampering::Body => self.body = alter_body(&self.body),
            Tampering::Timestamp => self.timestamp_s = self.timestamp_s.saturating_add(1),
            Tampering::Signature => self.signature = alter_signature(&self.signature),
            Tampering::Id => self.id.push('x'),
            // These two were signed wrongly.
            Tampering::Stale | Tampering::OtherSecret => {}
        }
        self
    }

    /// The HTTP request that Svix would send.
    ///
    /// # Errors
    /// [`axum::http::Error`] when the id is not a valid header value.
    pub fn into_request<B: From<String>>(self, to: &Uri) -> Result<Request<B>, axum::http::Error> {
        Request::post(to)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, "Svix-Webhooks/local")
            .header("svix-id", self.id)
            .header("svix-timestamp", self.timestamp_s)
            .header("svix-signature", self.signature)
            .body(B::from(self.body))
    }
}

/// A different body: where it is a JSON object, one with a further member.
fn alter_body(body: &str) -> String {
    match body.strip_prefix("{\"") {
        Some(rest) => format!("{{\"altered\":true,\"{rest}"),
        None => format!("{body} "),
    }
}

/// The same signature, except for its first character.
fn alter_signature(signature: &str) -> String {
    match signature.strip_prefix("v1,A") {
        Some(rest) => format!("v1,B{rest}"),
        None => signature
            .char_indices()
            .map(|(at, c)| if at == "v1,".len() { 'A' } else { c })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{HeaderMap, Uri};
    use svix::webhooks::{Webhook, WebhookError};

    use super::{DeliveryFaults, SignedRequest, Tampering, WebhookDelivery};
    use crate::clock::now_ms;
    use crate::ids::new_svix_id;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    /// Verifies an attempt with the `svix` crate.
    fn verify(body: &str, tamper: Option<Tampering>) -> Result<(), WebhookError> {
        let webhook = Webhook::new(SECRET).unwrap();
        let delivery = WebhookDelivery {
            svix_id: new_svix_id(),
            body: body.to_owned(),
            faults: DeliveryFaults::default(),
        };
        let signed = SignedRequest::new(&delivery, tamper, &webhook, now_ms() / 1000).unwrap();
        let sent = signed.body.clone();
        let uri = Uri::from_static("http://127.0.0.1/webhooks/clerk");
        let request = signed.into_request::<Body>(&uri).unwrap();
        let headers: &HeaderMap = request.headers();
        assert_eq!(headers["user-agent"], "Svix-Webhooks/local");
        webhook.verify(sent.as_bytes(), headers)
    }

    #[test]
    fn a_signed_request_verifies() {
        for body in ["{\"a\":1}", "{}", "", "not json", "ü"] {
            assert!(verify(body, None).is_ok(), "{body}");
        }
    }

    #[test]
    fn a_request_that_was_tampered_with_does_not_verify() {
        use Tampering::{Body, Id, OtherSecret, Signature, Stale, Timestamp};
        for body in ["{\"a\":1}", "{}", "", "not json"] {
            for tamper in [Body, Timestamp, Signature, Id, OtherSecret] {
                let result = verify(body, Some(tamper));
                assert!(
                    matches!(result, Err(WebhookError::InvalidSignature)),
                    "{body:?} {tamper:?}: {result:?}"
                );
            }
            let result = verify(body, Some(Stale));
            assert!(matches!(result, Err(WebhookError::TimestampTooOldError)), "{result:?}");
        }
    }

    #[test]
    fn altering_a_signature_always_changes_it() {
        assert_eq!(super::alter_signature("v1,AbCd"), "v1,BbCd");
        assert_eq!(super::alter_signature("v1,bbCd"), "v1,AbCd");
    }
}
