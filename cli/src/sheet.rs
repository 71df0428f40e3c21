//! Tables, as wide as the terminal and no wider.

use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};

use crate::text::clean;

/// What a table is drawn on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paper {
    /// The columns of the terminal; without one, lines are as long as they are.
    pub(crate) width: Option<u16>,
    /// Whether it shows colours.
    pub(crate) colours: bool,
}

/// How a cell looks on a terminal with colours.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Look {
    /// As it is.
    Plain,
    /// Well.
    Good,
    /// Wants attention.
    Odd,
    /// Not well.
    Bad,
}

/// A table: a row is made of texts, each with its look.
#[derive(Debug)]
pub(crate) struct Sheet {
    header: Vec<String>,
    rows: Vec<Vec<(String, Look)>>,
}

impl Sheet {
    /// A table with these columns.
    pub(crate) fn new(header: &[&str]) -> Self {
        Self { header: header.iter().map(|name| (*name).to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row of plain texts.
    pub(crate) fn row<const N: usize>(&mut self, texts: [&str; N]) {
        self.looks(texts.map(|text| (text, Look::Plain)));
    }

    /// Adds a row.
    pub(crate) fn looks<const N: usize>(&mut self, texts: [(&str, Look); N]) {
        self.rows.push(texts.into_iter().map(|(text, look)| (clean(text), look)).collect());
    }

    /// The table as text, as wide as the paper at most.
    pub(crate) fn drawn(&self, paper: Paper) -> String {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        match paper.width {
            Some(width) => {
                table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width)
            }
            None => table.set_content_arrangement(ContentArrangement::Disabled),
        };
        if paper.colours {
            table.enforce_styling()
        } else {
            table.force_no_tty()
        };
        let bold = |name: &String| Cell::new(name).add_attribute(Attribute::Bold);
        table.set_header(self.header.iter().map(bold).collect::<Vec<_>>());
        for row in &self.rows {
            table.add_row(row.iter().map(|(text, look)| cell(text, *look)).collect::<Vec<_>>());
        }
        let lines = table.to_string();
        lines.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }
}

/// A text that looks as it is.
pub(crate) const fn plain(text: &str) -> (&str, Look) {
    (text, Look::Plain)
}

fn cell(text: &str, look: Look) -> Cell {
    let cell = Cell::new(text);
    match look {
        Look::Plain => cell,
        Look::Good => cell.fg(Color::Green),
        Look::Odd => cell.fg(Color::Yellow),
        Look::Bad => cell.fg(Color::Red),
    }
}

#[cfg(test)]
mod tests {
    use super::{Look, Paper, Sheet};

    fn sheet() -> Sheet {
        let mut sheet = Sheet::new(&["ID", "DETAIL"]);
        sheet.looks([("one", Look::Bad), ("a long detail that has many words", Look::Plain)]);
        sheet.row(["two\u{1b}[2J", "b"]);
        sheet
    }

    #[test]
    fn a_table_is_as_wide_as_its_texts_or_the_terminal() {
        let free = sheet().drawn(Paper { width: None, colours: false });
        assert_eq!(free.lines().count(), 3);
        let narrow = sheet().drawn(Paper { width: Some(30), colours: false });
        assert!(3 < narrow.lines().count());
        assert!(narrow.lines().all(|line| line.chars().count() <= 30), "{narrow}");
    }

    #[test]
    fn colours_are_for_terminals_and_the_texts_bring_none() {
        let plain = sheet().drawn(Paper { width: None, colours: false });
        assert!(!plain.contains('\u{1b}') && plain.contains("two\\u{1b}[2J"), "{plain}");
        let coloured = sheet().drawn(Paper { width: None, colours: true });
        assert!(coloured.contains("\u{1b}[") && !coloured.contains("\u{1b}[2J"), "{coloured}");
    }
}
