//! Why there is no session.

use super::{CANDIDATES_MAX, TOKEN_BYTES_MAX};

/// Why a token is not a session. For our log: outside, one answer stands for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Two live tokens came with one request, and nothing says which is meant.
    #[error("two tokens of different users")]
    ConflictingTokens,
    /// More tokens than [`CANDIDATES_MAX`] came with one request.
    #[error("more than {CANDIDATES_MAX} session tokens")]
    TooManyTokens,
    /// More than [`TOKEN_BYTES_MAX`] bytes.
    #[error("the token is longer than {TOKEN_BYTES_MAX} bytes")]
    TooLong,
    /// Not three non-empty parts of unpadded base64url.
    #[error("not a compact signed token")]
    Malformed,
    /// The header is not the JSON that Clerk writes.
    #[error("the header cannot be read")]
    BadHeader,
    /// An algorithm other than RS256.
    #[error("the algorithm is not RS256")]
    WrongAlgorithm,
    /// A `typ` other than `JWT`: an OAuth access token, for instance.
    #[error("the type is not a session token's")]
    WrongType,
    /// A `cat` other than a session's: a template's or a machine's token.
    #[error("the category is not a session's")]
    WrongCategory,
    /// The header demands an extension (`crit`, `b64`), and none is understood here.
    #[error("the header demands an extension")]
    UnsupportedExtension,
    /// The token names no key, and there are several.
    #[error("the key id is missing")]
    MissingKeyId,
    /// No key of Clerk's has the id that the token names.
    #[error("the key is unknown")]
    UnknownKey,
    /// The signature is not that key's.
    #[error("the signature is wrong")]
    BadSignature,
    /// The claims are not the JSON that Clerk writes, or one of them has the wrong type.
    #[error("the claims cannot be read")]
    BadClaims,
    /// The token of another Clerk instance.
    #[error("the issuer is another")]
    WrongIssuer,
    /// `sub` is missing or is not a user.
    #[error("the subject is not a user")]
    BadSubject,
    /// `sid` is missing: a template's token, which outlives its session.
    #[error("the session id is missing")]
    MissingSessionId,
    /// `azp` is missing.
    #[error("the authorized party is missing")]
    MissingAzp,
    /// `azp` names an origin that is not ours.
    #[error("the authorized party is not ours")]
    WrongAzp,
    /// `exp` is missing: a token without an end.
    #[error("the expiry is missing")]
    MissingExpiry,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` is still to come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iat` is still to come.
    #[error("the token was issued in the future")]
    IssuedInFuture,
    /// The session waits for a task, choosing an organization for instance: signed out until then.
    #[error("the session is pending")]
    PendingSession,
    /// Clerk's cookie says that nobody is signed in in this browser.
    #[error("the browser is signed out")]
    SignedOut,
    /// The browser's sessions have changed since the token was issued: somebody signed out, or in
    /// as another.
    #[error("the browser's sessions have changed since the token was issued")]
    OlderThanClientUat,
    /// A handshake whose claims are not a list of cookies.
    #[error("the handshake cannot be read")]
    BadHandshake,
    /// A handshake for which this browser was not sent away: another's, in a link.
    #[error("the handshake was not asked for")]
    UnrequestedHandshake,
}
