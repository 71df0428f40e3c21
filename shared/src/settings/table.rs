//! The table of settings: what a deployment checks and the docs show. No Worker links it.

use std::fmt;

use super::consumer::{self, ConsumerSettings};
use super::ingest::{self, IngestSettings};
use super::ssr::{self, SsrSettings};
use super::{NumberSetting, RawSetting, SettingError, durable};

/// Whose setting it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerName {
    /// The door.
    Ingest,
    /// From the queue into D1.
    Consumer,
    /// The role caches.
    Durable,
    /// The application.
    Ssr,
}

impl WorkerName {
    /// Every Worker, in the order of the pipeline.
    pub const ALL: [Self; 4] = [Self::Ingest, Self::Consumer, Self::Durable, Self::Ssr];

    /// Its environment in wrangler's configuration.
    #[must_use]
    pub fn env(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Consumer => "consumer",
            Self::Durable => "durable",
            Self::Ssr => "ssr",
        }
    }

    /// What it will find wrong with its settings; `raw` gives what stands under a name.
    #[must_use]
    pub fn mistakes(self, raw: &dyn Fn(&str) -> RawSetting) -> Vec<SettingError> {
        match self {
            Self::Ingest => IngestSettings::from_env(raw).err().unwrap_or_default(),
            Self::Consumer => ConsumerSettings::from_env(raw).mistakes,
            Self::Durable => durable::age_limits_from_env(raw).err().unwrap_or_default(),
            Self::Ssr => SsrSettings::from_env(raw).mistakes,
        }
    }
}

/// What a setting can be.
#[derive(Clone, Copy, Debug)]
pub enum SettingKind {
    /// A text that is set with `wrangler secret put` and stands in no file.
    Secret,
    /// A text, and what kind of one.
    Text(&'static str),
    /// A number. Its default is the count's own.
    Count(&'static NumberSetting),
}

impl fmt::Display for SettingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret => f.write_str("secret"),
            Self::Text(what) => f.write_str(what),
            Self::Count(NumberSetting { unit, min, max, .. }) => write!(f, "{min} to {max} {unit}"),
        }
    }
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct SettingRow {
    /// Whose it is.
    pub worker: WorkerName,
    /// Its name.
    pub name: &'static str,
    /// What it can be.
    pub kind: SettingKind,
    /// What holds without it, in Markdown. Unused for a count.
    pub default: &'static str,
    /// What it does, in Markdown.
    pub meaning: &'static str,
}

impl SettingRow {
    const fn count(
        worker: WorkerName,
        count: &'static NumberSetting,
        meaning: &'static str,
    ) -> Self {
        Self { worker, name: count.name, kind: SettingKind::Count(count), default: "", meaning }
    }
}

/// A row of the table in Markdown.
impl fmt::Display for SettingRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, kind, meaning, .. } = self;
        write!(f, "| {} | `{name}` | {kind} | ", self.worker.env())?;
        match kind {
            SettingKind::Count(count) => write!(f, "{}", count.default)?,
            SettingKind::Secret | SettingKind::Text(_) => f.write_str(self.default)?,
        }
        write!(f, " | {meaning} |")
    }
}

