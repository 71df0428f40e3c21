//! The impersonator of a user.

/// The most bytes of an actor's id. An e-mail address has at most 254 (RFC 5321, section 4.5.3.1).
pub const ACTOR_BYTES_MAX: usize = 256;

/// The impersonator (`act.sub`): any string that the application gave to Clerk
/// (`actor.sub` of <https://clerk.com/docs/reference/backend-api/tag/actor-tokens>), a user's id or
/// an e-mail address. For display and logs only; escape it.
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
