//! The table of settings: what a deployment checks and the docs show. No Worker links it.

use std::fmt;

use super::consumer::{self, Consumer};
use super::ingest::{self, Ingest};
use super::ssr::{self, Ssr};
use super::{Count, Mistake, Raw, durable};

/// Whose setting it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worker {
    /// The door.
    Ingest,
    /// From the queue into D1.
    Consumer,
    /// The role caches.
    Durable,
    /// The application.
    Ssr,
}

impl Worker {
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
    pub fn mistakes(self, raw: &dyn Fn(&str) -> Raw) -> Vec<Mistake> {
        match self {
            Self::Ingest => Ingest::read(raw).err().unwrap_or_default(),
            Self::Consumer => Consumer::read(raw).mistakes,
            Self::Durable => durable::read(raw).err().unwrap_or_default(),
            Self::Ssr => Ssr::read(raw).mistakes,
        }
    }
}

/// What a setting can be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A text that is set with `wrangler secret put` and stands in no file.
    Secret,
    /// A text, and what kind of one.
    Text(&'static str),
    /// A number. Its default is the count's own.
    Count(&'static Count),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret => f.write_str("secret"),
            Self::Text(what) => f.write_str(what),
            Self::Count(Count { unit, min, max, .. }) => write!(f, "{min} to {max} {unit}"),
        }
    }
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Whose it is.
    pub worker: Worker,
    /// Its name.
    pub name: &'static str,
    /// What it can be.
    pub kind: Kind,
    /// What holds without it, in Markdown. Unused for a count.
    pub default: &'static str,
    /// What it does, in Markdown.
    pub meaning: &'static str,
}

impl Row {
    const fn count(worker: Worker, count: &'static Count, meaning: &'static str) -> Self {
        Self { worker, name: count.name, kind: Kind::Count(count), default: "", meaning }
    }
}

/// A row of the table in Markdown.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, kind, meaning, .. } = self;
        write!(f, "| {} | `{name}` | {kind} | ", self.worker.env())?;
        match kind {
            Kind::Count(count) => write!(f, "{}", count.default)?,
            Kind::Secret | Kind::Text(_) => f.write_str(self.default)?,
        }
        write!(f, " | {meaning} |")
    }
}

/// Every setting there is.
pub const TABLE: &[Row] = &[
    Row {
        worker: Worker::Ingest,
        name: ingest::WEBHOOK_SECRET,
        kind: Kind::Secret,
        default: "none; required",
        meaning: "the endpoint's signing secret, or several separated by spaces or commas",
    },
    Row {
        worker: Worker::Ingest,
        name: ingest::INSTANCE_ID,
        kind: Kind::Text("`ins_…`"),
        default: "any",
        meaning: "take deliveries of this Clerk instance only; others get 403",
    },
    Row::count(Worker::Ingest, &ingest::BODY_BYTES_MAX, "a larger delivery gets 413"),
    Row {
        worker: Worker::Consumer,
        name: consumer::DEFAULT_ROLE,
        kind: Kind::Text("an app role"),
        default: "`member`",
        meaning: "the app role of every live user; blank for none",
    },
    Row {
        worker: Worker::Consumer,
        name: consumer::EVENTS_QUEUE,
        kind: Kind::Text("a queue's name"),
        default: "none; required",
        meaning: "the queue that the door fills; of a queue that neither variable names \
                  everything is given back, with an error",
    },
    Row {
        worker: Worker::Consumer,
        name: consumer::DEAD_QUEUE,
        kind: Kind::Text("a queue's name"),
        default: "none; required",
        meaning: "its dead-letter queue",
    },
    Row::count(
        Worker::Durable,
        &durable::ROLES_SOFT_MS,
        "past this age a set is served and refreshed behind the answer; at most `ROLES_HARD_MS`",
    ),
    Row::count(
        Worker::Durable,
        &durable::ROLES_HARD_MS,
        "past this age a set is not served: the database answers, or the guard says 503",
    ),
    Row::count(
        Worker::Durable,
        &durable::ROLES_IDLE_MS,
        "a cache that nobody asked for so long is dropped; the default is 30 days",
    ),
    Row {
        worker: Worker::Ssr,
        name: ssr::AUTHORIZED_PARTIES,
        kind: Kind::Text("origins"),
        default: "none; required",
        meaning: "whose sessions are taken: `https://app.example.com`, separated by commas or \
                  blanks, or a list",
    },
    Row {
        worker: Worker::Ssr,
        name: ssr::COOKIES_WITHOUT_AZP,
        kind: Kind::Text("`refuse` or `take`"),
        default: "`refuse`",
        meaning: "`take` lets in cookies whose token names no origin (`azp`): Clerk's front end \
                  mints some. Then another site of the same instance, on a sibling domain, could \
                  pass its user's token off as one of yours",
    },
    Row {
        worker: Worker::Ssr,
        name: ssr::PUBLISHABLE_KEY,
        kind: Kind::Text("`pk_…`"),
        default: "none; it or `CLERK_ISSUER` is required",
        meaning: "names the issuer, the cookie, the sign-in page, and where the public keys are",
    },
    Row {
        worker: Worker::Ssr,
        name: ssr::JWT_KEY,
        kind: Kind::Text("a PEM"),
        default: "the keys at `CLERK_JWKS_URL`",
        meaning: "Clerk's public key, with or without its armour; then no key is fetched",
    },
    Row {
        worker: Worker::Ssr,
        name: ssr::JWKS_URL,
        kind: Kind::Text("an https address"),
        default: "of the publishable key, else of the issuer",
        meaning: "where Clerk's public keys are",
    },
    Row {
        worker: Worker::Ssr,
        name: ssr::ISSUER,
        kind: Kind::Text("an https address"),
        default: "from the publishable key",
        meaning: "what tokens name as `iss`, for proxies and satellites",
    },
    Row {
        worker: Worker::Ssr,
        name: ssr::FRONTEND_API_URL,
        kind: Kind::Text("an https address"),
        default: "from the publishable key",
        meaning: "Clerk's Frontend API, for proxies and satellites; a lapsed session is renewed \
                  there at the second",
    },
    Row {
        worker: Worker::Ssr,
        name: ssr::SIGN_IN_URL,
        kind: Kind::Text("a path or an address"),
        default: "`/sign-in`",
        meaning: "where a page without a session sends its reader, with the way back as \
                  `redirect_url`: a path here, the whole address elsewhere",
    },
    Row {
        worker: Worker::Ssr,
        name: ssr::SIGN_OUT_URL,
        kind: Kind::Text("an https address"),
        default: "none",
        meaning: "where the button \"Sign out\" posts, with `redirect_url` to come back by; \
                  without it there is no button",
    },
    Row::count(
        Worker::Ssr,
        &ssr::ROLES_ISOLATE_MS,
        "how long an isolate may answer from its own memory; 0 is off; adds to the bound of 60 s",
    ),
];

/// The head of the table in Markdown.
pub const HEAD: &str = "| Worker | setting | what it can be | default | what it does |\n\
                        |---|---|---|---|---|";
