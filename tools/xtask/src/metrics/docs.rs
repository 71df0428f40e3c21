//! The tables of `docs/metrics.md`, between two marks.

use std::fs;
use std::iter::repeat;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use shared::metrics::kind::{Kind, Metric, Origin, Unit};
use shared::metrics::labels::Label;
use shared::metrics::table::{BUILD_INFO, METRICS};

use super::Generated;

const BEGIN: &str = "<!-- Written by `cargo xtask metrics` from shared/src/metrics/table.rs. -->\n";
const END: &str = "<!-- The end of what is written. -->\n";

const PAGE: &str = "docs/metrics.md";

/// The page with new tables.
///
/// # Errors
/// When the page cannot be read, or has no marks.
pub(super) fn page(root: &Path) -> Result<Generated> {
    let text = with_tables(&read(&path(root))?)?;
    Ok(Generated { path: PAGE.to_owned(), text })
}

fn path(root: &Path) -> PathBuf {
    root.join(PAGE)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The page with new tables between the marks.
fn with_tables(page: &str) -> Result<String> {
    let marks = || format!("docs/metrics.md lacks a mark; restore the lines `{BEGIN}` and `{END}`");
    let (before, rest) = page.split_once(BEGIN).with_context(marks)?;
    let (_, after) = rest.split_once(END).with_context(marks)?;
    Ok(format!("{before}{BEGIN}\n{}\n{END}{after}", tables()))
}

fn tables() -> String {
    let header =
        "| metric | kind | labels | series | count | meaning |\n|---|---|---|---|---|---|\n";
    let rows: String = METRICS.iter().map(|metric| row(metric)).collect();
    let info = format!(
        "| `{BUILD_INFO}` | info | `version`, `schema` | 1 | exact | The version of the console \
         and the newest migration of the database |\n"
    );
    let header_of_labels = "| label | values | metrics |\n|---|---|---|\n";
    let labels: String = labels().iter().map(label_row).collect();
    format!(
        "{header}{rows}{info}\nThe labels, each with every value:\n\n{header_of_labels}{labels}"
    )
}

fn row(metric: &Metric) -> String {
    let kind = match metric.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram(_) => "histogram",
    };
    let unit = match metric.unit {
        Unit::None => "",
        Unit::Seconds => ", seconds",
        Unit::Bytes => ", bytes",
    };
    let labels: Vec<String> = metric.labels.iter().map(|it| format!("`{}`", it.name)).collect();
    let count = match metric.origin {
        Origin::Database => "exact, from D1",
        Origin::Isolates => "at most",
        Origin::Scrape => "exact, at the scrape",
    };
    let (series, meaning) = (series(metric), meaning(metric));
    let Metric { name, .. } = metric;
    format!(
        "| `{name}` | {kind}{unit} | {} | {series} | {count} | {meaning} |\n",
        labels.join(", ")
    )
}

/// Lines of a scrape.
fn series(metric: &Metric) -> usize {
    match metric.kind {
        // The bucket above every bound, the sum and the count.
        Kind::Histogram(bounds) => metric.series() * (bounds.len() + 3),
        Kind::Counter | Kind::Gauge => metric.series(),
    }
}

fn meaning(metric: &Metric) -> String {
    let Kind::Histogram(bounds) = metric.kind else { return metric.help.to_owned() };
    let bounds: Vec<String> = bounds.iter().map(|bound| shown(*bound, metric.unit)).collect();
    format!("{}; buckets: {}", metric.help, bounds.join(", "))
}

/// A bound in the unit as exposed, without zeros at its end.
fn shown(bound: u64, unit: Unit) -> String {
    let per_unit = unit.counted_per_unit();
    let (whole, rest) = (bound / per_unit, bound % per_unit);
    if rest == 0 {
        return whole.to_string();
    }
    let digits = (per_unit + rest).to_string().split_off(1);
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

/// Every label with other values than those before it, and the metrics that have it.
fn labels() -> Vec<(&'static Label, Vec<&'static str>)> {
    let mut labels: Vec<(&Label, Vec<&str>)> = Vec::new();
    let pairs = METRICS.iter().flat_map(|metric| metric.labels.iter().zip(repeat(metric.name)));
    for (label, name) in pairs {
        let same =
            |it: &&mut (&Label, Vec<&str>)| it.0.name == label.name && it.0.values == label.values;
        match labels.iter_mut().find(same) {
            Some((_, metrics)) => metrics.push(name),
            None => labels.push((label, vec![name])),
        }
    }
    labels
}

fn label_row((label, metrics): &(&Label, Vec<&str>)) -> String {
    let marked = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        words.join(", ")
    };
    format!("| `{}` | {} | {} |\n", label.name, marked(label.values), marked(metrics))
}

#[cfg(test)]
mod tests {
    use shared::metrics::kind::Unit;

    use super::{path, read, shown, with_tables};
    use crate::place::Place;

    #[test]
    fn the_page_has_what_the_table_has() {
        let path = path(&Place::find().unwrap().root);
        let is = read(&path).unwrap();
        let want = with_tables(&is).unwrap();
        assert!(is == want, "{} is another; run `cargo xtask metrics`", path.display());
    }

    #[test]
    fn a_bound_is_shown_in_its_unit() {
        let seconds = [1, 10, 250, 1_000, 2_500, 300_000].map(|ms| shown(ms, Unit::Seconds));
        assert_eq!(seconds, ["0.001", "0.01", "0.25", "1", "2.5", "300"]);
        assert_eq!(shown(2_500, Unit::None), "2500");
    }

    #[test]
    fn a_page_without_marks_is_refused() {
        assert!(format!("{:#}", with_tables("# Metrics").unwrap_err()).contains("lacks a mark"));
    }
}
