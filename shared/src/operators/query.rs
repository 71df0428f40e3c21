//! Strict queries: a member that is not known, or is given twice, is an error. A misspelled filter
//! must not choose more letters than was meant.

use url::form_urlencoded;

use super::api::letters::LetterFilter;
use super::letter::LetterState;
use crate::time::UnixMillis;

/// Rows on a page, at most and by default.
pub const PAGE_MAX: u32 = 100;

/// Bytes in a query.
pub const QUERY_BYTES_MAX: usize = 8_192;

/// Bytes in one value.
const VALUE_BYTES_MAX: usize = 512;

/// Ids in a filter.
pub const IDS_MAX: usize = 100;

/// Why a query is invalid. The text is shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// It is too long.
    #[error("the query has more than {QUERY_BYTES_MAX} bytes")]
    TooLong,
    /// A member that the route does not know.
    #[error("`{0}` is not known here; allowed: {1}")]
    Unknown(String, String),
    /// A member that may be given once was given twice.
    #[error("`{0}` is given twice")]
    Repeated(&'static str),
    /// A value of another form.
    #[error("`{0}` {1}")]
    Invalid(&'static str, &'static str),
}

/// The members of a query.
#[derive(Debug)]
pub struct QueryMembers(Vec<(&'static str, String)>);

impl QueryMembers {
    /// Parses a query whose members have the names `known`.
    ///
    /// # Errors
    /// The first member that is not known, or too long a query.
    pub fn parse(query: &str, known: &[&'static str]) -> Result<Self, QueryError> {
        if QUERY_BYTES_MAX < query.len() {
            return Err(QueryError::TooLong);
        }
        let mut members = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let Some(known_name) = known.iter().find(|known| **known == name) else {
                return Err(unknown(&name, known));
            };
            if VALUE_BYTES_MAX < value.len() {
                return Err(QueryError::Invalid(known_name, "has more than 512 bytes"));
            }
            members.push((*known_name, value.into_owned()));
        }
        Ok(Self(members))
    }

    /// The value of a member that may be given once.
    ///
    /// # Errors
    /// If it is given twice.
    pub fn text(&self, name: &'static str) -> Result<Option<&str>, QueryError> {
        let mut values = self.all(name);
        let first = values.next();
        if values.next().is_some() { Err(QueryError::Repeated(name)) } else { Ok(first) }
    }

    /// A value that is not empty.
    ///
    /// # Errors
    /// As [`Self::text`], and if it is empty.
    pub fn non_empty(&self, name: &'static str) -> Result<Option<&str>, QueryError> {
        match self.text(name)? {
            Some("") => Err(QueryError::Invalid(name, "is empty: leave it out, or write a value")),
            value => Ok(value),
        }
    }

    /// A whole number that is not negative.
    ///
    /// # Errors
    /// As [`Self::text`], and if it is no such number.
    pub fn number(&self, name: &'static str) -> Result<Option<i64>, QueryError> {
        // 2^53: exact in JavaScript.
        const MAX: i64 = 9_007_199_254_740_992;
        let Some(text) = self.text(name)? else { return Ok(None) };
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| is_plain && *number <= MAX);
        number.map(Some).ok_or(QueryError::Invalid(name, "is not a whole number from 0 to 2^53"))
    }

    /// `limit`: rows on a page, 1 to [`PAGE_MAX`].
    ///
    /// # Errors
    /// As [`Self::text`], and if it is not within these.
    pub fn limit(&self) -> Result<u32, QueryError> {
        let Some(limit) = self.number("limit")? else { return Ok(PAGE_MAX) };
        let limit = u32::try_from(limit).ok().filter(|limit| (1..=PAGE_MAX).contains(limit));
        limit.ok_or(QueryError::Invalid("limit", "is not a whole number from 1 to 100"))
    }

    /// Each value of a member that may be given several times.
    fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The members of a filter: see [`FILTER_MEMBERS`].
    ///
    /// # Errors
    /// The first invalid member.
    pub fn filter(&self) -> Result<LetterFilter, QueryError> {
        let ids: Vec<String> = self.all("id").map(str::to_owned).collect();
        if IDS_MAX < ids.len() {
            return Err(QueryError::Invalid("id", "is given more than 100 times"));
        }
        let filter = LetterFilter {
            ids,
            reason: self.non_empty("reason")?.map(str::to_owned),
            event_type: self.text("type")?.map(str::to_owned),
            subject: self.non_empty("subject")?.map(str::to_owned),
            after: self.number("after")?.map(UnixMillis),
            before: self.number("before")?.map(UnixMillis),
            all: false,
        };
        let all = match self.text("all")? {
            None | Some("0") => false,
            Some("1") => true,
            Some(_) => return Err(QueryError::Invalid("all", "is neither 1 nor 0")),
        };
        Ok(LetterFilter { all, ..filter })
    }

    /// `state`: the letters' state.
    ///
    /// # Errors
    /// If it is no state.
    pub fn state(&self) -> Result<Option<LetterState>, QueryError> {
        let Some(name) = self.text("state")? else { return Ok(None) };
        let state = LetterState::from_name(name);
        state.map(Some).ok_or(QueryError::Invalid(
            "state",
            "is none of parked, replaying, applied, superseded, duplicate, discarded",
        ))
    }
}

fn unknown(name: &str, known: &[&str]) -> QueryError {
    const LETTERS_MAX: usize = 40;
    let name = name.chars().filter(|letter| !letter.is_control()).take(LETTERS_MAX).collect();
    let allowed = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    QueryError::Unknown(name, allowed)
}

/// The members of a query that are a filter. `id` may be given several times.
pub const FILTER_MEMBERS: [&str; 7] = ["id", "reason", "type", "subject", "after", "before", "all"];

#[cfg(test)]
mod tests {
    use super::{FILTER_MEMBERS, QueryError, QueryMembers};
    use crate::operators::api::letters::LetterFilter;
    use crate::time::UnixMillis;

    fn parse(query: &str) -> QueryMembers {
        QueryMembers::parse(query, &[&FILTER_MEMBERS[..], &["limit", "state"]].concat()).unwrap()
    }

    #[test]
    fn a_filter_is_parsed() {
        let query = "id=a&id=b%20c&reason=retries-exhausted&type=&after=1&before=2&subject=user_1";
        let want = LetterFilter {
            ids: vec!["a".into(), "b c".into()],
            reason: Some("retries-exhausted".into()),
            event_type: Some(String::new()),
            subject: Some("user_1".into()),
            after: Some(UnixMillis(1)),
            before: Some(UnixMillis(2)),
            all: false,
        };
        assert_eq!(parse(query).filter(), Ok(want));
        assert_eq!(parse("").filter(), Ok(LetterFilter::default()));
        assert!(parse("all=1").filter().unwrap().all && !parse("all=0").filter().unwrap().all);
    }

    #[test]
    fn what_is_not_known_or_not_clear_is_refused() {
        let unknown = QueryMembers::parse("reasn=x", &["reason", "type"]).unwrap_err();
        assert_eq!(unknown.to_string(), "`reasn` is not known here; allowed: reason, type");
        assert_eq!(
            QueryMembers::parse("x", &[]).unwrap_err().to_string(),
            "`x` is not known here; allowed: none"
        );
        assert_eq!(parse("reason=a&reason=a").filter(), Err(QueryError::Repeated("reason")));
        for query in ["reason=", "subject=", "after=-1", "after=", "after=1.5", "all=2", "all="] {
            assert!(parse(query).filter().is_err(), "{query}");
        }
        for query in ["limit=0", "limit=101", "limit=x", "limit=+5", "limit=1&limit=2"] {
            assert!(parse(query).limit().is_err(), "{query}");
        }
        assert_eq!((parse("").limit(), parse("limit=7").limit()), (Ok(100), Ok(7)));
        assert!(parse("state=parked").state().is_ok() && parse("state=lost").state().is_err());
        let long = format!("reason={}", "a".repeat(9000));
        assert_eq!(QueryMembers::parse(&long, &["reason"]).unwrap_err(), QueryError::TooLong);
    }
}
