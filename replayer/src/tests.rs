//! Drivers over SQLite and a list of messages. A test decides who goes on when, and who stops for
//! ever.

mod world;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use proptest::prelude::{any, prop, proptest};
use proptest::test_runner::Config;
use shared::operators::api::letters::LetterFilter;
use shared::operators::api::replays::{PlanRequest, Replay, ReplayAction, ReplayState};

use self::world::{Letter, World};
use crate::advance::Driver;
use crate::command::Command;
use crate::{Failure, SWEEP_ACTOR};

type Task<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Runs a future to its end, alone.
fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = Box::pin(future);
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return done;
        }
    }
}

/// Goes on until the next point where another one may go on. Whether it is at its end.
fn poll(task: &mut Task<'_>) -> bool {
    task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

fn driver<'a>(world: &'a World, actor: &'a str) -> Driver<'a, World> {
    Driver { io: world, actor }
}

fn request(action: ReplayAction, discard_unchanged: bool) -> PlanRequest {
    PlanRequest {
        action,
        filter: LetterFilter { all: true, ..LetterFilter::default() },
        reason: "a test".into(),
        rate: Some(6_000),
        discard_unchanged,
    }
}

/// A plan of these letters, complete.
fn planned(world: &World, request: &PlanRequest) -> Replay {
    let mut replay = run(driver(world, "token:1").create(request, None, 1)).unwrap();
    while replay.state == ReplayState::Planning {
        let advanced = run(driver(world, "token:1").advance(&replay.id, 1)).unwrap();
        replay = run(driver(world, "token:1").report(advanced.after)).unwrap();
    }
    replay
}

fn command(world: &World, id: &str, command: &Command<'_>) -> Result<Replay, Failure> {
    run(driver(world, "token:1").command(id, command, 0))
}

fn read(world: &World, id: &str) -> Replay {
    let driver = driver(world, "token:1");
    let replay = run(driver.load(id)).unwrap();
    run(driver.report(replay)).unwrap()
}

/// Carries everything on, and lets lost letters return, until nothing is open.
fn settle(world: &World, id: &str) -> Replay {
    for _ in 0..200 {
        run(driver(world, SWEEP_ACTOR).advance_open()).unwrap();
        while world.consume(0, false) {}
        world.pass(360_000);
        world.sweep();
        if world.one("SELECT count(*) FROM replays WHERE is_open = 1") == 0 {
            return read(world, id);
        }
    }
    panic!("the replay does not end: {:?}", read(world, id));
}

#[track_caller]
fn refused(result: Result<Replay, Failure>) -> String {
    let Err(Failure::Refused(error)) = result else { panic!("{result:?}") };
    assert!(!error.message.is_empty() && !error.next.is_empty());
    error.error
}

fn became(replay: &Replay) -> Vec<(String, String, u64)> {
    let counts = replay.counts.iter();
    counts.map(|it| (it.planned.as_str().into(), it.became.clone(), it.letters)).collect()
}

#[test]
fn a_plan_changes_nothing_and_its_hash_applies_it() {
    let world = World::new(&[Letter::Good; 120]);
    let replay = planned(&world, &request(ReplayAction::Replay, false));
    assert_eq!((replay.state, replay.total, replay.sent), (ReplayState::Planned, 120, 0));
    assert_eq!(replay.examples.len(), 5);
    assert_eq!(world.one("SELECT count(*) FROM dead_letters WHERE state <> 'parked'"), 0);
    assert_eq!(refused(command(&world, &replay.id, &Command::Apply("other"))), "plan-changed");
    assert_eq!(refused(command(&world, &replay.id, &Command::Pause)), "not-running");
    let apply = || command(&world, &replay.id, &Command::Apply(&replay.hash)).unwrap();
    assert_eq!(apply().state, ReplayState::Checking);
    assert_eq!(apply().state, ReplayState::Checking, "a second time is harmless");
    assert_eq!(refused(command(&world, &replay.id, &Command::Apply("x"))), "already-running");
    let done = settle(&world, &replay.id);
    assert_eq!(done.state, ReplayState::Done);
    assert_eq!(became(&done), [("applied".into(), "applied".into(), 120)]);
    assert_eq!((done.sent, done.settled), (120, 120));
    assert_eq!(apply().state, ReplayState::Done, "also at the end");
    assert_eq!(refused(command(&world, &replay.id, &Command::Cancel)), "replay-ended");
    world.check_counts(&replay.id);
}

#[test]
fn a_plan_that_would_differ_is_refused_and_nothing_is_sent() {
    let world = World::new(&[Letter::Good; 3]);
    let replay = planned(&world, &request(ReplayAction::Replay, false));
    world.supersede(1);
    command(&world, &replay.id, &Command::Apply(&replay.hash)).unwrap();
    let done = settle(&world, &replay.id);
    assert_eq!(done.state, ReplayState::Refused);
    assert_eq!(became(&done), [("applied".into(), "left".into(), 3)]);
    assert_eq!(world.sent_in_all(), 0);
}

#[test]
fn bytes_that_were_changed_are_never_sent() {
    let world = World::new(&[Letter::Good; 3]);
    let replay = planned(&world, &request(ReplayAction::Replay, false));
    command(&world, &replay.id, &Command::Apply(&replay.hash)).unwrap();
    run(driver(&world, "token:1").advance(&replay.id, 1)).unwrap();
    assert_eq!(read(&world, &replay.id).state, ReplayState::Canary);
    world.exec("UPDATE dead_letters SET envelope = replace(envelope, 'a@b', 'c@d') WHERE message_id = 'm001'");
    let done = settle(&world, &replay.id);
    assert_eq!(done.state, ReplayState::Done);
    let want = [("applied".into(), "applied".into(), 2), ("applied".into(), "left".into(), 1)];
    assert_eq!(became(&done), want);
    assert_eq!(world.sent("m001"), 0);
}

#[test]
fn a_letter_of_the_canary_that_is_parked_again_stops_the_others() {
    let mut letters = [Letter::Good; 30];
    letters[2] = Letter::Fails;
    let world = World::new(&letters);
    let replay = planned(&world, &request(ReplayAction::Replay, false));
    command(&world, &replay.id, &Command::Apply(&replay.hash)).unwrap();
    let done = settle(&world, &replay.id);
    assert_eq!(done.state, ReplayState::Stopped);
    assert_eq!(world.sent_in_all(), 5);
    let want = [("applied", "applied", 4), ("applied", "left", 25), ("applied", "parked", 1)];
    assert_eq!(became(&done), want.map(|(a, b, n)| (a.into(), b.into(), n)));
    let resumed = command(&world, &replay.id, &Command::Resume);
    assert_eq!(refused(resumed), "replay-ended");
    world.check_counts(&replay.id);
}

#[test]
fn a_later_letter_that_is_parked_again_stops_nothing() {
    let mut letters = [Letter::Good; 30];
    letters[20] = Letter::Fails;
    letters[21] = Letter::Unreadable;
    let world = World::new(&letters);
    let replay = planned(&world, &request(ReplayAction::Replay, false));
    command(&world, &replay.id, &Command::Apply(&replay.hash)).unwrap();
    let done = settle(&world, &replay.id);
    let want = [("applied", "applied", 28), ("applied", "parked", 1), ("unreadable", "left", 1)];
    assert_eq!(became(&done), want.map(|(a, b, n)| (a.into(), b.into(), n)));
    assert_eq!(done.state, ReplayState::Done);
    assert!(done.message.starts_with("Done. Parked again: 1 letter;"), "{}", done.message);
}

#[test]
fn unchanged_letters_are_discarded_if_the_plan_says_so() {
    let mut letters = [Letter::Good; 12];
    letters[1] = Letter::Old;
    let world = World::new(&letters);
    let replay = planned(&world, &request(ReplayAction::Replay, true));
    command(&world, &replay.id, &Command::Apply(&replay.hash)).unwrap();
    let done = settle(&world, &replay.id);
    let want = [("applied", "applied", 11), ("superseded", "discarded", 1)];
    assert_eq!(became(&done), want.map(|(a, b, n)| (a.into(), b.into(), n)));
    assert_eq!(world.sent("m001"), 0);
}

#[test]
fn a_discard_sends_nothing() {
    let mut letters = [Letter::Good; 250];
    letters[7] = Letter::Unreadable;
    let world = World::new(&letters);
    let replay = planned(&world, &request(ReplayAction::Discard, false));
    command(&world, &replay.id, &Command::Apply(&replay.hash)).unwrap();
    let done = settle(&world, &replay.id);
    assert_eq!((done.state, done.settled, world.sent_in_all()), (ReplayState::Done, 250, 0));
    assert_eq!(world.one("SELECT count(*) FROM dead_letters WHERE state = 'discarded'"), 250);
    world.check_counts(&replay.id);
}

#[test]
fn a_paused_replay_waits_and_a_canceled_one_leaves_the_rest() {
    let world = World::new(&[Letter::Good; 700]);
    let replay = planned(&world, &request(ReplayAction::Replay, false));
    command(&world, &replay.id, &Command::Apply(&replay.hash)).unwrap();
    run(driver(&world, "token:1").advance(&replay.id, 9)).unwrap();
    assert_eq!(world.sent_in_all(), 5, "the canary");
    while world.consume(0, false) {}
    let paused = command(&world, &replay.id, &Command::Pause).unwrap();
    assert_eq!(paused.state, ReplayState::Paused);
    run(driver(&world, SWEEP_ACTOR).advance_open()).unwrap();
    assert_eq!(world.sent_in_all(), 5);
    let resumed = command(&world, &replay.id, &Command::Resume).unwrap();
    assert_eq!(resumed.state, ReplayState::Canary);
    run(driver(&world, "token:1").advance(&replay.id, 2)).unwrap();
    assert_eq!(world.sent_in_all(), 105);
    assert_eq!(command(&world, &replay.id, &Command::Cancel).unwrap().state, ReplayState::Canceled);
    let done = settle(&world, &replay.id);
    let want = [("applied", "applied", 105), ("applied", "left", 595)];
    assert_eq!(became(&done), want.map(|(a, b, n)| (a.into(), b.into(), n)));
    world.check_counts(&replay.id);
}

#[test]
fn a_plan_that_was_paused_before_its_end_cannot_be_applied() {
    let world = World::new(&[Letter::Good; 120]);
    let replay =
        run(driver(&world, "token:1").create(&request(ReplayAction::Replay, false), None, 1));
    let id = replay.unwrap().id;
    let apply = || refused(command(&world, &id, &Command::Apply("x")));
    assert_eq!(apply(), "not-planned");
    assert_eq!(command(&world, &id, &Command::Pause).unwrap().state, ReplayState::Paused);
    assert_eq!(apply(), "not-planned");
}

#[test]
fn a_letter_whose_messages_are_lost_is_left_in_the_end() {
    let world = World::new(&[Letter::Good; 2]);
    let replay = planned(&world, &request(ReplayAction::Replay, false));
    command(&world, &replay.id, &Command::Apply(&replay.hash)).unwrap();
    for day in 0..6 {
        run(driver(&world, SWEEP_ACTOR).advance_open()).unwrap();
        assert_eq!(world.sent("m000"), day + 1);
        world.lose();
        world.pass(86_400_001);
        world.sweep();
    }
    let done = settle(&world, &replay.id);
    assert_eq!((done.state, world.sent_in_all()), (ReplayState::Done, 12));
    assert_eq!(became(&done), [("applied".into(), "left".into(), 2)]);
    assert_eq!(world.one("SELECT count(*) FROM dead_letters WHERE state = 'parked'"), 2);
}

#[test]
fn a_repeated_request_makes_one_plan() {
    let world = World::new(&[Letter::Good; 3]);
    let plan = request(ReplayAction::Replay, false);
    let create =
        |request: &PlanRequest| run(driver(&world, "token:1").create(request, Some("key-1"), 1));
    let first = create(&plan).unwrap();
    assert_eq!(create(&plan).unwrap().id, first.id);
    let other = PlanRequest { rate: Some(1), ..plan };
    assert_eq!(refused(create(&other)), "idempotency-key-reused");
    assert_eq!(world.one("SELECT count(*) FROM replays"), 1);
}

#[test]
fn transient_letters_are_replayed_once_by_themselves() {
    let world = World::new(&[Letter::Good, Letter::Fails, Letter::Good]);
    world.exec("UPDATE dead_letters SET reason = 'shape' WHERE message_id = 'm002'");
    let auto = || run(driver(&world, SWEEP_ACTOR).auto_replay()).unwrap();
    assert_eq!((auto(), auto()), (1, 0), "one at a time");
    let id: String = world.db.column("SELECT id FROM replays", []).unwrap().remove(0);
    let done = settle(&world, &id);
    assert_eq!((done.state, done.total), (ReplayState::Stopped, 2));
    assert_eq!((world.sent("m000"), world.sent("m001"), world.sent("m002")), (1, 1, 0));
    assert_eq!(auto(), 0, "nothing is replayed twice");
    world.park_more(1);
    assert_eq!(auto(), 0, "one was stopped within the hour");
    world.pass(3_600_000);
    assert_eq!(auto(), 1);
}

#[test]
fn a_canary_that_another_replay_took_is_followed_by_another_one() {
    let mut letters = [Letter::Good; 30];
    letters[7] = Letter::Fails;
    let world = World::new(&letters);
    let replay = planned(&world, &request(ReplayAction::Replay, false));
    let other = planned(&world, &request(ReplayAction::Replay, false));
    for it in [&replay, &other] {
        command(&world, &it.id, &Command::Apply(&it.hash)).unwrap();
        run(driver(&world, "token:1").advance(&it.id, 1)).unwrap();
        assert_eq!(read(&world, &it.id).state, ReplayState::Canary, "both checks came first");
    }
    // Both have read the same letters when the first one marks them.
    let mut task: Task<'_> = Box::pin(async {
        drop(driver(&world, "token:1").advance(&replay.id, 1).await);
    });
    for _ in 0..3 {
        assert!(!poll(&mut task));
    }
    run(driver(&world, "token:2").advance(&other.id, 1)).unwrap();
    command(&world, &other.id, &Command::Cancel).unwrap();
    while !poll(&mut task) {}
    drop(task);
    let done = settle(&world, &replay.id);
    assert_eq!(done.state, ReplayState::Stopped, "the letters after those five were no proof");
    assert_eq!(world.sent_in_all(), 10);
}

