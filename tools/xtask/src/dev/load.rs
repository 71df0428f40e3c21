//! `cargo xtask dev --load`: a lively day, so that the charts of the console, Prometheus and the
//! dashboards have something to show.
//!
//! Deliveries about many invented people, some of them twice, out of order, unreadable or forged,
//! visits with checks that allow and that deny, and a canary. All of it goes through the doors of
//! the local system, at a bounded rate that rises and falls. What comes next is [`plan`]'s decision
//! alone.

mod plan;

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use self::plan::{Act, Change, Visit};
use super::clerk::LocalClerk;
use super::day::{ADA, LINUS};
use super::http::HttpClient;
use super::letters::{UNREADABLE, newcomer, updated, with};
use super::{Addresses, canary};
use crate::clock::{Stopwatch, now_ms};
use crate::interrupt;
use crate::show::{self, Step};

/// The pause between two steps of the plan.
const PAUSE: Duration = Duration::from_millis(250);

/// A line of progress after this many steps: once in half a minute.
const STEPS_PER_LINE: u64 = 120;

/// A late change is older than the last one about the same person, which comes every few seconds.
const EARLIER_MS: i64 = 30_000;

/// What was sent, for people.
#[derive(Debug, Default)]
struct Sent {
    deliveries: u64,
    accepted: u64,
    visits: u64,
    allowed: u64,
    denied: u64,
    failed: u64,
}

impl Sent {
    fn shown(&self) -> String {
        let Self { deliveries, accepted, visits, allowed, denied, failed } = self;
        format!(
            "{deliveries} deliveries ({accepted} accepted), {visits} visits ({allowed} checks \
             allowed, {denied} denied), {failed} without an answer"
        )
    }
}

/// Plays until `minutes` are over. Returns what ended meanwhile, if a program did.
///
/// # Errors
/// When the local Clerk does not know its own sample users.
pub(super) fn play(
    clerk: &LocalClerk,
    addresses: Addresses,
    minutes: u16,
    ended: &Receiver<String>,
) -> Result<Option<String>> {
    let stage = Stage::set(clerk, addresses)?;
    clerk.deliver(&newcomer(&stage.person, canary::USER, "canary"))?;
    let step = Step::begin("play a lively day");
    show::note(format!("{} For {minutes} min, or until Ctrl-C.", plan::RATE));
    let (watch, most) = (Stopwatch::start(), Duration::from_secs(u64::from(minutes) * 60));
    let mut sent = Sent::default();
    let mut number = 0_u64;
    while watch.elapsed() < most {
        for act in plan::acts(number) {
            stage.play(act, &mut sent);
        }
        number += 1;
        step.say(&sent.shown());
        if number.is_multiple_of(STEPS_PER_LINE) {
            show::note(format!("{}: {}", watch.shown(), sent.shown()));
        }
        let news = match ended.recv_timeout(PAUSE) {
            Ok(news) => news,
            Err(RecvTimeoutError::Timeout) => continue,
            // The senders are in the threads that wait for the children.
            Err(RecvTimeoutError::Disconnected) => "all children ended".to_owned(),
        };
        // Ctrl-C ends the children too, and is no failure of this step.
        interrupt::wait_if_ending();
        return Ok(Some(news));
    }
    step.done(&sent.shown());
    Ok(None)
}

/// What the acts need: objects to change, and where to send them.
struct Stage<'a> {
    clerk: &'a LocalClerk,
    client: HttpClient,
    app: String,
    /// Everybody is like this sample user, but for the id, the name and the roles.
    person: Value,
    /// A sample membership.
    membership: Value,
}

impl<'a> Stage<'a> {
    fn set(clerk: &'a LocalClerk, addresses: Addresses) -> Result<Self> {
        let person = clerk.user(LINUS)?;
        let path = format!("/v1/users/{}/organization_memberships", ADA.id);
        let memberships = clerk.api(&path)?;
        let membership = memberships.pointer("/data/0").cloned();
        let membership = membership.with_context(|| {
            format!("{path} of the local Clerk is empty; start again with --fresh")
        })?;
        let (client, app) = (HttpClient::new(), addresses.app());
        Ok(Self { clerk, client, app, person, membership })
    }

    fn play(&self, act: Act, sent: &mut Sent) {
        match act {
            Act::Send(change) => self.send(&self.delivery(&change), sent),
            Act::Visit(visit) => self.visit(&visit, sent),
        }
    }

    fn send(&self, delivery: &Value, sent: &mut Sent) {
        sent.deliveries += 1;
        match self.clerk.deliver(delivery) {
            Ok(result) if result.is_accepted() => sent.accepted += 1,
            Ok(_) => {}
            Err(_) => sent.failed += 1,
        }
    }

    fn delivery(&self, change: &Change) -> Value {
        match *change {
            Change::Created { person } => self.created(person),
            Change::Updated { person, roles } => self.updated(person, now_ms(), roles),
            Change::Twice { person } => {
                let faults = json!({ "duplicate": 1 });
                with(self.updated(person, now_ms(), &["editor"]), "faults", faults)
            }
            Change::Late { person } => self.updated(person, now_ms() - EARLIER_MS, &[]),
            Change::Forged { person, how } => {
                let faults = json!({ "tamper": how });
                with(self.updated(person, now_ms(), &["admin"]), "faults", faults)
            }
            Change::Joined { person } => self.joined(person),
            Change::SignedIn { person } => json!({
                "type": "session.created",
                "data": { "object": "session", "user_id": plan::id_of(person) },
            }),
            Change::Unreadable { which } => {
                let body = UNREADABLE.get(which % UNREADABLE.len()).map(|(_, body)| *body);
                json!({ "body": body.unwrap_or_default() })
            }
        }
    }

    fn created(&self, person: u32) -> Value {
        newcomer(&self.person, &plan::id_of(person), &format!("visitor{person}"))
    }

    fn updated(&self, person: u32, at_ms: i64, roles: &[&str]) -> Value {
        let user = self.created(person).get("data").cloned().unwrap_or_default();
        let user = with(user, "updated_at", json!(at_ms));
        updated(&with(user, "public_metadata", json!({ "roles": roles })))
    }

    fn joined(&self, person: u32) -> Value {
        let id = json!(format!("orgmem_3LOADED{person:020}"));
        let user = json!({ "user_id": plan::id_of(person) });
        let membership = with(with(self.membership.clone(), "id", id), "public_user_data", user);
        json!({ "type": "organizationMembership.created", "data": membership })
    }

    fn visit(&self, visit: &Visit, sent: &mut Sent) {
        sent.visits += 1;
        let token = match self.clerk.token_like(&plan::id_of(visit.person), visit.wrong) {
            Ok(token) => visit.is_signed_in.then_some(token),
            Err(_) => return sent.failed += 1,
        };
        for path in visit.paths {
            let answer = self.client.data(&format!("{}{path}", self.app), token.as_deref());
            match answer.status {
                200 => sent.allowed += 1,
                0 => sent.failed += 1,
                _ => sent.denied += 1,
            }
        }
    }
}
