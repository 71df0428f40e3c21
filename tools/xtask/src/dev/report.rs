//! The report of the day: what was delivered and what came of it. Each line is checked.

mod delivery_rows;
mod me;
mod operators;

use std::time::Duration;

use anyhow::Result;
use console::style;
use serde_json::Value;

use self::delivery_rows::DeliveryRows;
use super::Addresses;
use super::clerk::LocalClerk;
use super::day::{ADA, EXPECTED_USERS, ExpectedOutcome, StepResult};
use super::http::HttpClient;
use super::system::System;
use crate::clock::Stopwatch;
use crate::show::{self, Step};

pub(super) use self::operators::ConsoleAccess;

/// The most time for a change of roles to reach the guard.
const GUARD_PATIENCE: Duration = Duration::from_secs(8);

/// The pause between requests to the guard meanwhile.
const GUARD_PAUSE: Duration = Duration::from_millis(10);

/// The number of checks that were right, and of those that were wrong.
#[derive(Debug, Default)]
pub(super) struct DayReport {
    right: u32,
    wrong: u32,
}

/// What the report is made from.
struct ReportContext<'a> {
    system: &'a System,
    clerk: &'a LocalClerk,
    client: HttpClient,
    app: String,
}

/// Plays the day and prints the report. With a console, dead letters are made for it.
///
/// # Errors
/// When the local Clerk or the database does not respond. A failed check is no error.
pub(super) fn play(
    system: &System,
    clerk: &LocalClerk,
    addresses: Addresses,
    console: Option<&ConsoleAccess>,
) -> Result<DayReport> {
    let scene = ReportContext { system, clerk, client: HttpClient::new(), app: addresses.app() };
    let mut report = DayReport::default();
    report.deliveries(&scene)?;
    report.dead_letters(&scene)?;
    report.roles(&scene)?;
    report.guard(&scene)?;
    report.revocation(&scene)?;
    if let Some(console) = console {
        report.operators(&scene, console)?;
    }
    Ok(report)
}

impl DayReport {
    /// Whether all checks were right.
    pub(super) fn is_right(&self) -> bool {
        self.wrong == 0 && 0 < self.right
    }

    /// The last line of the report.
    pub(super) fn summary(&self) -> String {
        let all = self.right + self.wrong;
        format!("\n{} of {all} answers were right.\n", self.right)
    }

    fn deliveries(&mut self, scene: &ReportContext<'_>) -> Result<()> {
        let day = scene.clerk.day()?;
        let step = Step::begin("play the day");
        let mut delivery_rows = DeliveryRows::default();
        let mut played = Vec::new();
        for (index, delivery) in day.iter().enumerate() {
            step.say(&delivery.title);
            // The outcomes of two deliveries about one subject differ only if they are not planned
            // as one batch.
            delivery_rows.wait(scene.system, Some(&delivery.subject))?;
            let answer = scene.clerk.play(index)?;
            delivery_rows.expect(&delivery.subject, &answer.svix_id, delivery.outcome);
            played.push(answer);
        }
        delivery_rows.wait(scene.system, None)?;
        step.done(&format!("{} deliveries", played.len()));

        heading("Deliveries: the status, the outcome, the event");
        for (delivery, answer) in day.iter().zip(&played) {
            let found = delivery_rows.outcome(&answer.svix_id, delivery.outcome);
            let right = answer.ok == Some(true)
                && delivery_rows::is_right(delivery.outcome, found.as_deref());
            let found = found.unwrap_or_else(|| none_of(delivery.outcome).to_owned());
            let line =
                format!("{} {found:<11} {:<31} {}", answer.answer(), delivery.kind, delivery.title);
            self.check(right, &line);
        }
        Ok(())
    }

    fn dead_letters(&mut self, scene: &ReportContext<'_>) -> Result<()> {
        heading("Dead letters: parked with their reason");
        let day = scene.clerk.day()?;
        let parked = day.iter().filter(|step| step.outcome == ExpectedOutcome::Parked).count();
        let sql = "SELECT type, subject, reason, attempts FROM dead_letters ORDER BY first_seen_at";
        let rows = scene.system.query(sql, &[])?;
        for row in &rows {
            let text = |name| row.get(name).and_then(Value::as_str).unwrap_or("-");
            let attempts = row.get("attempts").and_then(Value::as_u64).unwrap_or(0);
            let line = format!(
                "{} of {}: {} (attempt {attempts})",
                text("type"),
                text("subject"),
                text("reason")
            );
            self.check(!text("reason").is_empty() && text("reason") != "-", &line);
        }
        self.check(rows.len() == parked, &format!("{} parked, {parked} expected", rows.len()));
        Ok(())
    }