#[test]
fn letters_that_cannot_be_sent_begin_one_automatic_replay_and_no_more() {
    let world = World::new(&[Letter::Unreadable, Letter::Unreadable]);
    let sweep = || {
        world.pass(60_000);
        let begun = run(driver(&world, SWEEP_ACTOR).auto_replay()).unwrap();
        run(driver(&world, SWEEP_ACTOR).advance_open()).unwrap();
        begun
    };
    assert_eq!((0..9).map(|_| sweep()).sum::<usize>(), 1);
    // They keep no other letter from its replay.
    world.park_more(1);
    assert_eq!((0..9).map(|_| sweep()).sum::<usize>(), 1);
    assert_eq!(world.sent("m002"), 1);
}

#[test]
fn an_automatic_replay_that_an_operator_canceled_does_not_begin_again() {
    let world = World::new(&[Letter::Good, Letter::Good]);
    let auto = || run(driver(&world, SWEEP_ACTOR).auto_replay()).unwrap();
    for steps in [0, 1] {
        assert_eq!(auto(), 1);
        let id: String =
            world.db.column("SELECT id FROM replays ORDER BY id DESC", []).unwrap().remove(0);
        run(driver(&world, SWEEP_ACTOR).advance(&id, steps)).unwrap();
        command(&world, &id, &Command::Cancel).unwrap();
        settle(&world, &id);
        assert_eq!(auto(), 0, "one was canceled within the hour");
        world.pass(3_600_001);
    }
    assert_eq!(auto(), 0, "an operator saw these letters in its plan");
    world.park_more(1);
    assert_eq!(auto(), 1);
}

