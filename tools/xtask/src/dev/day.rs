//! The scripted day, as the local Clerk sends it, and what each user may do after it.

use serde::Deserialize;

/// The expected outcome of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ExpectedOutcome {
    Applied,
    Superseded,
    Duplicate,
    Ignored,
    Parked,
    Refused,
}

impl ExpectedOutcome {
    /// The outcome in the row of such a delivery; `None` if there must be no row. A duplicate is
    /// counted in the row of the first delivery, which keeps its outcome.
    pub(super) fn row(self) -> Option<&'static str> {
        match self {
            Self::Applied => Some("applied"),
            Self::Superseded => Some("superseded"),
            Self::Duplicate => Some("duplicate"),
            Self::Parked => Some("parked"),
            Self::Ignored | Self::Refused => None,
        }
    }
}

/// A delivery of the day.
#[derive(Debug, Deserialize)]
pub(super) struct DayStep {
    pub(super) title: String,
    pub(super) outcome: ExpectedOutcome,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) subject: String,
}

/// The result of a delivery.
#[derive(Debug, Deserialize)]
pub(super) struct StepResult {
    pub(super) svix_id: String,
    /// Every attempt, in order.
    pub(super) attempts: Vec<StepAttempt>,
    /// Whether the last response was an expected one.
    pub(super) ok: Option<bool>,
}

/// One request of a delivery.
#[derive(Debug, Deserialize)]
pub(super) struct StepAttempt {
    /// Absent when there was no response.
    pub(super) status: Option<u16>,
}

impl StepResult {
    /// Whether the last response accepted the delivery.
    pub(super) fn is_accepted(&self) -> bool {
        let status = self.attempts.last().and_then(|last| last.status);
        status.is_some_and(|status| (200..300).contains(&status))
    }

    /// The last status, for people.
    pub(super) fn answer(&self) -> String {
        let status = self.attempts.last().and_then(|last| last.status);
        status.map_or_else(|| "---".to_owned(), |status| status.to_string())
    }
}

/// A user, and what is expected after the day.
#[derive(Debug)]
pub(super) struct ExpectedUser {
    pub(super) name: &'static str,
    pub(super) id: &'static str,
    /// The app roles that `/api/me` returns; `None` if it must refuse.
    pub(super) roles: Option<&'static [&'static str]>,
    /// The role in the organization, if there is one.
    pub(super) org_role: Option<&'static str>,
    /// The status of `/admin`.
    pub(super) admin_status: u16,
}

/// The user whose role is revoked and granted.
pub(super) const ADA: ExpectedUser = ExpectedUser {
    name: "Ada",
    id: "user_3ADAlovelace1815analytic001",
    roles: Some(&["admin", "member"]),
    org_role: Some("org:admin"),
    admin_status: 200,
};

/// The id of Grace.
pub(super) const GRACE: &str = "user_3GRAChopper1906compiler0001";

/// The id of Linus.
pub(super) const LINUS: &str = "user_3LINUStorvalds1969kernel001";

/// All users: an admin, a member of an organization, the target of the forgeries, a deleted user,
/// and one that no delivery names.
pub(super) const EXPECTED_USERS: [ExpectedUser; 5] = [
    ADA,
    ExpectedUser {
        name: "Grace",
        id: GRACE,
        roles: Some(&["member"]),
        org_role: Some("org:member"),
        admin_status: 403,
    },
    ExpectedUser {
        name: "Linus",
        id: LINUS,
        roles: Some(&["member"]),
        org_role: None,
        admin_status: 403,
    },
    ExpectedUser {
        name: "Edsger",
        id: "user_3EDSGdijkstra1930goto000001",
        roles: None,
        org_role: None,
        admin_status: 403,
    },
    ExpectedUser {
        name: "a stranger",
        id: "user_3STRANGERneverannounced0001",
        roles: Some(&[]),
        org_role: None,
        admin_status: 403,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_are_those_of_the_local_clerk() {
        let known: Vec<&str> =
            local_clerk::sample_users::ALL.iter().map(|person| person.id).collect();
        let ours: Vec<&str> = EXPECTED_USERS.iter().map(|person| person.id).collect();
        assert_eq!(ours.get(..known.len()), Some(known.as_slice()));
        assert_eq!(local_clerk::sample_users::ADA.id, ADA.id);
    }

    #[test]
    fn the_day_of_the_local_clerk_can_be_parsed() {
        let day = local_clerk::day::ScriptedDay::new("ins_2mine", 1_700_000_000_000);
        let script = serde_json::to_string(&day.script()).unwrap();
        let steps: Vec<DayStep> = serde_json::from_str(&script).unwrap();
        assert!(steps.iter().any(|step| step.outcome == ExpectedOutcome::Parked));
    }
}
