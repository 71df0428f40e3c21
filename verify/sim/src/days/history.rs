//! Clerk: users, organizations, memberships, roles and permissions that begin, change and end, and
//! the events that say so.

use fastrand::Rng;
use serde_json::{Value, json};
use testkit::payload;
use testkit::sqlite::START;

use super::mix::{Mix, pick};

/// The users that a day may have.
pub(super) const USERS: [&str; 5] = ["user_ada", "user_bob", "user_cyd", "user_dot", "user_eve"];

/// The organizations.
pub(super) const ORGS: [&str; 3] = ["org_1", "org_2", "org_3"];

/// App roles that events and operators name.
pub(super) const ROLES: [&str; 3] = ["admin", "editor", "member"];

/// Keys of organization roles.
pub(super) const KEYS: [&str; 3] = ["org:admin", "org:member", "org:guest"];

/// Keys of permissions.
pub(super) const PERMISSIONS: [&str; 3] = ["org:posts:read", "org:posts:write", "org:bills:pay"];

/// An address that D1 refuses in the simulator, as it might refuse anything.
pub(super) const POISON: &str = "poison@example.com";

/// One event of Clerk.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// When it happens.
    pub(super) at: i64,
    /// Its type.
    pub(super) kind: String,
    /// What Svix delivers.
    pub(super) body: String,
}

struct Member {
    id: String,
    org: &'static str,
    user: &'static str,
}

struct Clerk<'a> {
    rng: Rng,
    mix: &'a Mix,
    now: i64,
    /// The times of the event before, for ties.
    before: (i64, i64),
    members: Vec<Member>,
    born: usize,
}

/// The whole history of a day.
pub(super) fn history(rng: Rng, mix: &Mix) -> Vec<Event> {
    let mut clerk =
        Clerk { rng, mix, now: START, before: (START, START), members: Vec::new(), born: 0 };
    let storm = clerk.rng.u8(0..4) == 0;
    let gap_ms = if storm { 20 } else { mix.day_ms / 20 };
    let mut events = Vec::new();
    for _ in 0..mix.events {
        clerk.now += 1 + clerk.rng.i64(0..=gap_ms.max(1));
        events.push(clerk.event());
    }
    events
}

