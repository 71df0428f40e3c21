//! The two queues: at least once, in no order, with delays, up to the retries of `wrangler.toml`.
//! What is given up once too often moves to the dead one.

use shared::limits::{ATTEMPTS_MAX, DEAD_ATTEMPTS_MAX};

use super::agenda::Step;
use super::count::Rare;
use super::dice::Fault;
use super::state::{Copy, Text};
use super::world::World;

impl World<'_> {
    /// The queue takes a text: a new message, perhaps in two copies.
    pub(super) fn enqueue(&mut self, sent: usize) {
        if let Some(text) = self.sent.get(sent).map(|sent| sent.text.clone()) {
            self.enqueue_text(sent, text);
        }
    }

    /// The queue takes these bytes, which are those of `sent` unless something has changed them.
    pub(super) fn enqueue_text(&mut self, sent: usize, text: Text) {
        let message = format!("m{}", self.number());
        self.queue.messages.insert(message.clone(), sent);
        let due = self.now + self.dice.delay(self.mix.way_ms);
        let copy = Copy {
            message,
            sent,
            text,
            sent_at: self.now,
            attempts: 0,
            due,
            taken: false,
            dead: false,
        };
        if self.dice.strikes(Fault::Duplicate) {
            let later = due + self.dice.delay(self.mix.day_ms / 4);
            self.put(Copy { due: later, ..copy.clone() });
        }
        self.put(copy);
    }

    fn put(&mut self, copy: Copy) {
        self.change_queued_count(copy.sent, 1);
        let wait = (copy.due - self.now).max(1);
        self.after(wait, Step::HandOut { dead: copy.dead });
        let number = self.number();
        self.queue.copies.insert(number, copy);
    }

    fn change_queued_count(&mut self, sent: usize, more: i32) {
        let delivery = self.sent.get(sent).map_or(usize::MAX, |sent| sent.delivery);
        if let Some(delivery) = self.deliveries.get_mut(delivery) {
            delivery.queued = delivery.queued.saturating_add_signed(more);
        }
    }

    /// The copies that may be handed out now, in any order, as many as a batch holds.
    pub(super) fn take_due(&mut self, dead: bool) -> Vec<u32> {
        let now = self.now;
        let copies = self.queue.copies.iter();
        let due = copies.filter(|(_, it)| it.dead == dead && !it.taken && it.due <= now);
        let mut due: Vec<u32> = due.map(|(number, _)| *number).collect();
        self.dice.free.shuffle(&mut due);
        due.truncate(self.mix.batch);
        for number in &due {
            if let Some(copy) = self.queue.copies.get_mut(number) {
                copy.taken = true;
                copy.attempts += 1;
            }
        }
        due
    }

    /// A copy is acknowledged.
    pub(super) fn acknowledged(&mut self, number: u32) {
        if let Some(copy) = self.queue.copies.remove(&number) {
            self.change_queued_count(copy.sent, -1);
        }
    }

    /// A copy is handed back, to be handed out again after this.
    pub(super) fn retry_later(&mut self, number: u32, seconds: u32) {
        let Some(copy) = self.queue.copies.get_mut(&number) else { return };
        (copy.taken, copy.due) = (false, self.now + i64::from(seconds) * 1000 + 1);
        let most = if copy.dead { DEAD_ATTEMPTS_MAX } else { ATTEMPTS_MAX };
        if most <= copy.attempts {
            if copy.dead {
                let lost = format!("the dead queue gave {} up", copy.message);
                return self.laws.breaks("I8 conservation", lost);
            }
            (copy.dead, copy.attempts, copy.due) = (true, 0, self.now + 1);
            let message = copy.message.clone();
            self.say(format_args!("queue: {message} moves to the dead queue"));
            self.count(Rare::DeadQueue);
            return self.after(1, Step::HandOut { dead: true });
        }
        let (wait, dead) = (copy.due - self.now, copy.dead);
        self.after(wait, Step::HandOut { dead });
    }
}
