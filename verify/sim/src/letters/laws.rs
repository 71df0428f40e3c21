//! What must hold of letters and replays, and what must be seen so that it says something.

use shared::operators::api::replays::{ReplayAction, ReplayState};
use shared::operators::letter::LetterState;
use stateright::Property;

use super::action::{self, Action};
use super::law::Content;
use super::mark::Mark;
use super::world::{
    Became, Bounds, Driver, Item, LETTERS, Letter, Letters, Message, Number, Replay, World,
};
use crate::small_set::SmallSet;

/// The properties that the bounds can show.
pub(super) fn properties(bounds: &Bounds) -> Vec<Property<Letters>> {
    let mut all = musts();
    let done =
        |m: &Letters, w: &World| m.numbers().zip(&w.letters).all(|(_, it)| it.state.is_final());
    all.push(Property::sometimes("every letter got its outcome", done));
    let left = &bounds.left;
    if left.crashes + left.losses != 0 {
        let seen = |_: &Letters, w: &World| Mark::Returned.is_in(w);
        all.push(Property::sometimes("a lost letter was returned", seen));
    }
    if left.early != 0 {
        let seen = |_: &Letters, w: &World| Mark::Late.is_in(w);
        all.push(Property::sometimes("a late message settled a returned letter", seen));
    }
    if left.copies + left.crashes != 0 {
        let seen = |_: &Letters, w: &World| Mark::ToldAgain.is_in(w);
        all.push(Property::sometimes("a letter was told its outcome again", seen));
    }
    if left.deliveries + left.events != 0 {
        let seen = |_: &Letters, w: &World| Mark::Refused.is_in(w);
        all.push(Property::sometimes("a replay whose plan no longer held was refused", seen));
    }
    if left.failures != 0 {
        let seen = |_: &Letters, w: &World| Mark::Stopped.is_in(w);
        all.push(Property::sometimes("a canary stopped its replay", seen));
    }
    let late = |_: &Letters, w: &World| Mark::TooLate.is_in(w);
    all.push(Property::sometimes("a driver came too late", late));
    if bounds.replays.len() != 1 {
        let seen = |_: &Letters, w: &World| Mark::Taken.is_in(w);
        all.push(Property::sometimes("another replay had taken a letter", seen));
    }
    if bounds.replays.iter().any(|it| it.1 || it.0 == ReplayAction::Discard) {
        let seen = |_: &Letters, w: &World| w.discarded != 0;
        all.push(Property::sometimes("a letter was discarded", seen));
    }
    all
}

fn musts() -> Vec<Property<Letters>> {
    vec![
        Property::always("I2 no resurrection", stays_dead),
        Property::always("I8 conservation", is_conserved),
        Property::always("I9 replay is harmless", |_, w: &World| !Mark::Redone.is_in(w)),
        Property::always("I18 a letter says what became of it", |m: &Letters, w: &World| {
            m.numbers().zip(&w.letters).all(|(number, it)| is_true(w, number, *it))
        }),
        Property::always("I18 what is final stays so", |_, w: &World| !Mark::Reopened.is_in(w)),
        Property::always("I18 a replay says what became of each", tells),
        Property::always("I18 a message has its mark", |_, w: &World| has_marks(w)),
        Property::always("I18 parked again by its own message", |_, w: &World| {
            !Mark::NotItsOwn.is_in(w)
        }),
        Property::always("I18 each step has its audit row", |_, w: &World| !w.unaudited),
        Property::always("I18 the audit trail is one chain", |_, w: &World| !Mark::Forked.is_in(w)),
        Property::always("I18 a plan that does not hold does nothing", |_, w: &World| {
            !Mark::PlanDidNotHold.is_in(w)
        }),
        Property::always("I18 what is paused or ended does nothing", |_, w: &World| {
            !Mark::NotOpen.is_in(w)
        }),
        Property::always("I18 the canary goes first", |_, w: &World| !Mark::BeforeCanary.is_in(w)),
        Property::always("I18 nothing is stuck", |m: &Letters, w: &World| {
            is_at_rest(w) || goes_on(m, w)
        }),
        Property::always("I18 every step is progress", |_, w: &World| !Mark::NoProgress.is_in(w)),
        Property::eventually("I18 all comes to rest", |_, w: &World| is_at_rest(w)),
    ]
}

