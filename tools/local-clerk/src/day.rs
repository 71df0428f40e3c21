//! The scripted day: deliveries for the sample users, each with its expected outcome.
//!
//! It has what can go wrong on a real day: a membership before its user, a duplicate, a late older
//! update, forgeries, types that are not synced, an unreadable body, an update after a delete.

use serde::Serialize;
use serde_json::Value;

use crate::delivery::{DeliveryFaults, Tampering, WebhookDelivery};
use crate::payload::{EVENT_AFTER_MS, Timestamps, event_body, user};
use crate::sample_users::ADA;

mod steps;

/// One delivery of the day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DayStep {
    /// What happens, for people.
    pub title: &'static str,
    /// The expected effect, for people.
    pub effect: &'static str,
    /// The expected outcome, for programs.
    pub outcome: ExpectedOutcome,
    /// The event's type.
    #[serde(rename = "type")]
    pub event_type: &'static str,
    /// The id of the resource that the event is about.
    pub subject: &'static str,
    /// The statuses that a receiver may respond with.
    pub expected_status: &'static [u16],
    /// What is sent.
    pub delivery: WebhookDelivery,
}

/// The expected outcome of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ExpectedOutcome {
    /// It changes what is stored.
    Applied,
    /// A newer change, or a delete, is already stored.
    Superseded,
    /// It changes nothing: it was accepted before, or another event had the same content.
    Duplicate,
    /// Genuine, but of a type that is not synced.
    Ignored,
    /// Genuine, but unreadable: parked with the reason.
    Parked,
    /// Not genuine: it is refused, and nothing is stored.
    Refused,
}

impl ExpectedOutcome {
    /// The statuses for it: only a delivery that is not genuine is refused.
    #[must_use]
    pub const fn statuses(self) -> &'static [u16] {
        match self {
            Self::Applied | Self::Superseded | Self::Duplicate | Self::Ignored | Self::Parked => {
                &[202]
            }
            Self::Refused => &[401],
        }
    }
}

/// A scripted day of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptedDay {
    instance_id: String,
    ends_ms: i64,
}

impl ScriptedDay {
    /// The day that ends at `ends_ms`. Nothing in it happens later.
    #[must_use]
    pub fn new(instance_id: &str, ends_ms: i64) -> Self {
        Self { instance_id: instance_id.to_owned(), ends_ms }
    }

    /// Its deliveries, in their order. They are the same each time, ids included: playing it again
    /// sends only duplicates.
    #[must_use]
    pub fn script(&self) -> Vec<DayStep> {
        let drafts = steps::all(self.ends_ms);
        let mut steps: Vec<DayStep> = Vec::with_capacity(drafts.len());
        for (index, draft) in drafts.into_iter().enumerate() {
            let svix_id = match (draft.sent_as, steps.last()) {
                (StepDelivery::Duplicate, Some(last)) => last.delivery.svix_id.clone(),
                _ => svix_id(&format!("day{index:02}"), self.ends_ms),
            };
            steps.push(draft.into_step(&self.instance_id, svix_id));
        }
        steps
    }

    /// After the day: Ada loses the app role `admin`, at `now_ms`.
    #[must_use]
    pub fn revocation(&self, now_ms: i64) -> DayStep {
        let title = "Ada's role admin is taken away";
        let effect = "Ada is a member and nothing more";
        let draft = self.ada_now(&[], now_ms).described(title, effect);
        draft.into_step(&self.instance_id, svix_id("revoke", now_ms))
    }

    /// After the day: Ada gets the app role `admin`, at `now_ms`.
    #[must_use]
    pub fn grant(&self, now_ms: i64) -> DayStep {
        let title = "Ada is given the role admin again";
        let effect = "Ada is a member and an admin";
        let draft = self.ada_now(ADA.roles, now_ms).described(title, effect);
        draft.into_step(&self.instance_id, svix_id("grant", now_ms))
    }

    /// An update of Ada whose event is written at `now_ms`.
    fn ada_now(&self, roles: &[&str], now_ms: i64) -> StepDraft {
        let changed_ms = now_ms.saturating_sub(EVENT_AFTER_MS);
        let times = Timestamps::created(steps::sign_up_ms(self.ends_ms)).updated(changed_ms);
        StepDraft::new("user.updated", ADA.id, user(&ADA, roles, times), changed_ms)
    }
}

/// A `svix-id`: always the same for the same step of the same day.
fn svix_id(step: &str, now_ms: i64) -> String {
    let digits = 27_usize.saturating_sub(step.len());
    format!("msg_{step}{now_ms:0>digits$}")
}

/// A step without its id.
#[derive(Clone, Debug)]
struct StepDraft {
    title: &'static str,
    effect: &'static str,
    outcome: ExpectedOutcome,
    event_type: &'static str,
    subject: &'static str,
    data: Value,
    event_ms: i64,
    sent_as: StepDelivery,
}

