//! The matrix of dead letters: reason and type by age. Each cell and each head is a filter.

use std::collections::BTreeMap;

use shared::operators::api::letters::{LetterFilter, LetterMatrix, MatrixCell};
use shared::operators::letter::LetterState;
use shared::time::UnixMillis;

use super::filter::{NO_TYPE, address};
use super::frame::DAY_MS;

/// The columns: name, first and last age in days. `None`: no end.
const AGES: [(&str, i64, Option<i64>); 4] = [
    ("Today", 0, Some(0)),
    ("1–6 days", 1, Some(6)),
    ("7–29 days", 7, Some(29)),
    ("Older", 30, None),
];

/// The matrix of one state.
pub(crate) struct Matrix {
    /// The column heads.
    pub(crate) ages: Vec<Linked>,
    /// The reasons, each followed by its types.
    pub(crate) rows: Vec<Row>,
    /// All letters of the state.
    pub(crate) total: Linked,
}

/// A row: a reason, or one of its types.
pub(crate) struct Row {
    /// The row's head.
    pub(crate) head: Linked,
    /// Whether it is the row of a type.
    pub(crate) is_type: bool,
    /// One cell for each age, then the sum.
    pub(crate) cells: Vec<Linked>,
}

/// A count or a name that sets the filter.
pub(crate) struct Linked {
    /// What it says.
    pub(crate) text: String,
    /// How many letters.
    pub(crate) letters: i64,
    /// Where it leads.
    pub(crate) href: String,
    /// Whether the filter is this one.
    pub(crate) is_current: bool,
}

/// What the links of the matrix are made of.
struct Links<'a> {
    state: LetterState,
    filter: &'a LetterFilter,
    today: i64,
}

impl Links<'_> {
    fn link(&self, text: &str, letters: i64, wanted: &LetterFilter) -> Linked {
        Linked {
            text: text.to_owned(),
            letters,
            href: address("/dead-letters", &[("state", self.state.as_str())], wanted),
            is_current: wanted == self.filter && *wanted != LetterFilter::default(),
        }
    }

    /// Chooses the letters of an age.
    fn of_age(&self, filter: &LetterFilter, first: i64, last: Option<i64>) -> LetterFilter {
        LetterFilter {
            after: last.map(|last| start_of(self.today - last)),
            before: (0 < first).then(|| start_of(self.today - first + 1)),
            ..filter.clone()
        }
    }

    fn row(&self, name: &str, chosen: &LetterFilter, cells: &[&MatrixCell]) -> Row {
        let sum = |cells: &mut dyn Iterator<Item = &&MatrixCell>| cells.map(|it| it.letters).sum();
        let mut counts: Vec<Linked> = AGES
            .iter()
            .map(|(_, first, last)| {
                let is_in = |cell: &&&MatrixCell| is_of_age(self.today - cell.day, *first, *last);
                let letters = sum(&mut cells.iter().filter(is_in));
                self.link("", letters, &self.of_age(chosen, *first, *last))
            })
            .collect();
        let all = sum(&mut cells.iter());
        counts.push(Linked { is_current: false, ..self.link("", all, chosen) });
        let is_type = chosen.event_type.is_some();
        Row { head: self.link(name, all, chosen), is_type, cells: counts }
    }
}

/// The cells of a state, with the filter that is set.
pub(crate) fn matrix(
    cells: &LetterMatrix,
    state: LetterState,
    filter: &LetterFilter,
    now: UnixMillis,
) -> Matrix {
    let links = Links { state, filter, today: now.0.div_euclid(DAY_MS) };
    let mut reasons: BTreeMap<&str, BTreeMap<&str, Vec<&MatrixCell>>> = BTreeMap::new();
    for cell in cells.cells.iter().filter(|cell| cell.state == state && 0 < cell.letters) {
        let types = reasons.entry(&cell.reason).or_default();
        types.entry(&cell.event_type).or_default().push(cell);
    }
    let mut rows = Vec::new();
    for (reason, types) in &reasons {
        let chosen = LetterFilter { reason: Some((*reason).to_owned()), ..LetterFilter::default() };
        let all: Vec<&MatrixCell> = types.values().flatten().copied().collect();
        rows.push(links.row(reason, &chosen, &all));
        for (kind, cells) in types {
            let chosen = LetterFilter { event_type: Some((*kind).to_owned()), ..chosen.clone() };
            let name = if kind.is_empty() { NO_TYPE } else { kind };
            rows.push(links.row(name, &chosen, cells));
        }
    }
    let none = LetterFilter::default();
    let age = |(name, first, last): &(&str, i64, Option<i64>)| {
        let chosen = links.of_age(&none, *first, *last);
        links.link(name, count(cells, state, &chosen).unwrap_or(0), &chosen)
    };
    let ages = AGES.iter().map(age).collect();
    Matrix { ages, rows, total: links.link("All", of_state(cells, state), &none) }
}

/// How many letters there are in a state.
pub(crate) fn of_state(cells: &LetterMatrix, state: LetterState) -> i64 {
    cells.cells.iter().filter(|cell| cell.state == state).map(|cell| cell.letters).sum()
}

