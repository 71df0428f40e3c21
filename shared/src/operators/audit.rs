//! The audit trail: what operators did, as a chain.
//!
//! Each entry holds the hash of the one before it, so an entry that was changed or removed breaks
//! every later one. The newest hash, the head, is also printed in the log and by the program: a
//! trail that was rewritten as a whole does not end in it.
//!
//! An entry is written in the batch of the act. A trigger refuses it when another one was written
//! since the head was read; then the head is read again.

use serde::{Deserialize, Serialize};

use super::hash::hash;
use crate::json::serde_struct_from_object;
use crate::time::UnixMillis;

/// The text of D1's error for an entry that does not continue the chain.
pub const HEAD_MOVED: &str = "the head of the audit trail has moved";

/// The end of the chain: number and hash of the last entry. The default is that of an empty trail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct AuditHead {
    /// The number of the last entry; 0 for none.
    pub seq: i64,
    /// Its hash; empty for none.
    pub hash: String,
}

/// What was done, or refused. No personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditAct {
    /// When.
    pub at: UnixMillis,
    /// Who: `access:<sub>`, `token:<first digits of its hash>` or `system:<what>`.
    pub actor: String,
    /// What, `dead-letters.discarded` for example. Refused ones begin with `refused:`.
    pub action: String,
    /// The id of what it was done to; empty for none.
    pub target: String,
    /// Why, and counts before and after: a JSON object.
    pub detail: String,
}

/// An entry of the trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct AuditEntry {
    /// Its number: 1 for the first.
    pub seq: i64,
    /// The hash of the entry before it; empty for the first.
    pub prev: String,
    /// Its hash: lower-case hexadecimal SHA-256.
    pub hash: String,
    /// See [`AuditAct`].
    pub at: UnixMillis,
    /// See [`AuditAct`].
    pub actor: String,
    /// See [`AuditAct`].
    pub action: String,
    /// See [`AuditAct`].
    pub target: String,
    /// See [`AuditAct`].
    pub detail: String,
}

serde_struct_from_object!(AuditHead, AuditEntry);

/// Where a chain is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenChain {
    /// An entry is missing or doubled.
    #[error("entry {expected} is missing: {found} follows")]
    Gap {
        /// The number that had to come.
        expected: i64,
        /// The number that came.
        found: i64,
    },
    /// The entry does not continue the one before it.
    #[error("entry {0} does not continue the one before it")]
    Unlinked(i64),
    /// The entry was changed.
    #[error("entry {0} was changed: its hash is that of other values")]
    Changed(i64),
}

impl AuditEntry {
    /// The next entry of the chain.
    #[must_use]
    pub fn after(head: &AuditHead, act: AuditAct) -> Self {
        let AuditAct { at, actor, action, target, detail } = act;
        let (seq, prev) = (head.seq.saturating_add(1), head.hash.clone());
        let mut entry = Self { seq, prev, hash: String::new(), at, actor, action, target, detail };
        entry.hash = entry.computed_hash();
        entry
    }

    /// The end of a chain that ends with this entry.
    #[must_use]
    pub fn head(&self) -> AuditHead {
        AuditHead { seq: self.seq, hash: self.hash.clone() }
    }

    /// The hash over all other members.
    #[must_use]
    pub fn computed_hash(&self) -> String {
        let Self { seq, prev, hash: _, at, actor, action, target, detail } = self;
        hash(&[prev, &seq.to_string(), &at.0.to_string(), actor, action, target, detail])
    }
}

/// Checks that `entries` continue the chain at `head`, and returns the new head.
///
/// # Errors
/// Where the chain is broken first.
pub fn verify(head: AuditHead, entries: &[AuditEntry]) -> Result<AuditHead, BrokenChain> {
    entries.iter().try_fold(head, |head, entry| {
        let expected = head.seq.saturating_add(1);
        if entry.seq != expected {
            return Err(BrokenChain::Gap { expected, found: entry.seq });
        }
        if entry.prev != head.hash {
            return Err(BrokenChain::Unlinked(entry.seq));
        }
        if entry.hash != entry.computed_hash() {
            return Err(BrokenChain::Changed(entry.seq));
        }
        Ok(entry.head())
    })
}

#[cfg(test)]
mod tests {
    use super::{AuditAct, AuditEntry, AuditHead, BrokenChain, verify};
    use crate::time::UnixMillis;

    fn chain(length: i64) -> Vec<AuditEntry> {
        let mut head = AuditHead::default();
        let entries = (1..=length).map(|at| {
            let act = AuditAct {
                at: UnixMillis(at),
                actor: "token:1".into(),
                action: "roles.granted".into(),
                target: "user_ada".into(),
                detail: "{}".into(),
            };
            let entry = AuditEntry::after(&head, act);
            head = entry.head();
            entry
        });
        entries.collect()
    }

    #[test]
    fn a_chain_is_verified_in_pages() {
        let entries = chain(5);
        let head = verify(AuditHead::default(), &entries[..2]).unwrap();
        assert_eq!(verify(head, &entries[2..]), Ok(entries[4].head()));
        assert_eq!(verify(AuditHead::default(), &[]), Ok(AuditHead::default()));
    }

    #[test]
    fn each_change_of_an_entry_breaks_the_chain() {
        type Change = fn(&mut AuditEntry);
        let changes: [Change; 8] = [
            |it| it.seq = 9,
            |it| it.prev.push('0'),
            |it| it.hash.push('0'),
            |it| it.at = UnixMillis(0),
            |it| it.actor.push('0'),
            |it| it.action.push('0'),
            |it| it.target.push('0'),
            |it| it.detail.push(' '),
        ];
        for change in changes {
            let mut entries = chain(3);
            change(&mut entries[1]);
            assert!(verify(AuditHead::default(), &entries).is_err(), "{:?}", entries[1]);
        }
    }

    #[test]
    fn an_entry_that_is_missing_or_rewritten_is_found() {
        let mut entries = chain(3);
        entries.remove(1);
        let gap = BrokenChain::Gap { expected: 2, found: 3 };
        assert_eq!(verify(AuditHead::default(), &entries), Err(gap));
        let mut entries = chain(3);
        entries[0].actor = "token:2".into();
        assert_eq!(verify(AuditHead::default(), &entries), Err(BrokenChain::Changed(1)));
        entries[0].hash = entries[0].computed_hash();
        assert_eq!(verify(AuditHead::default(), &entries), Err(BrokenChain::Unlinked(2)));
    }

    /// A trail that was written is verified by every later build.
    #[test]
    fn the_hash_is_frozen() {
        let mut first = chain(1).remove(0);
        (first.at, first.target) = (UnixMillis(5), "user_ä".into());
        let want = "47821ec97ecd89a4eef49a153999fc3303e9d30a808b23fcfb37907c0f5239fc";
        assert_eq!(first.computed_hash(), want);
    }

    #[test]
    fn a_value_cannot_pass_for_two() {
        let [first] = &chain(1)[..] else { panic!() };
        let mut moved = first.clone();
        (moved.actor, moved.action) = ("token:1r".into(), "oles.granted".into());
        assert_ne!(moved.computed_hash(), first.computed_hash());
    }
}