/// How a step is delivered.
#[derive(Clone, Copy, Debug)]
enum StepDelivery {
    /// As by Clerk.
    Genuine,
    /// As a copy of the step before it: same id, same body.
    Duplicate,
    /// As by a forger.
    Forged(Tampering),
}

impl StepDraft {
    /// A genuine delivery that is applied. The resource changed at `changed_ms`.
    const fn new(
        event_type: &'static str,
        subject: &'static str,
        data: Value,
        changed_ms: i64,
    ) -> Self {
        Self {
            title: "",
            effect: "",
            outcome: ExpectedOutcome::Applied,
            event_type,
            subject,
            data,
            event_ms: changed_ms.saturating_add(EVENT_AFTER_MS),
            sent_as: StepDelivery::Genuine,
        }
    }

    const fn described(mut self, title: &'static str, effect: &'static str) -> Self {
        (self.title, self.effect) = (title, effect);
        self
    }

    const fn expecting(mut self, outcome: ExpectedOutcome) -> Self {
        self.outcome = outcome;
        self
    }

    const fn into_duplicate(mut self) -> Self {
        (self.sent_as, self.outcome) = (StepDelivery::Duplicate, ExpectedOutcome::Duplicate);
        self
    }

    const fn into_forgery(mut self, tamper: Tampering) -> Self {
        (self.sent_as, self.outcome) = (StepDelivery::Forged(tamper), ExpectedOutcome::Refused);
        self
    }

