//! Ids and names: each can only be parsed, so one that exists is well formed.

use std::fmt;

/// Why a text is not an id or a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing there.
    #[error("empty")]
    Empty,
    /// More than [`ID_BYTES_MAX`] bytes.
    #[error("longer than {ID_BYTES_MAX} bytes")]
    Long,
    /// A character that no id of Clerk's holds.
    #[error("a character outside A-Z a-z 0-9 _ -")]
    Alphabet,
    /// A user id that does not begin with `user_`: a machine's, for instance.
    #[error("not a user's id: `user_` expected")]
    Prefix,
}

/// Bytes in an id. Clerk's own have about 32; the rest is room for imported ones.
pub const ID_BYTES_MAX: usize = 128;

fn well_formed(raw: &str) -> Result<Box<str>, IdError> {
    if raw.is_empty() {
        return Err(IdError::Empty);
    }
    if ID_BYTES_MAX < raw.len() {
        return Err(IdError::Long);
    }
    if !raw.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
        return Err(IdError::Alphabet);
    }
    Ok(raw.into())
}

/// The id of anything that Clerk sends: an organization, a membership, a role, a permission.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityId(Box<str>);

impl EntityId {
    /// Reads an id.
    ///
    /// # Errors
    /// [`IdError`] when it is empty, too long, or holds a character that no id holds.
    pub fn parse(raw: &str) -> Result<Self, IdError> {
        well_formed(raw).map(Self)
    }

    /// The id as text.
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

/// The id of a user, `user_…`. The name of the user's role cache is this text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(Box<str>);

impl UserId {
    /// Reads a user's id.
    ///
    /// # Errors
    /// [`IdError::Prefix`] for the id of anything else, a machine's (`mch_…`) for instance;
    /// otherwise as [`EntityId::parse`].
    pub fn parse(raw: &str) -> Result<Self, IdError> {
        let id = well_formed(raw)?;
        if id.strip_prefix("user_").is_none_or(str::is_empty) {
            return Err(IdError::Prefix);
        }
        Ok(Self(id))
    }

    /// The id as text.
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

/// The `svix-id` of a delivery: the same for every attempt at it, on every endpoint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SvixId(Box<str>);

/// Bytes in a [`SvixId`]. Svix's have about 31.
pub const MESSAGE_ID_BYTES_MAX: usize = 256;

impl SvixId {
    /// Reads a `svix-id`.
    ///
    /// It goes raw into the signed text between two dots, so a dot in it could move the border
    /// between id and timestamp; a comma is how two headers of one name arrive joined.
    ///
    /// # Errors
    /// [`IdError`] when it is empty, too long, or not visible ASCII without `.` and `,`.
    pub fn parse(raw: &str) -> Result<Self, IdError> {
        if raw.is_empty() {
            return Err(IdError::Empty);
        }
        if MESSAGE_ID_BYTES_MAX < raw.len() {
            return Err(IdError::Long);
        }
        if !raw.bytes().all(|b| b.is_ascii_graphic() && b != b'.' && b != b',') {
            return Err(IdError::Alphabet);
        }
        Ok(Self(raw.into()))
    }

    /// The id as text.
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

#[cfg(test)]
mod tests {
    use super::{EntityId, IdError, SvixId, UserId};

    #[test]
    fn a_user_id_names_a_user() {
        assert!(UserId::parse("user_2vX11zP5ojq7cTRY58xT6oJaaaa").is_ok());
        assert_eq!(UserId::parse("mch_1"), Err(IdError::Prefix));
        assert_eq!(UserId::parse("user_"), Err(IdError::Prefix));
        assert_eq!(UserId::parse("user_a/../b"), Err(IdError::Alphabet));
        assert_eq!(UserId::parse(&format!("user_{}", "a".repeat(124))), Err(IdError::Long));
    }

    #[test]
    fn an_object_id_is_short_and_plain() {
        assert!(EntityId::parse("orgmem_2g7np7Hrk0SN6kj5EDMLDaKNL0S").is_ok());
        assert_eq!(EntityId::parse(""), Err(IdError::Empty));
        assert_eq!(EntityId::parse("org_ü"), Err(IdError::Alphabet));
    }

    #[test]
    fn a_message_id_cannot_move_the_border_of_the_signed_text() {
        assert!(SvixId::parse("msg_p5jXN8AQM9LWM0D4loKWxJek").is_ok());
        for raw in ["msg.1", "msg,1", "msg 1", "msg\n1", "msg_é", "", &"m".repeat(257)] {
            assert!(SvixId::parse(raw).is_err(), "{raw:?}");
        }
    }
}
