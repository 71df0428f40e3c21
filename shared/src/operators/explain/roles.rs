//! App roles of a user: which count, and why. The rules are those of the view that role caches
//! read, `migrations/derived/views/app_roles.sql`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::rows::{Flag, JsonRow, RowError, SyncedRow, read_rows};
use super::words::utc;
use crate::json::deserialize_from_object;
use crate::operators::api::explain::RoleReason;
use crate::time::UnixMillis;

/// One app role that is named for a user, by the metadata, by default or by operators. A row of
/// [`crate::sql::explain::ROLES`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub struct NamedRole {
    /// `metadata`, `default` or `operators`.
    pub source: String,
    /// Its name; `None` if operators named a number that has no name.
    pub name: Option<String>,
    /// Its number in the table `roles`; `None` if it is not there.
    pub role_id: Option<i64>,
    /// The last decision of operators, if there is one.
    granted: Option<Flag>,
    at: Option<UnixMillis>,
    actor: Option<String>,
    reason: Option<String>,
    ends_at: Option<UnixMillis>,
}

deserialize_from_object!(NamedRole);

/// What of a user bars roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserStanding {
    /// No user event has arrived.
    Unknown,
    /// Lives and is not banned.
    Live,
    /// Banned in Clerk.
    Banned,
    /// Deleted.
    Dead,
}

impl UserStanding {
    pub(super) fn of(row: Option<&SyncedRow>) -> Self {
        match row {
            None => Self::Unknown,
            Some(row) if row.deleted.0 => Self::Dead,
            Some(row) if row.banned.is_some_and(|banned| banned.0) => Self::Banned,
            Some(_) => Self::Live,
        }
    }

    /// Why no app role counts.
    fn bars_roles(self) -> Option<&'static str> {
        match self {
            Self::Live => None,
            Self::Unknown => {
                Some("No event about the user has arrived, so no app role counts before one does.")
            }
            Self::Banned => Some("The user is banned in Clerk, so no role counts."),
            Self::Dead => Some("The user was deleted in Clerk, so no role counts."),
        }
    }

    /// The standing in a sentence.
    pub(super) fn summary(self) -> &'static str {
        match self {
            Self::Unknown => {
                "No event about this user has arrived. App roles count once one has; memberships \
                 count already."
            }
            Self::Live => "This user lives and is not banned.",
            Self::Banned => "This user is banned in Clerk: no role and no membership counts.",
            Self::Dead => {
                "This user was deleted in Clerk: no role and no membership counts, for ever."
            }
        }
    }
}

impl NamedRole {
    /// As an operator's decision that was just made.
    #[must_use]
    pub(crate) fn decided(name: &str, granted: bool) -> Self {
        Self {
            source: "operators".into(),
            name: Some(name.into()),
            // The batch of the decision adds the name.
            role_id: Some(0),
            granted: Some(Flag(granted)),
            at: None,
            actor: None,
            reason: None,
            ends_at: None,
        }
    }

    /// Whether it counts for a user who may have roles.
    fn counts(&self) -> bool {
        let is_named =
            self.role_id.is_some() && self.name.as_deref().is_some_and(|it| !it.is_empty());
        is_named && self.granted.is_none_or(|granted| granted.0)
    }

    fn because(&self, now: UnixMillis) -> Vec<String> {
        let mut lines = Vec::new();
        match self.source.as_str() {
            "metadata" => lines.push("It is named in public_metadata.".into()),
            "default" => lines.push("It is the default role, which every live user has.".into()),
            _ => {}
        }
        lines.extend(self.decision(now));
        if self.name.as_deref().is_some_and(str::is_empty) {
            lines.push("An empty name is no role.".into());
        } else if self.role_id.is_none() || self.name.is_none() {
            lines.push("The table roles does not have it, so it cannot count: grant it.".into());
        }
        lines
    }

    fn decision(&self, now: UnixMillis) -> Option<String> {
        let granted = self.granted?.0;
        let word = if granted { "Granted" } else { "Revoked" };
        let mut text = String::from(word);
        if let Some(actor) = self.actor.as_deref().filter(|actor| !actor.is_empty()) {
            text.extend([" by ", actor]);
        }
        if let Some(at) = self.at {
            text.extend([" on ", &utc(at)]);
        }
        if let Some(reason) = self.reason.as_deref().filter(|reason| !reason.is_empty()) {
            text.extend([", with the reason \"", reason, "\""]);
        }
        text.push('.');
        if !granted {
            text.push_str(" This outweighs the metadata and the default role.");
        }
        if let Some(at) = self.ends_at {
            let end = utc(at);
            if now < at {
                text.extend([" It ends on ", &end, "."]);
            } else {
                let until = ", and holds until the next sweep removes it.";
                text.extend([" It ended on ", &end, until]);
            }
        }
        Some(text)
    }
}

/// The standing of a user, from the row of [`crate::sql::explain::row_of`].
///
/// # Errors
/// If the row is not one of that statement.
pub fn standing(user: &[JsonRow]) -> Result<UserStanding, RowError> {
    let row: Option<SyncedRow> = read_rows(user)?.into_iter().next();
    Ok(UserStanding::of(row.as_ref()))
}

/// Each app role that is named anywhere for a user, by name.
#[must_use]
pub fn role_reasons(
    standing: UserStanding,
    named: &[NamedRole],
    now: UnixMillis,
) -> Vec<RoleReason> {
    let mut by_name = BTreeMap::<String, Vec<&NamedRole>>::new();
    for role in named {
        let number = || format!("(number {})", role.role_id.unwrap_or_default());
        by_name.entry(role.name.clone().unwrap_or_else(number)).or_default().push(role);
    }
    let reasons = by_name.into_iter().map(|(role, named)| {
        let counts = standing == UserStanding::Live && named.iter().any(|it| it.counts());
        let mut because = Vec::new();
        for line in named.iter().flat_map(|it| it.because(now)) {
            // A decision of operators is beside each source.
            if !because.contains(&line) {
                because.push(line);
            }
        }
        because.extend(standing.bars_roles().map(String::from));
        RoleReason { role, counts, because }
    });
    reasons.collect()
}

/// The names of the app roles that count.
#[must_use]
pub(crate) fn counted(standing: UserStanding, named: &[NamedRole]) -> Vec<String> {
    let reasons = role_reasons(standing, named, UnixMillis(0)).into_iter();
    reasons.filter(|it| it.counts).map(|it| it.role).collect()
}
