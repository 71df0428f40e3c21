//! A small chart as SVG, with the same in figures.

use std::fmt::Write as _;

use askama::Template;

/// The drawing, in units of its own: a slot is 10 wide.
const HEIGHT: i64 = 100;
const SLOT: i64 = 10;

/// How values are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One series on top of the other.
    Bars,
    /// A line for each series, with a gap where there is no value.
    Lines,
}

/// One colour of a chart.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// What it is.
    pub(crate) name: &'static str,
    /// Its class in the style sheet.
    pub(crate) class: &'static str,
    /// One value for each slot.
    pub(crate) values: Vec<Option<i64>>,
}

/// A chart.
#[derive(Clone, Debug, Template)]
#[template(path = "chart.html")]
pub(crate) struct Chart {
    /// Its id on the page.
    pub(crate) id: &'static str,
    /// What it shows.
    pub(crate) title: &'static str,
    /// The same in a sentence.
    pub(crate) summary: String,
    /// The names of the slots: their beginnings.
    pub(crate) slots: Vec<String>,
    /// How long ago the first one began.
    pub(crate) from: &'static str,
    /// How values are drawn.
    pub(crate) shape: Shape,
    /// What is drawn.
    pub(crate) series: Vec<Series>,
    /// How a value is written.
    pub(crate) written: fn(i64) -> String,
}

impl Chart {
    /// The units across.
    fn width(&self) -> i64 {
        place(self.slots.len())
    }

    /// Whether there is nothing to draw.
    fn is_empty(&self) -> bool {
        let mut values = self.series.iter().flat_map(|series| &series.values);
        values.all(|value| match self.shape {
            Shape::Bars => value.unwrap_or(0) == 0,
            Shape::Lines => value.is_none(),
        })
    }

    /// The class and the drawing of each series.
    fn paths(&self) -> Vec<(&'static str, String)> {
        let top = self.top().max(1);
        let mut below = vec![0; self.slots.len()];
        let path = |series: &Series| {
            let path = match self.shape {
                Shape::Bars => bars(&series.values, &mut below, top),
                Shape::Lines => line(&series.values, top),
            };
            (series.class, path)
        };
        self.series.iter().map(path).collect()
    }

    /// The greatest value, of bars on top of each other their sum.
    fn top(&self) -> i64 {
        let of_slot = |slot: usize| {
            let values = self.series.iter().filter_map(|series| *series.values.get(slot)?);
            match self.shape {
                Shape::Bars => values.fold(0, i64::saturating_add),
                Shape::Lines => values.max().unwrap_or(0),
            }
        };
        (0..self.slots.len()).map(of_slot).max().unwrap_or(0)
    }

    /// The slots with a value, the newest first, each with a cell for each series.
    fn rows(&self) -> Vec<(&str, Vec<String>)> {
        let slots = self.slots.iter().enumerate().rev();
        let rows = slots.filter_map(|(slot, name)| {
            let values: Vec<Option<i64>> =
                self.series.iter().map(|it| it.values.get(slot).copied().flatten()).collect();
            let is_shown = match self.shape {
                Shape::Bars => values.iter().any(|value| value.unwrap_or(0) != 0),
                Shape::Lines => values.iter().any(Option::is_some),
            };
            let cell = |value: Option<i64>| value.map_or("none".to_owned(), self.written);
            is_shown.then(|| (name.as_str(), values.into_iter().map(cell).collect()))
        });
        rows.collect()
    }
}

fn place(slots: usize) -> i64 {
    i64::try_from(slots).unwrap_or(0).saturating_mul(SLOT)
}

/// A height; what is not nothing is seen.
fn height(value: i64, top: i64) -> i64 {
    let height = value.max(0).saturating_mul(HEIGHT) / top;
    if 0 < value { height.clamp(2, HEIGHT) } else { 0 }
}

/// Bars on those that are below them, which they raise.
fn bars(values: &[Option<i64>], below: &mut [i64], top: i64) -> String {
    let mut path = String::new();
    for (slot, (value, below)) in values.iter().zip(below).enumerate() {
        // A small bar on a full one is drawn over its top.
        let height = height(value.unwrap_or(0), top);
        let base = (*below).min(HEIGHT - height);
        if 0 < height {
            let (x, y, width) = (place(slot) + 1, HEIGHT - base, SLOT - 2);
            let _ = write!(path, "M{x} {y}v-{height}h{width}v{height}z");
        }
        *below = base + height;
    }
    path
}

/// A line of steps, as wide as their slots.
fn line(values: &[Option<i64>], top: i64) -> String {
    let mut path = String::new();
    let mut is_drawn = false;
    for (slot, value) in values.iter().enumerate() {
        if let Some(value) = value {
            let (x, y) = (place(slot), HEIGHT - height(*value, top));
            let begin = if is_drawn { format!("V{y}") } else { format!("M{x} {y}") };
            let _ = write!(path, "{begin}h{SLOT}");
        }
        is_drawn = value.is_some();
    }
    path
}

#[cfg(test)]
mod tests {
    use askama::Template as _;

    use super::{Chart, Series, Shape};

    fn chart(shape: Shape, series: &[(&'static str, &[Option<i64>])]) -> Chart {
        let slots = series.first().map_or(0, |(_, values)| values.len());
        let each = |(name, values): &(&'static str, &[Option<i64>])| Series {
            name,
            class: name,
            values: values.to_vec(),
        };
        Chart {
            id: "guard",
            title: "Answers of guards",
            summary: "9 answers.".into(),
            slots: (0..slots).map(|slot| format!("03:0{slot}")).collect(),
            from: "1 hour ago",
            shape,
            series: series.iter().map(each).collect(),
            written: |value| value.to_string(),
        }
    }

    #[test]
    fn bars_stand_on_each_other() {
        let allowed = [Some(8), Some(0), None, Some(1_000)];
        let denied = [Some(2), Some(0), Some(5), Some(1)];
        let chart = chart(Shape::Bars, &[("allowed", &allowed), ("denied", &denied)]);
        insta::assert_snapshot!(chart.render().unwrap());
    }

    #[test]
    fn lines_have_gaps() {
        let half = [Some(50), Some(100), None, Some(0), None];
        let most = [Some(90), Some(400), None, Some(3), None];
        let chart = chart(Shape::Lines, &[("half", &half), ("most", &most)]);
        insta::assert_snapshot!(chart.render().unwrap());
    }

    #[test]
    fn nothing_is_said_and_not_drawn() {
        for chart in [
            chart(Shape::Bars, &[("a", &[Some(0), None])]),
            chart(Shape::Lines, &[("a", &[None, None])]),
            chart(Shape::Lines, &[]),
        ] {
            let html = chart.render().unwrap();
            assert!(html.contains("9 answers.") && !html.contains("<svg"), "{html}");
        }
    }

    #[test]
    fn no_value_leaves_the_drawing() {
        let odd = [Some(i64::MAX), Some(i64::MIN), Some(1)];
        for shape in [Shape::Bars, Shape::Lines] {
            let paths = chart(shape, &[("a", &odd), ("b", &odd)]).paths();
            assert!(paths.iter().all(|(_, path)| !path.contains("--")), "{paths:?}");
        }
    }
}
