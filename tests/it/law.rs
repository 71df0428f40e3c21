//! The merge law as it stands in Rust and as it stands in SQL, on the same deliveries.
//!
//! Every order of a history is walked step by step through the statements that the consumer sends,
//! and after each step the rows, the roles and the versions are those of the twin, what was dead is
//! dead, and what was given before writes nothing when it is given again. Then whole orders are
//! given in batches, with the account of deliveries, and one of the deliveries twice.

mod eight;
mod history;
mod mutants;
mod walk;

use std::collections::BTreeSet;

use shared::event::Payload;
use shared::merge::EntityKind;

use crate::laws::say;
use crate::support::Db;
use history::{History, Step};
use walk::{Repeats, Walk, orders};

/// How much of a history's orders is tried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pains {
    /// Every order step by step, and some orders in batches.
    Some,
    /// Every repeat at every step, and every order in batches.
    All,
}

/// Whether some step says, after the delete of its id, that it lives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deletes {
    None,
    Some,
}

/// Every order of one history.
#[track_caller]
fn check(history: History, deletes: Deletes, pains: Pains) {
    let steps = history.len();
    let mut walk = Walk::new(history, Db::new(), |_| None);
    let repeats = if pains == Pains::All { Repeats::Always } else { Repeats::Once };
    walk.every_order(repeats).unwrap_or_else(|differs| panic!("{differs}"));
    assert_eq!(walk.prefixes, prefixes(steps), "every prefix of every order");
    assert_eq!(walk.resurrections_tried > 0, deletes == Deletes::Some);
    // Each step of each set of steps when the set is first reached, and the last step otherwise.
    let once = (steps << (steps - 1)) + walk.prefixes - (1 << steps);
    assert!(once <= walk.repeats, "{} repeats", walk.repeats);

    let orders = orders(steps);
    assert_eq!(orders.iter().collect::<BTreeSet<_>>().len(), factorial(steps));
    let stride = if pains == Pains::All { 1 } else { 17 };
    for (index, order) in orders.iter().enumerate().step_by(stride) {
        let copy = (index % steps, index / steps % (steps + 1));
        let held = walk.in_batches(order, copy, 1 + index % 3);
        held.unwrap_or_else(|differs| panic!("{order:?}, {copy:?} again: {differs}"));
    }
    let (every, repeats) = (walk.prefixes, walk.repeats);
    let in_batches = orders.len().div_ceil(stride);
    say(&format!(
        "law: {steps} steps in {} orders: {every} prefixes, {repeats} repeats, {in_batches} orders \
         in batches: SQL, the law and the triggers' twin agree",
        orders.len()
    ));
}

/// Every order of one history, with every one of its steps twice, in every place.
#[track_caller]
fn check_with_copies(history: History) {
    let steps = history.len();
    check(history.clone(), Deletes::Some, Pains::All);
    let walk = Walk::new(history, Db::new(), |_| None);
    let mut sequences = 0;
    for order in orders(steps) {
        for (at, twice) in order.iter().enumerate() {
            for place in at + 1..=steps {
                let held = walk.in_batches(&order, (*twice, place), 1 + sequences % 3);
                held.unwrap_or_else(|it| panic!("{order:?}, {twice} again at {place}: {it}"));
                sequences += 1;
            }
        }
    }
    assert_eq!(sequences, factorial(steps + 1) / 2 * steps, "each sequence once");
    say(&format!("law: {steps} steps, each twice in every place: {sequences} sequences: agree"));
}

/// How many orders so many steps have.
fn factorial(steps: usize) -> usize {
    (1..=steps).product()
}

/// How many beginnings the orders of so many steps have, the empty one among them.
fn prefixes(steps: usize) -> usize {
    (0..=steps).map(|left| factorial(steps) / factorial(left)).sum()
}

/// The history has changes of every kind, and an operator's word.
fn of_all_kinds(history: History) -> History {
    let letters = history.iter().filter_map(|step| match step {
        Step::Event(message) => Some(&message.envelope.payload),
        Step::Grant(_) => None,
    });
    let changes = letters.flat_map(|letter| match letter {
        Payload::Event(event) => &event.changes[..],
        Payload::Ignored | Payload::Unreadable(_) => &[],
    });
    let kinds: BTreeSet<_> = changes.map(|change| change.entity).collect();
    assert_eq!(kinds, EntityKind::ALL.into());
    assert!(history.iter().any(|step| matches!(step, Step::Grant(_))));
    history
}

