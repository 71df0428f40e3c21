//! Which tokens are ours.

use super::TokenError;
use super::candidate::TokenLocation;

/// Whose tokens are ours.
#[derive(Clone, Debug)]
pub struct TokenPolicy {
    issuer: String,
    authorized_parties: Vec<String>,
    nameless: MissingAzp,
}

/// What comes of a token that names no authorized party (`azp`).
///
/// Clerk's front end mints some in navigations of the top level
/// (<https://github.com/clerk/javascript/issues/8231>). To take them has a price: a site on a
/// sibling domain that belongs to the same instance could hand its own user's token on as our
/// cookie, and no `azp` would tell. So it is never done for `Authorization`, and for cookies only
/// where it is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingAzp {
    /// It is no session.
    #[default]
    Reject,
    /// It is one where it comes in a cookie and its issuer is ours.
    AcceptInCookies,
}

/// Why no token at all can be judged: the deployment is not configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenPolicyError {
    /// No issuer.
    #[error("the issuer is not configured")]
    Issuer,
    /// No authorized party. Taking any would let a token of another site of the instance in.
    #[error("AUTHORIZED_PARTIES is empty")]
    Parties,
}

impl TokenPolicy {
    /// Tokens of `issuer`, given to pages of one of the origins in `parties`.
    ///
    /// # Errors
    /// [`TokenPolicyError`] when either is missing: then no token can be accepted.
    pub fn new<'a>(
        issuer: &str,
        parties: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, TokenPolicyError> {
        let parties: Vec<String> = parties
            .into_iter()
            .map(str::trim)
            // An origin has no slash at its end, but who copies one out of a browser gets it.
            .map(|party| party.strip_suffix('/').unwrap_or(party))
            .filter(|party| !party.is_empty())
            .map(str::to_owned)
            .collect();
        if issuer.is_empty() {
            return Err(TokenPolicyError::Issuer);
        }
        if parties.is_empty() {
            return Err(TokenPolicyError::Parties);
        }
        Ok(Self {
            issuer: issuer.to_owned(),
            authorized_parties: parties,
            nameless: MissingAzp::Reject,
        })
    }

    /// The same, with tokens that name no party treated so.
    #[must_use]
    pub fn with_missing_azp(self, nameless: MissingAzp) -> Self {
        Self { nameless, ..self }
    }

    /// Whether a token of this party counts where it was found.
    pub(super) fn check_azp(
        &self,
        azp: Option<&str>,
        carrier: TokenLocation,
    ) -> Result<(), TokenError> {
        match (azp, self.nameless, carrier) {
            (Some(azp), ..) if self.parties().any(|party| party == azp) => Ok(()),
            (Some(_), ..) => Err(TokenError::WrongAzp),
            (
                None,
                MissingAzp::AcceptInCookies,
                TokenLocation::Cookie | TokenLocation::SuffixedCookie,
            ) => Ok(()),
            (None, MissingAzp::AcceptInCookies, TokenLocation::AuthorizationHeader)
            | (None, MissingAzp::Reject, _) => Err(TokenError::MissingAzp),
        }
    }

    /// The issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The authorized parties, in the order of the configuration.
    pub fn parties(&self) -> impl Iterator<Item = &str> {
        self.authorized_parties.iter().map(String::as_str)
    }
}
