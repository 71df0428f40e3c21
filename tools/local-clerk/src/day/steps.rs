//! The steps of the day, in the order of arrival.

use serde_json::{Value, json};

use super::{ExpectedOutcome, StepDraft};
use crate::delivery::Tampering;
use crate::payload::{Timestamps, acme, deleted, membership, permission, role, session, user};
use crate::sample_users::{
    ACME_ID, ADA, ADA_MEMBERSHIP_ID, EDSGER, GRACE, GRACE_MEMBERSHIP_ID, LINUS, ORG_ADMIN,
    ORG_MEMBER, REPORTS_READ, SETTINGS_MANAGE, SamplePermission, SampleRole, SampleUser,
};

const MINUTE_MS: i64 = 60_000;

/// All users sign up in the same minute: so many minutes before the end of the day.
const SIGN_UP_AGO: i64 = 300;

/// When all users sign up on the day that ends at `now_ms`.
pub(super) const fn sign_up_ms(now_ms: i64) -> i64 {
    Timeline { now_ms }.ago(SIGN_UP_AGO)
}

/// Every step of the day that ends at `now_ms`.
pub(super) fn all(now_ms: i64) -> Vec<StepDraft> {
    let day = Timeline { now_ms };
    [
        day.arrivals(),
        day.catalogue(),
        day.organization(),
        day.repetitions(),
        day.forgeries(),
        day.oddities(),
        day.departure(),
    ]
    .concat()
}

struct Timeline {
    now_ms: i64,
}

impl Timeline {
    /// A sample user signs up.
    fn user_created(&self, person: &SampleUser) -> StepDraft {
        let at = self.ago(SIGN_UP_AGO);
        StepDraft::new(
            "user.created",
            person.id,
            user(person, person.roles, Timestamps::created(at)),
            at,
        )
    }

    fn arrivals(&self) -> Vec<StepDraft> {
        vec![
            self.membership(GRACE_MEMBERSHIP_ID, &GRACE, &ORG_MEMBER, 180).described(
                "Grace's membership of Acme arrives before Grace and before Acme",
                "it has no effect until Grace is known",
            ),
            self.user_created(&ADA).described(
                "Ada signs up, with the role admin in her public metadata",
                "Ada is a member and an admin",
            ),
            self.user_created(&GRACE).described(
                "Grace signs up",
                "Grace is a member, and a member of Acme: her membership came first",
            ),
            self.user_created(&LINUS).described(
                "Linus signs up with a username, without an e-mail address",
                "Linus is a member",
            ),
        ]
    }

    fn catalogue(&self) -> Vec<StepDraft> {
        vec![
            self.permission_created(&SETTINGS_MANAGE).described(
                "A permission is made: manage an organization's settings",
                "it is known",
            ),
            self.permission_created(&REPORTS_READ)
                .described("A permission is made: read an organization's reports", "it is known"),
            self.role_created(&ORG_ADMIN).described(
                "The role org:admin is made, with both permissions",
                "administrators of an organization manage its settings and read its reports",
            ),
            self.role_created(&ORG_MEMBER).described(
                "The role org:member is made, with the reports",
                "members of an organization read its reports",
            ),
        ]
    }

    fn permission_created(&self, made: &SamplePermission) -> StepDraft {
        let at = self.ago(360);
        StepDraft::new("permission.created", made.id, permission(made, Timestamps::created(at)), at)
    }

    fn role_created(&self, made: &SampleRole) -> StepDraft {
        let at = self.ago(350);
        StepDraft::new("role.created", made.id, role(made, Timestamps::created(at)), at)
    }

    fn organization(&self) -> Vec<StepDraft> {
        let at = self.ago(240);
        vec![
            StepDraft::new("organization.created", ACME_ID, self.acme(), at)
                .described(
                    "Ada founds Acme",
                    "nothing changes: Grace's membership already contained Acme",
                )
                .expecting(ExpectedOutcome::Duplicate),
            self.membership(ADA_MEMBERSHIP_ID, &ADA, &ORG_ADMIN, 240)
                .described("Ada becomes an administrator of Acme", "Ada administers Acme"),
        ]
    }

    fn acme(&self) -> Value {
        acme(Timestamps::created(self.ago(240)))
    }