fn stays_dead(model: &Letters, world: &World) -> bool {
    let is_gone = |number: Number| world.gone & 1 << number != 0;
    model.numbers().zip(&world.rows).all(|(it, row)| !is_gone(it) || *row == Content::Deleted)
}

/// Each event is kept in a letter that can still be sent, or its delivery has been noted, or an
/// operator gave it up.
fn is_conserved(model: &Letters, world: &World) -> bool {
    let all = model.numbers().zip(&world.letters).zip(&world.inbox);
    all.into_iter().all(|((number, letter), inbox)| match letter.state {
        LetterState::Parked | LetterState::Replaying => true,
        LetterState::Applied | LetterState::Superseded | LetterState::Duplicate => inbox.is_some(),
        LetterState::Discarded => world.discarded & 1 << number != 0,
    })
}

/// What a letter says against what its messages have done. The message of a letter that was
/// returned may come after it was discarded.
fn is_true(world: &World, number: Number, letter: Letter) -> bool {
    let took = world.took & 1 << number != 0;
    match letter.state {
        LetterState::Applied => took,
        LetterState::Discarded => world.discarded & 1 << number != 0,
        LetterState::Parked
        | LetterState::Replaying
        | LetterState::Superseded
        | LetterState::Duplicate => !took,
    }
}

/// What each replay says of its letters is what they say, and one that has ended waits for none.
fn tells(_: &Letters, world: &World) -> bool {
    let of_replay = |(number, replay): (Number, &Replay)| {
        let ended = !replay.machine.open && replay.machine.state != ReplayState::Planned;
        let says = move |(item, letter): (&Option<Item>, &Letter)| {
            let Some(item) = item else { return true };
            let is_ours = letter.replay == Some(number);
            match item.became {
                Became::Sent => is_ours && letter.state == LetterState::Replaying,
                Became::Is(state) => !is_ours || letter.state == state,
                Became::Waiting | Became::Left => {
                    let waits = item.became == Became::Waiting;
                    !(waits && ended) && (!is_ours || letter.state == LetterState::Parked)
                }
            }
        };
        replay.items.iter().zip(&world.letters).all(says)
    };
    (0..).zip(&world.replays).all(of_replay)
}

/// A message is there only after its letter was marked for it, and each mark sends one.
fn has_marks(world: &World) -> bool {
    let is_marked = |it: Message| {
        world.letter(it.letter).is_some_and(|letter| {
            let is_open = !matches!(letter.state, LetterState::Parked | LetterState::Discarded);
            it.generation < letter.generation || (it.generation == letter.generation && is_open)
        })
    };
    let [one, other] = world.drivers;
    let sends_both = |it: Message| sends(one, it) && sends(other, it);
    let queue = || world.queue.iter();
    queue().all(is_marked)
        && !Mark::SentTwice.is_in(world)
        && !messages(one).any(sends_both)
        && !queue().any(|it| sends(one, it) || sends(other, it))
}

/// The messages that a driver will send.
fn messages(driver: Driver) -> impl Iterator<Item = Message> {
    let marked = if let Driver::Marked(messages) = driver { messages } else { SmallSet::default() };
    (0..LETTERS).filter_map(move |place| marked.iter().nth(place))
}

fn sends(driver: Driver, message: Message) -> bool {
    messages(driver).any(|it| it.letter == message.letter && it.round == message.round)
}

fn is_at_rest(world: &World) -> bool {
    let works = |it: &Replay| it.machine.open && it.machine.state != ReplayState::Paused;
    world.queue.is_empty()
        && world.drivers.iter().all(|it| *it == Driver::Idle)
        && world.letters.iter().all(|it| it.state != LetterState::Replaying)
        && !world.replays.iter().any(works)
}

/// Whether there is work that can happen.
fn goes_on(model: &Letters, world: &World) -> bool {
    let mut acts: Vec<Action> = Vec::with_capacity(32);
    action::list(model, world, &mut acts);
    acts.iter().any(|act| act.is_work(world))
}
