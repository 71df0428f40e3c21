//! What a list is asked for: its parameters, its order, its page. No I/O.

use std::cmp::Ordering;

use serde_json::Value;

use super::problem::Problem;
use crate::resources::{text_at, time_of};

/// Rows of a page that names no limit, or one that is too large: the second without a word, as in
/// Clerk. <https://github.com/clerk/clerk-sdk-python/issues/166>
const LIMIT: usize = 10;

/// The largest limit.
const LIMIT_MAX: usize = 500;

/// The most ids in one filter.
const IDS_MAX: usize = 100;

/// The parameters that every list has.
const PAGING: [&str; 2] = ["limit", "offset"];

/// The parameters of a request, each known.
#[derive(Debug)]
pub(super) struct Asked(Vec<(String, String)>);

impl Asked {
    /// Takes parameters of paging and of these names, and no others.
    pub(super) fn read(pairs: Vec<(String, String)>, names: &[&str]) -> Result<Self, Problem> {
        let is_known = |name: &str| PAGING.contains(&name) || names.contains(&name);
        match pairs.iter().find(|(name, _)| !is_known(name)) {
            Some((name, _)) => Err(Problem::unknown(name)),
            None => Ok(Self(pairs)),
        }
    }

    fn all(&self, name: &str) -> Vec<&str> {
        let named = self.0.iter().filter(|(known, _)| known == name);
        named.map(|(_, value)| value.as_str()).collect()
    }

