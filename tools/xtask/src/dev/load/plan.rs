//! What happens at each step of a lively day: a decision of the step's number alone.

/// The rate, for people.
pub(super) const RATE: &str = "Up to 8 deliveries and 24 checks a second, about half of it on \
                               average; a wave takes 8 min.";

/// Invented people.
pub(super) const PEOPLE: u32 = 60;

/// Steps from one wave's low to the next. Four steps are a second.
const WAVE: u64 = 1_920;

/// The most acts of one kind in a step.
const MOST: u64 = 2;

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Send(Change),
    Visit(Visit),
}

/// A delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Somebody signs up.
    Created { person: u32 },
    /// Somebody's roles change.
    Updated { person: u32, roles: &'static [&'static str] },
    /// The same, and Svix sends it twice.
    Twice { person: u32 },
    /// An older change arrives after a newer one.
    Late { person: u32 },
    /// A forgery. The door refuses it.
    Forged { person: u32, how: &'static str },
    /// Somebody joins an organization.
    Joined { person: u32 },
    /// An event that Rolecall ignores.
    SignedIn { person: u32 },
    /// A body that no build can read. It is parked.
    Unreadable { which: usize },
}

/// A visit: pages one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Visit {
    pub(super) person: u32,
    pub(super) is_signed_in: bool,
    /// What is wrong with the token, in the words of the local Clerk.
    pub(super) wrong: Option<&'static str>,
    pub(super) paths: &'static [&'static str],
}

const ROLES: [&[&str]; 4] = [&["editor"], &["admin", "editor"], &[], &["support"]];

const FORGERIES: [&str; 3] = ["body", "stale", "other-secret"];

const WRONG: [&str; 3] = ["expired", "unknown-key", "wrong-party"];

const PATHS: [&[&str]; 4] = [
    &["/dashboard", "/api/check?role=editor", "/api/check?role=admin"],
    &["/api/me", "/admin", "/api/check?role=support"],
    &["/dashboard", "/api/check?any=1&role=admin&role=editor", "/api/me"],
    &["/api/check?role=editor", "/api/check?role=editor", "/api/check?role=editor&fresh=1"],
];

/// The id of an invented person.
pub(super) fn id_of(person: u32) -> String {
    format!("user_3VISITORofalivelyday{person:07}")
}

/// The acts of a step.
pub(super) fn acts(step: u64) -> Vec<Act> {
    let height = height(step);
    let count = (0..MOST).filter(|slot| draw(step, *slot) % 100 < height);
    count.flat_map(|slot| [Act::Send(change(step, slot)), Act::Visit(visit(step, slot))]).collect()
}

/// How lively it is, in hundredths: a wave from 20 to 100.
fn height(step: u64) -> u64 {
    let half = WAVE / 2;
    let at = step % WAVE;
    let up = if at < half { at } else { WAVE - at };
    20 + up * 80 / half
}

fn change(step: u64, slot: u64) -> Change {
    let lot = draw(step, slot + 10);
    let person = person_of(lot);
    match lot % 200 {
        0 => Change::Unreadable { which: index(lot / 200) },
        1..6 => Change::Forged { person, how: pick(&FORGERIES, lot / 200) },
        6..20 => Change::Twice { person },
        20..40 => Change::Late { person },
        40..60 => Change::SignedIn { person },
        60..80 => Change::Joined { person },
        80..95 => Change::Created { person },
        _ => Change::Updated { person, roles: pick(&ROLES, lot / 200) },
    }
}

fn visit(step: u64, slot: u64) -> Visit {
    let lot = draw(step, slot + 20);
    let wrong = lot.is_multiple_of(25).then(|| pick(&WRONG, lot / 25));
    Visit {
        person: person_of(lot / 7),
        is_signed_in: lot % 20 != 1,
        wrong,
        paths: pick(&PATHS, lot / 500),
    }
}

fn person_of(lot: u64) -> u32 {
    1 + u32::try_from(lot / 1_000 % u64::from(PEOPLE)).unwrap_or_default()
}

fn pick<T: Copy + Default>(all: &[T], lot: u64) -> T {
    all.get(index(lot) % all.len().max(1)).copied().unwrap_or_default()
}

fn index(lot: u64) -> usize {
    usize::try_from(lot % 1_000).unwrap_or_default()
}

/// A number that looks random: the mixing step of `SplitMix64`.
fn draw(step: u64, slot: u64) -> u64 {
    let seed = step.wrapping_mul(64).wrapping_add(slot).wrapping_add(1);
    let a = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let b = (a ^ (a >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let c = (b ^ (b >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    c ^ (c >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::mem::discriminant;

    use super::{Act, MOST, PATHS, WAVE, acts, height, id_of};

    fn wave() -> Vec<Act> {
        (0..WAVE).flat_map(acts).collect()
    }

    #[test]
    fn every_kind_of_delivery_happens_in_one_wave() {
        let mut kinds = Vec::new();
        for act in wave() {
            if let Act::Send(change) = act {
                kinds.push(discriminant(&change));
            }
        }
        let distinct: std::collections::HashSet<_> = kinds.iter().copied().collect();
        assert_eq!(distinct.len(), 8);
    }

    #[test]
    fn visits_are_of_all_kinds() {
        let visits = || {
            wave().into_iter().filter_map(|act| match act {
                Act::Visit(visit) => Some(visit),
                Act::Send(_) => None,
            })
        };
        assert!(visits().any(|it| !it.is_signed_in));
        assert!(visits().any(|it| it.wrong.is_some()));
        let paths: BTreeSet<_> = visits().map(|it| it.paths).collect();
        assert_eq!(paths.len(), PATHS.len());
    }

    #[test]
    fn a_step_is_bounded_and_a_wave_rises_and_falls() {
        let most = usize::try_from(MOST * 2).unwrap();
        assert!((0..WAVE).all(|step| acts(step).len() <= most));
        assert_eq!((height(0), height(WAVE / 2), height(WAVE)), (20, 100, 20));
        let count = |from: u64| (from..from + 100).map(|step| acts(step).len()).sum::<usize>();
        assert!(count(0) * 2 < count(WAVE / 2 - 50));
    }

    #[test]
    fn a_step_is_always_the_same() {
        assert_eq!(acts(7), acts(7));
        assert_ne!(id_of(100), id_of(101));
    }
}
