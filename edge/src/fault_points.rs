//! Fault points, where a test pauses or aborts a Worker. Only builds with the feature `faults` have
//! them, and only `cargo xtask test` makes such builds.
//!
//! A fault point does nothing without the binding [`FAULTS_BINDING`]. Errors of the database, the
//! objects and the queue need no fault point: the tests bind substitutes for them.

use worker::Env;

/// The binding of the test's service. `wrangler.toml` has none.
const FAULTS_BINDING: &str = "FAULTS";

/// Marker string: `xtask` checks that release artefacts do not contain it.
const HOST: &str = "rolecall-fault-point";

/// The test's reply that aborts the Worker.
const DIE: &str = "die";

/// The test's reply that makes the next step fail.
const FAIL: &str = "fail";

/// Asks the test what to do at `point`, for `subject`. The Worker continues when the reply comes,
/// so a test pauses it by delaying the reply.
///
/// # Panics
/// If the test asks for it: the module traps, which ends everything in its isolate.
pub async fn reach(env: &Env, point: &str, subject: &str) {
    let command = ask_test(env, point, subject).await;
    if !command.is_empty() {
        tracing::error!(point, command, "fault service unreachable");
    }
}

/// As [`reach`], and returns whether the next step shall fail.
///
/// # Panics
/// As [`reach`].
pub async fn should_fail(env: &Env, point: &str, subject: &str) -> bool {
    ask_test(env, point, subject).await == FAIL
}

async fn ask_test(env: &Env, point: &str, subject: &str) -> String {
    let Ok(test) = env.service(FAULTS_BINDING) else { return String::new() };
    let command = match test.fetch(format!("http://{HOST}/{point}?{subject}"), None).await {
        Ok(mut response) => response.text().await.unwrap_or_default(),
        Err(error) => error.to_string(),
    };
    if command == DIE {
        tracing::error!(point, subject, "aborting as requested by the test");
        std::process::abort();
    }
    command
}
