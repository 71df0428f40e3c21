//! Clerk's session token: from a text that anyone can send to a [`Session`] that was checked.
//!
//! ```text
//!  headers ─source::choose→ [Found] each ─read→ Unverified
//!  Unverified ══WebCrypto══▶ Verified ─check→ Session
//!  [Found + verdict] ─source::settle→ one
//!  one ─handshake::next→ serve | refuse | ask Clerk | take what Clerk answered
//! ```
//!
//! The order is the defence. An [`UnverifiedToken`] token says which key it names and which bytes
//! were signed, and nothing else; claims are read only after the signature was found good, so that
//! no answer tells a forger which claim was wrong. The rules are Clerk's own
//! (<https://clerk.com/docs/guides/sessions/manual-jwt-verification>), stricter in four places:
//! RS256 alone, the issuer is always checked, `azp` and `sid` must be there, and the category of
//! the token must be a session's.
//!
//! Roles never come from a token: a claim may be a minute old, and the role cache knows better.

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
pub use organization::ActiveOrganization;
pub use policy::{MissingAzp, TokenPolicy, TokenPolicyError};
pub use token_error::TokenError;
pub use validate::{validate_claims, validate_claims_at};

/// Bytes in a session token. Clerk's have about 1 KB, and a cookie cannot hold more than 4 KB.
pub const TOKEN_BYTES_MAX: usize = 8_192;

/// Tokens verified in one request. A browser sends one or two; more are treated as an attack.
pub const CANDIDATES_MAX: usize = 8;

/// How far Clerk's clock and ours may differ: the default of Clerk's own SDK.
pub const SKEW_MS: i64 = 5_000;

/// A token that was taken apart and not believed. It can name its key and its signed bytes.
#[derive(Debug)]
pub struct UnverifiedToken<'a> {
    kid: Option<String>,
    signed: &'a str,
    signature: Vec<u8>,
    payload: Vec<u8>,
}

/// What the platform's cryptography said of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureStatus {
    /// It is the key's, over these bytes.
    Valid,
    /// It is not.
    Invalid,
}

/// A token whose signature is Clerk's; its claims are still unread.
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

/// Takes a token apart, and refuses whatever Clerk would not have written.
///
/// # Errors
/// Why this is not an RS256 session token in compact form, whoever signed it.
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

/// One part. Strict: padding, `+`, `/`, line breaks and unused bits are refused, so that one
/// token has one spelling. A dot is refused too, so a fourth part cannot hide in the payload.
fn decode_segment(text: &str) -> Result<Vec<u8>, TokenError> {
    if text.is_empty() {
        return Err(TokenError::Malformed);
    }
    URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError::Malformed)
}

impl UnverifiedToken<'_> {
    /// The id of the key that the token names. Anyone can write one: use it for a look-up only.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The bytes that the signature is said to cover.
    #[must_use]
    pub fn signed_bytes(&self) -> &[u8] {
        self.signed.as_bytes()
    }

    /// The signature: RSASSA-PKCS1-v1_5 with SHA-256.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Believes the token when `check` says that its signature is good.
    ///
    /// This is the one place where the platform's word is taken for a fact: RSA runs in the
    /// runtime (`crypto.subtle`), which is asynchronous and twenty times as fast as RSA in wasm.
    /// The caller must have checked [`Self::signature`] over [`Self::signed_bytes`] with the key
    /// named by [`Self::kid`].
    ///
    /// # Errors
    /// [`TokenError::BadSignature`] when the check was bad.
    pub fn with_signature(self, check: SignatureStatus) -> Result<VerifiedToken, TokenError> {
        match check {
            SignatureStatus::Valid => Ok(VerifiedToken { payload: self.payload }),
            SignatureStatus::Invalid => Err(TokenError::BadSignature),
        }
    }
}

/// A user who is signed in here and at this time. It says who, never what they may do.
///
/// Only [`validate_claims`] makes one:
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

    /// The session, as Clerk names it.
    #[must_use]
    pub fn id(&self) -> &EntityId {
        &self.id
    }

    /// Who acts as the user, when somebody impersonates them.
    #[must_use]
    pub fn actor(&self) -> Option<&Actor> {
        self.actor.as_ref()
    }

    /// When the token was made, if it says so.
    #[must_use]
    pub fn issued_at(&self) -> Option<UnixMillis> {
        self.issued_at
    }

    /// The end of the token; the browser fetches a new one before.
    #[must_use]
    pub fn expires_at(&self) -> UnixMillis {
        self.expires_at
    }

    /// The organization that the user is working in, if they are in one.
    #[must_use]
    pub fn organization(&self) -> Option<&ActiveOrganization> {
        self.organization.as_ref()
    }

    /// How long ago the user proved who they are, if the token says so.
    #[must_use]
    pub fn factors(&self) -> Option<FactorAges> {
        self.factors
    }
}
