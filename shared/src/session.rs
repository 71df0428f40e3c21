//! Verifies Clerk's session tokens: from the headers of a request to a [`Session`].
//!
//! ```text
//!  headers ─find_candidates→ [TokenCandidate] each ─parse_token→ UnverifiedToken
//!  UnverifiedToken ══WebCrypto══▶ VerifiedToken ─validate_claims_at→ Session
//!  [TokenCandidate + CandidateOutcome] ─pick_candidate→ one
//!  one ─handshake::decide→ Serve | Unauthenticated | ApplyHandshake
//! ```
//!
//! The order matters. An [`UnverifiedToken`] gives its key id, its signed bytes and its signature,
//! and nothing else. Claims are read only after the signature is verified, so that no error tells
//! an attacker anything about them. The rules are Clerk's own
//! (<https://clerk.com/docs/guides/sessions/manual-jwt-verification>), stricter in four places:
//! RS256 alone, the issuer is always checked, `azp` and `sid` are required (`azp` unless
//! [`MissingAzp::AcceptInCookies`]), and a category, if there is one, must be one
//! that Clerk sets on session tokens.
//!
//! Roles are never read from the token: its claims can be a minute old.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use self::factors::FactorAges;
use crate::id::{EntityId, UserId};
use crate::time::UnixMillis;

mod actor;
mod candidate;
mod claims;
pub mod cookies;
pub mod factors;
pub mod handshake;
mod header;
pub mod jwks_cache;
pub mod keys;
mod organization;
mod policy;
pub mod publishable_key;
pub mod redirect;
mod renewal;
mod token_error;
pub mod verified_signatures;
pub mod candidates;
mod validate;

pub use actor::{ACTOR_BYTES_MAX, Actor};
pub(crate) use claims::ClaimReader;
pub use organization::ActiveOrganization;
pub use policy::{MissingAzp, TokenPolicy, TokenPolicyError};
pub use token_error::TokenError;
pub use validate::{validate_claims, validate_claims_at};

/// Bytes in a session token. Clerk's have about 1 KB, and a cookie cannot hold more than 4 KB.
pub const TOKEN_BYTES_MAX: usize = 8_192;

/// Tokens verified in one request. A browser sends one or two; above this it is an attack.
pub const CANDIDATES_MAX: usize = 8;

/// How far Clerk's clock and ours may differ: the default of Clerk's own SDK.
pub const SKEW_MS: i64 = 5_000;

/// A parsed, unverified token.
#[derive(Debug)]
pub struct UnverifiedToken<'a> {
    kid: Option<String>,
    signed: &'a str,
    signature: Vec<u8>,
    payload: Vec<u8>,
}

/// The result of a signature check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureStatus {
    /// Valid.
    Valid,
    /// Invalid.
    Invalid,
}

/// A token whose signature is verified; its claims are not read yet.
///
/// Only [`UnverifiedToken::with_signature`] makes one:
///
/// ```compile_fail,E0451
/// let verified: shared::session::VerifiedToken = unimplemented!();
/// let forged = shared::session::VerifiedToken { payload: Vec::new(), ..verified };
/// ```
#[derive(Debug)]
pub struct VerifiedToken {
    payload: Vec<u8>,
}

/// Parses a token; rejects forms that Clerk does not produce.
///
/// # Errors
/// Why this is not an RS256 session token in compact form.
pub fn parse_token(token: &str) -> Result<UnverifiedToken<'_>, TokenError> {
    split_jwt(token, TOKEN_BYTES_MAX)
}

fn split_jwt(token: &str, bytes_max: usize) -> Result<UnverifiedToken<'_>, TokenError> {
    if bytes_max < token.len() {
        return Err(TokenError::TooLong);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let (head, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
    let (head, payload, signature) =
        (decode_segment(head)?, decode_segment(payload)?, decode_segment(signature)?);
    let kid = header::parse_header(token, &head)?;
    Ok(UnverifiedToken { kid, signed, signature, payload })
}

/// Decodes one part. Padding, `+`, `/`, line breaks and unused bits are rejected, so that a token
/// has exactly one encoding. A dot is rejected too, so there is no fourth part.
fn decode_segment(text: &str) -> Result<Vec<u8>, TokenError> {
    if text.is_empty() {
        return Err(TokenError::Malformed);
    }
    URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError::Malformed)
}

impl UnverifiedToken<'_> {
    /// The key id. Unverified: use it only to look up the key.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The bytes that the signature covers.
    #[must_use]
    pub fn signed_bytes(&self) -> &[u8] {
        self.signed.as_bytes()
    }

    /// The signature: RSASSA-PKCS1-v1_5 with SHA-256.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Accepts the token if its signature is valid.
    ///
    /// The result of WebCrypto is trusted here and only here: RSA runs in the runtime
    /// (`crypto.subtle`), which is asynchronous and twenty times as fast as RSA in wasm.
    /// The caller must have checked [`Self::signature`] over [`Self::signed_bytes`] with the key
    /// named by [`Self::kid`].
    ///
    /// # Errors
    /// [`TokenError::BadSignature`] if it is invalid.
    pub fn with_signature(self, status: SignatureStatus) -> Result<VerifiedToken, TokenError> {
        match status {
            SignatureStatus::Valid => Ok(VerifiedToken { payload: self.payload }),
            SignatureStatus::Invalid => Err(TokenError::BadSignature),
        }
    }
}

impl VerifiedToken {
    /// The claims, as they were signed.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.payload
    }
}

/// A signed-in user. Identity only, no permissions.
///
/// Only [`validate_claims_at`] makes one:
///
/// ```compile_fail,E0451
/// let id = shared::id::UserId::parse("user_1").unwrap();
/// let session: shared::session::Session = unimplemented!();
/// let forged = shared::session::Session { user_id: id, ..session };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    user_id: UserId,
    id: EntityId,
    actor: Option<Actor>,
    issued_at: Option<UnixMillis>,
    expires_at: UnixMillis,
    organization: Option<ActiveOrganization>,
    factors: Option<FactorAges>,
}

impl Session {
    /// Who is signed in.
    #[must_use]
    pub fn user_id(&self) -> &UserId {
        &self.user_id
    }

    /// The session's id.
    #[must_use]
    pub fn id(&self) -> &EntityId {
        &self.id
    }

    /// The impersonator, if the user is impersonated.
    #[must_use]
    pub fn actor(&self) -> Option<&Actor> {
        self.actor.as_ref()
    }

    /// When the token was issued, if it says so.
    #[must_use]
    pub fn issued_at(&self) -> Option<UnixMillis> {
        self.issued_at
    }

    /// When the token expires.
    #[must_use]
    pub fn expires_at(&self) -> UnixMillis {
        self.expires_at
    }

    /// The active organization, if there is one.
    #[must_use]
    pub fn organization(&self) -> Option<&ActiveOrganization> {
        self.organization.as_ref()
    }

    /// The ages of the user's authentication factors, if the token has them.
    #[must_use]
    pub fn factors(&self) -> Option<FactorAges> {
        self.factors
    }
}
