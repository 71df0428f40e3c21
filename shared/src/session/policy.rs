//! Which tokens are ours.

/// Whose tokens are ours.
#[derive(Clone, Debug)]
pub struct Policy {
    issuer: String,
    parties: Vec<String>,
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
        Ok(Self { issuer: issuer.to_owned(), parties })
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
