//! Deployments without Cloudflare: decided on given states, and carried out on a stand-in.

mod cases;
mod console;
mod files;
mod runs;
mod settings;

use super::config::DeployConfig;
use super::observed::AccountState;
use super::wrangler::WranglerCommands;

/// A file of the root's shape, with a placeholder for the database's id.
const FILE: &str = r#"
workers_dev = false

[env.ingest]
name = "rolecall-ingest"
main = "ingest/build/index.js"
routes = [{ pattern = "hooks.example.com", custom_domain = true }]

[[env.ingest.queues.producers]]
binding = "EVENTS"
queue = "rolecall-events"

[[env.ingest.ratelimits]]
name = "INGEST_LIMIT"
namespace_id = "1001"
simple = { limit = 100, period = 60 }

[env.consumer]
name = "rolecall-consumer"
main = "consumer/build/index.js"
vars = { DEFAULT_ROLE = "member", CLERK_API_URL = "https://api.clerk.com/v1", EVENTS_QUEUE = "rolecall-events", DEAD_QUEUE = "rolecall-dead" }

[[env.consumer.queues.consumers]]
queue = "rolecall-events"
dead_letter_queue = "rolecall-dead"

[[env.consumer.queues.consumers]]
queue = "rolecall-dead"

[[env.consumer.d1_databases]]
binding = "DB"
database_name = "rolecall"
database_id = "rolecall"
migrations_dir = "migrations"

[[env.consumer.durable_objects.bindings]]
name = "ROLES"
class_name = "RoleCache"
script_name = "rolecall-durable"

[env.durable]
name = "rolecall-durable"
main = "durable/build/index.js"

[[env.durable.d1_databases]]
binding = "DB"
database_name = "rolecall"
database_id = "rolecall" # the placeholder
preview_database_id = "rolecall"
migrations_dir = "migrations"

[[env.durable.durable_objects.bindings]]
name = "ROLES"
class_name = "RoleCache"

[env.ssr]
name = "rolecall-ssr"
main = "ssr/build/index.js"
workers_dev = true
vars = { AUTHORIZED_PARTIES = "https://app.example.com", CLERK_PUBLISHABLE_KEY = "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k", SIGN_IN_URL = "/sign-in" }

[[env.ssr.durable_objects.bindings]]
name = "ROLES"
class_name = "RoleCache"
script_name = "rolecall-durable"
"#;

const ID: &str = "0b0f1a3c-7a0e-4c4e-9f55-3b9a7d0c1e22";

fn commands() -> WranglerCommands {
    WranglerCommands { file: "wrangler.toml".to_owned(), revision: None }
}

fn config(text: &str) -> DeployConfig {
    DeployConfig::parse("wrangler.toml", text).unwrap()
}

/// The file with the database's id.
fn with_id(id: &str) -> String {
    super::edit::database_id(FILE, id).unwrap()
}

/// An account in which everything is.
fn all_there() -> AccountState {
    AccountState {
        queues: ["rolecall-dead", "rolecall-events", "other"].map(str::to_owned).into(),
        databases: [("rolecall".to_owned(), ID.to_owned())].into(),
        secrets: [("ingest".to_owned(), ["CLERK_WEBHOOK_SECRET".to_owned()].into())].into(),
    }
}
