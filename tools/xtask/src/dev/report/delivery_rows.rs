//! The outcomes of the day's deliveries, from the rows of `deliveries`.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use super::super::day::ExpectedOutcome;
use super::super::system::System;
use crate::clock::Stopwatch;

/// The most time for the row of a delivery. The queue alone waits for a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// The pause between queries meanwhile.
const PAUSE: Duration = Duration::from_millis(50);

/// The rows of the deliveries so far: those that are expected, and those that were found.
#[derive(Debug, Default)]
pub(super) struct DeliveryRows {
    /// The subject of each `svix-id`, and the number of copies that its row must count.
    awaited: BTreeMap<String, (String, u64)>,
    /// The outcome and the number of copies in each row.
    rows: BTreeMap<String, (String, u64)>,
    /// Once rows were missing too long, nothing is waited for again, so that the report ends.
    gave_up: bool,
}

impl DeliveryRows {
    /// Notes a delivery and its expected outcome.
    pub(super) fn expect(&mut self, subject: &str, svix_id: &str, outcome: ExpectedOutcome) {
        if outcome.row().is_some() {
            let awaited = self.awaited.entry(svix_id.to_owned());
            awaited.or_insert_with(|| (subject.to_owned(), 0)).1 += 1;
        }
    }

    /// Waits until every expected row about `subject` is there, or every one if none is given.
    pub(super) fn wait(&mut self, system: &System, subject: Option<&str>) -> Result<()> {
        let watch = Stopwatch::start();
        while !self.gave_up && self.is_missing(subject) {
            self.refresh(system)?;
            if !self.is_missing(subject) {
                return Ok(());
            }
            self.gave_up = PATIENCE < watch.elapsed();
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// The outcome in the row of a delivery. A further copy of a delivery is a duplicate.
    pub(super) fn outcome(&self, svix_id: &str, outcome: ExpectedOutcome) -> Option<String> {
        let (found, copies) = self.rows.get(svix_id)?;
        if outcome == ExpectedOutcome::Duplicate && 1 < *copies {
            return Some("duplicate".to_owned());
        }
        Some(found.clone())
    }

    fn is_missing(&self, subject: Option<&str>) -> bool {
        self.awaited
            .iter()
            .filter(|(_, (about, _))| subject.is_none_or(|subject| subject == about))
            .any(|(id, (_, want))| self.rows.get(id).is_none_or(|(_, copies)| copies < want))
    }

    fn refresh(&mut self, system: &System) -> Result<()> {
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

/// Whether the outcome of a delivery is the expected one.
pub(super) fn is_right(outcome: ExpectedOutcome, found: Option<&str>) -> bool {
    // A type that is not synced may have a row that says so, but no other row.
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
    fn every_copy_is_waited_for() {
        assert!(delivery_rows(&[]).is_missing(Some("user_1")));
        assert!(delivery_rows(&[("msg_1", "applied", 1)]).is_missing(None));
        assert!(!delivery_rows(&[("msg_1", "applied", 2)]).is_missing(None));
        assert!(!delivery_rows(&[]).is_missing(Some("user_2")));
    }

    #[test]
    fn a_duplicate_is_seen_by_the_number_of_copies() {
        let found = |copies| {
            delivery_rows(&[("msg_1", "applied", copies)])
                .outcome("msg_1", ExpectedOutcome::Duplicate)
        };
        assert_eq!(found(2).as_deref(), Some("duplicate"));
        assert_eq!(found(1).as_deref(), Some("applied"));
    }

    #[test]
    fn a_refused_delivery_has_no_row() {
        assert!(is_right(ExpectedOutcome::Refused, None));
        assert!(!is_right(ExpectedOutcome::Refused, Some("applied")));
        assert!(is_right(ExpectedOutcome::Ignored, Some("ignored")));
        assert!(!is_right(ExpectedOutcome::Applied, None));
    }
}
