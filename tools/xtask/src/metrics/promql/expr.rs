//! An expression, and what is done with it.

use shared::metrics::kind::Metric;
use shared::metrics::labels::Label;

/// Stands in a text for the choice of one job, until it is known where the text is used.
pub(super) const JOB: &str = "<job>";

/// The name that Prometheus must give the job, for the alert rules: this, or this with an end.
pub(crate) const JOBS: &str = "rolecall.*";

/// How a metric is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// The value of a gauge.
    Gauge,
    /// The growth of a counter.
    Counter,
    /// The growth of all buckets of a histogram.
    Buckets,
    /// The growth of the bucket with this upper bound, a whole number.
    Bucket(&'static str),
    /// The growth of a histogram's number of observations.
    Count,
}

/// A metric in an expression, to check it against the table.
#[cfg_attr(not(test), expect(dead_code, reason = "a test compares it with the table"))]
#[derive(Debug, Clone)]
pub(crate) struct Usage {
    pub(crate) metric: &'static Metric,
    pub(crate) reading: Reading,
    /// Labels with the values that are named.
    pub(crate) labels: Vec<(&'static str, Vec<&'static str>)>,
}

/// An expression.
#[derive(Debug, Clone)]
pub(crate) struct Expr {
    pub(super) text: String,
    pub(super) binds: Binding,
    pub(super) usages: Vec<Usage>,
}

/// How tightly an expression's outermost operator binds, loosest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Binding {
    Or,
    And,
    Comparison,
    Sum,
    Product,
    Whole,
}

/// A number.
pub(crate) fn number(value: f64) -> Expr {
    // 14.4 times 0.01 is 0.144, and not a trace more.
    let text = format!("{value:.6}");
    Expr::builtin(text.trim_end_matches('0').trim_end_matches('.'))
}

impl Expr {
    /// What Prometheus itself knows.
    pub(crate) fn builtin(text: &str) -> Self {
        Self { text: text.to_owned(), binds: Binding::Whole, usages: Vec::new() }
    }

    /// The same, of the chosen job. `more` are further matchers.
    pub(crate) fn builtin_of_job(name: &str, more: &str) -> Self {
        let comma = if more.is_empty() { "" } else { "," };
        Self::builtin(&format!("{name}{{{JOB}{comma}{more}}}"))
    }

    /// The sum for each job and each value of these labels.
    pub(crate) fn sum_by(self, labels: &[&Label]) -> Self {
        self.aggregated("sum", labels)
    }

    /// The sum for each job.
    pub(crate) fn sum(self) -> Self {
        self.sum_by(&[])
    }

    /// The greatest for each job and each value of these labels.
    pub(crate) fn max_by(self, labels: &[&Label]) -> Self {
        self.aggregated("max", labels)
    }

    /// The greatest for each job.
    pub(crate) fn max(self) -> Self {
        self.max_by(&[])
    }

    /// The least for each job.
    pub(crate) fn min(self) -> Self {
        self.aggregated("min", &[])
    }

    fn aggregated(self, how: &str, labels: &[&Label]) -> Self {
        let names: Vec<&str> = ["job"].into_iter().chain(labels.iter().map(|it| it.name)).collect();
        let text = format!("{how} by ({}) ({})", names.join(", "), self.text);
        self.rewritten(text)
    }

    /// A quantile of the rates of a histogram's buckets, for each job and each value of these
    /// labels.
    pub(crate) fn quantile(self, quantile: f64, labels: &[&Label]) -> Self {
        let names: Vec<&str> =
            ["job", "le"].into_iter().chain(labels.iter().map(|it| it.name)).collect();
        let names = names.join(", ");
        let text = format!("histogram_quantile({quantile}, sum by ({names}) ({}))", self.text);
        self.rewritten(text)
    }

    /// The sum of a histogram's buckets, for a heat map.
    pub(crate) fn sum_by_bucket(self) -> Self {
        let text = format!("sum by (le) ({})", self.text);
        self.rewritten(text)
    }

    /// The same, with one more label.
    pub(crate) fn labeled(self, label: &Label, value: &'static str) -> Self {
        let text =
            format!("label_replace({}, \"{}\", \"{value}\", \"\", \"\")", self.text, label.name);
        self.rewritten(text)
    }

    /// The seconds since a time that it says.
    pub(crate) fn age(self) -> Self {
        Self::builtin("time()").minus(self)
    }

    fn rewritten(self, text: String) -> Self {
        Self { text, binds: Binding::Whole, usages: self.usages }
    }

    pub(crate) fn divided_by(self, other: Self) -> Self {
        self.joined(Binding::Product, " / ", other)
    }

    pub(crate) fn times(self, factor: f64) -> Self {
        self.joined(Binding::Product, " * ", number(factor))
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        self.joined(Binding::Sum, " - ", other)
    }

    pub(crate) fn above(self, bound: f64) -> Self {
        self.joined(Binding::Comparison, " > ", number(bound))
    }

    pub(crate) fn at_least(self, bound: f64) -> Self {
        self.joined(Binding::Comparison, " >= ", number(bound))
    }

    pub(crate) fn above_all(self, bound: Self) -> Self {
        self.joined(Binding::Comparison, " > ", bound)
    }

    pub(crate) fn below(self, bound: f64) -> Self {
        self.joined(Binding::Comparison, " < ", number(bound))
    }

    pub(crate) fn equals(self, value: f64) -> Self {
        self.joined(Binding::Comparison, " == ", number(value))
    }

    pub(crate) fn and(self, other: Self) -> Self {
        self.joined(Binding::And, "\nand\n", other)
    }

    pub(crate) fn or(self, other: Self) -> Self {
        self.joined(Binding::Or, "\nor\n", other)
    }

    pub(crate) fn unless(self, other: Self) -> Self {
        self.joined(Binding::And, "\nunless\n", other)
    }

    /// All operators that are used here are taken from left to right.
    fn joined(self, binds: Binding, operator: &str, other: Self) -> Self {
        let left = self.in_brackets(self.binds < binds);
        let text = format!("{left}{operator}{}", other.in_brackets(other.binds <= binds));
        let usages = self.usages.into_iter().chain(other.usages).collect();
        Self { text, binds, usages }
    }

    fn in_brackets(&self, is_needed: bool) -> String {
        if is_needed { format!("({})", self.text) } else { self.text.clone() }
    }

    /// The metrics in it.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test compares it with the table"))]
    pub(crate) fn usages(&self) -> &[Usage] {
        &self.usages
    }

    /// As a query of a dashboard, of the job that was chosen there.
    pub(crate) fn in_dashboard(&self) -> String {
        self.text.replace(JOB, "job=\"$job\"").replace('\n', " ")
    }

    /// As a rule, of all jobs.
    pub(crate) fn in_rule(&self) -> String {
        let text = self.text.replace(&format!("{{{JOB},"), "{");
        text.replace(&format!("{{{JOB}}}"), "")
    }
}
