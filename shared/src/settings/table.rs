//! The table of settings, checked by `xtask deploy` and shown in the README. No Worker links it.

mod rows;

use std::fmt;

pub use self::rows::SETTINGS;

use super::console::ConsoleSettings;
use super::consumer::ConsumerSettings;
use super::ingest::IngestSettings;
use super::ssr::SsrSettings;
use super::{NumberSetting, RawSetting, SettingError, durable, log, metrics};

/// A Worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerName {
    /// Receives webhooks.
    Ingest,
    /// Writes events from the queue to D1.
    Consumer,
    /// The role caches.
    Durable,
    /// The application.
    Ssr,
    /// The operators' console.
    Console,
}

impl WorkerName {
    /// Every Worker, in the order of the pipeline.
    pub const ALL: [Self; 5] =
        [Self::Ingest, Self::Consumer, Self::Durable, Self::Ssr, Self::Console];

    /// Its environment in `wrangler.toml`.
    #[must_use]
    pub fn env(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Consumer => "consumer",
            Self::Durable => "durable",
            Self::Ssr => "ssr",
            Self::Console => "console",
        }
    }

    /// The errors in its settings; `raw` returns the raw value of a name.
    #[must_use]
    pub fn setting_errors(self, raw: &dyn Fn(&str) -> RawSetting) -> Vec<SettingError> {
        let mut errors = match self {
            Self::Ingest => IngestSettings::from_env(raw).err().unwrap_or_default(),
            Self::Consumer => ConsumerSettings::from_env(raw).errors,
            Self::Durable => durable::age_limits_from_env(raw).err().unwrap_or_default(),
            Self::Ssr => SsrSettings::from_env(raw).errors,
            Self::Console => ConsoleSettings::from_env(raw).errors,
        };
        errors.extend(metrics::flush_settings_from_env(raw).err().unwrap_or_default());
        if self.samples_its_log() {
            errors.extend(log::sample_rate_from_env(raw).1);
        }
        errors
    }

    /// Returns whether it has [`log::LOG_SAMPLE_RATE`]. The ordinary lines of the others report
    /// batches, sweeps and what operators did: all are kept.
    #[must_use]
    pub fn samples_its_log(self) -> bool {
        matches!(self, Self::Ingest | Self::Durable | Self::Ssr)
    }
}

/// The kind of a setting.
#[derive(Clone, Copy, Debug)]
pub enum SettingKind {
    /// A string that is set with `wrangler secret put` and is in no file.
    Secret,
    /// A string, and a description of it.
    Text(&'static str),
    /// A number, with its own default.
    Number(&'static NumberSetting),
}

impl fmt::Display for SettingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret => f.write_str("secret"),
            Self::Text(what) => f.write_str(what),
            Self::Number(NumberSetting { unit, min, max, .. }) => {
                write!(f, "{min} to {max} {unit}")
            }
        }
    }
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct SettingRow {
    /// The Worker that reads it.
    pub worker: WorkerName,
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: SettingKind,
    /// Its default, in Markdown. Unused for a number.
    pub default: &'static str,
    /// Its meaning, in Markdown.
    pub meaning: &'static str,
}

impl SettingRow {
    const fn number(
        worker: WorkerName,
        number: &'static NumberSetting,
        meaning: &'static str,
    ) -> Self {
        Self { worker, name: number.name, kind: SettingKind::Number(number), default: "", meaning }
    }

    const fn sample_rate(worker: WorkerName) -> Self {
        Self {
            worker,
            name: log::LOG_SAMPLE_RATE,
            kind: SettingKind::Text("0 to 1"),
            default: "1",
            meaning: "the share of ordinary log lines that are kept: [the log](docs/logging.md)",
        }
    }
}

/// A row of the table in Markdown.
impl fmt::Display for SettingRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, kind, meaning, .. } = self;
        write!(f, "| {} | `{name}` | {kind} | ", self.worker.env())?;
        match kind {
            SettingKind::Number(number) => write!(f, "{}", number.default)?,
            SettingKind::Secret | SettingKind::Text(_) => f.write_str(self.default)?,
        }
        write!(f, " | {meaning} |")
    }
}

/// The header of the table in Markdown.
pub const TABLE_HEADER: &str = "| Worker | setting | values | default | meaning |\n\
                        |---|---|---|---|---|";
