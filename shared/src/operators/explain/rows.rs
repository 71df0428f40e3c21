//! The rows of the statements in [`crate::sql::explain`].

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::json::deserialize_from_object;
use crate::operators::api::letters::LetterSummary;
use crate::time::UnixMillis;

/// One row of any of these statements: a JSON text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub struct JsonRow {
    /// The text.
    pub json: String,
}

/// A result that is not one of these statements.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("D1 returned a row that `explain` cannot read: {0}")]
pub struct RowError(pub String);

/// Reads the rows of one statement.
///
/// # Errors
/// If a row has another form. It names the position only: serde's own text quotes values.
pub fn read_rows<T: DeserializeOwned>(rows: &[JsonRow]) -> Result<Vec<T>, RowError> {
    let read = |row: &JsonRow| serde_json::from_str(&row.json);
    rows.iter().map(read).collect::<serde_json::Result<_>>().map_err(|error| {
        let (kind, column) = (error.classify(), error.column());
        RowError(format!("{kind:?} at column {column} of a {}", std::any::type_name::<T>()))
    })
}

/// A truth value of SQLite: 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i64")]
pub(super) struct Flag(pub(super) bool);

impl TryFrom<i64> for Flag {
    type Error = &'static str;

    fn try_from(number: i64) -> Result<Self, Self::Error> {
        match number {
            0 => Ok(Self(false)),
            1 => Ok(Self(true)),
            _ => Err("neither 0 nor 1"),
        }
    }
}

/// A dead letter, and what only its story needs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub(super) struct LetterRow {
    pub(super) letter: LetterSummary,
    pub(super) state_at: UnixMillis,
    pub(super) returns: i64,
}

/// One replay of one letter.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub(super) struct ReplayRow {
    pub(super) letter: String,
    pub(super) replay: String,
    pub(super) action: String,
    pub(super) created_at: UnixMillis,
    pub(super) actor: String,
    pub(super) reason: String,
    pub(super) planned: String,
    pub(super) became: String,
    pub(super) became_at: Option<UnixMillis>,
}

/// The members of each synced row that decide something.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub(super) struct SyncedRow {
    pub(super) deleted: Flag,
    #[serde(default)]
    pub(super) banned: Option<Flag>,
    #[serde(default)]
    pub(super) key: Option<String>,
    #[serde(default)]
    pub(super) decides: Option<Flag>,
}

/// One membership, with what decides whether it counts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub(super) struct MembershipRow {
    pub(super) id: String,
    pub(super) org_id: String,
    pub(super) role: String,
    pub(super) deleted: Flag,
    pub(super) outranked: Flag,
    pub(super) rival: Option<String>,
    pub(super) organization: Option<String>,
    pub(super) user: Option<String>,
    pub(super) role_is_known: Flag,
    pub(super) own: Vec<OwnPermission>,
}

/// A permission in a membership's own list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub(super) struct OwnPermission {
    pub(super) key: String,
    pub(super) retired: Flag,
}

/// A role that decides for its key, and what it lists.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub(super) struct DecidingRole {
    pub(super) role: String,
    pub(super) role_id: String,
    pub(super) listed: Vec<ListedPermission>,
}

/// A permission that a role lists.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub(super) struct ListedPermission {
    pub(super) id: String,
    pub(super) listed: String,
    /// Its own key, once its row is known.
    pub(super) key: Option<String>,
    pub(super) deleted: Option<Flag>,
    pub(super) retired: Flag,
}

/// The watch of a user.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub struct WatchRow {
    /// Its owner.
    pub owner: i64,
    /// The version in the database.
    pub version: i64,
    /// The version that the cache has acknowledged.
    pub acked: i64,
    /// Whether it is behind a change of the default role.
    pub(super) behind: Flag,
}

deserialize_from_object!(
    JsonRow,
    LetterRow,
    ReplayRow,
    SyncedRow,
    MembershipRow,
    OwnPermission,
    DecidingRole,
    ListedPermission,
    WatchRow,
);

#[cfg(test)]
mod tests {
    use super::{JsonRow, WatchRow, read_rows};

    #[test]
    fn an_unreadable_row_is_named_without_its_values() {
        for json in
            [r#"{"owner":"ada@example.com"}"#, r#"{"owner":1,"behind":"+49 30 1234"}"#, "ada"]
        {
            let rows = [JsonRow { json: json.into() }];
            let error = read_rows::<WatchRow>(&rows).unwrap_err().to_string();
            assert!(error.contains("WatchRow"), "{error}");
            assert!(!error.contains("ada") && !error.contains("+49"), "{error}");
        }
    }
}
