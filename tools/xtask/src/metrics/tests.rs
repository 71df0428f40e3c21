//! What the compiler cannot hold: that the description fits the table, and the files and the runbook
//! fit the description.

use std::collections::BTreeSet;
use std::fs;

use clap::Parser;
use shared::metrics::kind::{Kind, Metric};
use shared::metrics::table::METRICS;

use super::alert::{Alert, Input};
use super::links::{Links, anchor};
use super::promql::{Expr, Reading, Usage};
use super::{alerts, boards, check, generated};
use crate::place::Place;

#[derive(Parser)]
struct Defaults {
    #[command(flatten)]
    links: Links,
}

fn links(args: &[&str]) -> Links {
    Defaults::parse_from([&["metrics"], args].concat()).links
}

fn all_alerts() -> Vec<Alert> {
    alerts::all().into_iter().flat_map(|group| group.alerts).collect()
}

fn queries() -> Vec<(String, Expr)> {
    let mut found = Vec::new();
    for board in boards::all() {
        for panel in board.rows.into_iter().flat_map(|row| row.panels) {
            let name = format!("{}: {}", board.name, panel.title);
            found.extend(panel.queries.into_iter().map(|query| (name.clone(), query.expr)));
        }
    }
    found
}

#[test]
fn the_files_are_what_is_described() {
    let files = generated(&links(&[]));
    assert_eq!(files.len(), 7);
    check(&Place::find().unwrap().root, &files).unwrap();
}

#[test]
fn every_expression_fits_the_table() {
    let rules = all_alerts().into_iter().map(|alert| (alert.name.to_owned(), alert.expr));
    for (name, expr) in queries().into_iter().chain(rules) {
        for Usage { metric, reading, labels } in expr.usages() {
            let about = format!("{name}: {}", metric.name);
            match (metric.kind, reading) {
                (Kind::Gauge, Reading::Gauge)
                | (Kind::Counter, Reading::Counter)
                | (Kind::Histogram(_), Reading::Buckets | Reading::Count) => {}
                (Kind::Histogram(bounds), Reading::Bucket(le)) => {
                    let bound = le.parse::<u64>().unwrap() * metric.unit.counted_per_unit();
                    assert!(bounds.contains(&bound), "{about} has no bucket {le}");
                }
                (kind, reading) => panic!("{about} is a {kind:?}, read as a {reading:?}"),
            }
            for (label, values) in labels {
                let is_there = values.iter().all(|value| has(metric, label, value));
                assert!(is_there && !values.is_empty(), "{about} has no {label} of {values:?}");
            }
        }
    }
}

fn has(metric: &Metric, label: &str, value: &str) -> bool {
    let mut labels = metric.labels.iter().filter(|it| it.name == label);
    labels.any(|it| it.values.contains(&value))
}

#[test]
fn every_metric_is_on_a_dashboard() {
    let queries = queries();
    let usages = queries.iter().flat_map(|(_, expr)| expr.usages());
    let shown: BTreeSet<&str> = usages.map(|usage| usage.metric.name).collect();
    let all: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
    let left_out: Vec<_> = all.difference(&shown).collect();
    assert!(left_out.is_empty(), "add a panel for: {left_out:?}");
}

#[test]
fn every_panel_explains_itself() {
    let alerts: BTreeSet<&str> = all_alerts().iter().map(|alert| alert.name).collect();
    let mut titles = BTreeSet::new();
    for board in boards::all() {
        assert!(!board.description.is_empty(), "{}", board.name);
        for panel in board.rows.iter().flat_map(|row| &row.panels) {
            let name = format!("{}: {}", board.name, panel.title);
            assert!(panel.description.ends_with('.'), "{name}: describe it in sentences");
            assert!(!panel.queries.is_empty(), "{name} has no query");
            assert!(panel.page.starts_with('/'), "{name}: {}", panel.page);
            let alert = panel.alert.unwrap_or_default();
            assert!(alerts.contains(alert), "{name}: there is no alert {alert}");
            assert!(titles.insert(name.clone()), "{name} is there twice");
        }
    }
}

#[test]
fn every_alert_has_a_case_that_fires_and_one_that_is_quiet() {
    let mut names = BTreeSet::new();
    for alert in all_alerts() {
        let name = alert.name;
        assert!(names.insert(name), "{name} is there twice");
        assert!(boards::all().iter().any(|board| board.name == alert.board), "{name}");
        let fires = alert.cases.iter().filter(|case| !case.fires.is_empty()).count();
        assert!(0 < fires, "{name} has no case in which it fires");
        // The Watchdog is never quiet: that is its use.
        let is_always = name == "RolecallWatchdog";
        assert_eq!(fires < alert.cases.len(), !is_always, "{name} has no case that is quiet");
        for case in &alert.cases {
            for input in &case.inputs {
                assert_real(name, input);
            }
        }
    }
}

/// A case of series that a scrape never has proves nothing.
fn assert_real(alert: &str, input: &Input) {
    let Some(metric) = input.metric else { return };
    let is_histogram = matches!(metric.kind, Kind::Histogram(_));
    assert_eq!(is_histogram, !input.end.is_empty(), "{alert}: {}", metric.name);
    let mut names: BTreeSet<&str> = metric.labels.iter().map(|label| label.name).collect();
    for (label, value) in &input.labels {
        let is_le = *label == "le" && input.end == "_bucket";
        assert!(is_le || has(metric, label, value), "{alert}: {} {label}={value}", metric.name);
        assert!(is_le || names.remove(label), "{alert}: {} has {label} twice", metric.name);
    }
    assert!(names.is_empty(), "{alert}: {} lacks {names:?}", metric.name);
}

#[test]
fn every_alert_has_its_part_of_the_runbook() {
    let page = fs::read_to_string(Place::find().unwrap().root.join("docs/runbook.md")).unwrap();
    let headings = page.lines().filter_map(|line| line.strip_prefix("### "));
    let headings: Vec<&str> = headings.collect();
    let names: Vec<&str> = all_alerts().iter().map(|alert| alert.name).collect();
    let (mut sorted, mut wanted) = (headings.clone(), names.clone());
    sorted.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(sorted, wanted, "docs/runbook.md has one heading `### NAME` for each alert");
    for name in names {
        let (_, part) = page.split_once(&format!("### {name}\n")).unwrap();
        let part = part.split("\n#").next().unwrap();
        for begin in ["It means", "Users", "Look", "Do"] {
            let is_there = part.lines().any(|line| line.starts_with(&format!("- **{begin}")));
            assert!(is_there, "docs/runbook.md, {name}: it lacks `- **{begin}…`");
        }
    }
}

#[test]
fn links_lead_to_your_own_addresses() {
    let links = links(&[
        "--runbook=https://wiki.example.com/runbook",
        "--grafana=https://grafana.example.com/",
        "--console=https://roles.example.com",
    ]);
    let files = generated(&links);
    let text = |path: &str| &files.iter().find(|file| file.path == path).unwrap().text;
    let rules = text("alerts/rolecall.rules.yml");
    let url = format!("https://wiki.example.com/runbook#{}", anchor("RolecallSilence"));
    assert!(rules.contains(&format!("runbook_url: '{url}'")), "{rules}");
    assert!(rules.contains("dashboard: 'https://grafana.example.com/d/rolecall-pipeline'"));
    assert!(text("dashboards/overview.json").contains("\"https://roles.example.com\""));
    assert!(files.iter().all(|file| !file.text.contains("docs/runbook.md#")));
}
