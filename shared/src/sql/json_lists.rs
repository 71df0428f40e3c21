//! Rows as the JSON list that a statement takes.

use serde::Serialize;

use super::{Arg, Statement};
use crate::limits::PARAMETER_BYTES_MAX;
use crate::time::UnixMillis;

/// Binds `rows` as the JSON list `?1` of `sql`, split over several statements if the list is large.
/// No rows give no statement.
pub(super) fn json_statements<T: Serialize>(
    sql: &'static str,
    rows: impl IntoIterator<Item = T>,
) -> impl Iterator<Item = Statement> {
    let lists = json_lists(rows).into_iter();
    lists.map(move |list| Statement { sql, args: vec![Arg::Text(list)] })
}

/// As [`json_statements`], with the time `?2` beside each list.
pub(super) fn json_statements_at<T: Serialize>(
    now: UnixMillis,
    sql: &'static str,
    rows: impl IntoIterator<Item = T>,
) -> impl Iterator<Item = Statement> {
    json_statements(sql, rows).map(move |mut statement| {
        statement.args.push(Arg::Int(now.0));
        statement
    })
}

/// One JSON list of rows that are few and small.
pub(super) fn json_list_of<T: Serialize>(rows: impl IntoIterator<Item = T>) -> Arg {
    let rows: Vec<T> = rows.into_iter().collect();
    Arg::Text(serde_json::to_string(&rows).unwrap_or_else(|_| "[]".into()))
}

/// JSON lists, each at most [`PARAMETER_BYTES_MAX`] long unless one row alone is longer.
fn json_lists<T: Serialize>(rows: impl IntoIterator<Item = T>) -> Vec<String> {
    let mut lists: Vec<String> = Vec::new();
    for row in rows {
        // Strings, numbers and lists always become JSON; NOT NULL would reject a null.
        let row = serde_json::to_string(&row).unwrap_or_else(|_| "null".into());
        match lists.last_mut() {
            Some(list) if list.len() + row.len() < PARAMETER_BYTES_MAX => {
                list.pop();
                list.extend([",", &row, "]"]);
            }
            _ => lists.push(format!("[{row}]")),
        }
    }
    lists
}

#[cfg(test)]
mod tests {
    use super::json_lists;
    use crate::limits::PARAMETER_BYTES_MAX;

    #[test]
    fn rows_become_json_lists_below_the_parameter_limit() {
        assert_eq!(json_lists([1, 2, 3]), ["[1,2,3]"]);
        assert!(json_lists(Vec::<u8>::new()).is_empty());
        let rows = vec!["x".repeat(PARAMETER_BYTES_MAX / 3); 7];
        let lists = json_lists(&rows);
        assert!(lists.iter().all(|list| list.len() <= PARAMETER_BYTES_MAX));
        let back: Vec<String> =
            lists.iter().flat_map(|l| serde_json::from_str::<Vec<String>>(l).unwrap()).collect();
        assert_eq!(back, rows);
    }
}
