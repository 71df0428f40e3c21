//! Takes one step.

use shared::operators::replay as commands;

use super::action::{Action, Command};
use super::drive;
use super::law::Content;
use super::life::{self, audit, become_machine, put_driver};
use super::queue;
use super::stored::{NOW, machine, stored};
use super::world::{Driver, Letters, Message, Number, World};

/// Changes the world by one action.
pub(super) fn step(model: &Letters, world: &mut World, act: Action) {
    match act {
        Action::Decide(driver, replay) => drive::decide(model, world, driver, replay),
        Action::Commit(driver) => drive::commit(model, world, driver),
        Action::Send(driver) => drive::send(world, driver),
        Action::SetSent(driver) => drive::set_sent(world, driver),
        Action::Die(driver) => {
            world.left.crashes -= 1;
            put_driver(world, driver, Driver::Idle);
        }
        Action::Deploy => {
            world.left.crashes -= 1;
            world.drivers = [Driver::Idle; 2];
        }
        Action::Tell(replay, command) => tell(model, world, replay, command),
        Action::Lose(message) => {
            world.left.losses -= 1;
            world.queue.remove(&message);
        }
        Action::Copy(message) => {
            world.left.copies -= 1;
            world.queue.insert(Message { again: !message.again, ..message });
        }
        Action::Run(message, fate) => queue::run(model, world, message, fate),
        Action::Return(number) => {
            if world.is_under_way(number) {
                world.left.early = world.left.early.saturating_sub(1);
            }
            life::give_back(model, world, number);
        }
        Action::Deliver(number) => {
            world.left.deliveries -= 1;
            deliver(model, world, number);
        }
        Action::Event(number, content) => {
            world.left.events -= 1;
            event(model, world, number, content);
        }
    }
}

/// An operator tells a replay something.
fn tell(model: &Letters, world: &mut World, number: Number, command: Command) {
    let Some(replay) = world.replay(number) else { return };
    let Some(before) = stored(model, number, &replay) else { return };
    let told = match command {
        Command::Apply => commands::apply(&before, &before.plan_hash, NOW),
        Command::Pause => commands::pause(&before, NOW),
        Command::Resume => commands::resume(&before, NOW),
        Command::Cancel => commands::cancel(&before, NOW),
    };
    let Ok(Some(change)) = told else { return };
    if matches!(command, Command::Pause | Command::Cancel) {
        world.left.stops -= 1;
    }
    become_machine(world, number, machine(model, &change.after, &replay));
    audit(world);
}

/// The same event once more, by a message without a letter.
fn deliver(model: &Letters, world: &mut World, number: Number) {
    let place = usize::from(number);
    let (Some(row), Some(inbox)) = (world.rows.get_mut(place), world.inbox.get_mut(place)) else {
        return;
    };
    let (after, outcome) = model.law.apply(model.content(number), *row, *inbox);
    *row = after;
    *inbox = inbox.or(Some(outcome.state()));
}

fn event(model: &Letters, world: &mut World, number: Number, content: Content) {
    let Some(row) = world.rows.get_mut(usize::from(number)) else { return };
    (*row, _) = model.law.apply(content, *row, None);
    if content == Content::Deleted {
        world.gone |= 1 << number;
    }
}
