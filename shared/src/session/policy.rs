//! Which tokens are accepted.

use super::TokenError;
use super::candidate::TokenLocation;

/// Which tokens are accepted.
#[derive(Clone, Debug)]
pub struct TokenPolicy {
    issuer: String,
    authorized_parties: Vec<String>,
    missing_azp: MissingAzp,
}

/// How to treat tokens without an authorized party (`azp`).
///
/// Clerk's frontend issues some during top-level navigation
/// (<https://github.com/clerk/javascript/issues/8231>). Accepting them is a risk: a site on a
/// sibling domain of the same instance could pass its own user's token on as our cookie, and
/// without `azp` this is not detected. So they are never accepted in `Authorization`, and in
/// cookies only if the deployment enables it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingAzp {
    /// Reject them.
    #[default]
    Reject,
    /// Accept them in cookies if the issuer is ours.
    AcceptInCookies,
}

/// Why no policy can be made: the deployment is not configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenPolicyError {
    /// No issuer.
    #[error("issuer is not configured")]
    Issuer,
    /// No authorized party. Accepting any would accept tokens of the instance's other sites.
    #[error("AUTHORIZED_PARTIES is empty")]
    Parties,
}

impl TokenPolicy {
    /// Accepts tokens of `issuer` for one of the origins in `parties`.
    ///
    /// # Errors
    /// [`TokenPolicyError`] if either is missing: then no token can be accepted.
    pub fn new<'a>(
        issuer: &str,
        parties: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, TokenPolicyError> {
        let parties: Vec<String> = parties
            .into_iter()
            .map(str::trim)
            // An origin has no trailing slash, but one that is copied from a browser does.
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
            missing_azp: MissingAzp::Reject,
        })
    }

    /// Sets how to treat tokens without `azp`.
    #[must_use]
    pub fn with_missing_azp(self, missing_azp: MissingAzp) -> Self {
        Self { missing_azp, ..self }
    }

    /// Checks a token's `azp`, with its location.
    pub(super) fn check_azp(
        &self,
        azp: Option<&str>,
        location: TokenLocation,
    ) -> Result<(), TokenError> {
        match (azp, self.missing_azp, location) {
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