#[test]
fn a_replay_that_this_build_cannot_read_stops_no_other() {
    let world = World::new(&[Letter::Good, Letter::Good]);
    let broken = planned(&world, &request(ReplayAction::Replay, false)).id;
    let good = planned(&world, &request(ReplayAction::Replay, false));
    world.exec(&format!(
        "UPDATE replays SET is_open = 1, updated_at = 0, progress = json_object('rate', 'x') \
         WHERE id = '{broken}'"
    ));
    command(&world, &good.id, &Command::Apply(&good.hash)).unwrap();
    for _ in 0..9 {
        run(driver(&world, SWEEP_ACTOR).advance_open()).unwrap();
        while world.consume(0, false) {}
        world.pass(60_000);
    }
    let state: String = world
        .db
        .column(&format!("SELECT state FROM replays WHERE id = '{}'", good.id), [])
        .unwrap()
        .remove(0);
    assert_eq!(state, "done");
}

/// What happens next.
fn act<'a>(world: &'a World, id: &'a str, tasks: &mut [Option<Task<'a>>; 2], choice: u8) {
    let which = usize::from(choice % 2);
    match choice / 2 {
        0..=40 => {
            let actor = if which == 0 { "token:1" } else { SWEEP_ACTOR };
            let task = tasks[which].get_or_insert_with(|| {
                let driver = driver(world, actor);
                Box::pin(async move { drop(driver.advance(id, 9).await) })
            });
            if poll(task) {
                tasks[which] = None;
            }
        }
        41..=45 => tasks[which] = None,
        46..=80 => {
            world.consume(usize::from(choice), choice == 160);
        }
        81..=84 => {
            world.pass(360_000);
            world.sweep();
        }
        _ => world.pass(1_000),
    }
}

