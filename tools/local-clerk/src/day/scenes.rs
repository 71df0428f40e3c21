//! What happens on the day, in the order of arrival.

use serde_json::{Value, json};

use super::{Outcome, Scene};
use crate::delivery::Tampering;
use crate::payload::{Times, acme, deleted, membership, permission, role, session, user};
use crate::people::{
    ACME_ID, ADA, ADA_MEMBERSHIP_ID, EDSGER, GRACE, GRACE_MEMBERSHIP_ID, LINUS, ORG_ADMIN,
    ORG_MEMBER, Permission, Person, REPORTS_READ, Role, SETTINGS_MANAGE,
};

const MINUTE_MS: i64 = 60_000;

/// Everyone signs up in the same minute, this many before the end of the day.
const SIGN_UP_AGO: i64 = 300;

/// When everyone signs up on the day that ends at `now_ms`.
pub(super) const fn sign_up_ms(now_ms: i64) -> i64 {
    Day { now_ms }.ago(SIGN_UP_AGO)
}

/// Every scene of the day that ends at `now_ms`.
pub(super) fn all(now_ms: i64) -> Vec<Scene> {
    let day = Day { now_ms };
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

struct Day {
    now_ms: i64,
}

impl Day {
    /// A user comes, as the people module knows them.
    fn user_created(&self, person: &Person) -> Scene {
        let at = self.ago(SIGN_UP_AGO);
        Scene::new("user.created", person.id, user(person, person.roles, Times::made(at)), at)
    }

    fn arrivals(&self) -> Vec<Scene> {
        vec![
            self.membership(GRACE_MEMBERSHIP_ID, &GRACE, &ORG_MEMBER, 180).told(
                "Grace's membership of Acme arrives before Grace and before Acme",
                "it waits, harmless, and counts as soon as she is known",
            ),
            self.user_created(&ADA).told(
                "Ada signs up, with the role admin in her public metadata",
                "Ada is a member and an admin",
            ),
            self.user_created(&GRACE).told(
                "Grace signs up",
                "Grace is a member, and a member of Acme: her membership was there first",
            ),
            self.user_created(&LINUS).told(
                "Linus signs up with a username, without an e-mail address",
                "Linus is a member",
            ),
        ]
    }

    fn catalogue(&self) -> Vec<Scene> {
        vec![
            self.permission_created(&SETTINGS_MANAGE)
                .told("A permission is made: manage an organization's settings", "it is known"),
            self.permission_created(&REPORTS_READ)
                .told("A permission is made: read an organization's reports", "it is known"),
            self.role_created(&ORG_ADMIN).told(
                "The role org:admin is made, with both permissions",
                "administrators of an organization manage its settings and read its reports",
            ),
            self.role_created(&ORG_MEMBER).told(
                "The role org:member is made, with the reports",
                "members of an organization read its reports",
            ),
        ]
    }

    fn permission_created(&self, made: &Permission) -> Scene {
        let at = self.ago(360);
        Scene::new("permission.created", made.id, permission(made, Times::made(at)), at)
    }

    fn role_created(&self, made: &Role) -> Scene {
        let at = self.ago(350);
        Scene::new("role.created", made.id, role(made, Times::made(at)), at)
    }

    fn organization(&self) -> Vec<Scene> {
        let at = self.ago(240);
        vec![
            Scene::new("organization.created", ACME_ID, self.acme(), at)
                .told(
                    "Ada founds Acme",
                    "Nothing changes: Grace's membership has brought Acme along",
                )
                .comes_to(Outcome::Duplicate),
            self.membership(ADA_MEMBERSHIP_ID, &ADA, &ORG_ADMIN, 240)
                .told("Ada becomes its administrator", "Ada administers Acme"),
        ]
    }

    fn acme(&self) -> Value {
        acme(Times::made(self.ago(240)))
    }

    fn membership(&self, id: &'static str, person: &Person, role: &Role, ago: i64) -> Scene {
        let at = self.ago(ago);
        let data = membership(id, person, role, &self.acme(), Times::made(at));
        Scene::new("organizationMembership.created", id, data, at)
    }

    fn repetitions(&self) -> Vec<Scene> {
        let married = Person { last_name: Some("Murray Hopper"), ..GRACE };
        let updated = self.user_updated(&married, GRACE.roles, 60);
        let older = Person { last_name: Some("Hooper"), ..GRACE };
        vec![
            updated.clone().told("Grace corrects her name", "her new name is stored"),
            updated.again().told(
                "The same delivery comes a second time",
                "it is accepted, and changes nothing",
            ),
            self.user_updated(&older, GRACE.roles, 120)
                .comes_to(Outcome::Superseded)
                .told("An older update of Grace comes late", "her newer name stays"),
        ]
    }

    fn user_updated(&self, person: &Person, roles: &[&str], minutes_ago: i64) -> Scene {
        let at = self.ago(minutes_ago);
        let data = user(person, roles, Times::made(self.ago(SIGN_UP_AGO)).changed(at));
        Scene::new("user.updated", person.id, data, at)
    }

    /// Three ways to make Linus an admin without being Clerk.
    fn forgeries(&self) -> Vec<Scene> {
        let promotion = self.user_updated(&LINUS, &["admin"], 15);
        vec![
            promotion.clone().forged(Tampering::OtherSecret).told(
                "A forger signs with a secret of their own: Linus is to be an admin",
                "it is refused; Linus stays a member",
            ),
            promotion.clone().forged(Tampering::Stale).told(
                "A recording from ten minutes ago is played: Linus is to be an admin",
                "it is refused; Linus stays a member",
            ),
            promotion.forged(Tampering::Body).told(
                "A body is altered on its way: Linus is to be an admin",
                "it is refused; Linus stays a member",
            ),
        ]
    }

    fn oddities(&self) -> Vec<Scene> {
        let at = self.ago(20);
        let ada = user(&ADA, ADA.roles, Times::made(self.ago(SIGN_UP_AGO)));
        let session = session(SESSION_ID, &ADA, &ada, Times::made(at));
        let unheard = json!({ "object": "organization_theme", "id": THEME_ID, "updated_at": at });
        let unreadable = json!({
            "object": "user",
            "id": LINUS.id,
            "email_addresses": "none",
            "public_metadata": ["admin"],
            "updated_at": "yesterday",
        });
        vec![
            Scene::new("session.created", SESSION_ID, session, at)
                .comes_to(Outcome::Ignored)
                .told("Ada's session begins", "it is accepted and not stored"),
            Scene::new("organizationTheme.created", THEME_ID, unheard, at)
                .comes_to(Outcome::Ignored)
                .told("A type comes that nobody has heard of", "it is accepted and not stored"),
            Scene::new("user.updated", LINUS.id, unreadable, at).comes_to(Outcome::Parked).told(
                "An update of Linus comes that cannot be read",
                "it is accepted and parked with its reason; Linus stays as he was",
            ),
        ]
    }

    fn departure(&self) -> Vec<Scene> {
        let at = self.ago(10);
        vec![
            self.user_created(&EDSGER)
                .told("Edsger signs up, as an admin", "Edsger is a member and an admin"),
            Scene::new("user.deleted", EDSGER.id, deleted("user", EDSGER.id), at)
                .told("Edsger is deleted", "Edsger is gone: refused everywhere, whatever he holds"),
            self.user_updated(&EDSGER, EDSGER.roles, 5).comes_to(Outcome::Superseded).told(
                "An update of Edsger comes late, dated after his deletion",
                "he stays gone: nobody comes back",
            ),
        ]
    }

    /// So many minutes before the end of the day.
    const fn ago(&self, minutes: i64) -> i64 {
        self.now_ms.saturating_sub(minutes.saturating_mul(MINUTE_MS))
    }
}

const SESSION_ID: &str = "sess_3ADAlovelace1815session0001";
const THEME_ID: &str = "orgthm_3ACMEworkshop1947theme00001";
