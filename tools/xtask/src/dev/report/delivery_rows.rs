//! What became of the deliveries of a day, as the rows of `deliveries` say it.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use super::super::day::ExpectedOutcome;
use super::super::system::System;
use crate::clock::Stopwatch;

/// How long the rows of a delivery may take; the queue alone waits for a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often the database is asked meanwhile.
const PAUSE: Duration = Duration::from_millis(50);

/// The deliveries so far: what is awaited and what was found.
#[derive(Debug, Default)]
pub(super) struct DeliveryRows {
    /// How many copies of each `svix-id` must be counted, and what it is about.
    awaited: BTreeMap<String, (String, u64)>,
    /// The outcome and the copies of each row.
    rows: BTreeMap<String, (String, u64)>,
    /// Once rows failed to come, nothing is waited for again: the account is to end.
    gave_up: bool,
}

impl DeliveryRows {
    /// Notes that a delivery was made that should come to `outcome`.
    pub(super) fn expect(&mut self, subject: &str, svix_id: &str, outcome: ExpectedOutcome) {
        if outcome.row().is_some() {
            let awaited = self.awaited.entry(svix_id.to_owned());
            awaited.or_insert_with(|| (subject.to_owned(), 0)).1 += 1;
        }
    }

    /// Waits until every awaited row about `subject` is there, or every one at all.
    pub(super) fn settle(&mut self, system: &System, subject: Option<&str>) -> Result<()> {
        let watch = Stopwatch::start();
        while !self.gave_up && self.is_owed(subject) {
            self.read(system)?;
            if !self.is_owed(subject) {
                return Ok(());
            }
            self.gave_up = PATIENCE < watch.elapsed();
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// What the row of a delivery says; a further copy of one that has a row is a duplicate.
    pub(super) fn found(&self, svix_id: &str, outcome: ExpectedOutcome) -> Option<String> {
        let (found, copies) = self.rows.get(svix_id)?;
        if outcome == ExpectedOutcome::Duplicate && 1 < *copies {
            return Some("duplicate".to_owned());
        }
        Some(found.clone())
    }

    fn is_owed(&self, subject: Option<&str>) -> bool {
        self.awaited
            .iter()
            .filter(|(_, (about, _))| subject.is_none_or(|subject| subject == about))
            .any(|(id, (_, want))| self.rows.get(id).is_none_or(|(_, copies)| copies < want))
    }

    fn read(&mut self, system: &System) -> Result<()> {
        let rows = system.query("SELECT svix_id, outcome, copies FROM deliveries", &[])?;
        self.rows = rows
            .iter()
            .filter_map(|row| {
                let text = |name| row.get(name).and_then(Value::as_str).map(str::to_owned);
                let copies = row.get("copies").and_then(Value::as_u64)?;
                Some((text("svix_id")?, (text("outcome")?, copies)))
            })
            .collect();
        Ok(())
    }
}

/// Whether what was found is what should have come of a delivery.
pub(super) fn is_right(outcome: ExpectedOutcome, found: Option<&str>) -> bool {
    // A type that is not synced may be noted as such; it may not be anything else.
    found == outcome.row() || (outcome == ExpectedOutcome::Ignored && found == Some("ignored"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery_rows(rows: &[(&str, &str, u64)]) -> DeliveryRows {
        let mut delivery_rows = DeliveryRows::default();
        delivery_rows.expect("user_1", "msg_1", ExpectedOutcome::Applied);
        delivery_rows.expect("user_1", "msg_1", ExpectedOutcome::Duplicate);
        delivery_rows.expect("user_2", "msg_2", ExpectedOutcome::Refused);
        for (id, outcome, copies) in rows {
            delivery_rows.rows.insert((*id).to_owned(), ((*outcome).to_owned(), *copies));
        }
        delivery_rows
    }

    #[test]
    fn each_copy_is_awaited() {
        assert!(delivery_rows(&[]).is_owed(Some("user_1")));
        assert!(delivery_rows(&[("msg_1", "applied", 1)]).is_owed(None));
        assert!(!delivery_rows(&[("msg_1", "applied", 2)]).is_owed(None));
        assert!(!delivery_rows(&[]).is_owed(Some("user_2")));
    }

    #[test]
    fn a_duplicate_shows_in_the_count() {
        let found = |copies| {
            delivery_rows(&[("msg_1", "applied", copies)])
                .found("msg_1", ExpectedOutcome::Duplicate)
        };
        assert_eq!(found(2).as_deref(), Some("duplicate"));
        assert_eq!(found(1).as_deref(), Some("applied"));
    }

    #[test]
    fn what_is_refused_leaves_no_row() {
        assert!(is_right(ExpectedOutcome::Refused, None));
        assert!(!is_right(ExpectedOutcome::Refused, Some("applied")));
        assert!(is_right(ExpectedOutcome::Ignored, Some("ignored")));
        assert!(!is_right(ExpectedOutcome::Applied, None));
    }
}
