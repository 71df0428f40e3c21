//! How a Worker answered a request for something guarded, for metrics.

use super::Denied;

/// How a request for something guarded was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuardAnswer {
    /// There is a permit.
    Granted,
    /// Nobody is signed in.
    SignedOut,
    /// The browser was sent to Clerk, or back to its page, for its session.
    Handshake,
    /// The query is invalid.
    BadQuery,
    /// There is no permit.
    Denied(Denied),
    /// The role cache refused to answer, for instance because D1 is down.
    CacheRefused,
    /// The role cache did not answer.
    NoAnswer,
    /// No public key was available to verify a token with.
    NoKeys,
    /// A setting is missing or invalid.
    Misconfigured,
}

impl GuardAnswer {
    /// The value of the label `outcome` in metrics. It follows from the reason.
    #[must_use]
    pub fn outcome(self) -> &'static str {
        match self {
            Self::Granted => "allowed",
            Self::SignedOut => "signed-out",
            Self::Handshake => "redirected",
            Self::BadQuery => "bad-query",
            Self::Denied(denied) if !denied.is_unknown() => "forbidden",
            Self::Denied(_)
            | Self::CacheRefused
            | Self::NoAnswer
            | Self::NoKeys
            | Self::Misconfigured => "unavailable",
        }
    }

    /// The value of the label `reason` in metrics.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::SignedOut => "no-session",
            Self::Handshake => "handshake",
            Self::BadQuery => "bad-query",
            Self::Denied(denied) => denied.label(),
            Self::CacheRefused => "cache-refused",
            Self::NoAnswer => "no-answer",
            Self::NoKeys => "no-keys",
            Self::Misconfigured => "misconfigured",
        }
    }
}

impl Denied {
    fn label(self) -> &'static str {
        match self {
            Self::NoRoleSet => "no-role-set",
            Self::RoleSetTooOld => "role-set-too-old",
            Self::UserBlocked => "user-blocked",
            Self::NotGranted => "not-granted",
            Self::Impersonated => "impersonated",
            Self::NotReverified => "not-reverified",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Denied, GuardAnswer};
    use crate::metrics::labels::{GUARD_OUTCOME, GUARD_REASON};

    #[test]
    fn each_label_is_in_the_table_and_no_other() {
        let denied = [
            Denied::NoRoleSet,
            Denied::RoleSetTooOld,
            Denied::UserBlocked,
            Denied::NotGranted,
            Denied::Impersonated,
            Denied::NotReverified,
        ];
        let others = [
            GuardAnswer::Granted,
            GuardAnswer::SignedOut,
            GuardAnswer::Handshake,
            GuardAnswer::BadQuery,
            GuardAnswer::CacheRefused,
            GuardAnswer::NoAnswer,
            GuardAnswer::NoKeys,
            GuardAnswer::Misconfigured,
        ];
        let all: Vec<_> = denied.map(GuardAnswer::Denied).into_iter().chain(others).collect();
        let outcomes: BTreeSet<_> = all.iter().map(|answer| answer.outcome()).collect();
        let reasons: BTreeSet<_> = all.iter().map(|answer| answer.reason()).collect();
        assert_eq!(outcomes, GUARD_OUTCOME.values.iter().copied().collect());
        assert_eq!(reasons, GUARD_REASON.values.iter().copied().collect());
        assert_eq!(reasons.len(), all.len(), "each answer has a reason of its own");
    }

    #[test]
    fn what_is_unknown_is_not_forbidden() {
        let outcome = |denied| GuardAnswer::Denied(denied).outcome();
        assert_eq!(outcome(Denied::RoleSetTooOld), "unavailable");
        assert_eq!(outcome(Denied::NotGranted), "forbidden");
    }
}