    fn membership(
        &self,
        id: &'static str,
        person: &SampleUser,
        role: &SampleRole,
        ago: i64,
    ) -> StepDraft {
        let at = self.ago(ago);
        let data = membership(id, person, role, &self.acme(), Timestamps::created(at));
        StepDraft::new("organizationMembership.created", id, data, at)
    }

    fn repetitions(&self) -> Vec<StepDraft> {
        let married = SampleUser { last_name: Some("Murray Hopper"), ..GRACE };
        let updated = self.user_updated(&married, GRACE.roles, 60);
        let older = SampleUser { last_name: Some("Hooper"), ..GRACE };
        vec![
            updated.clone().described("Grace corrects her name", "her new name is stored"),
            updated.into_duplicate().described(
                "The same delivery arrives a second time",
                "it is accepted, and changes nothing",
            ),
            self.user_updated(&older, GRACE.roles, 120)
                .expecting(ExpectedOutcome::Superseded)
                .described("An older update of Grace arrives late", "her newer name stays"),
        ]
    }

    fn user_updated(&self, person: &SampleUser, roles: &[&str], minutes_ago: i64) -> StepDraft {
        let at = self.ago(minutes_ago);
        let data = user(person, roles, Timestamps::created(self.ago(SIGN_UP_AGO)).updated(at));
        StepDraft::new("user.updated", person.id, data, at)
    }

    /// Three attempts to make Linus an admin that do not come from Clerk.
    fn forgeries(&self) -> Vec<StepDraft> {
        let promotion = self.user_updated(&LINUS, &["admin"], 15);
        vec![
            promotion.clone().into_forgery(Tampering::OtherSecret).described(
                "A forger signs with another secret: Linus shall be an admin",
                "it is refused; Linus stays a member",
            ),
            promotion.clone().into_forgery(Tampering::Stale).described(
                "A delivery from ten minutes ago is replayed: Linus shall be an admin",
                "it is refused; Linus stays a member",
            ),
            promotion.into_forgery(Tampering::Body).described(
                "A body is altered in transit: Linus shall be an admin",
                "it is refused; Linus stays a member",
            ),
        ]
    }

    fn oddities(&self) -> Vec<StepDraft> {
        let at = self.ago(20);
        let ada = user(&ADA, ADA.roles, Timestamps::created(self.ago(SIGN_UP_AGO)));
        let session = session(SESSION_ID, &ADA, &ada, Timestamps::created(at));
        let unknown_type =
            json!({ "object": "organization_theme", "id": THEME_ID, "updated_at": at });
        let unreadable = json!({
            "object": "user",
            "id": LINUS.id,
            "email_addresses": "none",
            "public_metadata": ["admin"],
            "updated_at": "yesterday",
        });
        vec![
            StepDraft::new("session.created", SESSION_ID, session, at)
                .expecting(ExpectedOutcome::Ignored)
                .described("Ada's session begins", "it is accepted and not stored"),
            StepDraft::new("organizationTheme.created", THEME_ID, unknown_type, at)
                .expecting(ExpectedOutcome::Ignored)
                .described("An event of an unknown type arrives", "it is accepted and not stored"),
            StepDraft::new("user.updated", LINUS.id, unreadable, at)
                .expecting(ExpectedOutcome::Parked)
                .described(
                    "An update of Linus arrives that cannot be read",
                    "it is accepted and parked with its reason; Linus stays as he was",
                ),
        ]
    }

    fn departure(&self) -> Vec<StepDraft> {
        let at = self.ago(10);
        vec![
            self.user_created(&EDSGER)
                .described("Edsger signs up, as an admin", "Edsger is a member and an admin"),
            StepDraft::new("user.deleted", EDSGER.id, deleted("user", EDSGER.id), at).described(
                "Edsger is deleted",
                "Edsger is refused everywhere, whatever roles he has",
            ),
            self.user_updated(&EDSGER, EDSGER.roles, 5)
                .expecting(ExpectedOutcome::Superseded)
                .described(
                    "An update of Edsger arrives late, dated after his deletion",
                    "Edsger stays deleted",
                ),
        ]
    }

    /// The time so many minutes before the end of the day.
    const fn ago(&self, minutes: i64) -> i64 {
        self.now_ms.saturating_sub(minutes.saturating_mul(MINUTE_MS))
    }
}

const SESSION_ID: &str = "sess_3ADAlovelace1815session0001";
const THEME_ID: &str = "orgthm_3ACMEworkshop1947theme00001";
