//! Who acts as a user.

/// Bytes in what names an actor. An e-mail address has at most 254 (RFC 5321, section 4.5.3.1).
pub const ACTOR_BYTES_MAX: usize = 256;

/// Who acts as a user, when somebody impersonates them: any text that the application gave to Clerk
/// (`actor.sub` of <https://clerk.com/docs/reference/backend-api/tag/actor-tokens>), a user's id or
/// an e-mail address. To be shown and logged, and to be escaped there; nothing is looked up by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor(Box<str>);

impl Actor {
    /// The text, unless it is empty or longer than [`ACTOR_BYTES_MAX`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (1..=ACTOR_BYTES_MAX).contains(&text.len()).then(|| Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
