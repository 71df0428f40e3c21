//! How the fields of a struct become columns, so that a field is declared once.

use serde::Serialize;

use super::RolePermission;

/// A value as its column holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ColumnValue {
    /// An absent value.
    Null,
    /// A number, or a boolean as 0 or 1.
    Integer(i64),
    /// A string, or a list as JSON.
    Text(String),
}

/// A field, to be changed by tests that must reach each of them.
#[derive(Debug)]
#[expect(missing_docs, reason = "one variant for each type of a field")]
pub enum FieldMut<'a> {
    Text(&'a mut String),
    OptionalText(&'a mut Option<String>),
    Boolean(&'a mut bool),
    Integer(&'a mut i64),
    Texts(&'a mut Vec<String>),
    RolePermissions(&'a mut Vec<RolePermission>),
}

impl FieldMut<'_> {
    /// Empties the field, as in the row of a deletion.
    pub fn clear(self) {
        match self {
            Self::Text(it) => it.clear(),
            Self::OptionalText(it) => *it = None,
            Self::Boolean(it) => *it = false,
            Self::Integer(it) => *it = 0,
            Self::Texts(it) => it.clear(),
            Self::RolePermissions(it) => it.clear(),
        }
    }
}

/// A type that a synced field may have. Its default is the value in the row of a deletion.
pub trait SyncedField: Default {
    /// The value of the column.
    fn to_column(&self) -> ColumnValue;

    /// The field for [`FieldMut`].
    fn as_field_mut(&mut self) -> FieldMut<'_>;
}

/// Implements [`SyncedField`] for a type.
macro_rules! synced_field {
    ($type:ty, $variant:ident, |$value:ident| $column:expr) => {
        impl SyncedField for $type {
            fn to_column(&self) -> ColumnValue {
                let $value = self;
                $column
            }

            fn as_field_mut(&mut self) -> FieldMut<'_> {
                FieldMut::$variant(self)
            }
        }
    };
}

synced_field!(String, Text, |it| ColumnValue::Text(it.clone()));
synced_field!(Option<String>, OptionalText, |it| {
    it.clone().map_or(ColumnValue::Null, ColumnValue::Text)
});
synced_field!(bool, Boolean, |it| ColumnValue::Integer(i64::from(*it)));
synced_field!(i64, Integer, |it| ColumnValue::Integer(*it));
synced_field!(Vec<String>, Texts, |it| json_text(it));
synced_field!(Vec<RolePermission>, RolePermissions, |it| json_text(it));

/// A list, stored as JSON text.
fn json_text<T: Serialize>(items: &[T]) -> ColumnValue {
    // Strings always become JSON.
    ColumnValue::Text(serde_json::to_string(items).unwrap_or_default())
}

/// Declares the synced fields of one kind. From this follow the columns of its rows, those of a
/// deletion, and the bytes that the digest is made of, all in the order of the fields.
macro_rules! synced_fields {
    (
        $(#[$doc:meta])*
        $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),+ $(,)? }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type),+
        }

        impl $name {
            fn columns(&self) -> Vec<(&'static str, ColumnValue)> {
                vec![$((stringify!($field), SyncedField::to_column(&self.$field))),+]
            }

            fn fields_mut(&mut self) -> Vec<(&'static str, FieldMut<'_>)> {
                vec![$((stringify!($field), SyncedField::as_field_mut(&mut self.$field))),+]
            }
        }
    };
}

pub(super) use synced_fields;
