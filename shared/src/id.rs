//! Validated identifiers: they can only be created by parsing.

use std::fmt;

/// Why a string is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Empty.
    #[error("empty")]
    Empty,
    /// More than [`ID_BYTES_MAX`] bytes.
    #[error("longer than {ID_BYTES_MAX} bytes")]
    TooLong,
    /// A character that is not allowed in this kind of id.
    #[error("invalid character")]
    InvalidCharacter,
    /// A user id that does not begin with `user_`, for example the id of a machine.
    #[error("not a user id: expected user_…")]
    NotAUserId,
}

/// Bytes in an id. Clerk's own ids have about 32; imported ids may be longer.
pub const ID_BYTES_MAX: usize = 128;

fn well_formed(raw: &str) -> Result<Box<str>, IdError> {
    if raw.is_empty() {
        return Err(IdError::Empty);
    }
    if ID_BYTES_MAX < raw.len() {
        return Err(IdError::TooLong);
    }
    if !raw.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
        return Err(IdError::InvalidCharacter);
    }
    Ok(raw.into())
}

/// The id of an entity: a user, an organization, a membership, a role, a permission.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityId(Box<str>);

impl EntityId {
    /// Parses an id.
    ///
    /// # Errors
    /// [`IdError`] if it is empty, too long, or has an invalid character.
    pub fn parse(raw: &str) -> Result<Self, IdError> {
        well_formed(raw).map(Self)
    }

    /// The id as a string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of a user, `user_…`. It is also the name of the user's role cache.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(Box<str>);

impl UserId {
    /// Parses a user id.
    ///
    /// # Errors
    /// [`IdError::NotAUserId`] for the id of another entity, for example a machine (`mch_…`);
    /// otherwise as [`EntityId::parse`].
    pub fn parse(raw: &str) -> Result<Self, IdError> {
        let id = well_formed(raw)?;
        if id.strip_prefix("user_").is_none_or(str::is_empty) {
            return Err(IdError::NotAUserId);
        }
        Ok(Self(id))
    }

    /// The id as a string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The `svix-id` of a delivery: the same for every attempt and every endpoint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SvixId(Box<str>);

/// Bytes in a [`SvixId`]. Svix's own ids have about 31.
pub const SVIX_ID_BYTES_MAX: usize = 256;

impl SvixId {
    /// Parses a `svix-id`.
    ///
    /// The signed text contains it before a dot, so a dot in it could shift the boundary between
    /// id and timestamp. A comma means two joined headers.
    ///
    /// # Errors
    /// [`IdError`] if it is empty, too long, or not visible ASCII without `.` and `,`.
    pub fn parse(raw: &str) -> Result<Self, IdError> {
        if raw.is_empty() {
            return Err(IdError::Empty);
        }
        if SVIX_ID_BYTES_MAX < raw.len() {
            return Err(IdError::TooLong);
        }
        if !raw.bytes().all(|b| b.is_ascii_graphic() && b != b'.' && b != b',') {
            return Err(IdError::InvalidCharacter);
        }
        Ok(Self(raw.into()))
    }

    /// The id as a string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SvixId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Bytes of a trace id that no signature vouches for. Svix's own have 31.
const UNVERIFIED_BYTES_MAX: usize = 64;

/// A `svix-id` that no signature vouches for, as a trace id: only if it has the form of Svix's own.
/// Anybody can send this header, so anything else stays out of the log.
#[must_use]
pub fn unverified_trace_id(header: &str) -> Option<&str> {
    let rest = header.strip_prefix("msg_")?;
    let fits = (1..=UNVERIFIED_BYTES_MAX).contains(&rest.len());
    (fits && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(header)
}

#[cfg(test)]
mod tests {
    use super::{EntityId, IdError, SvixId, UserId};

    #[test]
    fn a_user_id_has_the_prefix_of_users() {
        assert!(UserId::parse("user_2vX11zP5ojq7cTRY58xT6oJaaaa").is_ok());
        assert_eq!(UserId::parse("mch_1"), Err(IdError::NotAUserId));
        assert_eq!(UserId::parse("user_"), Err(IdError::NotAUserId));
        assert_eq!(UserId::parse("user_a/../b"), Err(IdError::InvalidCharacter));
        assert_eq!(UserId::parse(&format!("user_{}", "a".repeat(124))), Err(IdError::TooLong));
    }

    #[test]
    fn an_entity_id_is_short_ascii() {
        assert!(EntityId::parse("orgmem_2g7np7Hrk0SN6kj5EDMLDaKNL0S").is_ok());
        assert_eq!(EntityId::parse(""), Err(IdError::Empty));
        assert_eq!(EntityId::parse("org_ü"), Err(IdError::InvalidCharacter));
    }

    #[test]
    fn a_svix_id_has_no_separator() {
        assert!(SvixId::parse("msg_p5jXN8AQM9LWM0D4loKWxJek").is_ok());
        for raw in ["msg.1", "msg,1", "msg 1", "msg\n1", "msg_é", "", &"m".repeat(257)] {
            assert!(SvixId::parse(raw).is_err(), "{raw:?}");
        }
    }

    #[test]
    fn a_8_only_an_id_in_the_form_of_svix_is_logged_unverified() {
        assert_eq!(super::unverified_trace_id("msg_2vX11zP5ojq7"), Some("msg_2vX11zP5ojq7"));
        let long = format!("msg_{}", "x".repeat(65));
        let odd = ["", "msg_", "2vX11", "msg_a b", "msg_a\r\nb", "msg_\u{1b}[31m", "msg_a@b.c"];
        for wrong in odd.into_iter().chain(["sk_live_1", "msg_203.0.113.7", "msg_eyJ.x", &long]) {
            assert_eq!(super::unverified_trace_id(wrong), None, "{wrong}");
        }
    }
}
