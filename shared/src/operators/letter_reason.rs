//! The reasons of dead letters, as in `dead_letters.reason`: a closed set, for labels of metrics.

/// What a reason counts as that this build does not know.
pub const OTHER: &str = "other";

/// Every reason, and [`OTHER`].
pub const ALL: [&str; 13] = [
    "not-text",
    "newer-envelope",
    "malformed",
    "not-json",
    "shape",
    "id",
    "no-subject",
    "time",
    "size",
    "refused-by-database",
    "retries-exhausted",
    "overloaded",
    OTHER,
];

/// The reason if this build knows it, otherwise [`OTHER`].
#[must_use]
pub fn known(reason: &str) -> &'static str {
    ALL.into_iter().find(|known| *known == reason).unwrap_or(OTHER)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{ALL, OTHER, known};
    use crate::d1_error::D1Error;
    use crate::envelope::EnvelopeError;
    use crate::event::UnreadableReason;
    use crate::inbox::OpenError;

    #[test]
    fn each_reason_of_the_code_is_in_the_set_and_no_other() {
        let text = String::new;
        let opened = [
            OpenError::NotText,
            OpenError::NewerVersion(EnvelopeError::Malformed(text())),
            OpenError::Malformed(EnvelopeError::Malformed(text())),
        ];
        let database =
            [D1Error::Rejected(text()), D1Error::Transient(text()), D1Error::Overloaded(text())];
        let payload = ALL.into_iter().filter_map(UnreadableReason::from_name);
        let payload: Vec<_> = payload.map(UnreadableReason::as_str).collect();
        assert_eq!(payload, ["not-json", "shape", "id", "no-subject", "time", "size"]);
        let of_code = opened.iter().map(OpenError::reason);
        let of_code = of_code.chain(database.iter().map(D1Error::reason)).chain(payload);
        let of_code: BTreeSet<&str> = of_code.chain([OTHER]).collect();
        assert_eq!(of_code, BTreeSet::from(ALL));
        assert_eq!((known("malformed"), known("x")), ("malformed", OTHER));
    }
}
