//! No variable may be set to what its Worker would refuse.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use shared::settings::table::Worker;
use shared::settings::{Mistake, Raw};
use toml::{Table, Value};

/// What a Worker will find wrong with its variables, as far as they stand in the file. Blocks that
/// are none of ours have no settings that anybody knows.
pub(super) fn mistakes(env: &str, vars: &Table) -> Vec<Mistake> {
    let worker = Worker::ALL.into_iter().find(|worker| worker.env() == env);
    worker.map_or_else(Vec::new, |it| it.mistakes(&|name| raw(vars.get(name))))
}

/// Refuses variables that would close a Worker. What is missing may stand elsewhere, as a secret.
///
/// # Errors
/// With a sentence for each, as the Worker itself would log it.
pub(super) fn refuse(file: &str, found: &BTreeMap<&str, Vec<Mistake>>) -> Result<()> {
    let wrong = found.iter().flat_map(|(env, mistakes)| {
        let wrong = mistakes.iter().filter(|mistake| !mistake.is_missing());
        wrong.map(move |mistake| format!("\n  [env.{env}] vars: {mistake}"))
    });
    let wrong: String = wrong.collect();
    if wrong.is_empty() {
        return Ok(());
    }
    bail!("{file} sets variables that their Workers would refuse; mend them:{wrong}")
}

/// As it reaches the Worker: wrangler gives on the value of the same type.
fn raw(value: Option<&Value>) -> Raw {
    match value {
        None => Raw::Absent,
        Some(Value::String(text)) => Raw::Text(text.clone()),
        Some(Value::Integer(number)) => Raw::Number(number.to_string()),
        Some(Value::Float(number)) => Raw::Number(number.to_string()),
        Some(Value::Array(items)) => {
            let texts = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
            Option::map_or(texts, Raw::Other, Raw::List)
        }
        Some(Value::Boolean(_) | Value::Datetime(_) | Value::Table(_)) => Raw::Other,
    }
}