    fn into_step(self, instance_id: &str, svix_id: String) -> DayStep {
        let tamper = match self.sent_as {
            StepDelivery::Genuine | StepDelivery::Duplicate => None,
            StepDelivery::Forged(tamper) => Some(tamper),
        };
        DayStep {
            title: self.title,
            effect: self.effect,
            outcome: self.outcome,
            event_type: self.event_type,
            subject: self.subject,
            expected_status: self.outcome.statuses(),
            delivery: WebhookDelivery {
                svix_id,
                body: event_body(instance_id, self.event_type, &self.data, self.event_ms),
                faults: DeliveryFaults { tamper, ..DeliveryFaults::default() },
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::{DayStep, ExpectedOutcome, ScriptedDay};
    use crate::sample_users::{ADA, EDSGER, GRACE, GRACE_MEMBERSHIP_ID, LINUS};

    const NOW_MS: i64 = 1_763_900_000_000;

    const INSTANCE_ID: &str = "ins_2mine";

    fn script(ends_ms: i64) -> Vec<DayStep> {
        ScriptedDay::new(INSTANCE_ID, ends_ms).script()
    }

    fn event(step: &DayStep) -> Value {
        serde_json::from_str(&step.delivery.body).unwrap()
    }

    fn position(what: impl Fn(&DayStep) -> bool) -> usize {
        script(NOW_MS).iter().position(what).unwrap()
    }

    #[test]
    fn the_same_end_gives_the_same_day() {
        assert_eq!(script(NOW_MS), script(NOW_MS));
        assert_ne!(script(NOW_MS), script(NOW_MS + 1));
    }

    #[test]
    fn every_outcome_occurs_with_its_status() {
        let steps = script(NOW_MS);
        for (outcome, status) in [
            (ExpectedOutcome::Applied, 202),
            (ExpectedOutcome::Superseded, 202),
            (ExpectedOutcome::Duplicate, 202),
            (ExpectedOutcome::Ignored, 202),
            (ExpectedOutcome::Parked, 202),
            (ExpectedOutcome::Refused, 401),
        ] {
            let of_it: Vec<_> = steps.iter().filter(|step| step.outcome == outcome).collect();
            assert!(!of_it.is_empty(), "{outcome:?}");
            assert!(of_it.iter().all(|step| step.expected_status == [status]), "{outcome:?}");
        }
        let forged: Vec<_> =
            steps.iter().filter(|step| step.delivery.faults.tamper.is_some()).collect();
        assert_eq!(forged.len(), 3, "another secret, a replay, an altered body");
        assert!(forged.iter().all(|step| step.outcome == ExpectedOutcome::Refused));
    }

    #[test]
    fn bodies_have_clerks_form_minified_and_sorted() {
        for step in script(NOW_MS) {
            let event = event(&step);
            assert_eq!(event["object"], "event");
            assert_eq!(event["type"], step.event_type);
            assert_eq!(event["instance_id"], INSTANCE_ID);
            assert!(event["timestamp"].as_i64().unwrap() <= NOW_MS, "{}", step.title);
            let mut sorted = event.clone();
            sorted.sort_all_objects();
            assert_eq!(step.delivery.body, sorted.to_string());
            let keys = ["\"data\":", "\"event_attributes\":", "\"instance_id\":", "\"timestamp\":"];
            assert!(keys.windows(2).all(|pair| {
                step.delivery.body.find(pair[0]).unwrap()
                    < step.delivery.body.rfind(pair[1]).unwrap()
            }));
            assert!(!step.title.is_empty() && !step.effect.is_empty());
            assert!(step.delivery.body.contains(step.subject), "{}", step.title);
        }
    }

    #[test]
    fn ids_have_the_form_of_svix_and_only_the_duplicate_repeats_one() {
        let steps = script(NOW_MS);
        let ids: BTreeSet<&str> = steps.iter().map(|step| step.delivery.svix_id.as_str()).collect();
        assert_eq!(ids.len() + 1, steps.len());
        assert!(ids.iter().all(|id| id.len() == 31 && id.starts_with("msg_")));
        let copied = steps.windows(2).filter(|pair| pair[0].delivery == pair[1].delivery);
        let outcomes: Vec<_> = copied.map(|pair| pair[1].outcome).collect();
        assert_eq!(outcomes, [ExpectedOutcome::Duplicate]);
        let day = ScriptedDay::new(INSTANCE_ID, NOW_MS);
        let moments = [day.revocation(NOW_MS), day.grant(NOW_MS), day.revocation(NOW_MS + 1)];
        let moments: BTreeSet<&str> =
            moments.iter().map(|step| step.delivery.svix_id.as_str()).collect();
        assert_eq!(moments.len(), 3);
        assert!(moments.is_disjoint(&ids));
    }

    #[test]
    fn the_membership_of_grace_comes_before_her_and_before_the_organization() {
        let membership = position(|step| step.subject == GRACE_MEMBERSHIP_ID);
        assert!(membership < position(|step| step.subject == GRACE.id));
        assert!(membership < position(|step| step.event_type == "organization.created"));
    }

    #[test]
    fn the_late_update_is_older_than_what_is_stored() {
        let steps = script(NOW_MS);
        let late = position(|step| {
            step.outcome == ExpectedOutcome::Superseded && step.subject == GRACE.id
        });
        let newest = steps[..late]
            .iter()
            .filter(|step| step.subject == GRACE.id)
            .map(|step| event(step)["data"]["updated_at"].as_i64().unwrap())
            .max();
        assert!(event(&steps[late])["data"]["updated_at"].as_i64() < newest);
    }

    #[test]
    fn the_last_update_of_edsger_follows_his_delete_and_is_newer() {
        let steps = script(NOW_MS);
        let delete = position(|step| step.event_type == "user.deleted");
        let last = &steps[delete + 1];
        assert_eq!((last.subject, last.outcome), (EDSGER.id, ExpectedOutcome::Superseded));
        assert!(
            event(&steps[delete])["timestamp"].as_i64()
                < event(last)["data"]["updated_at"].as_i64()
        );
    }

    #[test]
    fn the_primary_address_is_not_the_first_and_linus_has_none() {
        let created = |id: &str| {
            let at = position(|step| step.event_type == "user.created" && step.subject == id);
            event(&script(NOW_MS)[at])["data"].clone()
        };
        let ada = created(ADA.id);
        assert_eq!(ada["email_addresses"][1]["id"], ada["primary_email_address_id"]);
        assert_eq!(ada["email_addresses"][1]["email_address"], "ada@acme.example");
        assert_eq!(ada["public_metadata"]["roles"], serde_json::json!(["admin"]));
        let linus = created(LINUS.id);
        assert!(linus["primary_email_address_id"].is_null());
        assert_eq!(linus["email_addresses"], serde_json::json!([]));
        assert_eq!(linus["username"], "linus");
    }

    #[test]
    fn revocation_and_grant_are_newer_than_the_day() {
        let newest = script(NOW_MS)
            .iter()
            .filter(|step| step.subject == ADA.id)
            .filter_map(|step| event(step)["data"]["updated_at"].as_i64())
            .max();
        let day = ScriptedDay::new(INSTANCE_ID, NOW_MS);
        let (taken, given) = (event(&day.revocation(NOW_MS)), event(&day.grant(NOW_MS + 1)));
        assert!(newest < taken["data"]["updated_at"].as_i64());
        assert!(taken["data"]["updated_at"].as_i64() < given["data"]["updated_at"].as_i64());
        let signed_up = &event(&script(NOW_MS)[1])["data"]["created_at"];
        assert_eq!([&taken["data"]["created_at"], &given["data"]["created_at"]], [signed_up; 2]);
        assert_eq!(taken["data"]["public_metadata"], serde_json::json!({}));
        assert_eq!(given["data"]["public_metadata"]["roles"], serde_json::json!(["admin"]));
    }
}
