//! The series of one metric, as operands of an expression.

use shared::metrics::kind::Metric;
use shared::metrics::labels::Label;

use super::expr::{Binding, Expr, JOB, Reading, Usage};

/// The series of one metric, some or all.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    metric: &'static Metric,
    reading: Reading,
    /// Label, values, and whether the label has one of them or none.
    chosen: Vec<(&'static str, Vec<&'static str>, bool)>,
}

/// A gauge.
pub(crate) fn gauge(metric: &'static Metric) -> Series {
    Series { metric, reading: Reading::Gauge, chosen: Vec::new() }
}

/// A counter.
pub(crate) fn counter(metric: &'static Metric) -> Series {
    Series { metric, reading: Reading::Counter, chosen: Vec::new() }
}

/// All buckets of a histogram.
pub(crate) fn buckets(metric: &'static Metric) -> Series {
    Series { metric, reading: Reading::Buckets, chosen: Vec::new() }
}

/// The bucket of a histogram with this upper bound, a whole number in the exposed unit.
pub(crate) fn bucket(metric: &'static Metric, le: &'static str) -> Series {
    Series { metric, reading: Reading::Bucket(le), chosen: Vec::new() }
}

/// The number of observations of a histogram.
pub(crate) fn observations(metric: &'static Metric) -> Series {
    Series { metric, reading: Reading::Count, chosen: Vec::new() }
}

impl Series {
    /// Those whose label has one of these values.
    pub(crate) fn with(mut self, label: &Label, values: &[&'static str]) -> Self {
        self.chosen.push((label.name, values.to_vec(), true));
        self
    }

    /// Those whose label has none of these values.
    pub(crate) fn without(mut self, label: &Label, values: &[&'static str]) -> Self {
        self.chosen.push((label.name, values.to_vec(), false));
        self
    }

    /// The present values.
    pub(crate) fn now(&self) -> Expr {
        self.call("", "")
    }

    /// Growth per second, by the mean over a window.
    pub(crate) fn rate(&self, window: &str) -> Expr {
        self.call("rate", &format!("[{window}]"))
    }

    /// Growth in a window.
    pub(crate) fn increase(&self, window: &str) -> Expr {
        self.call("increase", &format!("[{window}]"))
    }

    /// Growth in a window that ended some time ago.
    pub(crate) fn increase_before(&self, window: &str, ago: &str) -> Expr {
        self.call("increase", &format!("[{window}] offset {ago}"))
    }

    /// The slope of a gauge per second, over a window.
    pub(crate) fn slope(&self, window: &str) -> Expr {
        self.call("deriv", &format!("[{window}]"))
    }

    fn call(&self, function: &str, range: &str) -> Expr {
        let end = match self.reading {
            Reading::Gauge | Reading::Counter => "",
            Reading::Buckets | Reading::Bucket(_) => "_bucket",
            Reading::Count => "_count",
        };
        let mut matchers = vec![JOB.to_owned()];
        if let Reading::Bucket(le) = self.reading {
            // The classic text format writes 10, OpenMetrics and Prometheus 3 write 10.0.
            matchers.push(format!("le=~\"{le}|{le}.0\""));
        }
        for (label, values, is_one_of) in &self.chosen {
            let operator = match (is_one_of, values.len()) {
                (true, 1) => "=",
                (true, _) => "=~",
                (false, 1) => "!=",
                (false, _) => "!~",
            };
            matchers.push(format!("{label}{operator}\"{}\"", values.join("|")));
        }
        let series = format!("{}{end}{{{}}}{range}", self.metric.name, matchers.join(","));
        let labels = self.chosen.iter().map(|(label, values, _)| (*label, values.clone()));
        let usage = Usage { metric: self.metric, reading: self.reading, labels: labels.collect() };
        let text = if function.is_empty() { series } else { format!("{function}({series})") };
        Expr { text, binds: Binding::Whole, usages: vec![usage] }
    }
}
