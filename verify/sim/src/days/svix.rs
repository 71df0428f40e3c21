//! Svix: signs each event and tries to deliver it until the door says 2xx, or the schedule ends.
//! <https://docs.svix.com/retries>

use shared::signature::SvixHeaders;

use super::agenda::Step;
use super::count::Rare;
use super::dice::Fault;
use super::input::Window;
use super::world::World;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The secret that Svix and the door share.
pub(super) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const KEY: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What each attempt waits for after the one before.
const SCHEDULE_MS: [i64; 8] =
    [0, 5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 36_000_000];

/// One event on its way to the door.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Delivery {
    /// Which event.
    pub(super) event: usize,
    /// The same for every attempt.
    pub(super) svix_id: String,
    /// Whether the door has ever said 2xx.
    pub(super) accepted: bool,
    /// Whether nothing was enqueued of it: its type is not synced.
    pub(super) ignored: bool,
    /// Whether Svix has heard a 2xx.
    pub(super) told: bool,
    /// Whether the door has noted it; only a mistake does so.
    pub(super) noted: bool,
    /// Whether a restore of the database took its effects away.
    pub(super) undone: bool,
    /// Whether D1 accounts for it: applied, or a dead letter.
    pub(super) held: bool,
    /// Whether D1 has noted it: a letter that could not be opened names no delivery.
    pub(super) noted_in_d1: bool,
    /// How many messages of it the queue or a consumer holds.
    pub(super) queued: u32,
}

impl World<'_> {
    /// Clerk's event happens: Svix has it.
    pub(super) fn happens(&mut self, event: usize) {
        let delivery = self.deliveries.len();
        let svix_id = format!("msg_{event}");
        let kind = self.events.get(event).map_or("", |event| &event.kind).to_owned();
        self.say(format_args!("clerk: {kind} becomes {svix_id}"));
        self.deliveries.push(Delivery {
            event,
            svix_id,
            accepted: false,
            ignored: false,
            told: false,
            noted: false,
            undone: false,
            held: false,
            noted_in_d1: false,
            queued: 0,
        });
        let reordered = self.dice.strikes(Fault::Reordered);
        let most = if reordered { self.mix.day_ms / 4 } else { self.mix.way_ms };
        let ms = self.dice.delay(most);
        self.after(ms, Step::Attempt { delivery, attempt: 0 });
    }

    /// Svix delivers by hand what an operator names: the same id, another timestamp.
    pub(super) fn recover(&mut self, event: usize) {
        let delivery = self.deliveries.iter().position(|delivery| delivery.event == event);
        if let Some(delivery) = delivery {
            self.say(format_args!("svix: delivers msg_{event} again by hand"));
            self.count(Rare::Recovered);
            self.after(1, Step::Attempt { delivery, attempt: SCHEDULE_MS.len() });
        }
    }

    /// One attempt begins.
    pub(super) fn attempt(&mut self, delivery: usize, attempt: usize) {
        let by_hand = SCHEDULE_MS.len() <= attempt;
        let told = self.deliveries.get(delivery).is_none_or(|delivery| delivery.told);
        if told && !by_hand {
            return;
        }
        if self.is_on(Window::SvixDown) || self.dice.strikes(Fault::RequestLost) {
            return self.failed(delivery, attempt);
        }
        let signed_s = self.now.div_euclid(1000);
        self.on_its_way(Step::Knock { delivery, attempt, signed_s });
    }

    /// The door's answer is on its way back.
    pub(super) fn replied(&mut self, delivery: usize, attempt: usize, status: u16) {
        self.say(format_args!("door: msg of delivery {delivery} gets {status}"));
        if status == 202
            && !self.dice.strikes(Fault::AnswerLost)
            && let Some(delivery) = self.deliveries.get_mut(delivery)
        {
            delivery.told = true;
            return;
        }
        self.failed(delivery, attempt);
    }

    /// The attempt came to nothing, as far as Svix knows.
    pub(super) fn failed(&mut self, delivery: usize, attempt: usize) {
        let next = attempt + 1;
        let Some(wait) = SCHEDULE_MS.get(next).copied() else {
            return self.gave_up(delivery);
        };
        if self.dice.strikes(Fault::SvixGivesUp) {
            return self.gave_up(delivery);
        }
        let jitter = self.dice.delay(wait / 10 + 1);
        self.after(wait + jitter, Step::Attempt { delivery, attempt: next });
    }

    fn gave_up(&mut self, delivery: usize) {
        self.say(format_args!("svix: gives delivery {delivery} up"));
        self.count(Rare::SvixGaveUp);
    }
}

/// The headers of an attempt, signed as Svix signs: by an implementation that is not the door's.
pub(super) fn sign(svix_id: &str, signed_s: i64, body: &[u8]) -> SvixHeaders {
    let mut signed = format!("{svix_id}.{signed_s}.").into_bytes();
    signed.extend_from_slice(body);
    let key = STANDARD.decode(KEY).unwrap_or_default();
    let tag = STANDARD.encode(hmac_sha256::HMAC::mac(&signed, &key));
    SvixHeaders::from_fn(|name| match name {
        "svix-id" => Some(svix_id.to_owned()),
        "svix-timestamp" => Some(signed_s.to_string()),
        "svix-signature" => Some(format!("v1,{tag}")),
        _ => None,
    })
}
