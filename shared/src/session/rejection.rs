//! Why there is no session.

use super::TOKEN_BYTES_MAX;
use super::source::TOKENS_MAX;

/// Why a token is not a session. For our log: outside, one answer stands for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Two live tokens came with one request, and nothing says which is meant.
    #[error("two tokens of different users")]
    Ambiguous,
    /// More tokens than [`TOKENS_MAX`] came with one request.
    #[error("more than {TOKENS_MAX} session tokens")]
    Crowded,
    /// More than [`TOKEN_BYTES_MAX`] bytes.
    #[error("the token is longer than {TOKEN_BYTES_MAX} bytes")]
    Long,
    /// Not three non-empty parts of unpadded base64url.
    #[error("not a compact signed token")]
    Form,
    /// The header is not the JSON that Clerk writes.
    #[error("the header cannot be read")]
    Header,
    /// An algorithm other than RS256.
    #[error("the algorithm is not RS256")]
    Algorithm,
    /// A `typ` other than `JWT`: an OAuth access token, for instance.
    #[error("the type is not a session token's")]
    Type,
    /// A `cat` other than a session's: a template's or a machine's token.
    #[error("the category is not a session's")]
    Category,
    /// The header demands an extension (`crit`, `b64`), and none is understood here.
    #[error("the header demands an extension")]
    Critical,
    /// The token names no key, and there are several.
    #[error("the key id is missing")]
    NoKeyId,
    /// No key of Clerk's has the id that the token names.
    #[error("the key is unknown")]
    UnknownKey,
    /// The signature is not that key's.
    #[error("the signature is wrong")]
    Signature,
    /// The claims are not the JSON that Clerk writes, or one of them has the wrong type.
    #[error("the claims cannot be read")]
    Claims,
    /// The token of another Clerk instance.
    #[error("the issuer is another")]
    Issuer,
    /// `sub` is missing or is not a user.
    #[error("the subject is not a user")]
    Subject,
    /// `sid` is missing: a template's token, which outlives its session.
    #[error("the session id is missing")]
    SessionId,
    /// `azp` is missing.
    #[error("the authorized party is missing")]
    NoParty,
    /// `azp` names an origin that is not ours.
    #[error("the authorized party is not ours")]
    Party,
    /// `exp` is missing: a token without an end.
    #[error("the expiry is missing")]
    NoExpiry,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` is still to come.
    #[error("the token is not valid yet")]
    Early,
    /// `iat` is still to come.
    #[error("the token was issued in the future")]
    Future,
    /// The session waits for a task, choosing an organization for instance: signed out until then.
    #[error("the session is pending")]
    Pending,
    /// Clerk's cookie says that nobody is signed in in this browser.
    #[error("the browser is signed out")]
    SignedOut,
    /// The browser's sessions have changed since the token was issued: somebody signed out, or in
    /// as another.
    #[error("the browser's sessions have changed since the token was issued")]
    Outdated,
    /// A handshake whose claims are not a list of cookies.
    #[error("the handshake cannot be read")]
    Handshake,
    /// A handshake for which this browser was not sent away: another's, in a link.
    #[error("the handshake was not asked for")]
    Unasked,
}
