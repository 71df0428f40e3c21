//! The merge law in Rust and the merge law in SQL, on the same deliveries.
//!
//! Each order of a history is applied step by step with the statements that the consumer sends.
//! After each step the rows, the roles and the versions must equal those of the twin, deleted rows
//! must stay deleted, and a delivery that is repeated must write nothing. Then each order is
//! applied in batches, with the rows of `deliveries`, and with one of the deliveries twice.

mod eight;
mod history;
mod mutants;
mod walk;

use std::collections::BTreeSet;

use shared::event::Payload;
use shared::merge::EntityKind;
use shared::plan::OpenedMessage;

use crate::laws::report;
use crate::support::Db;
use history::{History, Step};
use walk::{Repeats, Walk, orders};

/// How many of a history's orders are tried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effort {
    /// Every order step by step, and some orders in batches.
    Sample,
    /// Every repeat at every step, and every order in batches.
    Full,
}

/// Whether some order has a live state after the delete of the same id.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deletes {
    None,
    Some,
}

/// Every order of one history.
#[track_caller]
fn check(history: History, deletes: Deletes, effort: Effort) {
    let steps = history.len();
    let mut walk = Walk::new(history, Db::new(), |_| None);
    let repeats = if effort == Effort::Full { Repeats::Always } else { Repeats::Once };
    walk.every_order(repeats).unwrap_or_else(|differs| panic!("{differs}"));
    assert_eq!(walk.prefixes, prefixes(steps), "every prefix of every order");
    assert_eq!(walk.resurrections_tried > 0, deletes == Deletes::Some);
    // Each step of each set of steps when the set is first reached, and the last step otherwise.
    let once = (steps << (steps - 1)) + walk.prefixes - (1 << steps);
    assert!(once <= walk.repeats, "{} repeats", walk.repeats);

    let orders = orders(steps);
    assert_eq!(orders.iter().collect::<BTreeSet<_>>().len(), factorial(steps));
    let stride = if effort == Effort::Full { 1 } else { 17 };
    for (index, order) in orders.iter().enumerate().step_by(stride) {
        let copy = (index % steps, index / steps % (steps + 1));
        let checked = walk.in_batches(order, copy, 1 + index % 3);
        checked.unwrap_or_else(|differs| panic!("{order:?}, {copy:?} again: {differs}"));
    }
    let (every, repeats) = (walk.prefixes, walk.repeats);
    let in_batches = orders.len().div_ceil(stride);
    report(&format!(
        "law: {steps} steps in {} orders: {every} prefixes, {repeats} repeats, {in_batches} orders \
         in batches: SQL, the law and the triggers' twin agree",
        orders.len()
    ));
}

/// Every order of one history, with every one of its steps twice, in every place.
#[track_caller]
fn check_with_copies(history: History) {
    let steps = history.len();
    check(history.clone(), Deletes::Some, Effort::Full);
    let walk = Walk::new(history, Db::new(), |_| None);
    let mut sequences = 0;
    for order in orders(steps) {
        for (at, twice) in order.iter().enumerate() {
            for place in at + 1..=steps {
                let checked = walk.in_batches(&order, (*twice, place), 1 + sequences % 3);
                checked.unwrap_or_else(|it| panic!("{order:?}, {twice} again at {place}: {it}"));
                sequences += 1;
            }
        }
    }
    assert_eq!(sequences, factorial(steps + 1) / 2 * steps, "each sequence once");
    report(&format!("law: {steps} steps, each twice in every place: {sequences} sequences: agree"));
}

/// The deliveries of histories that this build can read, for other tests.
pub(crate) fn delivered() -> Vec<Vec<OpenedMessage>> {
    let histories = [
        history::a_user_is_updated_twice_at_once_and_deleted(),
        history::an_organization_is_deleted_around_its_members(),
        history::a_member_leaves_and_returns(),
        history::a_role_and_its_permission_come_and_go(),
        history::two_members_lose_their_organization(),
        eight::deletes_and_ties(),
        eight::all_at_one_time(),
        eight::everything_is_deleted(),
        eight::two_users_change_places(),
    ];
    let of = |history: History| {
        let events = history.into_iter().filter_map(|step| match step {
            Step::Event(message) => Some(*message),
            Step::Grant(_) => None,
        });
        events.collect()
    };
    histories.into_iter().map(of).collect()
}

/// How many orders so many steps have.
fn factorial(steps: usize) -> usize {
    (1..=steps).product()
}

/// How many beginnings the orders of so many steps have, the empty one among them.
fn prefixes(steps: usize) -> usize {
    (0..=steps).map(|left| factorial(steps) / factorial(left)).sum()
}

/// Asserts that the history changes every kind of entity and has a grant.
fn assert_all_kinds(history: History) -> History {
    let payloads = history.iter().filter_map(|step| match step {
        Step::Event(message) => Some(&message.envelope.payload),
        Step::Grant(_) => None,
    });
    let changes = payloads.flat_map(|payload| match payload {
        Payload::Event(event) => &event.changes[..],
        Payload::Ignored | Payload::Unreadable(_) => &[],
    });
    let kinds: BTreeSet<_> = changes.map(|change| change.kind).collect();
    assert_eq!(kinds, EntityKind::ALL.into());
    assert!(history.iter().any(|step| matches!(step, Step::Grant(_))));
    history
}

