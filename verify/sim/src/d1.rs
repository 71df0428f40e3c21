//! The twin, in Rust, of what D1 keeps for the role caches: the watch of one user.
//!
//! | here | there |
//! |---|---|
//! | [`bump`] | the triggers `bump_*` of `migrations/derived/triggers/` |
//! | [`register`] | `shared/src/sql/register.sql` |
//! | [`ack`], [`gone`] | `shared/src/sql/ack.sql`, `gone.sql` |
//! | [`unwatch`] | `shared/src/sql/unwatch.sql` |
//! | [`pending`] | `shared/src/sql/pending.sql`, `pending_of.sql` |
//! | [`change_everybody`] | `bump_settings_*` in `migrations/derived/triggers/settings.sql` |
//! | [`catch_up`] | `shared/src/sql/catch_up.sql`, `catch_up_some.sql` |
//! | the mark | the triggers `mark_*` of `migrations/derived/triggers/watches.sql` |
//!
//! Each function is one statement, so it is one step of the model: D1 runs them one by one. A test
//! holds them to the statements on SQLite.

use crate::variant::Variant;
use crate::wire::{HintKey, Ms, SentFill};

/// A row of `watches`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Watch {
    /// The incarnation of the object that watches.
    pub owner: Ms,
    /// The version of the user's roles.
    pub version: Ms,
    /// The version that the object is known to have heard of.
    pub acked: Ms,
}

/// What D1 knows of one user's watch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Slot {
    /// The row of `watches`.
    pub watch: Option<Watch>,
    /// The row of `watch_marks`; 0 is none.
    pub mark: Ms,
    /// Whether something has changed for everybody that the watch has not taken in.
    pub behind: bool,
}

/// Raises the version: what the user may do has changed.
pub fn bump(slot: &mut Slot, now: Ms, variant: Variant) {
    let Some(watch) = &mut slot.watch else { return };
    let restarts = variant == Variant::VersionsRestart;
    let falls = variant == Variant::GreatestUpdatedAtAsVersion && now < watch.version;
    let next = if restarts { watch.version + 1 } else { (watch.version + 1).max(now) };
    let stands = variant == Variant::UpdatedAtAsVersion;
    watch.version = if falls || stands { now } else { next };
}

/// Something has changed for everybody: no version rises yet.
pub fn change_everybody(slot: &mut Slot) {
    slot.behind = slot.watch.is_some();
}

/// Lets the watch take that in, in a fill or in a step of the consumer.
pub fn catch_up(slot: &mut Slot, now: Ms, variant: Variant) {
    if !std::mem::take(&mut slot.behind) {
        return;
    }
    bump(slot, now, variant);
    if variant == Variant::CatchUpWithoutHint
        && let Some(watch) = &mut slot.watch
    {
        watch.acked = watch.version;
    }
}

/// Inserts the watch or takes it over, as a fill asks.
pub fn register(slot: &mut Slot, fill: &SentFill, now: Ms, v: Variant) {
    if v == Variant::FillWithoutRegistering {
        return;
    }
    let floor = if v == Variant::RestoreWithoutFloor { 0 } else { fill.floor };
    let mark = if slot.mark == 0 { 0 } else { slot.mark + 1 };
    let new = if v == Variant::VersionsRestart { 1 } else { now.max(floor + 1).max(mark) };
    match &mut slot.watch {
        None => {
            let watch = Watch { owner: fill.owner, version: new, acked: new };
            *slot = Slot { watch: Some(watch), mark: 0, behind: false };
        }
        Some(watch) => {
            let later = fill.owner > watch.owner;
            let lift = fill.owner == watch.owner && watch.version < floor;
            if later || lift || v == Variant::TakeoverByAnyone {
                let version = new.max(watch.version + 1);
                *watch = Watch { owner: fill.owner, version, acked: version };
                slot.behind = false;
            }
        }
    }
}

/// Notes that a hint was taken.
pub fn ack(slot: &mut Slot, key: &HintKey, variant: Variant) {
    if let Some(watch) = &mut slot.watch {
        let anything = variant == Variant::AckOfAnyVersion;
        let version = if anything { watch.version } else { key.version };
        if watch.owner == key.owner && watch.acked < version {
            watch.acked = version;
        }
    }
}

/// Deletes a watch that no object owns.
pub fn gone(slot: &mut Slot, key: &HintKey, now: Ms, variant: Variant) {
    unwatch(slot, key.owner, now, variant);
}

/// Deletes the watch of one incarnation.
pub fn unwatch(slot: &mut Slot, owner: Ms, now: Ms, variant: Variant) {
    let anyone = variant == Variant::DeleteWithoutOwner;
    let Some(watch) = slot.watch.filter(|watch| anyone || watch.owner == owner) else { return };
    (slot.watch, slot.behind) = (None, false);
    if now <= watch.version && variant != Variant::NoMark {
        slot.mark = slot.mark.max(watch.version);
    }
}

