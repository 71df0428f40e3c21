//! The Worker `ingest`, step by step as `ingest/src/webhook.rs`: `shared::admission` decides, then
//! the envelope is sent. The Worker may crash before or after sending, and the queue may fail.

use shared::admission::{self, ACCEPTED_STATUS, AdmittedDelivery, IngestError};
use shared::projection::PROJECTION_VERSION;
use shared::signature::{SignatureError, UnverifiedDelivery};
use shared::time::UnixMillis;

use super::count::Rare;
use super::dice::Fault;
use super::input::Window;
use super::signing::sign;
use super::state::{Sent, Text};
use super::world::World;

/// This many events within this time count as a storm.
const STORM_EVENTS: usize = 10;
const STORM_MS: i64 = 500;

impl World<'_> {
    /// An attempt arrives.
    pub(super) fn knock(&mut self, delivery: usize, attempt: usize, signed_s: i64) {
        if self.dice.strikes(Fault::Forged) {
            self.forged(delivery, signed_s);
        }
        let envelope = match self.admit(delivery, signed_s, false) {
            Ok(admitted) => admitted.envelope,
            Err(rejection) => {
                self.count(Rare::SkewedDoor);
                return self.replied(delivery, attempt, rejection.status());
            }
        };
        let Some(envelope) = envelope else {
            self.accept(delivery, true);
            return self.replied(delivery, attempt, ACCEPTED_STATUS);
        };
        let text: Text = self.of_its_build(envelope.encode()).into();
        let noted = self
            .deliveries
            .get_mut(delivery)
            .is_some_and(|it| std::mem::replace(&mut it.noted, true));
        if noted && self.is_wrong(super::sabotage::Sabotage::NotedBeforeSent) {
            self.accept(delivery, false);
            return self.replied(delivery, attempt, ACCEPTED_STATUS);
        }
        if self.dice.strikes(Fault::DoorCrash) {
            return self.failed(delivery, attempt);
        }
        let queue_unavailable = IngestError::QueueUnavailable(String::new()).status();
        if self.is_on(Window::QueueDown) || self.dice.strikes(Fault::SendFails) {
            self.count(Rare::SendRefused);
            let now = self.now;
            let near = self.events.iter().filter(|it| (it.at - now).abs() < STORM_MS).count();
            if STORM_EVENTS <= near {
                self.count(Rare::Storm);
            }
            return self.replied(delivery, attempt, queue_unavailable);
        }
        let sent = self.sent.len();
        self.sent.push(Sent { delivery, text: text.clone() });
        self.enqueue(sent);
        if self.dice.strikes(Fault::SendAmbiguous) {
            self.count(Rare::SendAmbiguous);
            return self.replied(delivery, attempt, queue_unavailable);
        }
        self.accept(delivery, false);
        self.replied(delivery, attempt, ACCEPTED_STATUS);
    }

    fn accept(&mut self, delivery: usize, ignored: bool) {
        if let Some(delivery) = self.deliveries.get_mut(delivery) {
            delivery.accepted = true;
            delivery.ignored = ignored;
        }
    }

    /// What ingest decides on an attempt; a forged one has another body than the signed one.
    fn admit(
        &self,
        delivery: usize,
        signed_s: i64,
        is_forged: bool,
    ) -> Result<AdmittedDelivery, IngestError> {
        let now = UnixMillis(self.clock(Window::DoorAhead, Window::DoorBehind));
        let unknown = SignatureError::NoMatchingSignature;
        let delivery = self.deliveries.get(delivery).ok_or(unknown)?;
        let event = self.events.get(delivery.event).ok_or(unknown)?;
        let headers = sign(&delivery.svix_id, signed_s, event.body.as_bytes());
        let forged = is_forged.then(|| event.body.replace("user_", "user_x"));
        let body = forged.as_ref().unwrap_or(&event.body);
        let unverified = UnverifiedDelivery::parse(&headers, now)?;
        admission::admit(unverified, body.as_bytes(), &self.ingest, now)
    }

    /// A newer ingest writes another version of the wire, an older one an older projection.
    fn of_its_build(&self, text: String) -> String {
        match self.door {
            0 => text.replace(
                &format!(r#""projection":{PROJECTION_VERSION},"#),
                &format!(r#""projection":{},"#, PROJECTION_VERSION - 1),
            ),
            2 => text.replacen(r#"{"v":1,"#, NEWER, 1),
            _ => text,
        }
    }

    /// An attacker sends another body under the signature of a genuine delivery.
    fn forged(&mut self, delivery: usize, signed_s: i64) {
        let names_a_user = self.deliveries.get(delivery).and_then(|it| self.events.get(it.event));
        if !names_a_user.is_some_and(|event| event.body.contains("user_")) {
            return;
        }
        match self.admit(delivery, signed_s, true) {
            Err(_) => self.count(Rare::ForgeryRefused),
            Ok(_) => {
                self.laws.breaks("I13 authenticity", format!("delivery {delivery} was forged"));
            }
        }
    }
}

/// The start of a newer build's envelope.
pub(super) const NEWER: &str = r#"{"v":2,"#;
