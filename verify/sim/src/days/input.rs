//! What comes from outside in a day, put down before it begins: each has a number, and the day can
//! be run without it.

use fastrand::Rng;
use shared::guard::Need;
use testkit::sqlite::START;

use super::dice::stream;
use super::history::{Event, KEYS, ORGS, PERMISSIONS, ROLES, USERS};
use super::mix::{Mix, pick};

/// Something that is wrong for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Window {
    /// D1 is down.
    D1Down,
    /// D1 is overloaded.
    D1Full,
    /// The queue takes nothing.
    QueueDown,
    /// Svix delivers nothing.
    SvixDown,
    /// The cron is silent.
    CronSilent,
    /// No object can be reached.
    RolesDown,
    /// The door's clock is ten minutes ahead.
    DoorAhead,
    /// The door's clock is ten minutes behind.
    DoorBehind,
    /// The consumers' clock is ten minutes ahead.
    ConsumerAhead,
    /// The consumers' clock is ten minutes behind.
    ConsumerBehind,
    /// The objects' clock is ten minutes ahead.
    ObjectsAhead,
    /// The objects' clock is ten minutes behind.
    ObjectsBehind,
}

/// Which version a guard asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// Any.
    Any,
    /// The one that D1 has reached.
    Reached,
    /// One that D1 may never reach.
    Beyond,
    /// One that no clock says.
    Absurd,
}

/// Something from outside.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// Clerk's event of this place happens.
    Event(usize),
    /// A guard asks.
    Ask { user: usize, need: Need, fresh: bool, version: Version },
    /// An operator grants a role, or takes it away; `behind` milliseconds ago by their clock.
    Word { user: usize, role: &'static str, granted: bool, behind: i64 },
    /// The tutorial's program gives a role, or takes it away.
    Tutorial { user: usize, role: &'static str, granted: bool },
    /// An object is thrown out of memory.
    Evict(usize),
    /// An object's storage is lost.
    Wipe(usize),
    /// The state that the database is set back to later.
    Keep,
    /// The database is set back.
    Restore,
    /// An operator replays the dead letters.
    Replay,
    /// An operator has Svix deliver an event again.
    Recover(usize),
    /// Something is wrong for so many milliseconds.
    Window(Window, i64),
    /// The door's build changes: 0 is older, 1 this one, 2 newer.
    Door(u8),
    /// The consumers' build learns what the newer door writes.
    Consumers,
}

/// Something from outside, and when.
#[derive(Clone, Debug)]
pub(super) struct Input {
    /// When.
    pub(super) at: i64,
    /// What.
    pub(super) what: What,
}

/// Everything that comes from outside in the day of a seed.
pub(super) fn inputs(seed: u64, mix: &Mix, events: &[Event]) -> Vec<Input> {
    let mut rng = stream(seed, 4);
    let end = events.last().map_or(START, |event| event.at) + mix.day_ms / 10 + 2_000;
    let event = |(place, event): (usize, &Event)| Input { at: event.at, what: What::Event(place) };
    let mut all: Vec<_> = events.iter().enumerate().map(event).collect();
    let mut put = |rng: &mut Rng, what| {
        let at = rng.i64(START..end);
        all.push(Input { at, what });
    };
    for _ in 0..mix.asks {
        let what = ask(&mut rng, mix);
        put(&mut rng, what);
    }
    for _ in 0..mix.words {
        let what = word(&mut rng, mix);
        put(&mut rng, what);
    }
    for _ in 0..mix.evictions {
        let user = rng.usize(0..mix.users);
        let wipes = rng.u8(0..5) == 0;
        put(&mut rng, if wipes { What::Wipe(user) } else { What::Evict(user) });
    }
    for _ in 0..mix.windows {
        let window = window(&mut rng, &WINDOWS, mix.day_ms);
        put(&mut rng, window);
    }
    for _ in 0..mix.skews {
        let window = window(&mut rng, &SKEWS, mix.day_ms);
        put(&mut rng, window);
    }
    for _ in 0..rng.usize(0..3) {
        let event = rng.usize(0..events.len().max(1));
        put(&mut rng, What::Recover(event));
        put(&mut rng, What::Replay);
    }
    all.extend(once(&mut rng, mix, end));
    all
}

/// What happens once or not at all, each in its order.
fn once(rng: &mut Rng, mix: &Mix, end: i64) -> Vec<Input> {
    let mut all = Vec::new();
    let mut two = |rng: &mut Rng, first, second| {
        let one = rng.i64(START..end);
        let other = rng.i64(one..=end) + 1_000;
        all.push(Input { at: one, what: first });
        all.push(Input { at: other, what: second });
    };
    if mix.restore {
        two(rng, What::Keep, What::Restore);
    }
    if mix.rolling {
        two(rng, What::Door(2), What::Consumers);
    } else if rng.u8(0..4) == 0 {
        two(rng, What::Door(0), What::Door(1));
    }
    all
}

const WINDOWS: [Window; 6] = [
    Window::D1Down,
    Window::D1Full,
    Window::QueueDown,
    Window::SvixDown,
    Window::CronSilent,
    Window::RolesDown,
];

const SKEWS: [Window; 6] = [
    Window::DoorAhead,
    Window::DoorBehind,
    Window::ConsumerAhead,
    Window::ConsumerBehind,
    Window::ObjectsAhead,
    Window::ObjectsBehind,
];

#[expect(clippy::wildcard_enum_match_arm, reason = "the others last alike")]
fn window(rng: &mut Rng, of: &[Window], day_ms: i64) -> What {
    let window = of.get(rng.usize(..of.len().max(1))).copied().unwrap_or(Window::D1Down);
    let ms = match window {
        Window::CronSilent => 3_600_000,
        // Longer than a message is tried again, or than Svix goes on.
        Window::D1Down | Window::RolesDown => pick(rng, &[5_000, 120_000, 3_600_000, 14_400_000]),
        Window::SvixDown => pick(rng, &[60_000, 100_800_000]),
        _ => pick(rng, &[5_000, day_ms / 4, 1_200_000]),
    };
    What::Window(window, ms.max(1_000))
}

fn ask(rng: &mut Rng, mix: &Mix) -> What {
    let org = pick(rng, ORGS.get(..mix.orgs).unwrap_or(&ORGS)).to_owned();
    let need = match rng.u8(0..5) {
        0 => Need::Session,
        1 => Need::AppRole(pick(rng, &ROLES).into()),
        2 => Need::Member { org },
        3 => Need::OrgRole { org, role: pick(rng, &KEYS).into() },
        _ => Need::Permission { org, permission: pick(rng, &PERMISSIONS).into() },
    };
    let version = match rng.u8(0..12) {
        0..=1 => Version::Reached,
        2 => Version::Beyond,
        3 => Version::Absurd,
        _ => Version::Any,
    };
    What::Ask {
        user: rng.usize(0..mix.users.min(USERS.len())),
        need,
        fresh: rng.u8(0..5) == 0,
        version,
    }
}

fn word(rng: &mut Rng, mix: &Mix) -> What {
    let (user, role) = (rng.usize(0..mix.users), pick(rng, &ROLES));
    let granted = rng.u8(0..3) != 0;
    if rng.u8(0..3) == 0 {
        return What::Tutorial { user, role, granted };
    }
    What::Word { user, role, granted, behind: pick(rng, &[0, 0, 1_000, 600_000]) }
}