/// How many letters of a state the filter chooses; `None` if the matrix does not show it: it knows
/// reasons, types and whole days.
pub(crate) fn count(
    cells: &LetterMatrix,
    state: LetterState,
    filter: &LetterFilter,
) -> Option<i64> {
    let LetterFilter { ids, reason, event_type, subject, after, before, all: _ } = filter;
    let is_day = |at: &Option<UnixMillis>| at.is_none_or(|at| at.0.rem_euclid(DAY_MS) == 0);
    if !ids.is_empty() || subject.is_some() || !is_day(after) || !is_day(before) {
        return None;
    }
    let is_chosen = |cell: &&MatrixCell| {
        cell.state == state
            && reason.as_ref().is_none_or(|it| *it == cell.reason)
            && event_type.as_ref().is_none_or(|it| *it == cell.event_type)
            && after.is_none_or(|at| at <= start_of(cell.day))
            && before.is_none_or(|at| start_of(cell.day) < at)
    };
    Some(cells.cells.iter().filter(is_chosen).map(|cell| cell.letters).sum())
}

fn start_of(day: i64) -> UnixMillis {
    UnixMillis(day.saturating_mul(DAY_MS))
}

/// A letter of tomorrow, by another clock, is one of today.
fn is_of_age(age: i64, first: i64, last: Option<i64>) -> bool {
    let age = age.max(0);
    first <= age && last.is_none_or(|last| age <= last)
}

#[cfg(test)]
mod tests {
    use shared::operators::api::letters::{LetterFilter, LetterMatrix, MatrixCell};
    use shared::operators::letter::LetterState;

    use super::{count, matrix, of_state};
    use crate::pages::filter::parse;
    use crate::pages::testing::NOW;

    const TODAY: i64 = NOW.0 / 86_400_000;

    fn cells() -> LetterMatrix {
        let cell = |reason: &str, kind: &str, age: i64, letters| MatrixCell {
            state: LetterState::Parked,
            reason: reason.into(),
            event_type: kind.into(),
            day: TODAY - age,
            letters,
        };
        let mut cells = vec![
            cell("shape", "user.created", 0, 1),
            cell("shape", "user.created", 1, 2),
            cell("shape", "user.created", 6, 4),
            cell("shape", "user.updated", 7, 8),
            cell("shape", "user.updated", 29, 16),
            cell("malformed", "", 30, 32),
            cell("malformed", "", 400, 64),
        ];
        cells.push(MatrixCell { state: LetterState::Applied, ..cell("shape", "", 0, 128) });
        LetterMatrix { cells }
    }

    #[test]
    fn each_letter_is_in_one_cell_of_its_row() {
        let matrix = matrix(&cells(), LetterState::Parked, &LetterFilter::default(), NOW);
        let row = |at: usize| {
            let row = &matrix.rows[at];
            let counts: Vec<i64> = row.cells.iter().map(|it| it.letters).collect();
            (row.head.text.clone(), counts)
        };
        assert_eq!(row(0), ("malformed".into(), vec![0, 0, 0, 96, 96]));
        assert_eq!(row(1), ("(none)".into(), vec![0, 0, 0, 96, 96]));
        assert_eq!(row(2), ("shape".into(), vec![1, 6, 24, 0, 31]));
        assert_eq!(row(3), ("user.created".into(), vec![1, 6, 0, 0, 7]));
        assert_eq!(row(4), ("user.updated".into(), vec![0, 0, 24, 0, 24]));
        let ages: Vec<i64> = matrix.ages.iter().map(|it| it.letters).collect();
        assert_eq!(ages, [1, 6, 24, 96]);
        assert_eq!(matrix.total.letters, 127);
    }

    /// The letters that a link chooses are those that it counts.
    #[test]
    fn each_link_chooses_what_it_counts() {
        let cells = cells();
        let matrix = matrix(&cells, LetterState::Parked, &LetterFilter::default(), NOW);
        let links = matrix.rows.iter().flat_map(|row| row.cells.iter().chain([&row.head]));
        let links: Vec<_> = links.chain(&matrix.ages).chain([&matrix.total]).collect();
        assert_eq!(links.len(), 5 * 6 + 4 + 1);
        for link in links {
            let (_, query) = link.href.split_once('?').unwrap();
            let filter = parse(query).unwrap();
            let counted = count(&cells, LetterState::Parked, &filter);
            assert_eq!(counted, Some(link.letters), "{}", link.href);
        }
    }

    #[test]
    fn the_cell_of_the_filter_is_marked() {
        let first = matrix(&cells(), LetterState::Parked, &LetterFilter::default(), NOW);
        let (_, query) = first.rows[3].cells[1].href.split_once('?').unwrap();
        let second = matrix(&cells(), LetterState::Parked, &parse(query).unwrap(), NOW);
        let all = second.rows.iter().flat_map(|row| row.cells.iter().chain([&row.head]));
        assert_eq!(all.filter(|link| link.is_current).count(), 1);
        assert!(second.rows[3].cells[1].is_current);
    }

    #[test]
    fn what_the_matrix_does_not_show_is_not_counted() {
        for query in ["id=m1", "subject=user_ada", "after=2025-11-29T01:00:00Z"] {
            let filter = parse(query).unwrap();
            assert_eq!(count(&cells(), LetterState::Parked, &filter), None, "{query}");
        }
        assert_eq!(of_state(&cells(), LetterState::Applied), 128);
    }
}
