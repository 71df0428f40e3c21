//! Structured logging: one JSON object per line, on the console.
//!
//! Only ids and outcomes, never a body, a token or an e-mail address.

use std::io;
use std::sync::Once;

use tracing_subscriber::fmt::MakeWriter;

static INSTALLED: Once = Once::new();

/// Sends `tracing`'s events to the console as JSON. Idempotent.
pub fn init() {
    INSTALLED.call_once(|| {
        let lines = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .without_time() // The platform adds the time; wasm32 has no std clock.
            .with_target(false)
            .with_max_level(tracing::Level::INFO)
            .with_writer(ConsoleWriter)
            .finish();
        if tracing::subscriber::set_global_default(lines).is_err() {
            web_sys::console::error_1(&"a tracing subscriber is already installed".into());
        }
    });
}

/// Logs the new head of the audit trail. Write access to the database gives none to the log, so the
/// log shows a trail that was replaced.
pub fn audit_head(seq: i64, hash: &str) {
    tracing::info!(seq, hash, "audit trail extended");
}

struct ConsoleWriter;

impl MakeWriter<'_> for ConsoleWriter {
    type Writer = LogLine;

    fn make_writer(&self) -> LogLine {
        LogLine { level: tracing::Level::INFO, bytes: Vec::new() }
    }

    fn make_writer_for(&self, meta: &tracing::Metadata<'_>) -> LogLine {
        LogLine { level: *meta.level(), bytes: Vec::new() }
    }
}

/// Buffers one line; written on drop.
struct LogLine {
    level: tracing::Level,
    bytes: Vec<u8>,
}

impl io::Write for LogLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.bytes);
        let text = text.trim_end().into();
        match self.level {
            tracing::Level::ERROR => web_sys::console::error_1(&text),
            tracing::Level::WARN => web_sys::console::warn_1(&text),
            _ => web_sys::console::log_1(&text),
        }
    }
}
