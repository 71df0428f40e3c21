//! A consumer with its batch, step by step as `consumer/src/drain.rs`: open each message, commit
//! part after part, settle each message, then hint. It may crash between any two of these; what D1
//! was asked by then happens all the same. `park` does the same for the dead queue.

use std::rc::Rc;

use shared::batch::{Part, Verdict};
use shared::fault::{Disposition, Fault, is_last, retry_after};
use shared::outbox::round;
use shared::plan::plan;

use super::calls::{Reply, Who, Work};
use super::count::Rare;
use super::input::Window;
use super::push::By;
use super::sabotage::Sabotage;
use super::world::World;

/// The queue that the door fills.
const EVENTS: &str = "rolecall-events";

impl World<'_> {
    /// `drain`: opens all, then commits.
    pub(super) fn drain(&mut self, number: u32) {
        let Some(consumer) = self.consumers.get(&number) else { return };
        let copies: Vec<_> = consumer.copies.iter().filter_map(|it| self.copy(*it)).collect();
        let mut whole = Part { queue: EVENTS.into(), ..Part::default() };
        let mut verdicts = Vec::new();
        for copy in copies {
            match self.open(&copy, EVENTS) {
                Ok(message) => whole.messages.push(message),
                Err((true, letter)) if !is_last(letter.attempts) => {
                    let fault = Fault::Transient(letter.detail);
                    let disposition = retry_after(&fault, letter.attempts, self.jitter());
                    verdicts.push(Verdict { message_id: letter.message_id, disposition });
                    self.count(Rare::NewerWaits);
                }
                Err((_, letter)) => whole.letters.push(*letter),
            }
        }
        if self.is_wrong(Sabotage::AckBeforeCommit) {
            self.settles(number, true);
        }
        if let Some(consumer) = self.consumers.get_mut(&number) {
            consumer.parts = vec![whole];
            consumer.verdicts = verdicts;
        }
        self.commit_parts(number);
    }

    /// The next part that is not empty; when there is none, every message is settled.
    pub(super) fn commit_parts(&mut self, number: u32) {
        if self.crashes(number, Rare::CrashBeforeCommit) {
            return;
        }
        let Some(consumer) = self.consumers.get_mut(&number) else { return };
        let next = loop {
            match consumer.parts.pop() {
                Some(part) if part.is_empty() => {}
                other => break other,
            }
        };
        let Some(part) = next else {
            return if consumer.dead { self.parked(number) } else { self.settle(number) };
        };
        let planned = Rc::new(plan(&part.queue, &part.messages, part.letters.clone()));
        consumer.trying = Some((part, planned));
        if self.kept.contains(&consumer.isolate) {
            return self.sends(number);
        }
        self.call(Who::Settings(number), Work::Settings);
    }

    /// The settings were kept, or not: the batch goes on its way either way.
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
        self.call(Who::Commit(number), Work::Commit { plan, messages, now });
        self.crashes(number, Rare::CrashDuringCommit);
    }

    /// D1 has answered to a part.
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
            consumer.verdicts.extend(part.committed());
            return self.commit_parts(number);
        };
        let fault = Fault::of(&cause);
        let halves = matches!(fault, Fault::Content(_)) && 1 < part.messages.len();
        if consumer.dead {
            return self.not_parked(number, part, &fault);
        }
        if sabotage == Some(Sabotage::RefusedIsDone) {
            consumer.verdicts.extend(part.committed());
            return self.commit_parts(number);
        }
        let mut next = part.refused(&fault, jitter);
        if sabotage == Some(Sabotage::ParkForgets) {
            let forgotten = next.parts.iter().filter(|part| part.messages.is_empty());
            let verdicts: Vec<_> = forgotten.flat_map(Part::committed).collect();
            next.parts.retain(|part| !part.messages.is_empty());
            next.verdicts.extend(verdicts);
        }
        consumer.parts.extend(next.parts);
        consumer.verdicts.extend(next.verdicts);
        if halves {
            self.count(Rare::Bisected);
        }
        self.commit_parts(number);
    }

    /// Each message is acknowledged or handed back; then the hints.
    fn settle(&mut self, number: u32) {
        self.settles(number, false);
        if self.crashes(number, Rare::CrashBeforeHints) {
            return;
        }
        let Some(consumer) = self.consumers.get_mut(&number) else { return };
        let pending = round(std::mem::take(&mut consumer.pending), vec![]);
        self.push(By::Consumer(number), pending);
    }

    pub(super) fn settles(&mut self, number: u32, early: bool) {
        let Some(consumer) = self.consumers.get(&number) else { return };
        if !consumer.settled.is_empty() {
            return;
        }
        let mut settled = Vec::new();
        for copy in &consumer.copies {
            let Some(message) = self.queue.copies.get(copy).map(|it| &it.message) else { continue };
            let verdict = consumer.verdicts.iter().find(|it| it.message_id == *message);
            let given = verdict.map_or(Disposition::RetryAfter(1), |it| it.disposition);
            settled.push((*copy, if early { Disposition::Ack } else { given }));
        }
        if let Some(consumer) = self.consumers.get_mut(&number) {
            consumer.settled = settled;
        }
    }

    pub(super) fn jitter(&mut self) -> u32 {
        self.dice.free.u32(..)
    }
}
