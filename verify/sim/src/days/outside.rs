//! What comes from outside, as it happens.

use shared::sql::Arg;

use super::Broken;
use super::count::Rare;
use super::input::What;
use super::world::{World, user_id};

impl World<'_> {
    /// An input happens.
    pub(super) fn apply_input(&mut self, place: u32) {
        let input = usize::try_from(place).ok().and_then(|place| self.inputs.get(place));
        let Some(what) = input.map(|input| input.what.clone()) else { return };
        self.say(format_args!("outside: {what:?}"));
        match what {
            What::Event(event) => self.start_delivery(event),
            What::Ask { user, need, fresh, version } => {
                self.start_guard(user, need, fresh, version);
            }
            What::Word { user, role, granted, behind } => {
                self.write_grant(user, role, granted, behind);
            }
            What::Tutorial { user, role, granted } => self.write_by_tutorial(user, role, granted),
            What::Evict(user) => self.evict(user),
            What::Wipe(user) => self.wipe(user),
            What::Keep => self.keep(),
            What::Restore => self.restore(),
            What::Replay => self.replay(),
            What::Recover(event) => self.recover(event),
            What::Window(window, ms) => {
                let until = self.now + ms;
                let end = self.windows.entry(window).or_insert(until);
                *end = until.max(*end);
                self.laws.notes(window, until);
            }
            What::Door(build) => self.door = build,
            What::Consumers => self.consumers_are_new = true,
        }
    }

    /// An operator's tool sends its word.
    fn write_grant(&mut self, user: usize, role: &str, granted: bool, behind: i64) {
        let Some(role_id) = self.role_number(role) else { return };
        let at = self.now - behind;
        let id = format!("op_{}", self.number());
        let args = vec![
            Arg::Text(user_id(user).into()),
            Arg::Int(role_id),
            Arg::Int(granted.into()),
            Arg::Int(at),
            Arg::Text(id.clone()),
            Arg::Text("ops".into()),
            Arg::Text("asked for".into()),
            Arg::Int(0),
        ];
        let written = self.d1.word(args, self.now);
        if written == Ok(0) {
            self.count(Rare::GrantOutranked);
        }
        let done = written.map(|_| ()).map_err(|error| error.to_string());
        self.record_grant((user, role, granted), (at, &id), &done);
    }

    /// The tutorial's program writes the view; a trigger makes a word of it.
    fn write_by_tutorial(&mut self, user: usize, role: &str, granted: bool) {
        let Some(role_id) = self.role_number(role) else { return };
        let sql = if granted {
            "INSERT INTO user_roles (user_id, role_id) VALUES (?1, ?2)"
        } else {
            "DELETE FROM user_roles WHERE user_id = ?1 AND role_id = ?2"
        };
        self.d1.db.at(self.now);
        let done = self.d1.db.sql.execute(sql, (user_id(user), role_id));
        let stands =
            "SELECT at, id FROM role_grants WHERE user_id = ?1 AND role_id = ?2 AND granted = ?3";
        let read = self.d1.db.sql.query_row(stands, (user_id(user), role_id, granted), |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        });
        // A role that the user does not have is not taken away: nothing was written.
        let Ok((at, id)) = read else { return };
        self.count(Rare::TutorialWrite);
        let done = done.map(|_| ()).map_err(|error| error.to_string());
        self.record_grant((user, role, granted), (at, &id), &done);
    }

    /// The database as it stands is remembered.
    fn keep(&mut self) {
        if self.laws.kept.is_none() && self.d1.keep().is_ok() {
            self.laws.kept = Some(self.laws.mirror.clone());
        }
    }

    /// The database is set back, and with it whatever it held.
    fn restore(&mut self) {
        let Some(kept) = self.laws.kept.take() else { return };
        if let Err(error) = self.d1.restore() {
            return self.laws.broken = Some(Broken::harness(&error));
        }
        self.laws.mirror = kept;
        let held: Vec<bool> = self.deliveries.iter().map(|it| it.held).collect();
        self.keeps_letters();
        self.account();
        for (delivery, held) in self.deliveries.iter_mut().zip(held) {
            delivery.undone |= held && !delivery.held;
        }
        let floors = (0..self.mix.users).filter(|user| {
            let object = self.objects.get(*user);
            let floor = object.and_then(|it| it.disk.as_ref()).map_or(0, |disk| disk.floor);
            self.reached(*user) < floor
        });
        if 0 < floors.count() {
            self.count(Rare::Restored);
        }
        self.laws.restored(self.now);
        self.record_truth();
        self.watch_again();
        self.names();
        self.sweep_soon();
    }

    fn role_number(&self, role: &str) -> Option<i64> {
        let sql = "SELECT id FROM roles WHERE name = ?1";
        self.d1.db.sql.query_row(sql, [role], |row| row.get(0)).ok()
    }
}
