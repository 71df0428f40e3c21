//! The query of a list: its filters, its order and its page. No I/O.

use std::cmp::Ordering;

use serde_json::Value;

use super::error::BackendApiError;
use crate::resources::{text_at, time_of};

/// The rows of a page without a limit, or with one that is too large. Clerk too reports no error
/// for the second. <https://github.com/clerk/clerk-sdk-python/issues/166>
const LIMIT_DEFAULT: usize = 10;

/// The largest limit.
const LIMIT_MAX: usize = 500;

/// The most ids in one filter.
const IDS_MAX: usize = 100;

/// The parameters of every list.
const PAGING_PARAMS: [&str; 2] = ["limit", "offset"];

/// The parameters of a request. All are known.
#[derive(Debug)]
pub(super) struct ListQuery(Vec<(String, String)>);

impl ListQuery {
    /// Accepts the parameters of every list and those of these names.
    pub(super) fn parse(
        pairs: Vec<(String, String)>,
        names: &[&str],
    ) -> Result<Self, BackendApiError> {
        let is_known = |name: &str| PAGING_PARAMS.contains(&name) || names.contains(&name);
        match pairs.iter().find(|(name, _)| !is_known(name)) {
            Some((name, _)) => Err(BackendApiError::unknown(name)),
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

    fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, BackendApiError> {
        let read =
            |raw: &str| raw.parse().map_err(|_| BackendApiError::invalid(name, "must be a number"));
        self.one(name).map(read).transpose()
    }

    /// The ids of a filter, which may be given several times. `None` when it is not given.
    pub(super) fn ids(&self, name: &str) -> Result<Option<Vec<&str>>, BackendApiError> {
        let ids = self.all(name);
        if IDS_MAX < ids.len() {
            return Err(BackendApiError::invalid(name, "may be given 100 times at most"));
        }
        Ok((!ids.is_empty()).then_some(ids))
    }

    /// Whether the resource was created in the requested time.
    pub(super) fn is_in_time(&self, resource: &Value) -> Result<bool, BackendApiError> {
        let created = time_of(resource, "created_at").unwrap_or(0);
        let after = self.number::<i64>("created_at_after")?.is_none_or(|from| from < created);
        let before = self.number::<i64>("created_at_before")?.is_none_or(|until| created < until);
        Ok(after && before)
    }

    /// The rows in the requested order, by one of `fields`. The default is the newest first. Rows
    /// of the same time are in the order of their ids.
    fn in_order(
        &self,
        mut rows: Vec<Value>,
        fields: &[&str],
    ) -> Result<Vec<Value>, BackendApiError> {
        let order = self.one("order_by").unwrap_or("-created_at");
        let (is_down, field) = match order.strip_prefix('-') {
            Some(field) => (true, field),
            None => (false, order.strip_prefix('+').unwrap_or(order)),
        };
        if !fields.contains(&field) {
            let should = format!("must be one of {}, with + or - before it", fields.join(", "));
            return Err(BackendApiError::invalid("order_by", &should));
        }
        rows.sort_by(|a, b| {
            let order = by_field(a, b, field);
            if is_down { order.reverse() } else { order }
        });
        Ok(rows)
    }

    /// The requested page of the rows.
    pub(super) fn page(
        &self,
        rows: Vec<Value>,
        fields: &[&str],
    ) -> Result<Vec<Value>, BackendApiError> {
        let limit = match self.number::<usize>("limit")? {
            Some(0) => return Err(BackendApiError::invalid("limit", "must be 1 to 500")),
            Some(limit) if limit <= LIMIT_MAX => limit,
            _ => LIMIT_DEFAULT,
        };
        let rows = self.in_order(rows, fields)?;
        let skipped = match self.one("starting_after") {
            None => self.number::<usize>("offset")?.unwrap_or(0),
            Some(id) => self.position_after(&rows, id)?,
        };
        Ok(rows.into_iter().skip(skipped).take(limit).collect())
    }

    /// The number of rows up to and including this id.
    fn position_after(&self, rows: &[Value], id: &str) -> Result<usize, BackendApiError> {
        let name = "starting_after";
        if self.one("offset").is_some() {
            return Err(BackendApiError::invalid(name, "cannot be combined with offset"));
        }
        let field = self.one("order_by").unwrap_or("created_at");
        if field.trim_start_matches(['+', '-']) != "created_at" {
            return Err(BackendApiError::invalid(name, "needs order_by=created_at"));
        }
        // It is not known what Clerk does with the id of a deleted row.
        let place = rows.iter().position(|row| text_at(row, "/id") == Some(id));
        place
            .map(|place| place.saturating_add(1))
            .ok_or_else(|| BackendApiError::invalid(name, "must be the id of a row in the list"))
    }
}

fn by_field(a: &Value, b: &Value, field: &str) -> Ordering {
    let key = |row: &Value| (time_of(row, field), text_at(row, "/id").map(str::to_owned));
    key(a).cmp(&key(b))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::ListQuery;

    const FIELDS: [&str; 2] = ["created_at", "updated_at"];

    fn rows(count: i64) -> Vec<Value> {
        // Two of each moment, changed in the opposite order.
        (0..count)
            .map(|n| json!({ "id": format!("{n:04}"), "created_at": n / 2, "updated_at": -n }))
            .collect()
    }

    fn list_query(query: &[(&str, &str)]) -> ListQuery {
        let pairs = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        ListQuery::parse(pairs.collect(), &["order_by", "starting_after"]).unwrap()
    }

    fn ids(query: &[(&str, &str)], count: i64) -> Vec<String> {
        let page = list_query(query).page(rows(count), &FIELDS).unwrap();
        page.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_page_has_as_many_rows_as_the_limit_or_ten_if_the_limit_is_too_large() {
        for (limit, want) in [("1", 1), ("500", 500), ("501", 10), ("9999", 10)] {
            assert_eq!(ids(&[("limit", limit)], 600).len(), want, "{limit}");
        }
        assert_eq!(ids(&[], 600).len(), 10);
        assert_eq!(ids(&[("offset", "598")], 600).len(), 2);
        assert_eq!(ids(&[("offset", "601")], 600).len(), 0);
    }

    #[test]
    fn rows_of_the_same_time_are_in_the_order_of_their_ids() {
        assert_eq!(ids(&[], 4), ["0003", "0002", "0001", "0000"], "the newest first");
        for order in ["created_at", "+created_at", "-updated_at"] {
            assert_eq!(ids(&[("order_by", order)], 4), ["0000", "0001", "0002", "0003"], "{order}");
        }
    }

    /// All pages, until one has fewer rows than the limit.
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
    fn paging_by_cursor_returns_every_row_once() {
        for order in ["created_at", "-created_at"] {
            assert_eq!(all_pages(order), ids(&[("order_by", order)], 8), "{order}");
        }
    }

    #[test]
    fn invalid_parameters_are_refused() {
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
            assert!(list_query(query).page(rows(4), &FIELDS).is_err(), "{query:?}");
        }
        assert!(ListQuery::parse(vec![("limits".to_owned(), "1".to_owned())], &[]).is_err());
        let many = vec![("starting_after", "x"); 101];
        assert!(list_query(&many).ids("starting_after").is_err());
        assert!(list_query(&many[1..]).ids("starting_after").is_ok());
    }
}
