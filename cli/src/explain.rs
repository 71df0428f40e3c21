//! `rolecall explain`: what Rolecall knows of an id, and why.

use clap::Args;
use serde_json::Value;
use shared::operators::api::explain::{
    CacheReport, DeliveryRow, DeliveryStory, EntityStory, Explanation, MembershipReason, RoleReason,
};
use shared::time::UnixMillis;

use crate::app::App;
use crate::failure::Failure;
use crate::letters::summaries;
use crate::screen::Screen;
use crate::sheet::{Look, Sheet, plain};
use crate::text::{span, time};

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A svix-id, or the id of a user, an organization, a membership, a role or a permission.
    id: String,
}

/// `explain`.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn run(app: &App, args: &ExplainArgs) -> Result<(), Failure> {
    let explanation: Explanation = app.client()?.get(&["explain", &args.id], &[])?;
    let screen = &app.screen;
    if screen.json {
        return screen.print_json(&explanation);
    }
    if let Some(story) = &explanation.delivery {
        delivery(screen, &explanation.id, story)?;
    }
    if let Some(story) = &explanation.entity {
        entity(screen, &explanation.id, story)?;
    }
    Ok(())
}

fn delivery(screen: &Screen, id: &str, story: &DeliveryStory) -> Result<(), Failure> {
    screen.say(format!("Delivery {id}"))?;
    for line in &story.story {
        screen.say(format!("  {}  {}", time(line.at), line.text))?;
    }
    match &story.row {
        None => screen.say("  It was never committed.")?,
        Some(row) => deliveries(screen, std::slice::from_ref(row))?,
    }
    letters(screen, &story.letters)
}

fn letters(
    screen: &Screen,
    letters: &[shared::operators::api::letters::LetterSummary],
) -> Result<(), Failure> {
    if letters.is_empty() {
        return Ok(());
    }
    screen.say("\nDead letters:")?;
    summaries(screen, letters)
}

fn deliveries(screen: &Screen, rows: &[DeliveryRow]) -> Result<(), Failure> {
    screen.say("\nDeliveries:")?;
    let header = ["SVIX ID", "TYPE", "OUTCOME", "RECEIVED", "COMMITTED", "BATCH", "COPIES", "NOTE"];
    let mut sheet = Sheet::new(&header);
    for it in rows {
        let (received, committed) = (time(it.received_at), time(it.applied_at));
        let copies = it.copies.to_string();
        let note = if it.id_reused { "two bodies under one id" } else { &it.note };
        let (id, kind) = (&*it.svix_id, &*it.event_type);
        sheet.row([id, kind, &it.outcome, &received, &committed, &it.batch, &copies, note]);
    }
    screen.show(&sheet)
}

fn entity(screen: &Screen, id: &str, story: &EntityStory) -> Result<(), Failure> {
    screen.say(format!("{} {id}", story.kind))?;
    match &story.row {
        None => screen.say("  It was never heard of.")?,
        Some(Value::Object(row)) => {
            for (name, value) in row {
                screen.say(format!("  {name}: {}", shown(name, value)))?;
            }
        }
        Some(other) => screen.say(format!("  {other}"))?,
    }
    if !story.summary.is_empty() {
        screen.say(format!("\n{}", story.summary))?;
    }
    roles(screen, &story.roles)?;
    organizations(screen, &story.organizations)?;
    if story.more {
        screen.note("There are more memberships than these.");
    }
    if let Some(report) = &story.cache {
        cache(screen, report)?;
    }
    if !story.deliveries.is_empty() {
        deliveries(screen, &story.deliveries)?;
    }
    letters(screen, &story.letters)
}

/// A column of a row: times as people read them, and as they are compared.
fn shown(name: &str, value: &Value) -> String {
    let at = value.as_i64().filter(|_| name.ends_with("_at")).map(UnixMillis);
    match (at, value.as_str()) {
        (Some(at), _) => format!("{} ({})", time(at), at.0),
        (None, Some(text)) => text.to_owned(),
        (None, None) => value.to_string(),
    }
}

fn counts(counts: bool) -> (&'static str, Look) {
    if counts { ("yes", Look::Good) } else { ("no", Look::Odd) }
}

/// Shows each app role of a user, and why it counts or does not.
///
/// # Errors
/// When the output fails.
pub(crate) fn roles(screen: &Screen, roles: &[RoleReason]) -> Result<(), Failure> {
    if roles.is_empty() {
        return Ok(());
    }
    screen.say("\nApp roles:")?;
    let mut sheet = Sheet::new(&["ROLE", "COUNTS", "BECAUSE"]);
    for it in roles {
        let because = it.because.join(" ");
        sheet.looks([(&it.role, Look::Plain), counts(it.counts), (&because, Look::Plain)]);
    }
    screen.show(&sheet)
}

/// Shows each membership of a user, and why it counts or does not.
///
/// # Errors
/// When the output fails.
pub(crate) fn organizations(screen: &Screen, all: &[MembershipReason]) -> Result<(), Failure> {
    if all.is_empty() {
        return Ok(());
    }
    screen.say("\nOrganizations:")?;
    let mut sheet = Sheet::new(&["ORGANIZATION", "ROLE", "COUNTS", "PERMISSIONS", "BECAUSE"]);
    for it in all {
        let (permissions, because) = (it.permissions.join(" "), it.because.join(" "));
        let (org, role) = (plain(&it.org_id), plain(&it.role));
        sheet.looks([org, role, counts(it.counts), plain(&permissions), plain(&because)]);
    }
    screen.show(&sheet)
}

fn cache(screen: &Screen, report: &CacheReport) -> Result<(), Failure> {
    screen.say(format!("\nRole cache: {}", report.summary))?;
    let version =
        |version: Option<i64>| version.map_or_else(|| "–".to_owned(), |it| it.to_string());
    let (in_d1, acked) = (version(report.version), version(report.acked));
    let cached = version(report.cached_version);
    screen.say(format!("  version in D1: {in_d1}, acknowledged: {acked}, cached: {cached}"))?;
    let hint = if report.hint_pending { "a hint is pending" } else { "no hint is pending" };
    match report.cached_age_ms {
        Some(age) => screen.say(format!("  read {} ago, {hint}", span(age))),
        None => screen.say(format!("  {hint}")),
    }
}
