//! The names of the three headers, for the headers and for the errors about them.

use std::fmt;

/// Which of the three headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SvixHeaderName {
    /// `svix-id` or `webhook-id`.
    Id,
    /// `svix-timestamp` or `webhook-timestamp`.
    Timestamp,
    /// `svix-signature` or `webhook-signature`.
    Signature,
}

impl fmt::Display for SvixHeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Id => "id",
            Self::Timestamp => "timestamp",
            Self::Signature => "signature",
        })
    }
}
