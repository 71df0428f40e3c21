//! Edits of single values in a TOML file: everything else stays, byte for byte.

use std::ops::Range;

use anyhow::{Result, anyhow};
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Value};

/// Replaces strings in `text`. `change` gets the keys of each string (elements of a list
/// have the key of the list) and its value, and returns the new value, if there is one.
///
/// # Errors
/// When `text` is not TOML.
pub(super) fn strings(
    text: &str,
    mut change: impl FnMut(&[&str], &str) -> Option<String>,
) -> Result<String> {
    // The parser's own message shows the line, which may contain a secret.
    let table = DeTable::parse(text)
        .map_err(|error| anyhow!("this is not TOML: {}; correct it", error.message()))?;
    let mut edits = Vec::new();
    in_table(table.get_ref(), &[], &mut change, &mut edits);
    // From the end to the start, so that the positions of earlier ones stay right.
    edits.sort_by_key(|(place, _): &(Range<usize>, String)| place.start);
    let mut edited = text.to_owned();
    for (place, value) in edits.into_iter().rev() {
        edited.replace_range(place, &Value::String(value).to_string());
    }
    Ok(edited)
}

/// Puts a database's id wherever the file names a database.
///
/// # Errors
/// When `text` is not TOML.
pub(super) fn database_id(text: &str, id: &str) -> Result<String> {
    strings(text, |keys, _| match keys {
        [.., "d1_databases", "database_id"] => Some(id.to_owned()),
        _ => None,
    })
}

type Change<'a> = &'a mut dyn FnMut(&[&str], &str) -> Option<String>;

fn in_table(
    table: &DeTable<'_>,
    keys: &[&str],
    change: Change<'_>,
    edits: &mut Vec<(Range<usize>, String)>,
) {
    for (key, value) in table {
        let keys: Vec<&str> = keys.iter().copied().chain([key.get_ref().as_ref()]).collect();
        in_value(value, &keys, change, edits);
    }
}

fn in_value(
    value: &Spanned<DeValue<'_>>,
    keys: &[&str],
    change: Change<'_>,
    edits: &mut Vec<(Range<usize>, String)>,
) {
    match value.get_ref() {
        DeValue::String(text) => {
            let new = change(keys, text).filter(|new| new != text.as_ref());
            edits.extend(new.map(|new| (value.span(), new)));
        }
        DeValue::Array(values) => {
            values.iter().for_each(|value| in_value(value, keys, change, edits));
        }
        DeValue::Table(table) => in_table(table, keys, change, edits),
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0b0f1a3c-7a0e-4c4e-9f55-3b9a7d0c1e22";

    #[test]
    fn an_id_is_written_wherever_the_database_is_named_and_nothing_else_changes() {
        let text = "# kept\n[[env.a.d1_databases]]\ndatabase_id  = 'x' # kept too\n\
            [env.b]\nd1_databases = [ { binding = \"DB\", database_id = \"x\" } ]\n\
            [env.c.vars]\ndatabase_id = \"x\"\n";
        let want = format!(
            "# kept\n[[env.a.d1_databases]]\ndatabase_id  = \"{ID}\" # kept too\n\
            [env.b]\nd1_databases = [ {{ binding = \"DB\", database_id = \"{ID}\" }} ]\n\
            [env.c.vars]\ndatabase_id = \"x\"\n"
        );
        assert_eq!(database_id(text, ID).unwrap(), want);
        assert_eq!(database_id(&want, ID).unwrap(), want);
    }

    #[test]
    fn a_new_value_is_quoted() {
        let edited = strings("a = 1\nb = \"c\"", |_, _| Some("d\"e\\".to_owned())).unwrap();
        let table: toml::Table = edited.parse().unwrap();
        assert_eq!(table["b"].as_str(), Some("d\"e\\"));
    }

    #[test]
    fn text_that_is_not_toml_is_refused() {
        let error = strings("a = whsec_MfKQ", |_, _| None).unwrap_err();
        assert!(!format!("{error:#}").contains("MfKQ"), "{error:#}");
    }
}
