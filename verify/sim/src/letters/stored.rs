//! A replay of the model as a row of `replays`, and back.
//!
//! The product's canary has [`CANARY_LETTERS`] letters, the model's fewer. The others are letters
//! that are not modelled: they come first in the plan, and are applied as soon as they are sent.

use shared::operators::api::letters::LetterFilter;
use shared::operators::api::replays::{PlanRequest, ReplayState};
use shared::operators::letter::{LetterClass, LetterState};
use shared::operators::replay::{CANARY_LETTERS, CountRow, ItemRow, Reads, StoredReplay};
use shared::time::UnixMillis;

use super::world::{Became, Item, Letters, Machine, Number, Replay, World, bits};

/// The clock of every step: a minute after the replay began to send, so that the letters of one
/// minute may be sent.
pub(super) const NOW: UnixMillis = UnixMillis(60_000);

/// The replay as it is stored.
pub(super) fn stored(model: &Letters, number: Number, replay: &Replay) -> Option<StoredReplay> {
    let (action, discard_unchanged) = *model.bounds.replays.get(usize::from(number))?;
    let request = PlanRequest {
        action,
        filter: LetterFilter { all: true, ..LetterFilter::default() },
        reason: "modelled".into(),
        rate: u32::try_from(model.bounds.chunk).ok(),
        discard_unchanged,
    };
    let id = format!("replay_{number}");
    let mut stored = StoredReplay::new(&request, "token:0", id, UnixMillis(0));
    let Machine { state, paused, open, canary, position, plan } = replay.machine;
    (stored.state, stored.is_open) = (state, open);
    stored.plan_hash = hex(plan);
    let progress = &mut stored.progress;
    let total = replay.items.iter().flatten().count();
    (progress.position, progress.paused_from) = (position.into(), paused);
    progress.total = i64::try_from(total).unwrap_or_default();
    progress.canary = canary.map(|of| {
        let modelled = bits(of).map(|number| position_of(model, replay, number));
        others(model).chain(modelled).collect()
    });
    Some(stored)
}

/// The part of a stored replay that the model keeps.
pub(super) fn machine(model: &Letters, stored: &StoredReplay, replay: &Replay) -> Machine {
    let of = |positions: &Vec<i64>| numbers(model, replay, positions);
    Machine {
        state: stored.state,
        paused: stored.progress.paused_from,
        open: stored.is_open,
        canary: stored.progress.canary.as_ref().map(of),
        position: i8::try_from(stored.progress.position).unwrap_or(i8::MAX),
        plan: bytes(&stored.plan_hash),
    }
}

/// The letters at these positions, as bits.
pub(super) fn numbers(model: &Letters, replay: &Replay, positions: &[i64]) -> u8 {
    let is_there = |number: &Number| positions.contains(&position_of(model, replay, *number));
    let items = (0_u8..).zip(&replay.items).filter(|(_, item)| item.is_some());
    let there = items.map(|(number, _)| number).filter(is_there);
    there.fold(0, |bits, number| bits | 1 << number)
}

/// What a driver reads beside the replay.
pub(super) fn reads(model: &Letters, world: &World, replay: &Replay) -> Reads {
    let mut reads = Reads::default();
    let Machine { state, canary, position, .. } = replay.machine;
    if state == ReplayState::Canary && canary.is_none() {
        reads.items.extend(others(model).filter_map(|it| other(model, it, "waiting")));
    }
    if canary.is_some() {
        reads.canary.extend(others(model).filter_map(|it| other(model, it, "applied")));
    }
    for (number, item) in (0_u8..).zip(&replay.items) {
        let Some(item) = item else { continue };
        let place = position_of(model, replay, number);
        let Some(row) = row(model, world, number, *item, place) else { continue };
        let (replay_id, became) = (String::new(), row.became.clone());
        reads.counts.push(CountRow { replay_id, planned: item.planned, became, letters: 1 });
        if canary.is_some_and(|of| of & 1 << number != 0) {
            reads.canary.push(row.clone());
        }
        if item.became == Became::Waiting && i64::from(position) < place {
            reads.items.push(row);
        }
    }
    reads
}

fn row(
    model: &Letters,
    world: &World,
    number: Number,
    item: Item,
    position: i64,
) -> Option<ItemRow> {
    let (letter, row) = (world.letter(number)?, model.rows.get(usize::from(number))?);
    Some(ItemRow {
        position,
        id: number.to_string(),
        generation: item.generation.into(),
        planned: item.planned,
        became: word(item.became).into(),
        state: Some(letter.state),
        letter_generation: Some(letter.generation.into()),
        digest: Some(row.digest.clone()),
        envelope: Some(row.envelope.clone()),
    })
}

/// A letter of the canary that is not modelled.
fn other(model: &Letters, position: i64, became: &str) -> Option<ItemRow> {
    let row = model.rows.first()?;
    Some(ItemRow {
        position,
        id: format!("other_{position}"),
        generation: 0,
        planned: LetterClass::Applied,
        became: became.into(),
        state: Some(LetterState::Parked),
        letter_generation: Some(0),
        digest: Some(row.digest.clone()),
        envelope: Some(row.envelope.clone()),
    })
}

/// The positions of the letters that are not modelled.
fn others(model: &Letters) -> impl Iterator<Item = i64> + use<> {
    (0..).take(CANARY_LETTERS.saturating_sub(model.bounds.canary))
}

fn position_of(model: &Letters, replay: &Replay, number: Number) -> i64 {
    let before = replay.items.iter().take(number.into()).flatten().count();
    let others = others(model).count();
    i64::try_from(others + before).unwrap_or(i64::MAX)
}

fn word(became: Became) -> &'static str {
    match became {
        Became::Waiting => "waiting",
        Became::Sent => "sent",
        Became::Left => "left",
        Became::Is(state) => state.as_str(),
    }
}

fn hex(hash: [u8; 32]) -> String {
    if hash == [0; 32] {
        return String::new();
    }
    hash.iter().fold(String::with_capacity(64), |text, byte| text + &format!("{byte:02x}"))
}

fn bytes(hex: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    for (byte, at) in hash.iter_mut().zip((0..hex.len()).step_by(2)) {
        let digits = hex.get(at..at + 2).unwrap_or_default();
        *byte = u8::from_str_radix(digits, 16).unwrap_or_default();
    }
    hash
}
