//! A JSON list in a column.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, Value as Cell, ValueRef};
use serde::Serialize;
use serde_json::{Value, json};

/// A JSON list as its column holds it. Two are the same when their texts are.
#[derive(Clone, Debug)]
pub struct List {
    text: String,
    items: Vec<Value>,
}

impl PartialEq for List {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for List {}

impl List {
    /// A list as the statements write it.
    pub fn of<T: Serialize>(items: &[T]) -> Self {
        let text = json!(items).to_string();
        Self::parse(&text).unwrap_or(Self { text, items: vec![] })
    }

    /// Reads what a column holds; `None` for what its CHECK refuses.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self { text: text.into(), items: serde_json::from_str(text).ok()? })
    }

    /// The column's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its items that are strings.
    pub(super) fn strings(&self) -> impl Iterator<Item = &str> {
        self.items.iter().filter_map(Value::as_str)
    }

    /// Its items that are permissions: objects whose `id` and `key` are strings.
    pub(super) fn carried(&self) -> impl Iterator<Item = (&str, &str)> {
        self.items
            .iter()
            .filter_map(|item| Some((item.get("id")?.as_str()?, item.get("key")?.as_str()?)))
    }
}

impl<T: Serialize> From<Vec<T>> for List {
    fn from(items: Vec<T>) -> Self {
        Self::of(&items)
    }
}

impl From<List> for Cell {
    fn from(list: List) -> Self {
        Self::Text(list.text)
    }
}

impl FromSql for List {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::parse(value.as_str()?).ok_or(FromSqlError::InvalidType)
    }
}
