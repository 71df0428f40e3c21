//! Which tokens are ours.

use super::Rejection;
use super::source::Carrier;

/// Whose tokens are ours.
#[derive(Clone, Debug)]
pub struct Policy {
    issuer: String,
    parties: Vec<String>,
    nameless: Nameless,
}

/// What comes of a token that names no authorized party (`azp`).
///
/// Clerk's front end mints some in navigations of the top level
/// (<https://github.com/clerk/javascript/issues/8231>). To take them has a price: a site on a
/// sibling domain that belongs to the same instance could hand its own user's token on as our
/// cookie, and no `azp` would tell. So it is never done for `Authorization`, and for cookies only
/// where it is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nameless {
    /// It is no session.
    #[default]
    Refuse,
    /// It is one where it comes in a cookie and its issuer is ours.
    TakeFromCookies,
}

/// Why no token at all can be judged: the deployment is not configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// No issuer.
    #[error("the issuer is not configured")]
    Issuer,
    /// No authorized party. Taking any would let a token of another site of the instance in.
    #[error("AUTHORIZED_PARTIES is empty")]
    Parties,
}

impl Policy {
    /// Tokens of `issuer`, given to pages of one of the origins in `parties`.
    ///
    /// # Errors
    /// [`PolicyError`] when either is missing: then no token can be accepted.
    pub fn new<'a>(
        issuer: &str,
        parties: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, PolicyError> {
        let parties: Vec<String> = parties
            .into_iter()
            .map(str::trim)
            // An origin has no slash at its end, but who copies one out of a browser gets it.
            .map(|party| party.strip_suffix('/').unwrap_or(party))
            .filter(|party| !party.is_empty())
            .map(str::to_owned)
            .collect();
        if issuer.is_empty() {
            return Err(PolicyError::Issuer);
        }
        if parties.is_empty() {
            return Err(PolicyError::Parties);
        }
        Ok(Self { issuer: issuer.to_owned(), parties, nameless: Nameless::Refuse })
    }

    /// The same, with tokens that name no party treated so.
    #[must_use]
    pub fn with_nameless(self, nameless: Nameless) -> Self {
        Self { nameless, ..self }
    }

    /// Whether a token of this party counts where it was found.
    pub(super) fn check_party(&self, azp: Option<&str>, carrier: Carrier) -> Result<(), Rejection> {
        match (azp, self.nameless, carrier) {
            (Some(azp), ..) if self.parties().any(|party| party == azp) => Ok(()),
            (Some(_), ..) => Err(Rejection::Party),
            (None, Nameless::TakeFromCookies, Carrier::Plain | Carrier::Suffixed) => Ok(()),
            (None, Nameless::TakeFromCookies, Carrier::Header) | (None, Nameless::Refuse, _) => {
                Err(Rejection::NoParty)
            }
        }
    }

    /// The issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The authorized parties, in the order of the configuration.
    pub fn parties(&self) -> impl Iterator<Item = &str> {
        self.parties.iter().map(String::as_str)
    }
}
