//! Settings of a Worker: variables and secrets by their type, and what is told of mistakes.

use std::cell::RefCell;

use js_sys::{JSON, Reflect};
use serde::Serialize;
use shared::settings::{RawSetting, SettingError};
use wasm_bindgen::JsValue;
use worker::Env;

/// What stands under a name.
#[must_use]
pub fn raw(env: &Env, name: &str) -> RawSetting {
    let Ok(value) = Reflect::get(env, &JsValue::from_str(name)) else { return RawSetting::Other };
    if value.is_undefined() {
        return RawSetting::Absent;
    }
    if let Some(text) = value.as_string() {
        return RawSetting::Text(text);
    }
    let text = JSON::stringify(&value).ok().and_then(|text| text.as_string()).unwrap_or_default();
    if text.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return RawSetting::Number(text);
    }
    serde_json::from_str(&text).map_or(RawSetting::Other, RawSetting::List)
}

/// Logs mistakes, each once per isolate: a line for each request would let a stranger write the
/// log.
pub fn log_errors(mistakes: &[SettingError]) {
    thread_local! {
        static TOLD: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
    }
    // What a setting is does not change while an isolate lives.
    let mut fresh = String::new();
    TOLD.with_borrow_mut(|told| {
        for mistake in mistakes {
            if told.contains(&mistake.name) {
                continue;
            }
            told.push(mistake.name);
            fresh = format!("{fresh}{mistake}; ");
        }
    });
    if let Some(mistakes) = fresh.strip_suffix("; ") {
        tracing::error!(mistakes, "misconfigured");
    }
}

/// What `/healthz` says.
#[derive(Debug, Serialize)]
pub struct HealthResponse {
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mistakes: Vec<String>,
}

/// What `/healthz` answers: 200, or 503 with a sentence for each mistake. None shows a value.
#[must_use]
pub fn health(mistakes: &[SettingError]) -> (u16, HealthResponse) {
    let (code, status) = if mistakes.is_empty() { (200, "ok") } else { (503, "misconfigured") };
    (
        code,
        HealthResponse { status, mistakes: mistakes.iter().map(SettingError::to_string).collect() },
    )
}
