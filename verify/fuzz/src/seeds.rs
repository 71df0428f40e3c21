//! Where the committed corpora come from: the fixtures of the tests, and a few cases by hand.
//!
//! `cargo xtask sim fuzz --seed-corpus` writes them; a test holds `corpus/` to them. An input that
//! was found by fuzzing stands beside them under a name that begins with `regression-`.

mod by_hand;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::clerk_event::seed_envelope;

/// How the names of inputs begin that no generator makes.
pub const REGRESSION: &str = "regression-";

/// Inputs by target and name.
pub type Seeds = BTreeMap<(&'static str, String), Vec<u8>>;

/// The folder of the committed corpora.
#[must_use]
pub fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// Every generated input.
///
/// # Errors
/// When a fixture cannot be read.
pub fn all() -> io::Result<Seeds> {
    let mut seeds = by_hand::all();
    seeds.extend(deliveries()?);
    seeds.extend(tokens()?);
    for (name, text) in folder("clerk-sessions")? {
        let is_key = ["jwks", ".pem"].iter().any(|part| name.contains(part));
        seeds.extend(is_key.then(|| (("key_set", name), text.into_bytes())));
    }
    for kind in ["captured", "derived", "docs", "openapi-2025-04-15"] {
        for (name, text) in folder(&format!("clerk-events/{kind}"))? {
            // The schemas are no event.
            if !name.starts_with('_') {
                seeds.insert(
                    ("queue_message", name.clone()),
                    seed_envelope(text.as_bytes()).into_bytes(),
                );
                seeds.insert(("clerk_event", name), text.into_bytes());
            }
        }
    }
    Ok(seeds)
}

/// Writes every generated input into the committed corpora.
///
/// # Errors
/// When a fixture cannot be read or an input cannot be written.
pub fn write() -> io::Result<()> {
    for ((target, name), bytes) in all()? {
        let folder = corpus().join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}

/// The texts of a folder of fixtures, by name.
fn folder(name: &str) -> io::Result<Vec<(String, String)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(name);
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        texts.push((name, fs::read_to_string(entry.path())?));
    }
    texts.sort();
    Ok(texts)
}

fn cases(folder_name: &str, file: &str) -> io::Result<Vec<Value>> {
    let texts = folder(folder_name)?;
    let text = texts.iter().find(|(name, _)| name == file).map(|(_, text)| text.as_str());
    let file: Value = serde_json::from_str(text.unwrap_or_default())?;
    Ok(file.get("cases").and_then(Value::as_array).cloned().unwrap_or_default())
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Svix's vectors as deliveries.
fn deliveries() -> io::Result<Seeds> {
    let cases = cases("svix-vectors", "verify-matrix.json")?;
    let seed = |case: &Value| {
        let headers = case.get("headers").and_then(Value::as_object).into_iter().flatten();
        let line = |(name, value): (&String, &Value)| {
            format!("{name}: {}\n", value.as_str().unwrap_or_default())
        };
        let delivery = headers.map(line).collect::<String>() + "\n" + text(case, "payload");
        (("svix_signature", text(case, "name").to_owned()), delivery.into_bytes())
    };
    Ok(cases.iter().map(seed).collect())
}

/// Clerk's tokens as they are, and taken apart where they can be.
fn tokens() -> io::Result<Seeds> {
    let mut seeds = Seeds::new();
    for case in cases("clerk-sessions", "derived-session-tokens.json")? {
        let (name, token) = (text(&case, "name").to_owned(), text(&case, "token"));
        let part = |at: usize| URL_SAFE_NO_PAD.decode(token.split('.').nth(at)?).ok();
        if let (Some(header), Some(claims)) = (part(0), part(1)) {
            let apart = [header.as_slice(), b"\n", &claims].concat();
            seeds.insert(("session_token", format!("{name}.apart")), apart);
        }
        seeds.insert(("session_token", name), token.to_owned().into_bytes());
    }
    Ok(seeds)
}
