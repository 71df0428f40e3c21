//! Deliveries to test an endpoint with: those of the tests.

use crate::failure::Failure;

/// The text of a file of the tests.
macro_rules! fixture {
    ($path:literal) => {
        include_str!(concat!("../../../tests/fixtures/clerk-events/", $path))
    };
}

/// Each with its name, sorted.
const FIXTURES: [(&str, &str); 54] = [
    ("email.created", fixture!("openapi-2025-04-15/email.created.json")),
    ("organization.created", fixture!("openapi-2025-04-15/organization.created.json")),
    ("organization.deleted", fixture!("openapi-2025-04-15/organization.deleted.json")),
    ("organization.updated", fixture!("openapi-2025-04-15/organization.updated.json")),
    ("organizationDomain.created", fixture!("openapi-2025-04-15/organizationDomain.created.json")),
    ("organizationDomain.deleted", fixture!("openapi-2025-04-15/organizationDomain.deleted.json")),
    ("organizationDomain.updated", fixture!("openapi-2025-04-15/organizationDomain.updated.json")),
    (
        "organizationInvitation.accepted",
        fixture!("openapi-2025-04-15/organizationInvitation.accepted.json"),
    ),
    (
        "organizationInvitation.created",
        fixture!("openapi-2025-04-15/organizationInvitation.created.json"),
    ),
    (
        "organizationInvitation.revoked",
        fixture!("openapi-2025-04-15/organizationInvitation.revoked.json"),
    ),
    (
        "organizationMembership.created",
        fixture!("openapi-2025-04-15/organizationMembership.created.json"),
    ),
    (
        "organizationMembership.deleted",
        fixture!("openapi-2025-04-15/organizationMembership.deleted.json"),
    ),
    (
        "organizationMembership.updated",
        fixture!("openapi-2025-04-15/organizationMembership.updated.json"),
    ),
    ("paymentAttempt.created", fixture!("openapi-2025-04-15/paymentAttempt.created.json")),
    ("paymentAttempt.updated", fixture!("openapi-2025-04-15/paymentAttempt.updated.json")),
    ("permission.created", fixture!("openapi-2025-04-15/permission.created.json")),
    ("permission.deleted", fixture!("openapi-2025-04-15/permission.deleted.json")),
    ("permission.updated", fixture!("openapi-2025-04-15/permission.updated.json")),
    ("role.created", fixture!("openapi-2025-04-15/role.created.json")),
    ("role.deleted", fixture!("openapi-2025-04-15/role.deleted.json")),
    ("role.updated", fixture!("openapi-2025-04-15/role.updated.json")),
    ("session.created", fixture!("openapi-2025-04-15/session.created.json")),
    ("session.ended", fixture!("openapi-2025-04-15/session.ended.json")),
    ("session.pending", fixture!("openapi-2025-04-15/session.pending.json")),
    ("session.removed", fixture!("openapi-2025-04-15/session.removed.json")),
    ("session.revoked", fixture!("openapi-2025-04-15/session.revoked.json")),
    ("sms.created", fixture!("openapi-2025-04-15/sms.created.json")),
    ("subscription.active", fixture!("openapi-2025-04-15/subscription.active.json")),
    ("subscription.created", fixture!("openapi-2025-04-15/subscription.created.json")),
    ("subscription.pastDue", fixture!("openapi-2025-04-15/subscription.pastDue.json")),
    ("subscription.updated", fixture!("openapi-2025-04-15/subscription.updated.json")),
    ("subscriptionItem.abandoned", fixture!("openapi-2025-04-15/subscriptionItem.abandoned.json")),
    ("subscriptionItem.active", fixture!("openapi-2025-04-15/subscriptionItem.active.json")),
    ("subscriptionItem.canceled", fixture!("openapi-2025-04-15/subscriptionItem.canceled.json")),
    ("subscriptionItem.ended", fixture!("openapi-2025-04-15/subscriptionItem.ended.json")),
    (
        "subscriptionItem.freeTrialEnding",
        fixture!("openapi-2025-04-15/subscriptionItem.freeTrialEnding.json"),
    ),
    (
        "subscriptionItem.incomplete",
        fixture!("openapi-2025-04-15/subscriptionItem.incomplete.json"),
    ),
    ("subscriptionItem.pastDue", fixture!("openapi-2025-04-15/subscriptionItem.pastDue.json")),
    ("subscriptionItem.upcoming", fixture!("openapi-2025-04-15/subscriptionItem.upcoming.json")),
    ("subscriptionItem.updated", fixture!("openapi-2025-04-15/subscriptionItem.updated.json")),
    ("unknown.future-event", fixture!("derived/unknown.future-event.json")),
    ("user.created", fixture!("openapi-2025-04-15/user.created.json")),
    ("user.created.captured", fixture!("captured/user.created.2025-04.anonymised.json")),
    ("user.created.docs", fixture!("docs/user.created.json")),
    ("user.created.minimal-envelope", fixture!("derived/user.created.minimal-envelope.json")),
    ("user.created.no-email", fixture!("derived/user.created.no-email.json")),
    ("user.created.seconds-timestamp", fixture!("derived/user.created.seconds-timestamp.json")),
    ("user.deleted", fixture!("openapi-2025-04-15/user.deleted.json")),
    ("user.deleted.no-id", fixture!("derived/user.deleted.no-id.json")),
    ("user.updated", fixture!("openapi-2025-04-15/user.updated.json")),
    ("user.updated.banned", fixture!("derived/user.updated.banned.json")),
    ("user.updated.primary-not-first", fixture!("derived/user.updated.primary-not-first.json")),
    ("waitlistEntry.created", fixture!("openapi-2025-04-15/waitlistEntry.created.json")),
    ("waitlistEntry.updated", fixture!("openapi-2025-04-15/waitlistEntry.updated.json")),
];

/// The names.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    FIXTURES.into_iter().map(|(name, _)| name)
}

/// The text of one.
///
/// # Errors
/// When there is none of this name.
pub(crate) fn find(name: &str) -> Result<&'static str, Failure> {
    let found = FIXTURES.into_iter().find(|(known, _)| *known == name);
    found.map(|(_, text)| text).ok_or_else(|| {
        let next = "List the names: rolecall send fixture";
        Failure::usage(format!("there is no fixture `{name}`"), next)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::{FIXTURES, names};

    #[test]
    fn each_event_of_the_tests_is_there_once() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/clerk-events");
        let folders = fs::read_dir(root).unwrap().map(|folder| folder.unwrap().path());
        let files = folders
            .filter(|path| path.is_dir())
            .flat_map(|folder| fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()));
        let is_event = |path: &PathBuf| {
            let is_schema = path.file_name().is_some_and(|name| name == "_schemas.json");
            path.extension().is_some_and(|end| end == "json") && !is_schema
        };
        let events: BTreeSet<String> =
            files.filter(is_event).map(|path| fs::read_to_string(path).unwrap()).collect();
        let embedded: BTreeSet<String> =
            FIXTURES.into_iter().map(|(_, text)| text.to_owned()).collect();
        assert_eq!(embedded, events);
        assert_eq!(names().collect::<BTreeSet<_>>().len(), FIXTURES.len());
        assert!(FIXTURES.is_sorted());
    }
}
