//! The merge law is a join: order, repetition and grouping of the states do not matter.

use proptest::prelude::Strategy;
use proptest::{prop_assert, prop_assert_eq};
use shared::merge::{EntityState, join, supersedes};

use super::assert_law;
use super::fields::{entity, state};

/// States of one id.
fn states() -> impl Strategy<Value = [EntityState; 3]> {
    entity().prop_flat_map(|entity| {
        let state = || state(entity, "id_1".into());
        [state(), state(), state()]
    })
}

#[test]
fn join_is_commutative() {
    assert_law("join is commutative", 1, &states(), |[a, b, _]| {
        prop_assert_eq!(join(a.clone(), b.clone()), join(b, a));
        Ok(())
    });
}

#[test]
fn join_is_associative() {
    assert_law("join is associative", 1, &states(), |[a, b, c]| {
        let left = join(join(a.clone(), b.clone()), c.clone());
        prop_assert_eq!(left, join(a, join(b, c)));
        Ok(())
    });
}

#[test]
fn join_is_idempotent() {
    assert_law("join is idempotent", 1, &states(), |[a, b, _]| {
        prop_assert_eq!(&join(a.clone(), a.clone()), &a);
        let both = join(a.clone(), b.clone());
        prop_assert_eq!(&join(both.clone(), a), &both);
        prop_assert_eq!(&join(both.clone(), b), &both);
        Ok(())
    });
}

#[test]
fn delete_absorbs() {
    assert_law("delete absorbs", 1, &states(), |[a, ..]| {
        prop_assert_eq!(join(a.clone(), EntityState::Deleted), EntityState::Deleted);
        prop_assert_eq!(join(EntityState::Deleted, a), EntityState::Deleted);
        Ok(())
    });
}

#[test]
fn join_keeps_the_greater_of_two_live_states() {
    assert_law("of two live states the greater by rank stays", 1, &states(), |[a, b, _]| {
        if let (EntityState::Live(x), EntityState::Live(y)) = (&a, &b) {
            let greater = if x.rank < y.rank { &b } else { &a };
            prop_assert_eq!(&join(a.clone(), b.clone()), greater);
            prop_assert_eq!(supersedes(&b, Some(&a)), x.rank < y.rank);
            prop_assert!(x.rank != y.rank || a == b, "one rank, two states");
        }
        Ok(())
    });
}