proptest! {
    #![proptest_config(Config { cases: 60, ..Config::default() })]
    /// Two drivers of one replay, which crash between any two of their steps, beside a consumer that
    /// may get a message twice, and a sweep that returns what was lost.
    #[test]
    fn no_letter_is_lost_or_counted_twice(
        letters in prop::collection::vec(world::letter(), 1..24),
        choices in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let world = World::new(&letters);
        let replay = planned(&world, &request(ReplayAction::Replay, false));
        command(&world, &replay.id, &Command::Apply(&replay.hash)).unwrap();
        let mut tasks = [None, None];
        for choice in choices {
            act(&world, &replay.id, &mut tasks, choice);
        }
        drop(tasks);
        let done = settle(&world, &replay.id);
        assert_eq!(done.state, ReplayState::Done);
        world.check_counts(&replay.id);
        world.check_letters(&letters, &replay.id);
    }

    /// Without a crash, two drivers send each letter exactly once.
    #[test]
    fn two_drivers_send_each_letter_once(
        count in 1..260_usize,
        choices in prop::collection::vec(0..82_u8, 0..400),
    ) {
        let world = World::new(&vec![Letter::Good; count]);
        let replay = planned(&world, &request(ReplayAction::Replay, false));
        command(&world, &replay.id, &Command::Apply(&replay.hash)).unwrap();
        let mut tasks = [None, None];
        for choice in choices {
            act(&world, &replay.id, &mut tasks, choice);
            if choice % 16 == 0 {
                world.consume(0, false);
            }
        }
        for task in tasks.iter_mut().flatten() {
            while !poll(task) {}
        }
        drop(tasks);
        let done = settle(&world, &replay.id);
        assert_eq!((done.state, done.settled), (ReplayState::Done, u64::try_from(count).unwrap()));
        assert_eq!(world.sent_in_all(), count);
        world.check_counts(&replay.id);
    }
}