/// The hint that is owed.
#[must_use]
pub fn pending(slot: &Slot, user: u8) -> Option<HintKey> {
    let watch = slot.watch.filter(|watch| watch.version > watch.acked)?;
    Some(HintKey { user, owner: watch.owner, version: watch.version })
}

#[cfg(test)]
mod tests {
    use shared::cache::FillRequest;
    use shared::outbox::HintResults;
    use shared::sql::{self, Arg, Statement};
    use shared::time::UnixMillis;
    use testkit::sqlite::{Database, START};

    use super::{Slot, Watch, ack, bump, catch_up, change_everybody, gone, register, unwatch};
    use crate::variant::Variant::Right;
    use crate::wire::{HintKey, Ms, SentFill};

    const BEGIN: Ms = 1_000_000;

    /// Everything that can be done to a watch, by number.
    const DEEDS: u8 = 11;

    /// Does one of them to both. The twin's clock begins at [`BEGIN`], D1's at [`START`].
    fn deed(number: u8, slot: &mut Slot, db: &Database, now: &mut Ms) {
        let shift = |at: Ms| i64::from(at - BEGIN) + START;
        let version = slot.watch.map_or(BEGIN, |watch| watch.version);
        let key = |owner| HintKey { user: 0, owner, version };
        let pending = |key: HintKey| {
            let mut pending = key.pending();
            pending.version = shift(key.version);
            vec![pending]
        };
        match number {
            0..4 => {
                let (owner, floor) = (
                    Ms::from(number / 2) + 1,
                    if number.is_multiple_of(2) { 0 } else { version + 2 },
                );
                let sent = SentFill { user: 0, owner, floor, registers: true, sent_at: *now };
                register(slot, &sent, *now, Right);
                catch_up(slot, *now, Right);
                let floor = if floor == 0 { 0 } else { shift(floor) };
                let fill = FillRequest {
                    owner: owner.into(),
                    floor,
                    registers: true,
                    sent_at: UnixMillis(0),
                };
                db.answer("user_a", &fill).unwrap();
            }
            4 => {
                bump(slot, *now, Right);
                let change = "INSERT INTO role_grants (user_id, role_id, granted, at, id)
                              VALUES ('user_a', (SELECT count(*) FROM role_grants), 1, 1, 'g')";
                db.sql.execute(change, []).unwrap();
            }
            5 => {
                ack(slot, &key(1), Right);
                let settled = HintResults { acked: pending(key(1)), ..HintResults::default() };
                db.run(&sql::record_hint_results(&settled)).unwrap();
            }
            6 => {
                gone(slot, &key(1), *now, Right);
                let settled = HintResults { gone: pending(key(1)), ..HintResults::default() };
                db.run(&sql::record_hint_results(&settled)).unwrap();
            }
            7 => {
                unwatch(slot, 2, *now, Right);
                let args = vec![Arg::Text("user_a".into()), Arg::Int(2)];
                db.run(&[Statement { sql: sql::UNWATCH, args }]).unwrap();
            }
            8 => {
                change_everybody(slot);
                let change = "INSERT INTO settings AS s (key, value) VALUES ('default_role', '')
                              ON CONFLICT (key) DO UPDATE SET value = s.value || 'x'";
                db.sql.execute(change, []).unwrap();
            }
            9 => {
                catch_up(slot, *now, Right);
                db.run(&[sql::catch_up()]).unwrap();
            }
            _ => {
                *now += 1;
                db.at(shift(*now));
            }
        }
    }

    fn rows(db: &Database) -> Slot {
        let unshift = |at: i64| Ms::try_from(at - START).unwrap() + BEGIN;
        let of = |column: &str| {
            let query = format!("SELECT {column} FROM watches");
            db.column::<i64>(&query, []).unwrap().first().copied()
        };
        let watch = of("owner").map(|owner| Watch {
            owner: Ms::try_from(owner).unwrap(),
            version: unshift(of("version").unwrap()),
            acked: unshift(of("acked").unwrap()),
        });
        let mark = db.column::<i64>("SELECT version FROM watch_marks", []).unwrap();
        let mark = mark.first().map_or(0, |version| unshift(*version));
        let behind = "SELECT count(*) FROM watches w JOIN everyone e
                      WHERE w.everyone_version < e.version";
        let behind = db.column::<i64>(behind, []).unwrap() == [1];
        Slot { watch, mark, behind }
    }

    #[test]
    fn the_twin_of_a_watch_does_what_sqlite_does() {
        let db = Database::migrated().unwrap();
        let runs = u32::from(DEEDS).pow(5);
        for run in 0..runs {
            db.sql.execute_batch("SAVEPOINT run").unwrap();
            let (mut slot, mut now) = (Slot::default(), BEGIN);
            db.at(START);
            for place in 0..5 {
                let number = run / u32::from(DEEDS).pow(place) % u32::from(DEEDS);
                deed(u8::try_from(number).unwrap(), &mut slot, &db, &mut now);
                assert_eq!(rows(&db), slot, "run {run}, deed {place}");
            }
            db.sql.execute_batch("ROLLBACK TO run; RELEASE run").unwrap();
        }
    }
}