    fn roles(&mut self, scene: &ReportContext<'_>) -> Result<()> {
        heading("Roles in the role cache (GET /api/me)");
        for person in &EXPECTED_USERS {
            let token = scene.clerk.token(person.id)?;
            let answer = scene.client.data(&scene.at("/api/me"), Some(&token));
            let right = me::are_right(person, &answer);
            self.check(right, &format!("{:<11} {}", person.name, me::shown(&answer)));
        }
        Ok(())
    }

    fn guard(&mut self, scene: &ReportContext<'_>) -> Result<()> {
        heading("The guard (GET /admin needs the app role admin)");
        let answer = scene.client.page(&scene.at("/admin"), None);
        let location = answer.location.clone().unwrap_or_default();
        let right = answer.status == 302 && location.contains("/sign-in");
        self.check(right, &format!("signed out, a browser: {} to {location}", answer.status));
        let answer = scene.client.data(&scene.at("/admin"), None);
        self.check(answer.status == 401, &format!("signed out, a program: {}", answer.status));
        for person in &EXPECTED_USERS {
            let token = scene.clerk.token(person.id)?;
            let answer = scene.client.page(&scene.at("/admin"), Some(&token));
            let right = answer.status == person.admin_status;
            self.check(right, &format!("{}: {}", person.name, answer.status));
        }
        Ok(())
    }

    fn revocation(&mut self, scene: &ReportContext<'_>) -> Result<()> {
        heading("A revocation, while Ada reads /admin");
        let token = scene.clerk.token(ADA.id)?;
        self.change(scene, &token, "her role is revoked", 403, LocalClerk::revoke)?;
        self.change(scene, &token, "it is granted again", 200, LocalClerk::grant)
    }

    /// Delivers a change of Ada's role, then requests the page until the guard follows.
    fn change(
        &mut self,
        scene: &ReportContext<'_>,
        token: &str,
        what: &str,
        want: u16,
        deliver: impl FnOnce(&LocalClerk) -> Result<StepResult>,
    ) -> Result<()> {
        let before = scene.client.page(&scene.at("/admin"), Some(token)).status;
        let played = deliver(scene.clerk)?;
        let watch = Stopwatch::start();
        let mut after = before;
        while after != want && watch.elapsed() < GUARD_PATIENCE {
            std::thread::sleep(GUARD_PAUSE);
            after = scene.client.page(&scene.at("/admin"), Some(token)).status;
        }
        // A guard that gave this status before the change proves nothing by giving it again.
        let right = played.ok == Some(true) && before != want && after == want;
        let line = format!(
            "{what} ({}): /admin returned {before}, then {after} after {}",
            played.answer(),
            watch.shown()
        );
        self.check(right, &line);
        Ok(())
    }

    fn check(&mut self, right: bool, line: &str) {
        let mark = if right {
            self.right += 1;
            style("✓").green()
        } else {
            self.wrong += 1;
            style("✗").red()
        };
        show::line(format!("  {mark} {line}"));
    }
}

impl ReportContext<'_> {
    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.app)
    }
}

fn heading(text: &str) {
    show::line(format!("\n{}", style(text).bold()));
}

/// The text if there is no row.
fn none_of(outcome: ExpectedOutcome) -> &'static str {
    match outcome {
        ExpectedOutcome::Refused => "refused",
        ExpectedOutcome::Ignored => "not stored",
        ExpectedOutcome::Applied
        | ExpectedOutcome::Superseded
        | ExpectedOutcome::Duplicate
        | ExpectedOutcome::Parked => "NO ROW",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_report_is_not_right() {
        assert!(!DayReport::default().is_right());
        assert!(DayReport { right: 1, wrong: 0 }.is_right());
        assert!(!DayReport { right: 1, wrong: 1 }.is_right());
    }
}
