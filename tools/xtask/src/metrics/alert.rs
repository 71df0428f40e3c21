//! What an alert is made of.

use shared::metrics::kind::Metric;

use super::promql::Expr;

/// The job of all series in cases.
pub(crate) const TEST_JOB: &str = "rolecall";

/// An alert rule, with the cases that prove it.
#[derive(Debug)]
pub(crate) struct Alert {
    pub(crate) name: &'static str,
    pub(crate) severity: Severity,
    pub(crate) expr: Expr,
    /// How long it must hold before it fires, in minutes.
    pub(crate) minutes: u32,
    /// One line for people. `{value}` is the value, `{stage}` and the like are labels.
    pub(crate) summary: &'static str,
    pub(crate) description: &'static str,
    /// How the value is written.
    pub(crate) value: Value,
    /// The dashboard to look at.
    pub(crate) board: &'static str,
    pub(crate) cases: Vec<Case>,
}

/// What it asks of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    /// Somebody must act now.
    Page,
    /// Somebody must act on a working day.
    Ticket,
    /// Nobody must act.
    Info,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    Number,
    Share,
    Seconds,
}

impl Severity {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
            Self::Info => "info",
        }
    }
}

impl Value {
    /// Prometheus's template for it.
    pub(crate) fn template(self) -> &'static str {
        match self {
            Self::Number => "{{ $value | humanize }}",
            Self::Share => "{{ $value | humanizePercentage }}",
            Self::Seconds => "{{ $value | humanizeDuration }}",
        }
    }
}

/// Series over time, and whether the alert fires.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) about: &'static str,
    /// Minutes between two values.
    pub(crate) step: u32,
    pub(crate) inputs: Vec<Input>,
    /// When it is looked at, in minutes from the first values.
    pub(crate) at: u32,
    pub(crate) fires: Vec<Firing>,
}

/// One series of a case.
#[derive(Debug)]
pub(crate) struct Input {
    /// Nothing for Prometheus's own `up`.
    pub(crate) metric: Option<&'static Metric>,
    /// `_bucket` and the like.
    pub(crate) end: &'static str,
    pub(crate) labels: Vec<(&'static str, &'static str)>,
    /// In promtool's notation: `0+2x60` begins at 0 and grows 60 times by 2.
    pub(crate) values: &'static str,
}

/// An alert that fires: its labels, and the value as it is written.
#[derive(Debug)]
pub(crate) struct Firing {
    pub(crate) labels: Vec<(&'static str, &'static str)>,
    pub(crate) value: &'static str,
}

/// A case without series yet.
pub(crate) fn case(about: &'static str, step: u32, at: u32) -> Case {
    Case { about, step, inputs: Vec::new(), at, fires: Vec::new() }
}

impl Case {
    /// Adds a series.
    pub(crate) fn input(
        self,
        metric: &'static Metric,
        labels: &[(&'static str, &'static str)],
        values: &'static str,
    ) -> Self {
        self.part(metric, "", labels, values)
    }

    /// Adds a series of a histogram.
    pub(crate) fn part(
        mut self,
        metric: &'static Metric,
        end: &'static str,
        labels: &[(&'static str, &'static str)],
        values: &'static str,
    ) -> Self {
        self.inputs.push(Input { metric: Some(metric), end, labels: labels.to_vec(), values });
        self
    }

    /// Adds what Prometheus says of its scrapes.
    pub(crate) fn up(mut self, values: &'static str) -> Self {
        self.inputs.push(Input { metric: None, end: "", labels: Vec::new(), values });
        self
    }

    /// It fires, with this value.
    pub(crate) fn fires(self, value: &'static str) -> Self {
        self.fires_with(&[], value)
    }

    /// It fires, with these labels beside the job's and this value.
    pub(crate) fn fires_with(
        mut self,
        labels: &[(&'static str, &'static str)],
        value: &'static str,
    ) -> Self {
        let labels = [("job", TEST_JOB)].into_iter().chain(labels.iter().copied()).collect();
        self.fires.push(Firing { labels, value });
        self
    }

    /// It fires, and is of no job.
    pub(crate) fn fires_alone(mut self, value: &'static str) -> Self {
        self.fires.push(Firing { labels: Vec::new(), value });
        self
    }
}
