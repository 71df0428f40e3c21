//! Refuses a secret in a file that is committed and shared.

use anyhow::{Result, bail};
use shared::settings::table::{SETTINGS, SettingKind, SettingRow};
use toml::{Table, Value};

/// Text that only the value of a secret contains.
const SECRET_MARKS: [&str; 4] = ["whsec_", "sk_live_", "sk_test_", "PRIVATE KEY"];

/// Whether a setting is a secret, by its name.
pub(in crate::deploy) fn is_secret(name: &str) -> bool {
    let is_it = |row: &SettingRow| row.name == name && matches!(row.kind, SettingKind::Secret);
    SETTINGS.iter().any(is_it)
}

/// Refuses a file that contains a secret, also in a comment. The error names the place only.
///
/// # Errors
/// When it does.
pub(super) fn refuse(file: &str, text: &str, table: &Table) -> Result<()> {
    let mut found = Vec::new();
    find(&Value::Table(table.clone()), "", &mut found);
    if found.is_empty() {
        let lines = text.lines().enumerate().filter(|(_, line)| is_marked(line));
        found.extend(lines.map(|(index, _)| format!("line {}", index + 1)));
    }
    if found.is_empty() {
        return Ok(());
    }
    bail!(
        "{file} contains a secret at {}; remove it, set it with `npx wrangler secret put`, and if \
         the file was ever committed or shared, rotate it",
        found.join(", ")
    );
}

fn is_marked(text: &str) -> bool {
    SECRET_MARKS.iter().any(|mark| text.contains(mark))
}

fn find(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::String(text) if is_marked(text) => found.push(at.to_owned()),
        Value::Array(values) => values.iter().for_each(|value| find(value, at, found)),
        Value::Table(table) => {
            for (key, value) in table {
                let dot = if at.is_empty() { "" } else { "." };
                let at = format!("{at}{dot}{key}");
                if is_secret(key) {
                    found.push(at);
                } else {
                    find(value, &at, found);
                }
            }
        }
        Value::String(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_) => {}
    }
}
