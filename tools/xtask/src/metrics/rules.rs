//! Alert rules and their tests as YAML, in the form that Prometheus and promtool read.

use std::fmt::Write as _;
use std::ops::Range;

use super::MARK;
use super::alert::{Alert, Case, Firing, Input, TEST_JOB};
use super::alerts::Group;
use super::links::Links;

/// The file of rules, as the tests name it.
pub(crate) const RULES: &str = "rolecall.rules.yml";

/// A file of tests.
#[derive(Debug)]
pub(crate) struct TestFile {
    pub(crate) name: &'static str,
    /// How often its rules are evaluated, in minutes.
    step: u32,
    /// The times of its cases, in minutes.
    times: Range<u32>,
}

/// The files of tests. Days take long when rules are evaluated each minute.
pub(crate) const TESTS: [TestFile; 2] = [
    TestFile { name: "rolecall.tests.yml", step: 1, times: 0..DAY },
    TestFile { name: "rolecall-days.tests.yml", step: 15, times: DAY..u32::MAX },
];

const DAY: u32 = 24 * 60;

/// The rules. A `String` takes any text, so no write of this file can fail.
pub(crate) fn rules(groups: &[Group], links: &Links) -> String {
    let mut text = format!("# Alert rules for Prometheus. {MARK}\ngroups:\n");
    for group in groups {
        let _ = write!(text, "  - name: {}\n    rules:\n", group.name);
        for alert in &group.alerts {
            write_rule(&mut text, alert, links);
        }
    }
    text
}

fn write_rule(text: &mut String, alert: &Alert, links: &Links) {
    let _ = writeln!(text, "      - alert: {}\n        expr: |-", alert.name);
    for line in alert.expr.in_rule().lines() {
        let _ = writeln!(text, "          {line}");
    }
    if alert.minutes != 0 {
        let _ = writeln!(text, "        for: {}m", alert.minutes);
    }
    let _ = writeln!(text, "        labels:\n          severity: {}", alert.severity.name());
    let _ = writeln!(text, "        annotations:");
    let label = |name: &str| format!("{{{{ $labels.{name} }}}}");
    for (name, value) in annotations(alert, links, alert.value.template(), label) {
        let _ = writeln!(text, "          {name}: {}", quoted(&value));
    }
}

/// The annotations, with the value and the labels put in.
fn annotations(
    alert: &Alert,
    links: &Links,
    value: &str,
    label: impl Fn(&str) -> String,
) -> [(&'static str, String); 4] {
    let fill = |text: &str| {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, (name, after))) =
            rest.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
        {
            filled.push_str(before);
            filled.push_str(&if name == "value" { value.to_owned() } else { label(name) });
            rest = after;
        }
        filled + rest
    };
    [
        ("summary", fill(alert.summary)),
        ("description", fill(alert.description)),
        ("runbook_url", links.runbook_of(alert.name)),
        ("dashboard", links.dashboard(alert.board)),
    ]
}

/// The tests of the rules: a group for each case of each alert.
pub(crate) fn tests(file: &TestFile, groups: &[Group], links: &Links) -> String {
    let mut text = format!(
        "# Tests of the alert rules, for `promtool test rules`. {MARK}\n\
         rule_files:\n  - {RULES}\nevaluation_interval: {}m\ntests:\n",
        file.step
    );
    for alert in groups.iter().flat_map(|group| &group.alerts) {
        for case in alert.cases.iter().filter(|case| file.times.contains(&case.at)) {
            write_case(&mut text, alert, case, links);
        }
    }
    text
}

fn write_case(text: &mut String, alert: &Alert, case: &Case, links: &Links) {
    let verdict = if case.fires.is_empty() { "quiet" } else { "fires" };
    let name = format!("{} {verdict}: {}", alert.name, case.about);
    let _ = writeln!(text, "  - name: {}\n    interval: {}m", quoted(&name), case.step);
    let _ = write!(text, "    input_series:");
    if case.inputs.is_empty() {
        text.push_str(" []");
    }
    text.push('\n');
    for input in &case.inputs {
        let _ = writeln!(text, "      - series: {}", quoted(&series(input)));
        let _ = writeln!(text, "        values: {}", quoted(input.values));
    }
    let _ = writeln!(text, "    alert_rule_test:\n      - eval_time: {}m", case.at);
    let _ = write!(text, "        alertname: {}\n        exp_alerts:", alert.name);
    text.push_str(if case.fires.is_empty() { " []\n" } else { "\n" });
    for firing in &case.fires {
        write_firing(text, alert, firing, links);
    }
}

fn write_firing(text: &mut String, alert: &Alert, firing: &Firing, links: &Links) {
    let severity = ("severity", alert.severity.name());
    let _ = writeln!(text, "          - exp_labels:");
    for (name, value) in firing.labels.iter().chain([&severity]) {
        let _ = writeln!(text, "              {name}: {}", quoted(value));
    }
    let _ = writeln!(text, "            exp_annotations:");
    let label = |name: &str| {
        let found = firing.labels.iter().find(|(label, _)| *label == name);
        found.map(|(_, value)| (*value).to_owned()).unwrap_or_default()
    };
    for (name, value) in annotations(alert, links, firing.value, label) {
        let _ = writeln!(text, "              {name}: {}", quoted(&value));
    }
}

/// A series of a case, with the labels that a scrape gives it.
pub(crate) fn series(input: &Input) -> String {
    let name = input.metric.map_or("up", |metric| metric.name);
    let mut labels = vec![format!("job=\"{TEST_JOB}\"")];
    labels.extend(input.labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")));
    format!("{name}{}{{{}}}", input.end, labels.join(","))
}

/// A string of YAML. In single quotes only the quote itself is special.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
