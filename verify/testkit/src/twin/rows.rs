//! The rows of D1, each with the columns that say something.

use rusqlite::types::Value as Cell;
use serde::Serialize;
use serde_json::{Value, json};

/// The columns by which the merge law ranks a synced row, compared as the row value of the
/// statements: from left to right.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// Whether it is dead.
    pub deleted: bool,
    /// The object's own `updated_at`.
    pub updated_at: i64,
    /// The event's time.
    pub event_at: i64,
    /// The version of the code that read it.
    pub projection: i64,
    /// Of the projected fields.
    pub digest: String,
}

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

/// A row of `users`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of migrations/0002_synced.sql")]
pub struct User {
    pub id: String,
    pub email: Option<String>,
    pub banned: bool,
    pub app_roles: List,
    pub created_at: i64,
    pub rank: Rank,
}

/// A row of `organizations`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of migrations/0002_synced.sql")]
pub struct Organization {
    pub id: String,
    pub name: String,
    pub slug: Option<String>,
    pub rank: Rank,
}

/// A row of `memberships`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of migrations/0002_synced.sql")]
pub struct Membership {
    pub id: String,
    pub org_id: String,
    pub user_id: String,
    pub role: String,
    pub permissions: List,
    pub rank: Rank,
}

/// A row of `org_roles`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of migrations/0002_synced.sql")]
pub struct OrgRole {
    pub id: String,
    pub key: String,
    pub permissions: List,
    pub rank: Rank,
}

/// A row of `org_permissions`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of migrations/0002_synced.sql")]
pub struct OrgPermission {
    pub id: String,
    pub key: String,
    pub rank: Rank,
}

/// A row of `roles`. The table is the tutorial's: a name can be NULL, or bytes.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the columns of migrations/0001_roles_and_grants.sql")]
pub struct AppRole {
    pub id: i64,
    pub name: Cell,
}

impl AppRole {
    /// The name, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.name {
            Cell::Text(name) => Some(name),
            Cell::Null | Cell::Integer(_) | Cell::Real(_) | Cell::Blob(_) => None,
        }
    }
}

/// A row of `role_grants`, without actor and reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of migrations/0001_roles_and_grants.sql")]
pub struct Grant {
    pub user_id: String,
    pub role_id: i64,
    pub granted: bool,
    pub at: i64,
    pub id: String,
}

/// A row of `membership_pairs`. Its rank is never a dead one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of migrations/0002_synced.sql")]
pub struct Pair {
    pub org_id: String,
    pub user_id: String,
    pub rank: Rank,
}

/// A row of `org_role_keys` or of `org_permission_keys`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the column of migrations/0002_synced.sql")]
pub struct Key {
    pub key: String,
}

/// A row of `settings`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of migrations/0002_synced.sql")]
pub struct Setting {
    pub key: String,
    pub value: String,
}
