//! A consumer with its batch, step by step as `consumer/src/process_batch.rs`: open the messages,
//! commit part after part, acknowledge each message, then hint. It may crash between any two of
//! these; what was sent to D1 by then is executed all the same. Both queues are served alike.

use std::rc::Rc;

use shared::batch::BatchProgress;
use shared::d1_error::D1Error;
use shared::inbox;
use shared::limits::ATTEMPTS_MAX;
use shared::outbox::merge_round;
use shared::plan::{OpenedMessage, plan};
use shared::retry::QueueAction;

use super::calls::{Reply, Who, Work as Asked};
use super::count::Rare;
use super::input::Window;
use super::sabotage::Sabotage;
use super::state::By;
use super::world::World;

/// The queue that ingest writes.
const EVENTS: &str = "events";

/// The dead-letter queue.
const DEAD: &str = "dead";

impl World<'_> {
    /// `process_batch`: opens all, then commits.
    pub(super) fn drain(&mut self, number: u32) {
        let Some(consumer) = self.consumers.get(&number) else { return };
        let queue = if consumer.dead { DEAD } else { EVENTS };
        let copies: Vec<_> = consumer.copies.iter().filter_map(|it| self.copy(*it)).collect();
        let (mut whole, decisions) = self.open(queue, &copies);
        for _ in &decisions {
            self.count(Rare::NewerWaits);
        }
        if self.is_wrong(Sabotage::AckBeforeCommit) {
            self.settles(number, true);
        }
        if self.is_wrong(Sabotage::DeadIsParked) && queue == DEAD {
            let park = |it: OpenedMessage| it.to_dead_letter(DEAD, "retries-exhausted", "");
            whole.dead_letters.extend(std::mem::take(&mut whole.messages).into_iter().map(park));
        }
        if let Some(consumer) = self.consumers.get_mut(&number) {
            consumer.work = BatchProgress::new(whole, decisions);
        }
        self.commit_parts(number);
    }

    /// Commits the next part. If there is none, every message is decided.
    pub(super) fn commit_parts(&mut self, number: u32) {
        if self.crashes(number, Rare::CrashBeforeCommit) {
            return;
        }
        let Some(consumer) = self.consumers.get_mut(&number) else { return };
        let Some(part) = consumer.work.next_part() else { return self.settle(number) };
        let planned = Rc::new(plan(&part.queue, &part.messages, part.dead_letters.clone()));
        consumer.trying = Some((part, planned));
        if self.kept.contains(&consumer.isolate) {
            return self.sends(number);
        }
        self.call(Who::Settings(number), Asked::Settings);
    }

    /// The default role was written or not: the batch continues either way.
    pub(super) fn settings_kept(&mut self, number: u32, kept: bool) {
        let Some(consumer) = self.consumers.get(&number) else { return };
        if kept {
            self.kept.insert(consumer.isolate);
        }
        self.sends(number);
    }

    fn sends(&mut self, number: u32) {
        let now = self.clock(Window::ConsumerAhead, Window::ConsumerBehind);
        let trying = self.consumers.get(&number).and_then(|it| it.trying.as_ref());
        let Some((part, plan)) = trying else { return };
        let messages = part.messages.iter().map(|message| message.id.clone()).collect();
        let plan = Rc::clone(plan);
        self.call(Who::Commit(number), Asked::Commit { plan, messages, now });
        self.crashes(number, Rare::CrashDuringCommit);
    }

    /// D1 has answered for a part.
    pub(super) fn committed(&mut self, number: u32, reply: Result<Reply, String>) {
        if self.crashes(number, Rare::CrashAfterCommit) {
            return;
        }
        let jitter = self.jitter();
        let sabotage = self.sabotage;
        let Some(consumer) = self.consumers.get_mut(&number) else { return };
        let Some((part, _)) = consumer.trying.take() else { return };
        let Err(cause) = reply else {
            if let Ok(Reply::Owed(owed)) = reply {
                consumer.pending.extend(owed);
            }
            consumer.work.record_commit(&part);
            if consumer.dead && !part.messages.is_empty() {
                self.count(Rare::DeadQueueApplied);
            }
            return self.commit_parts(number);
        };
        let error = D1Error::classify(&cause);
        let halves = !matches!(error, D1Error::Transient(_)) && 1 < part.messages.len();
        let waits = consumer.dead;
        if sabotage == Some(Sabotage::RefusedIsDone) {
            consumer.work.record_commit(&part);
            return self.commit_parts(number);
        }
        consumer.work.record_failure(part, &error, jitter);
        if halves {
            self.count(Rare::Bisected);
        }
        if waits {
            self.count(Rare::DeadQueueWaits);
        }
        self.commit_parts(number);
    }

    /// Acknowledges or retries each message, then hints.
    fn settle(&mut self, number: u32) {
        self.settles(number, false);
        if self.crashes(number, Rare::CrashBeforeHints) {
            return;
        }
        let Some(consumer) = self.consumers.get_mut(&number) else { return };
        let pending = merge_round(std::mem::take(&mut consumer.pending), vec![]);
        self.push(By::Consumer(number), pending);
    }

    pub(super) fn settles(&mut self, number: u32, early: bool) {
        let Some(consumer) = self.consumers.get(&number) else { return };
        if !consumer.settled.is_empty() {
            return;
        }
        let mut settled = Vec::new();
        for copy in &consumer.copies {
            let Some(it) = self.queue.copies.get(copy) else { continue };
            let received = self.received(it);
            let given = inbox::action_for(&received, consumer.work.decisions(), || 0);
            let forgets = self.is_wrong(Sabotage::LastForgets) && ATTEMPTS_MAX <= it.attempts;
            settled.push((*copy, if early || forgets { QueueAction::Ack } else { given }));
        }
        if let Some(consumer) = self.consumers.get_mut(&number) {
            consumer.settled = settled;
        }
    }

    pub(super) fn jitter(&mut self) -> u32 {
        self.dice.free.u32(..)
    }
}