impl Clerk<'_> {
    fn event(&mut self) -> Event {
        let (noun, verb, data, at) = match self.rng.u8(0..32) {
            0..=8 => self.user(),
            9 => self.end("user"),
            10..=11 => self.organization(),
            12 => self.end("organization"),
            13..=19 => self.membership(),
            20..=22 => self.end("organizationMembership"),
            23..=25 => self.role(),
            26 => self.end("role"),
            27..=28 => self.permission(),
            29 => self.end("permission"),
            _ => self.strange(),
        };
        let kind = format!("{noun}.{verb}");
        let body = match at {
            None => payload::event_without_time(&kind, &data),
            Some(at) => payload::event_at(&kind, at, &data),
        };
        Event { at: self.now, kind, body: body.to_string() }
    }

    /// `updated_at` and the event's time.
    fn times(&mut self) -> (i64, Option<i64>) {
        let now = self.now;
        if !self.mix.odd_times {
            return (now, Some(now));
        }
        let (updated, at) = match self.rng.u8(0..16) {
            0..=5 => self.before,
            6 => (now / 1000, now / 1000),
            7 => (now + 1_800_000, now),
            8 => (now - 600_000, now),
            9 if self.mix.poison => pick(&mut self.rng, &[(-5, now), (now + 7_200_000, now)]),
            10 => (0, now),
            11 => return (now, None),
            12 => (self.before.0, now),
            _ => (now, now),
        };
        if updated > 1_000_000_000_000 && at > 1_000_000_000_000 && updated <= now {
            self.before = (updated, at);
        }
        (updated, Some(at))
    }

    fn verb(&mut self) -> &'static str {
        if self.rng.bool() { "created" } else { "updated" }
    }

    fn user(&mut self) -> Told {
        let id = self.one_user();
        let (updated, at) = self.times();
        let roles: Vec<&str> = ROLES.into_iter().filter(|_| self.rng.bool()).collect();
        let mut more = json!({ "public_metadata": { "roles": roles } });
        if self.rng.u8(0..8) == 0 {
            more = json!({ "banned": true, "public_metadata": { "role": "admin" } });
        } else if self.mix.poison && self.rng.u8(0..10) == 0 {
            more = json!({ "email_addresses": [{ "id": "idn_1", "email_address": POISON }] });
        }
        ("user", self.verb(), payload::user(id, updated, &more), at)
    }

    fn organization(&mut self) -> Told {
        let id = self.one_org();
        let (updated, at) = self.times();
        let name = pick(&mut self.rng, &["One", "Two"]);
        ("organization", self.verb(), payload::organization(id, updated, name), at)
    }

    /// A member that exists already, or a new one: one that returns has a new id.
    fn membership(&mut self) -> Told {
        if self.members.is_empty() || self.rng.u8(0..3) != 0 {
            self.born += 1;
            let id = format!("orgmem_{}", self.born);
            let (org, user) = (self.one_org(), self.one_user());
            self.members.push(Member { id, org, user });
        }
        let (data, at) = self.a_member(true);
        ("organizationMembership", self.verb(), data, at)
    }

    fn a_member(&mut self, keeps: bool) -> (Value, Option<i64>) {
        let (updated, at) = self.times();
        let role = pick(&mut self.rng, &["org:admin", "org:member", "admin", "org:guest"]);
        let permission = pick(&mut self.rng, &PERMISSIONS);
        let place = self.rng.usize(..self.members.len().max(1));
        let Some(Member { id, org, user }) = self.members.get(place) else {
            return (payload::deleted("organization_membership", "orgmem_0"), at);
        };
        let data = payload::membership([id, org, user, role], updated, &[permission]);
        if !keeps && self.rng.u8(0..4) != 0 {
            self.members.swap_remove(place);
        }
        (data, at)
    }

    fn role(&mut self) -> Told {
        let id = pick(&mut self.rng, &["role_1", "role_2", "role_3"]);
        let key = pick(&mut self.rng, &KEYS);
        let (updated, at) = self.times();
        let pairs = [("perm_1", PERMISSIONS), ("perm_2", PERMISSIONS)];
        let pairs = pairs.map(|(id, keys)| (id, pick(&mut self.rng, &keys)));
        let some = pairs.get(..self.rng.usize(0..=2)).unwrap_or_default();
        ("role", self.verb(), payload::role(id, key, updated, some), at)
    }

    fn permission(&mut self) -> Told {
        let id = pick(&mut self.rng, &["perm_1", "perm_2"]);
        let key = pick(&mut self.rng, &PERMISSIONS);
        let (updated, at) = self.times();
        ("permission", self.verb(), payload::permission(id, key, updated), at)
    }

    /// Something ends. Events that say it lives may follow: Clerk's clocks are many.
    fn end(&mut self, noun: &'static str) -> Told {
        let (_, at) = self.times();
        let data = match noun {
            "user" => payload::deleted("user", self.one_user()),
            "organization" => payload::deleted("organization", self.one_org()),
            "role" => payload::deleted("role", pick(&mut self.rng, &["role_1", "role_2"])),
            "permission" => payload::deleted("permission", pick(&mut self.rng, &["perm_2"])),
            _ => self.a_member(false).0,
        };
        (noun, "deleted", data, at)
    }

    /// Of a type that is not synced, or that cannot be read.
    fn strange(&mut self) -> Told {
        let at = Some(self.now);
        if !self.mix.poison || self.rng.bool() {
            return ("session", "created", json!({ "id": "sess_1" }), at);
        }
        ("user", "deleted", json!({ "object": "user", "deleted": true }), at)
    }

    fn one_user(&mut self) -> &'static str {
        let users = USERS.get(..self.mix.users).unwrap_or(&USERS);
        pick(&mut self.rng, users)
    }

    fn one_org(&mut self) -> &'static str {
        let orgs = ORGS.get(..self.mix.orgs).unwrap_or(&ORGS);
        pick(&mut self.rng, orgs)
    }
}

/// Noun, verb, data, and the event's time.
type Told = (&'static str, &'static str, Value, Option<i64>);
