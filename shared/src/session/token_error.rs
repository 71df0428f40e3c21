//! Why a token is not a valid session.

use super::CANDIDATES_MAX;

/// Why a token is not a valid session. Only for the log: clients always get the same 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Two valid tokens name different users: it is unclear which one is meant.
    #[error("valid tokens of different users in one request")]
    ConflictingTokens,
    /// More tokens than [`CANDIDATES_MAX`] came with one request.
    #[error("more than {CANDIDATES_MAX} session tokens")]
    TooManyTokens,
    /// More bytes than a token of its kind may have.
    #[error("the token is too long")]
    TooLong,
    /// Not three non-empty parts of unpadded base64url.
    #[error("not a compact JWS")]
    Malformed,
    /// The header is not the JSON object that Clerk writes.
    #[error("malformed token header")]
    BadHeader,
    /// An algorithm other than RS256.
    #[error("the algorithm is not RS256")]
    WrongAlgorithm,
    /// A `typ` other than `JWT`: an OAuth access token, for instance.
    #[error("unexpected typ")]
    WrongType,
    /// A `cat` other than a session's: a template's or a machine's token.
    #[error("unexpected category (cat)")]
    WrongCategory,
    /// The header has `crit` or `b64`: no extension is supported.
    #[error("unsupported critical header (crit or b64)")]
    UnsupportedExtension,
    /// The token has no key id.
    #[error("missing key id (kid)")]
    MissingKeyId,
    /// Clerk has no key with the token's key id.
    #[error("unknown key id (kid)")]
    UnknownKey,
    /// The signature does not match the key.
    #[error("invalid signature")]
    BadSignature,
    /// The claims are not the JSON that Clerk writes, or one of them has the wrong type.
    #[error("malformed claims")]
    BadClaims,
    /// The token of another Clerk instance.
    #[error("unexpected issuer")]
    WrongIssuer,
    /// `sub` is missing or is not a user.
    #[error("sub is not a user id")]
    BadSubject,
    /// `sid` is missing: a template's token, which outlives its session.
    #[error("missing or malformed sid")]
    MissingSessionId,
    /// `azp` is missing.
    #[error("missing azp")]
    MissingAzp,
    /// `azp` names an origin that is not ours.
    #[error("azp is not in AUTHORIZED_PARTIES")]
    WrongAzp,
    /// `exp` is missing: a token without an end.
    #[error("missing exp")]
    MissingExpiry,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` is in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iat` is in the future.
    #[error("the token was issued in the future")]
    IssuedInFuture,
    /// The session is pending, for instance until an organization is chosen: signed out until then.
    #[error("the session is not active")]
    PendingSession,
    /// `__client_uat` says that the browser is signed out.
    #[error("the browser is signed out")]
    SignedOut,
    /// The browser's sessions have changed since the token was issued: the user signed out, or
    /// another user signed in.
    #[error("the browser's sessions have changed since the token was issued")]
    OlderThanClientUat,
    /// A handshake token whose claims are not an array of cookies.
    #[error("malformed handshake token")]
    BadHandshake,
    /// A handshake that this browser did not request, e.g. a login-CSRF link.
    #[error("handshake was not requested by this browser")]
    UnrequestedHandshake,
}

impl TokenError {
    /// The value of `reason`, as a label of metrics and in the log.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::ConflictingTokens => "conflicting",
            Self::TooManyTokens => "too-many",
            Self::TooLong => "too-long",
            Self::Malformed | Self::BadHeader | Self::UnsupportedExtension => "malformed",
            Self::WrongAlgorithm => "algorithm",
            Self::WrongType | Self::WrongCategory => "type",
            Self::MissingKeyId | Self::UnknownKey => "key",
            Self::BadSignature => "signature",
            Self::BadClaims | Self::MissingSessionId | Self::MissingExpiry => "claims",
            Self::WrongIssuer => "issuer",
            Self::BadSubject => "subject",
            Self::MissingAzp | Self::WrongAzp => "azp",
            Self::Expired => "expired",
            Self::NotYetValid | Self::IssuedInFuture => "not-yet-valid",
            Self::PendingSession => "pending",
            Self::SignedOut | Self::OlderThanClientUat => "signed-out",
            Self::BadHandshake | Self::UnrequestedHandshake => "handshake",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::TokenError;
    use crate::metrics::labels::SESSION_REFUSAL;

    #[test]
    fn each_label_is_in_the_table_and_no_other() {
        let all = [
            TokenError::ConflictingTokens,
            TokenError::TooManyTokens,
            TokenError::TooLong,
            TokenError::Malformed,
            TokenError::BadHeader,
            TokenError::WrongAlgorithm,
            TokenError::WrongType,
            TokenError::WrongCategory,
            TokenError::UnsupportedExtension,
            TokenError::MissingKeyId,
            TokenError::UnknownKey,
            TokenError::BadSignature,
            TokenError::BadClaims,
            TokenError::WrongIssuer,
            TokenError::BadSubject,
            TokenError::MissingSessionId,
            TokenError::MissingAzp,
            TokenError::WrongAzp,
            TokenError::MissingExpiry,
            TokenError::Expired,
            TokenError::NotYetValid,
            TokenError::IssuedInFuture,
            TokenError::PendingSession,
            TokenError::SignedOut,
            TokenError::OlderThanClientUat,
            TokenError::BadHandshake,
            TokenError::UnrequestedHandshake,
        ];
        let labels: BTreeSet<_> = all.into_iter().map(TokenError::label).collect();
        assert_eq!(labels, SESSION_REFUSAL.values.iter().copied().collect());
    }
}