#[test]
fn a_user_is_updated_twice_at_once_and_deleted() {
    let history = history::a_user_is_updated_twice_at_once_and_deleted();
    check(history, Deletes::Some, Effort::Sample);
}

#[test]
fn an_organization_is_deleted_around_its_members() {
    let history = history::an_organization_is_deleted_around_its_members();
    check(history, Deletes::Some, Effort::Sample);
}

#[test]
fn a_member_leaves_and_returns() {
    check(history::a_member_leaves_and_returns(), Deletes::Some, Effort::Sample);
}

#[test]
fn a_role_and_its_permission_come_and_go() {
    check(history::a_role_and_its_permission_come_and_go(), Deletes::Some, Effort::Sample);
}

#[test]
fn two_roles_share_a_key() {
    check(history::two_roles_share_a_key(), Deletes::Some, Effort::Sample);
}

#[test]
fn a_user_is_banned_and_operators_grant_and_revoke() {
    let history = history::a_user_is_banned_and_operators_grant_and_revoke();
    check(history, Deletes::None, Effort::Sample);
}

#[test]
fn two_members_lose_their_organization() {
    check(history::two_members_lose_their_organization(), Deletes::Some, Effort::Sample);
}

#[test]
fn a_memberships_own_permissions_come_to_an_end() {
    let history = history::a_memberships_own_permissions_come_to_an_end();
    check(history, Deletes::Some, Effort::Sample);
}

#[test]
fn a_member_returns_and_the_first_delete_is_lost() {
    let history = history::a_member_returns_and_the_first_delete_is_lost();
    check(history, Deletes::Some, Effort::Sample);
}

#[test]
fn keys_are_renamed_and_retired() {
    check(history::keys_are_renamed_and_retired(), Deletes::Some, Effort::Sample);
}

#[test]
fn one_of_each_kind_with_every_copy() {
    check_with_copies(assert_all_kinds(eight::one_of_each_kind()));
}

#[test]
fn all_kinds_of_change_in_eight_steps() {
    check(assert_all_kinds(eight::all_kinds_of_change()), Deletes::Some, Effort::Sample);
}

#[test]
fn two_builds_read_the_same_in_eight_steps() {
    check(assert_all_kinds(eight::two_builds_read_the_same()), Deletes::None, Effort::Sample);
}

#[test]
#[ignore = "half a minute and more; cargo xtask sim laws"]
fn long_all_kinds_of_change() {
    check(assert_all_kinds(eight::all_kinds_of_change()), Deletes::Some, Effort::Full);
}

#[test]
#[ignore = "half a minute and more; cargo xtask sim laws"]
fn long_two_builds_read_the_same() {
    check(assert_all_kinds(eight::two_builds_read_the_same()), Deletes::None, Effort::Full);
}

#[test]
#[ignore = "half a minute and more; cargo xtask sim laws"]
fn long_all_at_one_time() {
    check(assert_all_kinds(eight::all_at_one_time()), Deletes::None, Effort::Full);
}

#[test]
#[ignore = "half a minute and more; cargo xtask sim laws"]
fn long_everything_is_deleted() {
    check(assert_all_kinds(eight::everything_is_deleted()), Deletes::Some, Effort::Full);
}

#[test]
#[ignore = "half a minute and more; cargo xtask sim laws"]
fn long_two_users_change_places() {
    check(assert_all_kinds(eight::two_users_change_places()), Deletes::Some, Effort::Full);
}

#[test]
#[ignore = "half a minute and more; cargo xtask sim laws"]
fn long_seven_steps() {
    use history as h;
    check(h::a_user_is_updated_twice_at_once_and_deleted(), Deletes::Some, Effort::Full);
    check(h::an_organization_is_deleted_around_its_members(), Deletes::Some, Effort::Full);
    check(h::a_member_leaves_and_returns(), Deletes::Some, Effort::Full);
    check(h::a_role_and_its_permission_come_and_go(), Deletes::Some, Effort::Full);
    check(h::two_roles_share_a_key(), Deletes::Some, Effort::Full);
    check(h::a_user_is_banned_and_operators_grant_and_revoke(), Deletes::None, Effort::Full);
    check(h::two_members_lose_their_organization(), Deletes::Some, Effort::Full);
    check(h::a_memberships_own_permissions_come_to_an_end(), Deletes::Some, Effort::Full);
    check(h::a_member_returns_and_the_first_delete_is_lost(), Deletes::Some, Effort::Full);
    check(h::keys_are_renamed_and_retired(), Deletes::Some, Effort::Full);
}

#[test]
#[ignore = "half a minute and more; cargo xtask sim laws"]
fn long_deletes_and_ties_with_every_copy() {
    check_with_copies(assert_all_kinds(eight::deletes_and_ties()));
}
