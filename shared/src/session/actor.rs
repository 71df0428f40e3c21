//! The impersonator of a user.

/// The most bytes of an actor's id. An e-mail address has at most 254 (RFC 5321, section 4.5.3.1).
pub const ACTOR_BYTES_MAX: usize = 256;

/// The impersonator (`act.sub`): any string that the application gave to Clerk
/// (`actor.sub` of <https://clerk.com/docs/reference/backend-api/tag/actor-tokens>), a user's id or
/// an e-mail address. For display only; escape it. The log has [`Actor::log_name`].
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

    /// The name in logs: a user's id, or `hidden`, because any other text may be personal. Clerk
    /// tells whose session it is by the session's id.
    #[must_use]
    pub fn log_name(&self) -> &str {
        let id = self.0.strip_prefix("user_");
        let is_id = id.is_some_and(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        if is_id { &self.0 } else { "hidden" }
    }
}

#[cfg(test)]
mod tests {
    use super::Actor;

    #[test]
    fn a_8_the_log_names_an_actor_by_a_users_id_only() {
        let name = |text: &str| Actor::parse(text).unwrap().log_name().to_owned();
        assert_eq!(name("user_2vX11zP5ojq7cTRY58xT6oJaaaa"), "user_2vX11zP5ojq7cTRY58xT6oJaaaa");
        for text in ["support.desk@corp.example", "Ann", "user_a@b.example", "user_a b"] {
            assert_eq!(name(text), "hidden");
        }
    }
}
