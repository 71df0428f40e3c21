//! The door, step by step as `ingest/src/webhook.rs` and `ingest/src/admission.rs`: verify, parse,
//! seal, send, answer. It may crash on either side of the sending, and the queue may refuse.

use shared::envelope::Envelope;
use shared::event::{self, Payload};
use shared::projection::PROJECTION;
use shared::signature;
use shared::time::UnixMillis;

use super::count::Rare;
use super::dice::Fault;
use super::input::Window;
use super::svix::sign;
use super::world::{Text, World};

/// One text that the queue has taken.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    /// Of which delivery; none for what no door has written.
    pub(super) delivery: usize,
    /// The bytes.
    pub(super) text: Text,
}

/// So many events in so short a time are a storm.
const STORM_EVENTS: usize = 10;
const STORM_MS: i64 = 500;

/// What the door makes of an attempt.
enum Read {
    Refused,
    Ignored,
    Enqueue(Text),
}

impl World<'_> {
    /// An attempt arrives.
    pub(super) fn knock(&mut self, delivery: usize, attempt: usize, signed_s: i64) {
        if self.dice.strikes(Fault::Forged) {
            self.forged(delivery, signed_s);
        }
        let text = match self.read(delivery, signed_s, false) {
            Read::Refused => {
                self.count(Rare::SkewedDoor);
                return self.replied(delivery, attempt, 401);
            }
            Read::Ignored => {
                self.accept(delivery, true);
                return self.replied(delivery, attempt, 202);
            }
            Read::Enqueue(text) => text,
        };
        let noted = self
            .deliveries
            .get_mut(delivery)
            .is_some_and(|it| std::mem::replace(&mut it.noted, true));
        if noted && self.is_wrong(super::sabotage::Sabotage::NotedBeforeSent) {
            self.accept(delivery, false);
            return self.replied(delivery, attempt, 202);
        }
        if self.dice.strikes(Fault::DoorCrash) {
            return self.failed(delivery, attempt);
        }
        if self.is_on(Window::QueueDown) || self.dice.strikes(Fault::SendFails) {
            self.count(Rare::SendRefused);
            let now = self.now;
            let near = self.events.iter().filter(|it| (it.at - now).abs() < STORM_MS).count();
            if STORM_EVENTS <= near {
                self.count(Rare::Storm);
            }
            return self.replied(delivery, attempt, 503);
        }
        let sent = self.sent.len();
        self.sent.push(Sent { delivery, text: text.clone() });
        self.enqueue(sent);
        if self.dice.strikes(Fault::SendAmbiguous) {
            self.count(Rare::SendAmbiguous);
            return self.replied(delivery, attempt, 503);
        }
        self.accept(delivery, false);
        self.replied(delivery, attempt, 202);
    }

    fn accept(&mut self, delivery: usize, ignored: bool) {
        if let Some(delivery) = self.deliveries.get_mut(delivery) {
            delivery.accepted = true;
            delivery.ignored = ignored;
        }
    }

    fn read(&mut self, delivery: usize, signed_s: i64, forged: bool) -> Read {
        let Some(delivery) = self.deliveries.get(delivery) else { return Read::Refused };
        let Some(event) = self.events.get(delivery.event) else { return Read::Refused };
        let headers = sign(&delivery.svix_id, signed_s, event.body.as_bytes());
        let now = UnixMillis(self.clock(Window::DoorAhead, Window::DoorBehind));
        let other = if forged { event.body.replace("user_", "user_x") } else { String::new() };
        let body = if forged { other.as_bytes() } else { event.body.as_bytes() };
        let Ok(body) = signature::verify(&headers, body, &self.secrets, now) else {
            return Read::Refused;
        };
        let incoming = event::parse(&body);
        if matches!(incoming.payload, Payload::Ignored) {
            return Read::Ignored;
        }
        let envelope = Envelope::new(body.id().clone(), body.attempted_at(), now, incoming);
        Read::Enqueue(self.of_its_build(envelope.encode()).into())
    }

    /// A newer door writes another version of the wire, an older one an older projection.
    fn of_its_build(&self, text: String) -> String {
        match self.door {
            0 => text.replace(
                &format!(r#""projection":{PROJECTION},"#),
                &format!(r#""projection":{},"#, PROJECTION - 1),
            ),
            2 => text.replacen(r#"{"v":1,"#, NEWER, 1),
            _ => text,
        }
    }

    /// Somebody sends another body under a signature that was seen.
    fn forged(&mut self, delivery: usize, signed_s: i64) {
        let names_a_user = self.deliveries.get(delivery).and_then(|it| self.events.get(it.event));
        if !names_a_user.is_some_and(|event| event.body.contains("user_")) {
            return;
        }
        match self.read(delivery, signed_s, true) {
            Read::Refused => self.count(Rare::ForgeryRefused),
            Read::Ignored | Read::Enqueue(_) => {
                self.laws.breaks("I13 authenticity", format!("delivery {delivery} was forged"));
            }
        }
    }
}

/// How a newer build's envelope begins.
pub(super) const NEWER: &str = r#"{"v":2,"#;
