//! One invocation of a consumer: what it is handed, when it crashes, and what the platform then
//! does with its messages.

use shared::limits::DEAD_RETRY_S_MAX;
use shared::retry::QueueAction;

use super::agenda::Step;
use super::count::Rare;
use super::dice::Fault;
use super::state::{Consumer, Copy};
use super::world::World;

/// Isolates that consumers run in.
const ISOLATES: usize = 3;

impl World<'_> {
    /// The platform hands out what is due, when a consumer is free.
    pub(super) fn hand_out(&mut self, dead: bool) {
        let busy = self.consumers.values().filter(|it| it.dead == dead).count();
        if self.mix.consumers <= busy {
            return;
        }
        let copies = self.take_due(dead);
        if copies.is_empty() {
            return;
        }
        let (number, isolate) = (self.number(), self.dice.below(ISOLATES));
        let messages = copies.len();
        self.say(format_args!("consumer {number}: is handed {messages} messages, dead {dead}"));
        let consumer = Consumer { dead, copies, isolate, ..Consumer::default() };
        if self.consumers.values().any(|other| self.share_a_user(other, &consumer)) {
            self.count(Rare::ConcurrentConsumers);
        }
        self.consumers.insert(number, consumer);
        self.after(self.mix.way_ms, Step::HandOut { dead });
        self.drain(number);
    }

    /// The invocation is over: the platform does what it was told, and hands back the rest.
    pub(super) fn end_invocation(&mut self, number: u32) {
        let Some(consumer) = self.consumers.remove(&number) else { return };
        for copy in &consumer.copies {
            let told = consumer.settled.iter().find(|(it, _)| it == copy).map(|(_, told)| *told);
            match told {
                Some(QueueAction::Ack) => self.acknowledged(*copy),
                Some(QueueAction::RetryAfter(seconds)) => self.retry_later(*copy, seconds),
                None if consumer.dead => self.retry_later(*copy, DEAD_RETRY_S_MAX),
                None => self.retry_later(*copy, 1),
            }
        }
        self.after(1, Step::HandOut { dead: consumer.dead });
    }

    /// Whether the consumer crashes here.
    pub(super) fn crashes(&mut self, number: u32, rare: Rare) -> bool {
        if !self.consumers.contains_key(&number) || !self.dice.strikes(Fault::Crash) {
            return false;
        }
        self.say(format_args!("consumer {number}: crashes, {}", rare.name()));
        self.count(rare);
        let acks_lost = self.dice.strikes(Fault::AcksLost);
        if let Some(consumer) = self.consumers.get_mut(&number) {
            self.kept.remove(&consumer.isolate);
            if acks_lost {
                consumer.settled.clear();
            }
        }
        self.end_invocation(number);
        true
    }

    /// A copy that a consumer has in hand.
    pub(super) fn copy(&self, number: u32) -> Option<Copy> {
        self.queue.copies.get(&number).cloned()
    }

    pub(super) fn share_a_user(&self, one: &Consumer, other: &Consumer) -> bool {
        let deliveries = |it: &Consumer| -> Vec<usize> {
            let copies = it.copies.iter().filter_map(|number| self.queue.copies.get(number));
            copies.filter_map(|copy| self.sent.get(copy.sent)).map(|it| it.delivery).collect()
        };
        let theirs = deliveries(other);
        deliveries(one)
            .iter()
            .any(|mine| theirs.iter().any(|it| self.subject(*mine) == self.subject(*it)))
    }

    pub(super) fn subject(&self, delivery: usize) -> Option<&str> {
        let event = self.deliveries.get(delivery).and_then(|it| self.events.get(it.event))?;
        event.body.split_once("user_").map(|(_, rest)| rest.get(..3).unwrap_or(rest))
    }
}