    fn one(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, Problem> {
        let read = |raw: &str| raw.parse().map_err(|_| Problem::invalid(name, "must be a number"));
        self.one(name).map(read).transpose()
    }

    /// The ids that a filter names, which may be given several times; none when it is not given.
    pub(super) fn ids(&self, name: &str) -> Result<Option<Vec<&str>>, Problem> {
        let ids = self.all(name);
        if IDS_MAX < ids.len() {
            return Err(Problem::invalid(name, "may be given 100 times at most"));
        }
        Ok((!ids.is_empty()).then_some(ids))
    }

    /// Whether it was made in the time that is asked for.
    pub(super) fn is_in_time(&self, object: &Value) -> Result<bool, Problem> {
        let made = time_of(object, "created_at").unwrap_or(0);
        let after = self.number::<i64>("created_at_after")?.is_none_or(|from| from < made);
        let before = self.number::<i64>("created_at_before")?.is_none_or(|until| made < until);
        Ok(after && before)
    }

    /// The rows in the order that is asked for, by one of `fields`: the first of them, the newest
    /// first, when none is. Rows of the same moment are in the order of their ids.
    fn in_order(&self, mut rows: Vec<Value>, fields: &[&str]) -> Result<Vec<Value>, Problem> {
        let asked = self.one("order_by").unwrap_or("-created_at");
        let (is_down, field) = match asked.strip_prefix('-') {
            Some(field) => (true, field),
            None => (false, asked.strip_prefix('+').unwrap_or(asked)),
        };
        if !fields.contains(&field) {
            let should = format!("must be one of {}, with + or - before it", fields.join(", "));
            return Err(Problem::invalid("order_by", &should));
        }
        rows.sort_by(|a, b| {
            let order = by_field(a, b, field);
            if is_down { order.reverse() } else { order }
        });
        Ok(rows)
    }

    /// The page of the rows.
    pub(super) fn page(&self, rows: Vec<Value>, fields: &[&str]) -> Result<Vec<Value>, Problem> {
        let limit = match self.number::<usize>("limit")? {
            Some(0) => return Err(Problem::invalid("limit", "must be 1 to 500")),
            Some(limit) if limit <= LIMIT_MAX => limit,
            _ => LIMIT,
        };
        let rows = self.in_order(rows, fields)?;
        let skipped = match self.one("starting_after") {
            None => self.number::<usize>("offset")?.unwrap_or(0),
            Some(id) => self.place_after(&rows, id)?,
        };
        Ok(rows.into_iter().skip(skipped).take(limit).collect())
    }

    /// How many rows come up to this id and with it.
    fn place_after(&self, rows: &[Value], id: &str) -> Result<usize, Problem> {
        let name = "starting_after";
        if self.one("offset").is_some() {
            return Err(Problem::invalid(name, "cannot be combined with offset"));
        }
        let field = self.one("order_by").unwrap_or("created_at");
        if field.trim_start_matches(['+', '-']) != "created_at" {
            return Err(Problem::invalid(name, "needs the order of created_at"));
        }
        // What Clerk does with an id that is gone is not known. A client must not count on it.
        let place = rows.iter().position(|row| text_at(row, "/id") == Some(id));
        place
            .map(|place| place.saturating_add(1))
            .ok_or_else(|| Problem::invalid(name, "must be the id of a row of the list"))
    }
}

fn by_field(a: &Value, b: &Value, field: &str) -> Ordering {
    let key = |row: &Value| (time_of(row, field), text_at(row, "/id").map(str::to_owned));
    key(a).cmp(&key(b))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Asked;

    const FIELDS: [&str; 2] = ["created_at", "updated_at"];

    fn rows(count: i64) -> Vec<Value> {
        // Two of each moment, changed in the opposite order.
        (0..count)
            .map(|n| json!({ "id": format!("{n:04}"), "created_at": n / 2, "updated_at": -n }))
            .collect()
    }

    fn asked(query: &[(&str, &str)]) -> Asked {
        let pairs = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Asked::read(pairs.collect(), &["order_by", "starting_after"]).unwrap()
    }

    fn ids(query: &[(&str, &str)], count: i64) -> Vec<String> {
        let page = asked(query).page(rows(count), &FIELDS).unwrap();
        page.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_page_has_as_many_rows_as_asked_and_ten_when_too_many_are() {
        for (limit, want) in [("1", 1), ("500", 500), ("501", 10), ("9999", 10)] {
            assert_eq!(ids(&[("limit", limit)], 600).len(), want, "{limit}");
        }
        assert_eq!(ids(&[], 600).len(), 10);
        assert_eq!(ids(&[("offset", "598")], 600).len(), 2);
        assert_eq!(ids(&[("offset", "601")], 600).len(), 0);
    }

    #[test]
    fn rows_have_one_order_whichever_is_asked_for() {
        assert_eq!(ids(&[], 4), ["0003", "0002", "0001", "0000"], "the newest first");
        for order in ["created_at", "+created_at", "-updated_at"] {
            assert_eq!(ids(&[("order_by", order)], 4), ["0000", "0001", "0002", "0003"], "{order}");
        }
    }

    /// Page by page, until one has less than was asked for.
    fn all_pages(order: &str) -> Vec<String> {
        let mut seen: Vec<String> = Vec::new();
        let mut is_last = false;
        while !is_last {
            let mut query = vec![("order_by", order), ("limit", "3")];
            query.extend(seen.last().map(|id| ("starting_after", id.as_str())));
            let page = ids(&query, 8);
            is_last = page.len() < 3;
            seen.extend(page);
        }
        seen
    }

    #[test]
    fn a_cursor_goes_through_every_row_once() {
        for order in ["created_at", "-created_at"] {
            assert_eq!(all_pages(order), ids(&[("order_by", order)], 8), "{order}");
        }
    }

    #[test]
    fn what_cannot_be_answered_is_refused() {
        for query in [
            &[("limit", "0")][..],
            &[("limit", "-1")],
            &[("limit", "x")],
            &[("offset", "x")],
            // A raw + in an address is a space by the time that it is read.
            &[("order_by", " created_at")],
            &[("order_by", "name")],
            &[("starting_after", "0001"), ("offset", "1")],
            &[("starting_after", "0001"), ("order_by", "updated_at")],
            &[("starting_after", "gone")],
        ] {
            assert!(asked(query).page(rows(4), &FIELDS).is_err(), "{query:?}");
        }
        assert!(Asked::read(vec![("limits".to_owned(), "1".to_owned())], &[]).is_err());
        let many = vec![("starting_after", "x"); 101];
        assert!(asked(&many).ids("starting_after").is_err());
        assert!(asked(&many[1..]).ids("starting_after").is_ok());
    }
}