#[test]
fn a_user_is_updated_twice_at_once_and_deleted() {
    let history = history::a_user_is_updated_twice_at_once_and_deleted();
    check(history, Deletes::Some, Pains::Some);
}

#[test]
fn an_organization_is_deleted_around_its_members() {
    let history = history::an_organization_is_deleted_around_its_members();
    check(history, Deletes::Some, Pains::Some);
}

#[test]
fn a_member_leaves_and_returns() {
    check(history::a_member_leaves_and_returns(), Deletes::Some, Pains::Some);
}

#[test]
fn a_role_and_its_permission_come_and_go() {
    check(history::a_role_and_its_permission_come_and_go(), Deletes::Some, Pains::Some);
}

#[test]
fn two_roles_share_a_key() {
    check(history::two_roles_share_a_key(), Deletes::Some, Pains::Some);
}

#[test]
fn a_user_is_banned_and_operators_have_their_word() {
    let history = history::a_user_is_banned_and_operators_have_their_word();
    check(history, Deletes::None, Pains::Some);
}

#[test]
fn two_members_lose_their_organization() {
    check(history::two_members_lose_their_organization(), Deletes::Some, Pains::Some);
}

#[test]
fn a_memberships_own_permissions_come_to_an_end() {
    let history = history::a_memberships_own_permissions_come_to_an_end();
    check(history, Deletes::Some, Pains::Some);
}

#[test]
fn a_member_returns_and_the_first_delete_is_lost() {
    let history = history::a_member_returns_and_the_first_delete_is_lost();
    check(history, Deletes::Some, Pains::Some);
}

#[test]
fn keys_are_renamed_and_retired() {
    check(history::keys_are_renamed_and_retired(), Deletes::Some, Pains::Some);
}

#[test]
fn one_of_each_kind_with_every_copy() {
    check_with_copies(of_all_kinds(eight::one_of_each_kind()));
}

#[test]
fn everything_meets_in_eight_steps() {
    check(of_all_kinds(eight::everything_meets()), Deletes::Some, Pains::Some);
}

#[test]
fn two_builds_read_the_same_in_eight_steps() {
    check(of_all_kinds(eight::two_builds_read_the_same()), Deletes::None, Pains::Some);
}

#[test]
#[ignore = "half a minute and more; cargo xtask sim laws"]
fn long_everything_meets() {
    check(of_all_kinds(eight::everything_meets()), Deletes::Some, Pains::All);
}

#[test]
#[ignore = "half a minute and more; cargo xtask sim laws"]
fn long_two_builds_read_the_same() {
    check(of_all_kinds(eight::two_builds_read_the_same()), Deletes::None, Pains::All);
}

#[test]
#[ignore = "half a minute and more; cargo xtask sim laws"]
fn long_all_at_one_instant() {
    check(of_all_kinds(eight::all_at_one_instant()), Deletes::None, Pains::All);
}

#[test]
#[ignore = "half a minute and more; cargo xtask sim laws"]
fn long_everything_ends() {
    check(of_all_kinds(eight::everything_ends()), Deletes::Some, Pains::All);
}

#[test]
#[ignore = "half a minute and more; cargo xtask sim laws"]
fn long_two_users_change_places() {
    check(of_all_kinds(eight::two_users_change_places()), Deletes::Some, Pains::All);
}

#[test]
#[ignore = "half a minute and more; cargo xtask sim laws"]
fn long_seven_steps() {
    use history as h;
    check(h::a_user_is_updated_twice_at_once_and_deleted(), Deletes::Some, Pains::All);
    check(h::an_organization_is_deleted_around_its_members(), Deletes::Some, Pains::All);
    check(h::a_member_leaves_and_returns(), Deletes::Some, Pains::All);
    check(h::a_role_and_its_permission_come_and_go(), Deletes::Some, Pains::All);
    check(h::two_roles_share_a_key(), Deletes::Some, Pains::All);
    check(h::a_user_is_banned_and_operators_have_their_word(), Deletes::None, Pains::All);
    check(h::two_members_lose_their_organization(), Deletes::Some, Pains::All);
    check(h::a_memberships_own_permissions_come_to_an_end(), Deletes::Some, Pains::All);
    check(h::a_member_returns_and_the_first_delete_is_lost(), Deletes::Some, Pains::All);
    check(h::keys_are_renamed_and_retired(), Deletes::Some, Pains::All);
}

#[test]
#[ignore = "half a minute and more; cargo xtask sim laws"]
fn long_deletes_and_ties_with_every_copy() {
    check_with_copies(of_all_kinds(eight::deletes_and_ties()));
}
