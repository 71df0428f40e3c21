//! Tables, as wide as the terminal and no wider. No word is broken: ids are there to be copied.

use comfy_table::{
    Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Table, Width, presets,
};
use console::{Style, measure_text_width};

use crate::text::clean;

/// The space around a cell.
const PADDING: usize = 2;

/// What stands between two texts of a row that became lines, and before its further lines.
const GAP: &str = "  ";
const INDENT: &str = "    ";

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

    /// The table as text, as wide as the paper at most. Where its words do not fit side by side, a
    /// row becomes a few lines, with the names of the columns.
    pub(crate) fn drawn(&self, paper: Paper) -> String {
        let words = self.longest_words();
        let least: usize = words.iter().map(|word| word + PADDING).sum();
        match paper.width.map(usize::from) {
            Some(width) if width < least => {
                let entries = self.rows.iter().map(|row| self.entry(row, width, paper.colours));
                entries.collect::<Vec<_>>().join("\n")
            }
            _ => self.table(paper, &words),
        }
    }

    /// The width of the longest word of each column.
    fn longest_words(&self) -> Vec<usize> {
        let longest = |text: &str| text.split(' ').map(measure_text_width).max().unwrap_or(0);
        let of_column = |(index, name): (usize, &String)| {
            let cells = self.rows.iter().filter_map(|row| row.get(index));
            cells.map(|(text, _)| longest(text)).chain([longest(name)]).max().unwrap_or(0)
        };
        self.header.iter().enumerate().map(of_column).collect()
    }

    fn table(&self, paper: Paper, words: &[usize]) -> String {
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
        for (column, word) in table.column_iter_mut().zip(words) {
            let least = u16::try_from(word + PADDING).unwrap_or(u16::MAX);
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least)));
        }
        let lines = table.to_string();
        lines.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }

    /// A row as lines: its first text, then the others with the names of their columns.
    fn entry(&self, row: &[(String, Look)], width: usize, colours: bool) -> String {
        let mut lines = Lines { width, text: String::new(), used: 0 };
        for (index, ((text, look), name)) in row.iter().zip(&self.header).enumerate() {
            if matches!(text.as_str(), "" | "–") {
                continue;
            }
            let style = if index == 0 { Style::new().bold() } else { look.style() };
            let style = style.force_styling(colours);
            let named = index != 0 && !name.is_empty();
            let name = if named { format!("{}: ", name.to_lowercase()) } else { String::new() };
            lines.add(&format!("{name}{text}"), &style);
        }
        lines.text
    }
}

/// Texts that are put side by side for as long as a line lasts.
struct Lines {
    width: usize,
    text: String,
    used: usize,
}

impl Lines {
    /// Adds a text. One that is longer than a line goes on in the next one, at its spaces.
    fn add(&mut self, text: &str, style: &Style) {
        if self.used != 0 && self.width < self.used + GAP.len() + measure_text_width(text) {
            self.end_line();
        } else if self.used != 0 {
            self.text.push_str(GAP);
            self.used += GAP.len();
        }
        let mut fitting = String::new();
        for word in text.split(' ') {
            let wide = self.used + measure_text_width(&fitting) + 1 + measure_text_width(word);
            if !fitting.is_empty() && self.width < wide {
                self.put(&fitting, style);
                self.end_line();
                fitting.clear();
            }
            if !fitting.is_empty() {
                fitting.push(' ');
            }
            fitting.push_str(word);
        }
        self.put(&fitting, style);
    }

    fn put(&mut self, text: &str, style: &Style) {
        self.text.push_str(&style.apply_to(text).to_string());
        self.used += measure_text_width(text);
    }

    fn end_line(&mut self) {
        self.text.push('\n');
        self.text.push_str(INDENT);
        self.used = INDENT.len();
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

impl Look {
    fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Good => Style::new().green(),
            Self::Odd => Style::new().yellow(),
            Self::Bad => Style::new().red(),
        }
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
    fn no_word_is_broken_so_an_id_can_be_copied() {
        let id = "8b4fda0c557dba7f4aac02aa4feb1dd9";
        let mut sheet = Sheet::new(&["ID", "FIRST SEEN", "TYPE", "DETAIL"]);
        sheet.row([id, "2026-11-29 07:02:48Z", "–", "a long detail that has many words"]);
        for width in 34..120 {
            let drawn = sheet.drawn(Paper { width: Some(width), colours: false });
            assert!(drawn.contains(id), "{width}:\n{drawn}");
            let fits = |line: &str| line.chars().count() <= width.into();
            assert!(drawn.lines().all(fits), "{width}:\n{drawn}");
        }
        let narrow = sheet.drawn(Paper { width: Some(50), colours: false });
        let want = "8b4fda0c557dba7f4aac02aa4feb1dd9\n    first seen: 2026-11-29 07:02:48Z\n    \
                    detail: a long detail that has many words";
        assert_eq!(narrow, want);
    }

    #[test]
    fn colours_are_for_terminals_and_the_texts_bring_none() {
        let plain = sheet().drawn(Paper { width: None, colours: false });
        assert!(!plain.contains('\u{1b}') && plain.contains("two\\u{1b}[2J"), "{plain}");
        let coloured = sheet().drawn(Paper { width: None, colours: true });
        assert!(coloured.contains("\u{1b}[") && !coloured.contains("\u{1b}[2J"), "{coloured}");
    }
}
