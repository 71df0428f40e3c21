//! Structured logging: one JSON object per event, on the console.
//!
//! Only ids and outcomes, never a body, a token or an e-mail address. docs/logging.md lists the
//! fields and says what each error asks for.

use std::cell::Cell;
use std::fmt;
use std::sync::Once;

use js_sys::{Function, JSON, Object, Reflect, Symbol, global};
use serde_json::Value;
use shared::log::{LogLine, SampleRate};
use shared::settings::log::sample_rate_from_env;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use wasm_bindgen::JsValue;
use worker::Env;

use crate::{random, settings};

static INSTALLED: Once = Once::new();

thread_local! {
    static RATE: Cell<SampleRate> = const { Cell::new(SampleRate::ALL) };
    static IS_RATE_READ: Cell<bool> = const { Cell::new(false) };
}

/// Sends `tracing`'s events to the console, each with the Worker's name. Idempotent.
pub fn init(worker: &'static str) {
    INSTALLED.call_once(|| {
        if tracing::subscriber::set_global_default(ConsoleLines { worker }).is_err() {
            web_sys::console::error_1(&"a tracing subscriber is already installed".into());
        }
    });
}

/// Reads once per isolate which share of the ordinary lines is kept. Without it all are.
pub fn read_sample_rate(env: &Env) {
    if IS_RATE_READ.replace(true) {
        return;
    }
    let (rate, error) = sample_rate_from_env(&|name| settings::raw(env, name));
    RATE.set(rate);
    settings::log_errors(error.as_slice());
}

/// Logs the new head of the audit trail. Write access to the database gives none to the log, so the
/// log shows a trail that was replaced.
pub fn audit_head(seq: i64, hash: &str) {
    tracing::info!(seq, hash, "audit trail extended");
}

/// `tracing`'s subscriber. There are no spans: a line says all that belongs to it.
struct ConsoleLines {
    worker: &'static str,
}

impl Subscriber for ConsoleLines {
    fn enabled(&self, meta: &Metadata<'_>) -> bool {
        *meta.level() <= Level::INFO
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let level = *event.metadata().level();
        let mut line = FieldsOfLine(LogLine::new(level.as_str(), self.worker));
        event.record(&mut line);
        if level == Level::INFO && !is_kept(&line.0) {
            return;
        }
        write(level, &line.0.finish());
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

fn is_kept(line: &LogLine) -> bool {
    let rate = RATE.get();
    line.trace_id().map_or_else(|| rate.keeps(random::jitter()), |id| rate.keeps_trace(id))
}

/// Adds an event's fields to its line.
struct FieldsOfLine(LogLine);

impl Visit for FieldsOfLine {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.value(field.name(), &Value::from(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.value(field.name(), &Value::from(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.value(field.name(), &Value::from(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.value(field.name(), &Value::from(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.text(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.text(field.name(), &format!("{value:?}"));
    }
}

/// Writes a line with the console's method for its level. Workers Logs indexes the fields of
/// objects, but not those of text.
fn write(level: Level, json: &str) {
    let line = to_object(json).unwrap_or_else(|_| JsValue::from_str(json));
    match level {
        Level::ERROR => web_sys::console::error_1(&line),
        Level::WARN => web_sys::console::warn_1(&line),
        _ => web_sys::console::log_1(&line),
    }
}

/// The object of a line. A local console, which would spread an object over several lines, shows
/// its JSON: Node's `util.inspect` asks the object for its text under this symbol.
fn to_object(json: &str) -> Result<JsValue, JsValue> {
    let line = JSON::parse(json)?;
    // A function that returns the JSON, whatever its arguments are.
    let as_text: Function = Reflect::get(&global(), &"String".into())?.into();
    let shown = as_text.bind1(&JsValue::UNDEFINED, &JsValue::from_str(json));
    let symbol = Symbol::for_("nodejs.util.inspect.custom");
    // Not enumerable, so it is no field.
    let property = Object::new();
    Reflect::set(&property, &"value".into(), &shown)?;
    Object::define_property(&line.clone().into(), &symbol, &property);
    Ok(line)
}
