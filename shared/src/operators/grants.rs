//! Grants and revocations of app roles by operators: what is accepted, and what it changes.

use serde_json::json;

use super::api::ApiError;
use super::api::roles::{RoleChange, RoleChangeRequest};
use super::audit::{AuditAct, AuditEntry, AuditHead};
use super::explain::{JsonRow, NamedRole, RowError, UserStanding, counted, read_rows, standing};
use crate::limits::ROLE_NAME_BYTES_MAX;
use crate::roles::is_app_role;
use crate::time::UnixMillis;

/// Characters in a reason.
pub const REASON_CHARS_MAX: usize = 200;

/// The longest time until a grant ends: ten years. A later end is a mistake.
pub const END_MS_MAX: i64 = 3_653 * 86_400_000;

/// Why a change is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoleChangeError {
    /// No event about the user has arrived.
    #[error("no event about this user has arrived from Clerk")]
    UnknownUser,
    /// The user was deleted.
    #[error("this user was deleted in Clerk, for ever")]
    DeletedUser,
    /// Not the name of an app role.
    #[error(
        "this is no name of an app role: 1 to {ROLE_NAME_BYTES_MAX} bytes, no spaces around it, no \
         control characters, not beginning with org:"
    )]
    InvalidRole,
    /// No reason, or a long one.
    #[error("a reason of 1 to {REASON_CHARS_MAX} characters is needed")]
    InvalidReason,
    /// The end is not in the future.
    #[error("the end is not in the future")]
    EndsInThePast,
    /// The end is more than ten years away.
    #[error("the end is more than ten years away")]
    EndsTooLate,
}

impl RoleChangeError {
    /// The word for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownUser => "unknown-user",
            Self::DeletedUser => "deleted-user",
            Self::InvalidRole => "invalid-role",
            Self::InvalidReason => "invalid-reason",
            Self::EndsInThePast | Self::EndsTooLate => "invalid-end",
        }
    }

    /// The status of the answer.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::UnknownUser => 404,
            Self::DeletedUser => 409,
            Self::InvalidRole | Self::InvalidReason | Self::EndsInThePast | Self::EndsTooLate => {
                400
            }
        }
    }

    /// What to do next.
    #[must_use]
    pub const fn next(self) -> &'static str {
        match self {
            Self::UnknownUser => {
                "Check the id in Clerk's Dashboard. If it is right, save the user there, so that \
                 an event arrives, or look for a dead letter about it."
            }
            Self::DeletedUser => "Grant the role to another user.",
            Self::InvalidRole => "Correct the name. Roles of organizations are changed in Clerk.",
            Self::InvalidReason => "Say in one sentence why, without personal data.",
            Self::EndsInThePast | Self::EndsTooLate => {
                "Give the end in milliseconds since 1970, at most ten years from now, or leave it \
                 out."
            }
        }
    }

    /// The error of the API.
    #[must_use]
    pub fn to_api(self) -> ApiError {
        let next = self.next().into();
        ApiError { error: self.code().into(), message: self.to_string(), next }
    }
}

/// What is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedChange {
    /// The user.
    pub user_id: String,
    /// The app role.
    pub role: String,
    /// Whether it is granted or revoked.
    pub granted: bool,
    /// Why.
    pub reason: String,
    /// When it ends.
    pub ends_at: Option<UnixMillis>,
    /// The app roles that count before.
    pub before: Vec<String>,
    /// And after.
    pub after: Vec<String>,
}

/// What a change is planned from: the results of [`crate::sql::grants::read_for_change`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRoles {
    standing: UserStanding,
    named: Vec<NamedRole>,
}

impl UserRoles {
    /// Reads the rows of the user and of the named roles.
    ///
    /// # Errors
    /// If a row is not one of these statements.
    pub fn read(user: &[JsonRow], named: &[JsonRow]) -> Result<Self, RowError> {
        Ok(Self { standing: standing(user)?, named: read_rows(named)? })
    }

    /// The app roles that count.
    #[must_use]
    pub fn counted(&self) -> Vec<String> {
        counted(self.standing, &self.named)
    }

    /// The app roles that count once operators have decided on one.
    fn counted_after(&self, role: &str, granted: bool) -> Vec<String> {
        let others = self.named.iter().filter(|it| it.name.as_deref() != Some(role));
        let mut named: Vec<_> = others.cloned().collect();
        named.push(NamedRole::decided(role, granted));
        counted(self.standing, &named)
    }

    /// Plans a change.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn plan(
        &self,
        user_id: &str,
        request: &RoleChangeRequest,
        now: UnixMillis,
    ) -> Result<PlannedChange, RoleChangeError> {
        let RoleChangeRequest { role, granted, reason, ends_at, dry_run: _ } = request.clone();
        let reason = reason.trim().to_owned();
        match self.standing {
            UserStanding::Unknown => return Err(RoleChangeError::UnknownUser),
            UserStanding::Dead => return Err(RoleChangeError::DeletedUser),
            UserStanding::Live | UserStanding::Banned => {}
        }
        if !is_app_role(&role) {
            return Err(RoleChangeError::InvalidRole);
        }
        let is_plain = !reason.chars().any(char::is_control);
        if !is_plain || !(1..=REASON_CHARS_MAX).contains(&reason.chars().count()) {
            return Err(RoleChangeError::InvalidReason);
        }
        if ends_at.is_some_and(|at| at <= now) {
            return Err(RoleChangeError::EndsInThePast);
        }
        if ends_at.is_some_and(|at| END_MS_MAX < at.since(now)) {
            return Err(RoleChangeError::EndsTooLate);
        }
        let (before, after) = (self.counted(), self.counted_after(&role, granted));
        let user_id = user_id.into();
        Ok(PlannedChange { user_id, role, granted, reason, ends_at, before, after })
    }
}

impl PlannedChange {
    /// The entry of the audit trail that is written with the change.
    #[must_use]
    pub fn audit_entry(&self, head: &AuditHead, actor: &str, now: UnixMillis) -> AuditEntry {
        let action = if self.granted { "roles.granted" } else { "roles.revoked" };
        let detail = json!({
            "role": self.role,
            "reason": self.reason,
            "ends_at": self.ends_at,
            "before": self.before,
            "after": self.after,
        });
        let (actor, action, target) = (actor.into(), action.into(), self.user_id.clone());
        let act = AuditAct { at: now, actor, action, target, detail: detail.to_string() };
        AuditEntry::after(head, act)
    }

    /// The answer of the API. `done`: whether it was written.
    #[must_use]
    pub fn into_answer(self, done: bool) -> RoleChange {
        let Self { user_id, role, granted, reason: _, ends_at, before, after } = self;
        RoleChange { user_id, role, granted, ends_at, done, before, after }
    }
}
