//! How far the line is from its end: the measure that every step makes less.

use super::decided::{MessageNumber, each, is_last};
use super::world::{Consumer, Line, World};
use crate::d1;
use crate::object::Stage;

/// How far it is to the end of all work, at most: every step makes it less. What may still happen
/// from outside weighs most; then messages, by the attempts and stages before them; then hints,
/// then fills. So the line always drains, and no path is without end.
pub(super) fn way_to_go(model: &Line, world: &World) -> u32 {
    let left = &world.left;
    let mut faults = vec![left.crashes, left.copies, left.errors, left.evictions, left.lost];
    faults.extend([left.ticks, left.outages, left.ends]);
    let open = model.script.events.len().saturating_sub(model.script.clerks.into());
    let operated = (world.joined & !model.clerks()).count_ones();
    let replays = u32::from(model.script.clerks) - world.replayed.count_ones();
    let outside: u32 = faults.iter().chain(&world.asks).map(|it| u32::from(*it)).sum::<u32>()
        + u32::try_from(open).unwrap_or_default()
        - operated
        + replays
        + world.unsent.count_ones();
    let queue = (1_u8..).zip(world.queue);
    let queued: u32 = queue.map(|(held, n)| u32::from(n) * weight(held, 2000, 1400)).sum();
    let dead: u32 = world.dead.iter().map(|n| u32::from(*n) * 600).sum();
    let taken: u32 = world.consumers.iter().map(of_consumer).sum();
    let outage = u32::from(world.down) * 5_000;
    outside * 10_000 + outage + queued + dead + taken + of_caches(world)
}

fn weight(held: MessageNumber, first: u32, last: u32) -> u32 {
    if is_last(held) { last } else { first }
}

fn of_consumer(it: &Consumer) -> u32 {
    let messages: u32 = each(it.messages).map(|held| weight(held, 1800, 1200)).sum();
    let letters: u32 = each(it.letters).map(|_| 1000).sum();
    let done: u32 = each(it.done).map(|held| weight(held, 1600, 800)).sum();
    let owed: u32 = it.owed.iter().map(|_| 15).sum();
    messages + letters + done + owed
}

fn of_caches(world: &World) -> u32 {
    let pending = (0_u8..).zip(&world.slots).filter_map(|(user, slot)| d1::pending(slot, user));
    let unsent: u32 = pending.filter(|key| !world.hints.contains(key)).map(|_| 20).sum();
    let hints: u32 = world.hints.iter().map(|_| 10).sum();
    let flights = world.objects.iter().filter_map(|it| it.flight);
    let flights: u32 = flights
        .map(|flight| {
            let rounds = 2 * u32::from(4_u8.saturating_sub(flight.round));
            rounds + if flight.stage == Stage::Sent { 2 } else { 1 }
        })
        .sum();
    unsent + hints + flights
}
