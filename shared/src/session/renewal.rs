//! When a handshake can help: the browser may get a newer token from Clerk.

use super::candidate::{CandidateOutcome, ClientUat, TokenCandidate};
use super::{Session, TokenError};

/// Why Clerk may know better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeReason {
    /// The token has lapsed; tokens live for a minute.
    Expired,
    /// By our clock the token's time has not come.
    Early,
    /// By our clock the token was made in the future.
    Future,
    /// The browser's sessions have changed since the token was made.
    Outdated,
    /// There is a token, but the browser is said to be signed out.
    SignedOut,
    /// The browser is said to be signed in, but there is no token.
    NoToken,
    /// A development instance tells which browser this is.
    DevBrowser,
}

impl HandshakeReason {
    /// Clerk's word for it (clerk/javascript, `packages/backend/src/tokens/authStatus.ts`).
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Expired => "session-token-expired",
            Self::Early => "session-token-nbf",
            Self::Future => "session-token-iat-in-the-future",
            Self::Outdated => "session-token-iat-before-client-uat",
            Self::SignedOut => "session-token-but-no-client-uat",
            Self::NoToken => "client-uat-but-no-session-token",
            Self::DevBrowser => "dev-browser-sync",
        }
    }
}

/// What the browser's cookie says against a session whose token is good.
pub(super) fn client_uat_conflict(
    session: &Session,
    found: &TokenCandidate<'_>,
) -> Option<(HandshakeReason, TokenError)> {
    match found.client_uat {
        Some(ClientUat::SignedOut) => Some((HandshakeReason::SignedOut, TokenError::SignedOut)),
        Some(ClientUat::Since(at)) if session.issued_at().is_some_and(|made| made < at) => {
            Some((HandshakeReason::Outdated, TokenError::OlderThanClientUat))
        }
        Some(ClientUat::Since(_)) | None => None,
    }
}

/// Whether a session counts where it was found.
pub(super) fn is_current(session: &Session, found: &TokenCandidate<'_>) -> bool {
    client_uat_conflict(session, found).is_none()
}

/// Whether Clerk may know better than what was found.
pub(super) fn may_be_renewed(found: &TokenCandidate<'_>, carried: &CandidateOutcome) -> bool {
    match carried {
        CandidateOutcome::NoToken => matches!(found.client_uat, Some(ClientUat::Since(_))),
        CandidateOutcome::Rejected(rejection) => renewable_reason(*rejection).is_some(),
        CandidateOutcome::Session(session) => client_uat_conflict(session, found).is_some(),
    }
}

/// Whether a new token would help: only where nothing but time is wrong with this one.
pub(super) fn renewable_reason(rejection: TokenError) -> Option<HandshakeReason> {
    match rejection {
        TokenError::Expired => Some(HandshakeReason::Expired),
        TokenError::NotYetValid => Some(HandshakeReason::Early),
        TokenError::IssuedInFuture => Some(HandshakeReason::Future),
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
