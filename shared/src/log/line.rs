//! One line of the log, as a JSON object.

use std::fmt::Write as _;

use serde_json::Value;

/// Bytes of a field's text. A longer one is cut and ends with `…`. `trace_ids` alone may be longer.
pub const FIELD_BYTES_MAX: usize = 1_000;

/// Bytes of the list of trace ids in the line of a batch: those of a whole batch of 100 messages
/// whose ids are as long as Svix's.
pub const TRACE_IDS_BYTES_MAX: usize = 4_000;

/// The field with a limit of its own.
const TRACE_IDS: &str = "trace_ids";

/// Builds one line. The order of the fields is the order in which they are added.
///
/// JSON escapes the control characters, so no value can begin another line or colour a terminal.
#[derive(Debug)]
pub struct LogLine {
    json: String,
    /// The trace that the line belongs to.
    trace_id: Option<String>,
}

impl LogLine {
    /// A line of `worker`.
    #[must_use]
    pub fn new(level: &str, worker: &str) -> Self {
        let mut line = Self { json: "{".to_owned(), trace_id: None };
        line.text("level", level);
        line.text("worker", worker);
        line
    }

    /// Adds a text, cut to its limit.
    pub fn text(&mut self, name: &str, value: &str) {
        let max = if name == TRACE_IDS { TRACE_IDS_BYTES_MAX } else { FIELD_BYTES_MAX };
        let cut = value.get(..value.floor_char_boundary(max)).unwrap_or_default();
        let text = if cut.len() < value.len() { format!("{cut}…") } else { cut.to_owned() };
        if name == "trace_id" {
            self.trace_id = Some(text.clone());
        }
        self.value(name, &Value::from(text));
    }

    /// Adds a number or a truth value.
    pub fn value(&mut self, name: &str, value: &Value) {
        if self.json.len() > 1 {
            self.json.push(',');
        }
        for one in format!("{}:{value}", Value::from(name)).chars() {
            if is_unseen(one) {
                // Writing into a String never fails.
                let _written = write!(self.json, "\\u{:04x}", u32::from(one));
            } else {
                self.json.push(one);
            }
        }
    }

    /// The trace that the line belongs to.
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        self.trace_id.as_deref()
    }

    /// The JSON object.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.json.push('}');
        self.json
    }
}

/// Characters that JSON does not escape, and that break a line or change the order of what is
/// seen.
fn is_unseen(one: char) -> bool {
    let turns = matches!(
        one,
        '\u{61c}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
    );
    turns || one.is_control()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{FIELD_BYTES_MAX, LogLine};

    fn parsed(line: LogLine) -> Value {
        let text = line.finish();
        assert!(!text.contains(|it: char| it.is_control()), "{text}");
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_line_is_one_json_object() {
        let mut line = LogLine::new("INFO", "ingest");
        line.text("message", "delivery accepted");
        line.text("trace_id", "msg_1");
        line.value("duration_ms", &Value::from(12));
        assert_eq!(line.trace_id(), Some("msg_1"));
        let want = json!({
            "level": "INFO", "worker": "ingest", "message": "delivery accepted",
            "trace_id": "msg_1", "duration_ms": 12,
        });
        assert_eq!(parsed(line), want);
    }

    #[test]
    fn a_8_no_value_leaves_its_field() {
        let hostile = concat!(
            "\r\n{\"level\":\"ERROR\"}\u{1b}[31m\u{0}\u{85}\u{2028}\u{61c}\u{202e}",
            "\",\"forged\":\"\\",
        );
        let mut line = LogLine::new("WARN", "ssr");
        line.text("cause", hostile);
        line.text(hostile, "x");
        let text = line.finish();
        assert!(!text.contains(|it: char| it.is_ascii_control()), "{text}");
        assert!(!text.contains(['\u{85}', '\u{2028}', '\u{61c}', '\u{202e}']), "{text}");
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["cause"], hostile);
        assert_eq!(read.as_object().unwrap().len(), 4);
    }

    #[test]
    fn a_8_a_field_is_bounded() {
        for text in ["x".repeat(100_000), "ü".repeat(100_000), "\u{1}".repeat(100_000)] {
            let mut line = LogLine::new("WARN", "ssr");
            line.text("cause", &text);
            let line = parsed(line);
            let cause = line["cause"].as_str().unwrap();
            assert!(cause.len() <= FIELD_BYTES_MAX + "…".len());
            assert!(cause.ends_with('…'));
        }
        let mut line = LogLine::new("WARN", "ssr");
        line.text("cause", &"x".repeat(FIELD_BYTES_MAX));
        assert!(!line.finish().contains('…'));
    }
}
