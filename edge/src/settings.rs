//! Reads settings (variables and secrets) and reports errors in them.

use std::cell::RefCell;

use js_sys::{JSON, Reflect};
use serde::Serialize;
use shared::settings::{RawSetting, SettingError};
use wasm_bindgen::JsValue;
use worker::Env;

/// The raw value of a setting.
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

/// Logs errors, each once per isolate, to limit the log volume.
pub fn log_errors(errors: &[SettingError]) {
    thread_local! {
        static LOGGED: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
    }
    // Settings do not change during the life of an isolate.
    let mut mistakes = String::new();
    LOGGED.with_borrow_mut(|logged| {
        for error in errors {
            if logged.contains(&error.name) {
                continue;
            }
            logged.push(error.name);
            mistakes = format!("{mistakes}{error}; ");
        }
    });
    if let Some(mistakes) = mistakes.strip_suffix("; ") {
        tracing::error!(mistakes, "invalid settings");
    }
}

/// The body of `/healthz`.
#[derive(Debug, Serialize)]
pub struct HealthResponse {
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mistakes: Vec<String>,
}

/// The response of `/healthz`: 200, or 503 with a sentence for each error. No sentence contains a
/// value.
#[must_use]
pub fn health(errors: &[SettingError]) -> (u16, HealthResponse) {
    let (code, status) = if errors.is_empty() { (200, "ok") } else { (503, "misconfigured") };
    (
        code,
        HealthResponse { status, mistakes: errors.iter().map(SettingError::to_string).collect() },
    )
}
