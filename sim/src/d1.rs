//! The twin, in Rust, of what D1 keeps for the role caches: the table `watches` of one user.
//!
//! | here | there |
//! |---|---|
//! | [`bump`] | the triggers `bump_*` of `migrations/0005_bumps.sql` |
//! | [`register`] | `shared/src/sql/register.sql` |
//! | [`ack`], [`gone`] | `shared/src/sql/ack.sql`, `gone.sql` |
//! | [`unwatch`] | `shared/src/sql/unwatch.sql` |
//! | [`pending`] | `shared/src/sql/pending.sql`, `pending_of.sql` |
//!
//! Each function is one statement, so it is one step of the model: D1 runs them one by one.

use shared::time::UnixMillis;

use crate::variant::Variant;
use crate::wire::{Sent, Told};

/// A row of `watches`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Watch {
    /// The incarnation of the object that watches.
    pub owner: i64,
    /// The version of the user's roles.
    pub version: i64,
    /// The version that the object is known to have heard of.
    pub acked: i64,
}

/// Raises the version: what the user may do has changed.
pub fn bump(slot: &mut Option<Watch>, now: UnixMillis, variant: Variant) {
    let Some(watch) = slot else { return };
    let restarts = variant == Variant::VersionsRestart;
    let falls = variant == Variant::GreatestUpdatedAtAsVersion && now.0 < watch.version;
    let next = if restarts { watch.version + 1 } else { (watch.version + 1).max(now.0) };
    let stands = variant == Variant::UpdatedAtAsVersion;
    watch.version = if falls || stands { now.0 } else { next };
}

/// Inserts the watch or takes it over, as a fill asks.
pub fn register(slot: &mut Option<Watch>, user: u8, fill: &Sent, now: UnixMillis, v: Variant) {
    debug_assert_eq!(user, fill.user);
    if v == Variant::FillWithoutRegistering {
        return;
    }
    let floor = if v == Variant::RestoreWithoutFloor { 0 } else { fill.floor };
    let new = if v == Variant::VersionsRestart { 1 } else { now.0.max(floor + 1) };
    match slot {
        None => *slot = Some(Watch { owner: fill.owner, version: new, acked: new }),
        Some(watch) => {
            let later = fill.owner > watch.owner;
            let lift = fill.owner == watch.owner && watch.version < floor;
            if later || lift || v == Variant::TakeoverByAnyone {
                let version = new.max(watch.version + 1);
                *watch = Watch { owner: fill.owner, version, acked: version };
            }
        }
    }
}

/// Notes that a hint was taken.
pub fn ack(slot: &mut Option<Watch>, told: &Told, variant: Variant) {
    if let Some(watch) = slot {
        let anything = variant == Variant::AckOfWhateverStands;
        let version = if anything { watch.version } else { told.version };
        if watch.owner == told.owner && watch.acked < version {
            watch.acked = version;
        }
    }
}

/// Deletes a watch that no object owns.
pub fn gone(slot: &mut Option<Watch>, told: &Told, variant: Variant) {
    unwatch(slot, told.owner, variant);
}

/// Deletes the watch of one incarnation.
pub fn unwatch(slot: &mut Option<Watch>, owner: i64, variant: Variant) {
    let anyone = variant == Variant::DeleteWithoutOwner;
    if slot.is_some_and(|watch| anyone || watch.owner == owner) {
        *slot = None;
    }
}

/// The hint that is owed.
#[must_use]
pub fn pending(slot: &Option<Watch>, user: u8) -> Option<Told> {
    let watch = slot.filter(|watch| watch.version > watch.acked)?;
    Some(Told { user, owner: watch.owner, version: watch.version })
}
