//! What is under way between the parts, small enough to be counted by the million. The types of
//! `shared` are made from these at the borders.

use shared::cache::{CacheState, CachedRoleSet, FillRequest};
use shared::outbox::PendingHint;
use shared::role_cache::Hint;
use shared::roles::{RoleSet, UserStatus};
use shared::time::UnixMillis;

/// An instant or a version. A model's clock begins at a million and runs for minutes.
pub type Ms = i32;

/// An instant or a version of `shared`, as the models keep it.
#[must_use]
pub fn ms(of: i64) -> Ms {
    Ms::try_from(of).unwrap_or(Ms::MAX)
}

/// An instant as `shared` has it.
#[must_use]
pub fn instant(at: Ms) -> UnixMillis {
    UnixMillis(at.into())
}

/// The users' ids, by number.
pub const USERS: [&str; 2] = ["user_a", "user_b"];

/// The id of a user.
#[must_use]
pub fn user_id(user: u8) -> &'static str {
    USERS.get(usize::from(user)).copied().unwrap_or_default()
}

/// What names a hint, and the answer to it: `(owner, version)` of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HintKey {
    /// Whose.
    pub user: u8,
    /// The incarnation that the watch names.
    pub owner: Ms,
    /// The version that D1 had reached.
    pub version: Ms,
}

impl HintKey {
    /// As a row of the outbox.
    #[must_use]
    pub fn pending(&self) -> PendingHint {
        let (owner, version) = (self.owner.into(), self.version.into());
        PendingHint { user_id: user_id(self.user).into(), owner, version }
    }

    /// As the hint that the object gets.
    #[must_use]
    pub fn hint(&self) -> Hint {
        self.pending().hint(None)
    }
}

/// A fill on its way to D1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SentFill {
    /// Whose.
    pub user: u8,
    /// As in [`FillRequest`].
    pub owner: Ms,
    /// As in [`FillRequest`].
    pub floor: Ms,
    /// As in [`FillRequest`].
    pub registers: bool,
    /// As in [`FillRequest`].
    pub sent_at: Ms,
}

impl SentFill {
    /// From what the cache's machine asks to send.
    #[must_use]
    pub fn new(user: u8, fill: &FillRequest) -> Self {
        let FillRequest { owner, floor, registers, sent_at } = *fill;
        Self { user, owner: ms(owner), floor: ms(floor), registers, sent_at: ms(sent_at.0) }
    }

    /// As the machine knows it.
    #[must_use]
    pub fn fill(&self) -> FillRequest {
        let (owner, floor) = (self.owner.into(), self.floor.into());
        FillRequest { owner, floor, registers: self.registers, sent_at: instant(self.sent_at) }
    }
}

/// A row that D1 read for a fill. `what` stands for the roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FillRow {
    /// The incarnation that holds the watch.
    pub owner: Ms,
    /// The version of the watch.
    pub version: Ms,
    /// The roles, by number: each model says what the number means.
    pub what: u8,
}

/// A set that an object holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PackedSet {
    /// Its version.
    pub version: Ms,
    /// The roles, by number.
    pub what: u8,
    /// As in [`CachedRoleSet`].
    pub verified_at: Ms,
}

/// The state of the cache's machine, small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PackedState {
    /// As in [`CacheState`].
    pub owner: Ms,
    /// As in [`CacheState`].
    pub floor: Ms,
    /// As in [`CacheState`].
    pub entry: Option<PackedSet>,
    /// As in [`CacheState`].
    pub used_at: Ms,
    /// As in [`CacheState`].
    pub ending: Option<Ms>,
}

impl PackedState {
    /// As the machine knows it.
    #[must_use]
    pub fn state(&self) -> CacheState {
        let entry = self.entry.map(|held| CachedRoleSet {
            set: set(held.version, held.what),
            verified_at: instant(held.verified_at),
        });
        CacheState {
            user_id: String::new(),
            owner: self.owner.into(),
            floor: self.floor.into(),
            entry,
            used_at: instant(self.used_at),
            ending: self.ending.map(i64::from),
        }
    }

    /// The set that may be served, whatever its age.
    #[must_use]
    pub fn served(&self) -> Option<PackedSet> {
        self.entry.filter(|_| !self.state().is_below_floor())
    }
}

impl From<&CacheState> for PackedState {
    fn from(state: &CacheState) -> Self {
        let entry = state.entry.as_ref().map(|entry| PackedSet {
            version: ms(entry.set.version),
            what: what(&entry.set),
            verified_at: ms(entry.verified_at.0),
        });
        Self {
            owner: ms(state.owner),
            floor: ms(state.floor),
            entry,
            used_at: ms(state.used_at.0),
            ending: state.ending.map(ms),
        }
    }
}

/// Roles as they pass through the machine, which never looks at them: their number.
#[must_use]
pub fn set(version: Ms, what: u8) -> RoleSet {
    let roles = vec![what.to_string()];
    RoleSet { version: version.into(), status: UserStatus::Active, roles, organizations: vec![] }
}

/// The number that came through the machine.
#[must_use]
pub fn what(set: &RoleSet) -> u8 {
    set.roles.first().and_then(|role| role.parse().ok()).unwrap_or(u8::MAX)
}
