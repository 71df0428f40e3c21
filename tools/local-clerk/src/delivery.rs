//! A delivery, and the signed request that each attempt at it makes. No I/O.

use axum::http::header::{CONTENT_TYPE, USER_AGENT};
use axum::http::{Request, Uri};
use serde::{Deserialize, Serialize};
use svix::webhooks::{Webhook, WebhookError};

/// How far back a stale attempt is dated. Svix's libraries tolerate five minutes.
const STALE_S: i64 = 600;

/// A key that no receiver was given.
const FOREIGN_KEY: &[u8] = b"a key that no receiver was given";

/// What is to be sent: the same id and body for every attempt and every copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// `svix-id`.
    pub svix_id: String,
    /// The body, byte for byte.
    pub body: String,
    /// What goes wrong with this delivery in particular.
    pub faults: OwnFaults,
}

/// What goes wrong with one delivery. What is absent follows the standing switches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OwnFaults {
    /// How many further copies are sent after the first has been answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicate: Option<u32>,
    /// How long to wait before the first attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// Whether it is lost: Clerk promises no delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drop: Option<bool>,
    /// What a forger did to it. A forger sends once: such a delivery is not tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tamper: Option<Tamper>,
}

/// What can be wrong with a request that a receiver must refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tamper {
    /// The body is not the one that was signed.
    Body,
    /// `svix-timestamp` is not the one that was signed.
    Timestamp,
    /// The signature differs in one character.
    Signature,
    /// `svix-id` is not the one that was signed.
    Id,
    /// Rightly signed, ten minutes ago: a recording.
    Stale,
    /// Signed with a key that the receiver does not have.
    OtherSecret,
}

impl Tamper {
    /// Each of them. A new one is tested by being here.
    pub const ALL: [Self; 6] =
        [Self::Body, Self::Timestamp, Self::Signature, Self::Id, Self::Stale, Self::OtherSecret];
}

/// One attempt: headers and body, signed and, where asked, spoilt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// `svix-id`.
    pub id: String,
    /// `svix-timestamp`, in seconds: the time of this attempt.
    pub timestamp_s: i64,
    /// `svix-signature`.
    pub signature: String,
    /// The body.
    pub body: String,
}

impl Signed {
    /// Signs an attempt at `now_s`, then spoils it if `tamper` says so.
    ///
    /// # Errors
    /// [`WebhookError`] as the `svix` crate gives it; with text as body it has no reason to.
    pub fn new(
        delivery: &Delivery,
        tamper: Option<Tamper>,
        webhook: &Webhook,
        now_s: i64,
    ) -> Result<Self, WebhookError> {
        let (id, body) = (delivery.svix_id.clone(), delivery.body.clone());
        let timestamp_s =
            if tamper == Some(Tamper::Stale) { now_s.saturating_sub(STALE_S) } else { now_s };
        let signature = if tamper == Some(Tamper::OtherSecret) {
            let foreign = Webhook::from_bytes(FOREIGN_KEY.to_vec())?;
            foreign.sign(&id, timestamp_s, body.as_bytes())?
        } else {
            webhook.sign(&id, timestamp_s, body.as_bytes())?
        };
        let signed = Self { id, timestamp_s, signature, body };
        Ok(match tamper {
            Some(tamper) => signed.spoilt(tamper),
            None => signed,
        })
    }

    fn spoilt(mut self, tamper: Tamper) -> Self {
        match tamper {
            Tamper::Body => self.body = altered(&self.body),
            Tamper::Timestamp => self.timestamp_s = self.timestamp_s.saturating_add(1),
            Tamper::Signature => self.signature = resigned(&self.signature),
            Tamper::Id => self.id.push('x'),
            // These two are wrong from the signing on.
            Tamper::Stale | Tamper::OtherSecret => {}
        }
        self
    }

    /// The request that Svix would make.
    ///
    /// # Errors
    /// [`axum::http::Error`] when the id is not the text of a header.
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

/// Another body, and where possible another meaning: a field more in the object.
fn altered(body: &str) -> String {
    match body.strip_prefix("{\"") {
        Some(rest) => format!("{{\"altered\":true,\"{rest}"),
        None => format!("{body} "),
    }
}

/// The same signature but for its first character.
fn resigned(signature: &str) -> String {
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

    use super::{Delivery, OwnFaults, Signed, Tamper};
    use crate::clock::now_ms;
    use crate::ids::fresh_svix_id;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    /// What the `svix` crate makes of an attempt.
    fn verdict(body: &str, tamper: Option<Tamper>) -> Result<(), WebhookError> {
        let webhook = Webhook::new(SECRET).unwrap();
        let delivery = Delivery {
            svix_id: fresh_svix_id(),
            body: body.to_owned(),
            faults: OwnFaults::default(),
        };
        let signed = Signed::new(&delivery, tamper, &webhook, now_ms() / 1000).unwrap();
        let sent = signed.body.clone();
        let uri = Uri::from_static("http://127.0.0.1/webhooks/clerk");
        let request = signed.into_request::<Body>(&uri).unwrap();
        let headers: &HeaderMap = request.headers();
        assert_eq!(headers["user-agent"], "Svix-Webhooks/local");
        webhook.verify(sent.as_bytes(), headers)
    }

    #[test]
    fn what_is_signed_verifies() {
        for body in ["{\"a\":1}", "{}", "", "not json", "ü"] {
            assert!(verdict(body, None).is_ok(), "{body}");
        }
    }

    #[test]
    fn what_is_spoilt_does_not_verify() {
        use Tamper::{Body, Id, OtherSecret, Signature, Stale, Timestamp};
        for body in ["{\"a\":1}", "{}", "", "not json"] {
            for tamper in [Body, Timestamp, Signature, Id, OtherSecret] {
                let verdict = verdict(body, Some(tamper));
                assert!(
                    matches!(verdict, Err(WebhookError::InvalidSignature)),
                    "{body:?} {tamper:?}: {verdict:?}"
                );
            }
            let verdict = verdict(body, Some(Stale));
            assert!(matches!(verdict, Err(WebhookError::TimestampTooOldError)), "{verdict:?}");
        }
    }

    #[test]
    fn either_signature_is_spoilt() {
        assert_eq!(super::resigned("v1,AbCd"), "v1,BbCd");
        assert_eq!(super::resigned("v1,bbCd"), "v1,AbCd");
    }
}
