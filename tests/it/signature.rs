//! Tests the webhook verifier with published vectors and against Svix's own library.

mod dice;
mod differential;
mod forge;
mod vectors;

use shared::signature::{SignatureError, SvixHeaders, WebhookSecrets, verify};
use shared::time::UnixMillis;

/// A delivery as sent: header lines in order, possibly one name twice, and a body.
#[derive(Clone, Debug, Default)]
struct Sent {
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Sent {
    /// The value of a header as Fetch gives it: all of that name, joined by `, `.
    fn joined(&self, name: &str) -> Option<String> {
        let named = self.headers.iter().filter(|(known, _)| *known == name);
        let values: Vec<&str> = named.map(|(_, value)| value.as_str()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    fn verify(&self, secrets: &str, now: UnixMillis) -> Result<(), SignatureError> {
        let secrets = WebhookSecrets::parse(secrets).expect("usable secrets");
        verify(&SvixHeaders::from_fn(|name| self.joined(name)), &self.body, &secrets, now).map(
            |verified| {
                assert_eq!(verified.bytes(), self.body);
            },
        )
    }
}
