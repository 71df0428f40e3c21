//! Svix: signs each event and tries to deliver it until the door says 2xx, or the schedule ends.
//! <https://docs.svix.com/retries>

use super::agenda::Step;
use super::count::Rare;
use super::dice::Fault;
use super::input::Window;
use super::state::Delivery;
use super::world::World;

/// What each attempt waits for after the one before.
const SCHEDULE_MS: [i64; 8] =
    [0, 5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 36_000_000];

impl World<'_> {
    /// Clerk's event happens: Svix has it.
    pub(super) fn start_delivery(&mut self, event: usize) {
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
    pub(super) fn attempt_delivery(&mut self, delivery: usize, attempt: usize) {
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
            return self.give_up(delivery);
        };
        if self.dice.strikes(Fault::SvixGivesUp) {
            return self.give_up(delivery);
        }
        let jitter = self.dice.delay(wait / 10 + 1);
        self.after(wait + jitter, Step::Attempt { delivery, attempt: next });
    }

    fn give_up(&mut self, delivery: usize) {
        self.say(format_args!("svix: gives delivery {delivery} up"));
        self.count(Rare::SvixGaveUp);
    }
}
