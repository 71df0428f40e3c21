//! Refuses variables that their Workers would refuse.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use shared::settings::table::{SETTINGS, WorkerName};
use shared::settings::{RawSetting, SettingError};
use toml::{Table, Value};

/// The errors in a Worker's variables, as far as the file has them. Blocks that
/// are not ours have no known settings.
pub(super) fn mistakes(env: &str, vars: &Table) -> Vec<SettingError> {
    let worker = WorkerName::ALL.into_iter().find(|worker| worker.env() == env);
    worker.map_or_else(Vec::new, |it| it.setting_errors(&|name| raw(vars.get(name))))
}

/// Variables that no Worker reads. A misspelled one would silently count as absent. In `ssr` the
/// owner's pages may read their own, so there only a near match to one of ours counts.
pub(super) fn unread(env: &str, vars: &Table) -> Vec<String> {
    let rows = SETTINGS.iter().filter(|row| row.worker.env() == env);
    let known: Vec<&str> = rows.map(|row| row.name).collect();
    let is_ours = WorkerName::ALL.into_iter().any(|worker| worker.env() == env);
    let is_closed = is_ours && env != WorkerName::Ssr.env();
    let names = vars.keys().filter(|name| !known.contains(&name.as_str()));
    let is_slip = |name: &str| known.iter().any(|known| is_near(name, known));
    names.filter(|name| is_closed || is_ours && is_slip(name)).cloned().collect()
}

/// Whether at most one letter is different, missing or extra, apart from case and underscores.
fn is_near(one: &str, other: &str) -> bool {
    let letters = |text: &str| -> Vec<u8> {
        let text = text.bytes().filter(|byte| *byte != b'_');
        text.map(|byte| byte.to_ascii_uppercase()).collect()
    };
    let (one, other) = (letters(one), letters(other));
    let same = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let ends =
        |text: &[u8], skipped: usize| text.get(same + skipped..).unwrap_or_default().to_vec();
    let pairs = [(0, 0), (1, 1), (0, 1), (1, 0)];
    pairs.into_iter().any(|(a, b)| ends(&one, a) == ends(&other, b))
}

/// Refuses variables that would stop a Worker. A missing one may be set elsewhere, as a secret.
///
/// # Errors
/// With a sentence for each, as the Worker itself would log it.
pub(super) fn refuse(file: &str, found: &BTreeMap<&str, Vec<SettingError>>) -> Result<()> {
    let wrong = found.iter().flat_map(|(env, mistakes)| {
        let wrong = mistakes.iter().filter(|mistake| !mistake.is_missing());
        wrong.map(move |mistake| format!("\n  [env.{env}] vars: {mistake}"))
    });
    let wrong: String = wrong.collect();
    if wrong.is_empty() {
        return Ok(());
    }
    bail!("{file} sets variables that their Workers would refuse; correct them:{wrong}")
}

/// The value as the Worker gets it: wrangler keeps its type.
fn raw(value: Option<&Value>) -> RawSetting {
    match value {
        None => RawSetting::Absent,
        Some(Value::String(text)) => RawSetting::Text(text.clone()),
        Some(Value::Integer(number)) => RawSetting::Number(number.to_string()),
        Some(Value::Float(number)) => RawSetting::Number(number.to_string()),
        Some(Value::Array(items)) => {
            let texts = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
            Option::map_or(texts, RawSetting::Other, RawSetting::List)
        }
        Some(Value::Boolean(_) | Value::Datetime(_) | Value::Table(_)) => RawSetting::Other,
    }
}