/// Every setting there is.
pub const SETTINGS: &[SettingRow] = &[
    SettingRow {
        worker: WorkerName::Ingest,
        name: ingest::WEBHOOK_SECRET,
        kind: SettingKind::Secret,
        default: "none; required",
        meaning: "the endpoint's signing secret, or several separated by spaces or commas",
    },
    SettingRow {
        worker: WorkerName::Ingest,
        name: ingest::INSTANCE_ID,
        kind: SettingKind::Text("`ins_…`"),
        default: "any",
        meaning: "take deliveries of this Clerk instance only; others get 403",
    },
    SettingRow::count(WorkerName::Ingest, &ingest::BODY_BYTES_MAX, "a larger delivery gets 413"),
    SettingRow {
        worker: WorkerName::Consumer,
        name: consumer::DEFAULT_ROLE,
        kind: SettingKind::Text("an app role"),
        default: "`member`",
        meaning: "the app role of every live user; blank for none",
    },
    SettingRow {
        worker: WorkerName::Consumer,
        name: consumer::EVENTS_QUEUE,
        kind: SettingKind::Text("a queue's name"),
        default: "none; required",
        meaning: "the queue that the door fills; of a queue that neither variable names \
                  everything is given back, with an error",
    },
    SettingRow {
        worker: WorkerName::Consumer,
        name: consumer::DEAD_QUEUE,
        kind: SettingKind::Text("a queue's name"),
        default: "none; required",
        meaning: "its dead-letter queue",
    },
    SettingRow::count(
        WorkerName::Durable,
        &durable::ROLES_SOFT_MS,
        "past this age a set is served and refreshed behind the answer; at most `ROLES_HARD_MS`",
    ),
    SettingRow::count(
        WorkerName::Durable,
        &durable::ROLES_HARD_MS,
        "past this age a set is not served: the database answers, or the guard says 503",
    ),
    SettingRow::count(
        WorkerName::Durable,
        &durable::ROLES_IDLE_MS,
        "a cache that nobody asked for so long is dropped; the default is 30 days",
    ),
    SettingRow {
        worker: WorkerName::Ssr,
        name: ssr::AUTHORIZED_PARTIES,
        kind: SettingKind::Text("origins"),
        default: "none; required",
        meaning: "whose sessions are taken: `https://app.example.com`, separated by commas or \
                  blanks, or a list",
    },
    SettingRow {
        worker: WorkerName::Ssr,
        name: ssr::COOKIES_WITHOUT_AZP,
        kind: SettingKind::Text("`refuse` or `take`"),
        default: "`refuse`",
        meaning: "`take` lets in cookies whose token names no origin (`azp`): Clerk's front end \
                  mints some. Then another site of the same instance, on a sibling domain, could \
                  pass its user's token off as one of yours",
    },
    SettingRow {
        worker: WorkerName::Ssr,
        name: ssr::PUBLISHABLE_KEY,
        kind: SettingKind::Text("`pk_…`"),
        default: "none; it or `CLERK_ISSUER` is required",
        meaning: "names the issuer, the cookie, the sign-in page, and where the public keys are",
    },
    SettingRow {
        worker: WorkerName::Ssr,
        name: ssr::JWT_KEY,
        kind: SettingKind::Text("a PEM"),
        default: "the keys at `CLERK_JWKS_URL`",
        meaning: "Clerk's public key, with or without its armour; then no key is fetched",
    },
    SettingRow {
        worker: WorkerName::Ssr,
        name: ssr::JWKS_URL,
        kind: SettingKind::Text("an https address"),
        default: "of the publishable key, else of the issuer",
        meaning: "where Clerk's public keys are",
    },
    SettingRow {
        worker: WorkerName::Ssr,
        name: ssr::ISSUER,
        kind: SettingKind::Text("an https address"),
        default: "from the publishable key",
        meaning: "what tokens name as `iss`, for proxies and satellites",
    },
    SettingRow {
        worker: WorkerName::Ssr,
        name: ssr::FRONTEND_API_URL,
        kind: SettingKind::Text("an https address"),
        default: "from the publishable key",
        meaning: "Clerk's Frontend API, for proxies and satellites; a lapsed session is renewed \
                  there at the second",
    },
    SettingRow {
        worker: WorkerName::Ssr,
        name: ssr::SIGN_IN_URL,
        kind: SettingKind::Text("a path or an address"),
        default: "`/sign-in`",
        meaning: "where a page without a session sends its reader, with the way back as \
                  `redirect_url`: a path here, the whole address elsewhere",
    },
    SettingRow {
        worker: WorkerName::Ssr,
        name: ssr::SIGN_OUT_URL,
        kind: SettingKind::Text("an https address"),
        default: "none",
        meaning: "where the button \"Sign out\" posts, with `redirect_url` to come back by; \
                  without it there is no button",
    },
    SettingRow::count(
        WorkerName::Ssr,
        &ssr::ROLES_ISOLATE_MS,
        "how long an isolate may answer from its own memory; 0 is off; adds to the bound of 60 s",
    ),
];

/// The head of the table in Markdown.
pub const TABLE_HEADER: &str = "| Worker | setting | what it can be | default | what it does |\n\
                        |---|---|---|---|---|";
