//! What a dashboard is made of.

use super::promql::Expr;

/// A dashboard of Grafana.
#[derive(Debug)]
pub(crate) struct Board {
    /// The name of its file, and the end of its id in Grafana.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) description: &'static str,
    pub(crate) rows: Vec<Row>,
}

/// A row, with a headline.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) title: &'static str,
    pub(crate) panels: Vec<Panel>,
}

/// A panel.
#[derive(Debug)]
pub(crate) struct Panel {
    pub(crate) title: &'static str,
    pub(crate) description: &'static str,
    pub(crate) form: Form,
    pub(crate) unit: Shown,
    pub(crate) queries: Vec<Query>,
    /// From where on it is yellow and red; falling if the second is the lower one.
    pub(crate) bounds: Option<(f64, f64)>,
    /// The page of the console that shows more.
    pub(crate) page: &'static str,
    /// The alert whose part of the runbook helps.
    pub(crate) alert: Option<&'static str>,
}

/// How it is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// One number.
    Stat,
    /// Lines over time.
    Lines,
    /// Areas over time that add up.
    Stack,
    /// A bar for each series.
    Bars,
    /// A histogram over time.
    Heatmap,
    /// The labels of a series.
    Labels,
}

/// The unit that is shown, of those that Grafana knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    Count,
    PerSecond,
    Seconds,
    Share,
    Bytes,
    UpOrDown,
}

/// A query, with the name of its series.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) legend: &'static str,
    pub(crate) expr: Expr,
}

/// A row of these panels.
pub(crate) fn row(title: &'static str, panels: Vec<Panel>) -> Row {
    Row { title, panels }
}

/// A panel without queries yet, and the page of the console for it.
pub(crate) fn panel(form: Form, title: &'static str, unit: Shown, page: &'static str) -> Panel {
    Panel { title, description: "", form, unit, queries: vec![], bounds: None, page, alert: None }
}

impl Panel {
    /// What it shows and what to make of it.
    pub(crate) fn says(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    /// Adds a query.
    pub(crate) fn query(mut self, legend: &'static str, expr: Expr) -> Self {
        self.queries.push(Query { legend, expr });
        self
    }

    /// Yellow from the first value on, red from the second on.
    pub(crate) fn bounds(mut self, yellow: f64, red: f64) -> Self {
        self.bounds = Some((yellow, red));
        self
    }

    /// Links the runbook's part for this alert.
    pub(crate) fn alert(mut self, name: &'static str) -> Self {
        self.alert = Some(name);
        self
    }
}
