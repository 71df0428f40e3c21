//! A guard, step by step as `ssr/src/roles.rs`: it asks, again while the runtime says that this can
//! help, and once more when the answer ran out on its way; then the guard decides, as
//! `guard::permit` does for a session of the user's own. The isolate's second level is off, as it
//! is by default.

use shared::cache::isolate::UserRoles;
use shared::guard::{Denied, Need, RoleSnapshot, roles_meet};
use shared::retry::{ObjectCallError, retry_call_ms};
use shared::role_cache::{RoleAnswer, RoleQuery};
use shared::time::UnixMillis;

use super::agenda::Step;
use super::dice::Fault;
use super::input::{Version, Window};
use super::state::Guard;
use super::world::{World, user_id};

/// On the clock of these days.
const ROLE_QUERY_TIMEOUT_MS: i64 = shared::limits::ROLE_QUERY_TIMEOUT_MS.cast_signed();

impl World<'_> {
    /// A guard asks.
    pub(super) fn start_guard(&mut self, user: usize, need: Need, fresh: bool, version: Version) {
        let reached = self.reached(user);
        let min_version = match version {
            Version::Any => 0,
            Version::Reached => reached,
            Version::Beyond => reached.max(self.now) + 1,
            Version::Absurd => self.now + 86_400_000,
        };
        let ask = RoleQuery { user_id: user_id(user).into(), fresh, min_version, compact: true };
        let number = self.number();
        let guard = Guard { user, need, ask, asked_at: self.now, try_: 0, calls: 0, again: false };
        self.guards.insert(number, guard);
        self.after(ROLE_QUERY_TIMEOUT_MS, Step::Patience(number));
        self.send_question(number);
    }

    /// One question goes out.
    pub(super) fn send_question(&mut self, number: u32) {
        let now = self.now;
        let Some(guard) = self.guards.get_mut(&number) else { return };
        guard.try_ += 1;
        guard.asked_at = now;
        let try_ = guard.try_;
        if self.dice.strikes(Fault::AskLost) || self.is_on(Window::RolesDown) {
            let overloaded = self.dice.free.u8(0..4) == 0;
            let answer = Err(if overloaded {
                ObjectCallError::Overloaded
            } else {
                ObjectCallError::Retryable
            });
            return self.on_its_way(Step::Asked { guard: number, try_, answer });
        }
        self.on_its_way(Step::Ask { guard: number, try_ });
    }

    /// A question reaches its object, whether or not its guard waits for it still.
    pub(super) fn deliver_question(&mut self, number: u32, try_: u32) {
        let Some(guard) = self.guards.get(&number) else { return };
        let (user, ask) = (guard.user, guard.ask.clone());
        self.handle_question(user, number, try_, &ask);
    }

    /// The object's answer arrives.
    pub(super) fn handle_answer(
        &mut self,
        number: u32,
        try_: u32,
        answer: Result<RoleAnswer, ObjectCallError>,
    ) {
        let Some(guard) = self.guards.get_mut(&number).filter(|it| it.try_ == try_) else { return };
        let (now, asked_at) = (self.now, guard.asked_at);
        match answer {
            Err(fault) => {
                guard.calls += 1;
                let jitter = self.dice.free.u32(..);
                match retry_call_ms(fault, guard.calls, jitter) {
                    Some(ms) => self.after(ms.into(), Step::AskAgain(number)),
                    None => self.decide(number, None),
                }
            }
            Ok(answer) => {
                let (asked_at, now) = (UnixMillis(asked_at), UnixMillis(now));
                let min_version = guard.ask.min_version;
                let Some(roles) = UserRoles::from_answer(answer, min_version, asked_at, now) else {
                    return self.decide(number, None);
                };
                if roles.is_expired(now) && !guard.again {
                    (guard.again, guard.calls) = (true, 0);
                    return self.send_question(number);
                }
                self.decide(number, Some(roles.snapshot));
            }
        }
    }

    /// The guard waits no longer.
    pub(super) fn guard_times_out(&mut self, number: u32) {
        self.decide(number, None);
    }

    fn decide(&mut self, number: u32, snapshot: Option<RoleSnapshot>) {
        let Some(Guard { user, need, .. }) = self.guards.remove(&number) else { return };
        let now = UnixMillis(self.now);
        let covered = roles_meet(snapshot.as_ref(), &need, now);
        let set = snapshot.map(|snapshot| snapshot.set);
        let decided = covered.and_then(|()| set.ok_or(Denied::NoRoleSet));
        let shown = decided.as_ref().map(|set| set.version).map_err(|denied| *denied);
        self.say(format_args!("guard {number}: user {user} {need:?} gets {shown:?}"));
        self.check_decision(user, &need, &decided);
    }
}
