//! When a handshake can help: the browser may get a newer token from Clerk.

use super::candidate::{CandidateOutcome, ClientUat, TokenCandidate};
use super::{Session, TokenError};

/// Why a handshake can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeReason {
    /// The token has expired; tokens are valid for a minute.
    Expired,
    /// `nbf` is in the future.
    NotYetValid,
    /// `iat` is in the future.
    IssuedInFuture,
    /// The browser's sessions have changed since the token was issued.
    Outdated,
    /// There is a token, but `__client_uat` says "signed out".
    SignedOut,
    /// `__client_uat` says "signed in", but there is no token.
    NoToken,
    /// A development instance sent a dev-browser token.
    DevBrowser,
}

impl HandshakeReason {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::Expired,
        Self::NotYetValid,
        Self::IssuedInFuture,
        Self::Outdated,
        Self::SignedOut,
        Self::NoToken,
        Self::DevBrowser,
    ];

    /// Clerk's word for it, for the redirect and the log
    /// (clerk/javascript, `packages/backend/src/tokens/authStatus.ts`).
    #[must_use]
    pub fn clerk_reason(self) -> &'static str {
        match self {
            Self::Expired => "session-token-expired",
            Self::NotYetValid => "session-token-nbf",
            Self::IssuedInFuture => "session-token-iat-in-the-future",
            Self::Outdated => "session-token-iat-before-client-uat",
            Self::SignedOut => "session-token-but-no-client-uat",
            Self::NoToken => "client-uat-but-no-session-token",
            Self::DevBrowser => "dev-browser-sync",
        }
    }
}

/// The conflict between a valid session and `__client_uat`, if there is one.
pub(super) fn client_uat_conflict(
    session: &Session,
    candidate: &TokenCandidate<'_>,
) -> Option<(HandshakeReason, TokenError)> {
    match candidate.client_uat {
        Some(ClientUat::SignedOut) => Some((HandshakeReason::SignedOut, TokenError::SignedOut)),
        Some(ClientUat::Since(at))
            if session.issued_at().is_some_and(|issued_at| issued_at < at) =>
        {
            Some((HandshakeReason::Outdated, TokenError::OlderThanClientUat))
        }
        Some(ClientUat::Since(_)) | None => None,
    }
}

/// Whether `__client_uat` does not contradict the session.
pub(super) fn is_current(session: &Session, candidate: &TokenCandidate<'_>) -> bool {
    client_uat_conflict(session, candidate).is_none()
}

/// Whether a handshake can help.
pub(super) fn may_be_renewed(candidate: &TokenCandidate<'_>, outcome: &CandidateOutcome) -> bool {
    match outcome {
        CandidateOutcome::NoToken => matches!(candidate.client_uat, Some(ClientUat::Since(_))),
        CandidateOutcome::Rejected(error) => renewable_reason(*error).is_some(),
        CandidateOutcome::Session(session) => client_uat_conflict(session, candidate).is_some(),
    }
}

/// Why a new token would help: only if the token is expired, not valid yet or from the future.
pub(super) fn renewable_reason(error: TokenError) -> Option<HandshakeReason> {
    match error {
        TokenError::Expired => Some(HandshakeReason::Expired),
        TokenError::NotYetValid => Some(HandshakeReason::NotYetValid),
        TokenError::IssuedInFuture => Some(HandshakeReason::IssuedInFuture),
        TokenError::ConflictingTokens
        | TokenError::TooManyTokens
        | TokenError::TooLong
        | TokenError::Malformed
        | TokenError::BadHeader
        | TokenError::WrongAlgorithm
        | TokenError::WrongType
        | TokenError::WrongCategory
        | TokenError::UnsupportedExtension
        | TokenError::MissingKeyId
        | TokenError::UnknownKey
        | TokenError::BadSignature
        | TokenError::BadClaims
        | TokenError::WrongIssuer
        | TokenError::BadSubject
        | TokenError::MissingSessionId
        | TokenError::MissingAzp
        | TokenError::WrongAzp
        | TokenError::MissingExpiry
        | TokenError::PendingSession
        | TokenError::SignedOut
        | TokenError::OlderThanClientUat
        | TokenError::BadHandshake
        | TokenError::UnrequestedHandshake => None,
    }
}
