//! Why a request to the console is refused: the answer, and what the audit trail takes.

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Neither Access nor a token is set up.
    NotConfigured,
    /// There is no credential.
    SignedOut,
    /// The token or the cookie is not, or no longer, valid.
    InvalidToken,
    /// The assertion is not valid.
    InvalidAssertion,
    /// The assertion is that of a program.
    ServiceToken,
    /// The keys of Access cannot be fetched.
    KeysUnavailable,
    /// The caller may look, but not change anything.
    MayNotChange,
    /// A change that another site may have caused.
    CrossSite,
    /// A form without the token of its page.
    FormToken,
}

impl Refusal {
    /// Every refusal.
    pub const ALL: [Self; 9] = [
        Self::NotConfigured,
        Self::SignedOut,
        Self::InvalidToken,
        Self::InvalidAssertion,
        Self::ServiceToken,
        Self::KeysUnavailable,
        Self::MayNotChange,
        Self::CrossSite,
        Self::FormToken,
    ];

    /// The status of the answer.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::NotConfigured | Self::KeysUnavailable => 503,
            Self::SignedOut | Self::InvalidToken | Self::InvalidAssertion => 401,
            Self::ServiceToken | Self::MayNotChange | Self::CrossSite | Self::FormToken => 403,
        }
    }

    /// The code for programs, and in the audit trail.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotConfigured => "not-configured",
            Self::SignedOut => "signed-out",
            Self::InvalidToken => "invalid-token",
            Self::InvalidAssertion => "invalid-assertion",
            Self::ServiceToken => "service-token",
            Self::KeysUnavailable => "keys-unavailable",
            Self::MayNotChange => "may-not-change",
            Self::CrossSite => "cross-site",
            Self::FormToken => "form-token",
        }
    }

    /// What is wrong, for people.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::NotConfigured => "Nobody can sign in: neither Access nor a token is set up.",
            Self::SignedOut => "You are not signed in.",
            Self::InvalidToken => "The token, or the sign-in with it, is not valid.",
            Self::InvalidAssertion => "The assertion of Cloudflare Access is not valid.",
            Self::ServiceToken => "The service token of Cloudflare Access names no person.",
            Self::KeysUnavailable => "The public keys of Cloudflare Access cannot be fetched.",
            Self::MayNotChange => "You may look, but not change anything.",
            Self::CrossSite => "The request may come from another site.",
            Self::FormToken => "The form is not of a page that you have open.",
        }
    }

    /// What to do next.
    #[must_use]
    pub const fn next(self) -> &'static str {
        match self {
            Self::NotConfigured => {
                "Set ACCESS_TEAM_DOMAIN and ACCESS_AUD, or the secret OPERATOR_TOKEN, for the \
                 Worker console; see docs/deploy.md."
            }
            Self::SignedOut => {
                "Send `Authorization: Bearer` with a token of OPERATOR_TOKEN, open /sign-in, or \
                 come through Cloudflare Access."
            }
            Self::InvalidToken => "Use a token that is in OPERATOR_TOKEN now, or sign in again.",
            Self::InvalidAssertion => {
                "Sign in to Access again; if that does not help, compare ACCESS_TEAM_DOMAIN and \
                 ACCESS_AUD with the application in Zero Trust."
            }
            Self::ServiceToken => "Use a token of OPERATOR_TOKEN for programs.",
            Self::KeysUnavailable => {
                "Try again in some seconds; if that does not help, check ACCESS_TEAM_DOMAIN."
            }
            Self::MayNotChange => "Ask for your e-mail address to be added to OPERATORS.",
            Self::CrossSite => {
                "Open the console itself and do it there. A program sends its token in \
                 `Authorization` and no `Origin` of another site."
            }
            Self::FormToken => "Load the page again, and send its form.",
        }
    }

    /// Whether the audit trail takes it: an invalid credential, or a change that is refused. A
    /// caller without any credential has attempted nothing.
    #[must_use]
    pub const fn is_audited(self) -> bool {
        !matches!(self, Self::NotConfigured | Self::SignedOut | Self::KeysUnavailable)
    }
}
