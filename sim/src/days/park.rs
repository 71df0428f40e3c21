//! The dead queue's consumer, step by step as `consumer/src/park.rs`: everything at once, and one
//! by one when D1 refuses something of it for its content.

use shared::batch::Part;
use shared::fault::{Disposition, Fault};

use super::count::Rare;
use super::invocation::Consumer;
use super::queue::DEAD_RETRY_S;
use super::world::World;

/// The queue that the platform fills.
const DEAD: &str = "rolecall-dead";

impl World<'_> {
    /// `park_all` begins.
    pub(super) fn park_all(&mut self, number: u32) {
        let Some(consumer) = self.consumers.get(&number) else { return };
        let copies: Vec<_> = consumer.copies.iter().filter_map(|it| self.copy(*it)).collect();
        let letters = copies.iter().map(|copy| self.letter(copy, DEAD)).collect();
        let part = Part { queue: DEAD.into(), messages: vec![], letters };
        if let Some(consumer) = self.consumers.get_mut(&number) {
            consumer.parts = vec![part];
        }
        self.begin(number);
    }

    fn begin(&mut self, number: u32) {
        self.say(format_args!("consumer {number}: parks what the platform gave up"));
        self.commit_parts(number);
    }

    /// D1 refused: one by one for its content, all of them later for anything else.
    pub(super) fn not_parked(&mut self, number: u32, part: Part, fault: &Fault) {
        let Some(consumer) = self.consumers.get_mut(&number) else { return };
        let all_at_once = !consumer.one_by_one;
        if all_at_once && matches!(fault, Fault::Content(_)) {
            consumer.one_by_one = true;
            let one = |letter| Part { queue: DEAD.into(), messages: vec![], letters: vec![letter] };
            consumer.parts = part.letters.into_iter().map(one).collect();
        }
        self.count(Rare::DeadQueueWaits);
        self.commit_parts(number);
    }

    /// What was parked is acknowledged, the rest waits as long as the queue says.
    pub(super) fn parked(&mut self, number: u32) {
        let Some(Consumer { copies, verdicts, .. }) = self.consumers.get(&number) else { return };
        let mut settled = Vec::new();
        for copy in copies {
            let message = self.queue.copies.get(copy).map(|it| &it.message);
            let done = verdicts.iter().any(|verdict| Some(&verdict.message_id) == message);
            let later = Disposition::RetryAfter(DEAD_RETRY_S);
            settled.push((*copy, if done { Disposition::Ack } else { later }));
        }
        let parked = settled.iter().filter(|(_, it)| *it == Disposition::Ack).count();
        if let Some(consumer) = self.consumers.get_mut(&number) {
            consumer.settled = settled;
        }
        if 0 < parked {
            self.count(Rare::DeadQueueParked);
        }
        if !self.crashes(number, Rare::CrashAfterCommit) {
            self.over(number);
        }
    }
}
