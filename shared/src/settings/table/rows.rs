//! The rows of the table.

use super::super::{console, consumer, durable, ingest, metrics, ssr};
use super::{SettingKind, SettingRow, WorkerName};

const fn meter_shards(worker: WorkerName) -> SettingRow {
    let meaning = "objects that share the work of `Meter`; the same in every Worker";
    SettingRow::number(worker, &metrics::METER_SHARDS, meaning)
}

const fn meter_interval(worker: WorkerName) -> SettingRow {
    let meaning = "the least time between two flushes of an isolate to `Meter`";
    SettingRow::number(worker, &metrics::METER_INTERVAL_MS, meaning)
}

/// All settings.
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
        meaning: "accept deliveries of this Clerk instance only; others get 403",
    },
    SettingRow::number(WorkerName::Ingest, &ingest::BODY_BYTES_MAX, "a larger delivery gets 413"),
    meter_shards(WorkerName::Ingest),
    meter_interval(WorkerName::Ingest),
    SettingRow::sample_rate(WorkerName::Ingest),
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
        kind: SettingKind::Text("a queue name"),
        default: "none; required",
        meaning: "the events queue; messages of a queue that neither variable names are retried, \
                  with an error",
    },
    SettingRow {
        worker: WorkerName::Consumer,
        name: consumer::DEAD_QUEUE,
        kind: SettingKind::Text("a queue name"),
        default: "none; required",
        meaning: "its dead-letter queue",
    },
    meter_shards(WorkerName::Consumer),
    meter_interval(WorkerName::Consumer),
    SettingRow {
        worker: WorkerName::Consumer,
        name: consumer::CANARY_USER_ID,
        kind: SettingKind::Text("`user_…`"),
        default: "none: no canary",
        meaning: "a user made for the canary; needs `CLERK_SECRET_KEY`: \
                  [docs/canary.md](docs/canary.md)",
    },
    SettingRow {
        worker: WorkerName::Consumer,
        name: consumer::CLERK_SECRET_KEY,
        kind: SettingKind::Secret,
        default: "none: no canary",
        meaning: "the key of Clerk's Backend API, for the canary; needs `CANARY_USER_ID`",
    },
    SettingRow {
        worker: WorkerName::Consumer,
        name: consumer::CLERK_API_URL,
        kind: SettingKind::Text("an https URL"),
        default: "`https://api.clerk.com/v1`",
        meaning: "the address of Clerk's Backend API, for the canary",
    },
    SettingRow::number(
        WorkerName::Durable,
        &durable::ROLES_SOFT_MS,
        "older role sets are served and refreshed in the background; at most `ROLES_HARD_MS`",
    ),
    SettingRow::number(
        WorkerName::Durable,
        &durable::ROLES_HARD_MS,
        "older role sets are not served: they are read from D1, or the guard answers 503",
    ),
    SettingRow::number(
        WorkerName::Durable,
        &durable::ROLES_IDLE_MS,
        "an unused role cache is deleted after this time; the default is 30 days",
    ),
    meter_shards(WorkerName::Durable),
    meter_interval(WorkerName::Durable),
    SettingRow::sample_rate(WorkerName::Durable),
    SettingRow {
        worker: WorkerName::Ssr,
        name: ssr::AUTHORIZED_PARTIES,
        kind: SettingKind::Text("origins"),
        default: "none; required",
        meaning: "accepted origins (`azp`): `https://app.example.com`, separated by commas or spaces, \
                  or an array",
    },
    SettingRow {
        worker: WorkerName::Ssr,
        name: ssr::COOKIES_WITHOUT_AZP,
        kind: SettingKind::Text("`refuse` or `take`"),
        default: "`refuse`",
        meaning: "`take` accepts cookie tokens without an origin (`azp`), which Clerk's frontend \
                  creates in some cases. Then another site of the same instance, on a sibling \
                  domain, could use its users' tokens on your site",
    },
    SettingRow {
        worker: WorkerName::Ssr,
        name: ssr::PUBLISHABLE_KEY,
        kind: SettingKind::Text("`pk_…`"),
        default: "none; it or `CLERK_ISSUER` is required",
        meaning: "gives the issuer, the cookie suffix, the sign-in page and the URL of the \
                  public keys",
    },
    SettingRow {
        worker: WorkerName::Ssr,
        name: ssr::JWT_KEY,
        kind: SettingKind::Text("a PEM"),
        default: "the keys at `CLERK_JWKS_URL`",
        meaning: "Clerk's public key, with or without the PEM header; then no key is fetched",
    },
    SettingRow {
        worker: WorkerName::Ssr,
        name: ssr::JWKS_URL,
        kind: SettingKind::Text("an https URL"),
        default: "from the publishable key, else from the issuer",
        meaning: "the URL of Clerk's public keys",
    },
    SettingRow {
        worker: WorkerName::Ssr,
        name: ssr::ISSUER,
        kind: SettingKind::Text("an https URL"),
        default: "from the publishable key",
        meaning: "the `iss` of tokens, for proxies and satellites",
    },
    SettingRow {
        worker: WorkerName::Ssr,
        name: ssr::FRONTEND_API_URL,
        kind: SettingKind::Text("an https URL"),
        default: "from the publishable key",
        meaning: "Clerk's Frontend API, for proxies and satellites; expired sessions are renewed \
                  there",
    },
    SettingRow {
        worker: WorkerName::Ssr,
        name: ssr::SIGN_IN_URL,
        kind: SettingKind::Text("a path or a URL"),
        default: "`/sign-in`",
        meaning: "where signed-out visitors are redirected, with the original URL as \
                  `redirect_url`: its path for a page here, the whole URL elsewhere",
    },
    SettingRow {
        worker: WorkerName::Ssr,
        name: ssr::SIGN_OUT_URL,
        kind: SettingKind::Text("an https URL"),
        default: "none",
        meaning: "target of the \"Sign out\" form, with `redirect_url` as the way back; without it \
                  there is no form",
    },
    SettingRow::number(
        WorkerName::Ssr,
        &ssr::ROLES_ISOLATE_MS,
        "how long an isolate may use its own cache; 0 is off; is added to the 60 s bound",
    ),
    meter_shards(WorkerName::Ssr),
    meter_interval(WorkerName::Ssr),
    SettingRow::sample_rate(WorkerName::Ssr),
    SettingRow {
        worker: WorkerName::Console,
        name: console::ACCESS_TEAM_DOMAIN,
        kind: SettingKind::Text("a domain"),
        default: "none; it or `OPERATOR_TOKEN` is required",
        meaning: "the team of Cloudflare Access, `team.cloudflareaccess.com`; needs `ACCESS_AUD`",
    },
    SettingRow {
        worker: WorkerName::Console,
        name: console::ACCESS_AUD,
        kind: SettingKind::Text("64 hex digits"),
        default: "none",
        meaning: "the Application Audience (AUD) Tag of the Access application before the console",
    },
    SettingRow {
        worker: WorkerName::Console,
        name: console::OPERATORS,
        kind: SettingKind::Text("e-mail addresses"),
        default: "none",
        meaning: "the people who may change things; everyone else that Access lets in may only \
                  look",
    },
    SettingRow {
        worker: WorkerName::Console,
        name: console::OPERATOR_TOKEN,
        kind: SettingKind::Secret,
        default: "none",
        meaning: "tokens of 32 bytes or more, separated by spaces or commas; each lets its \
                  holder change things",
    },
    SettingRow {
        worker: WorkerName::Console,
        name: console::METRICS_TOKEN,
        kind: SettingKind::Secret,
        default: "none",
        meaning: "tokens that open `/metrics`, and nothing else",
    },
    meter_shards(WorkerName::Console),
    meter_interval(WorkerName::Console),
    SettingRow::number(
        WorkerName::Console,
        &console::D1_BYTES_MAX,
        "the size at which D1 refuses writes, for the metrics; 500000000 on the free plan",
    ),
];
