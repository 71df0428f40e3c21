//! Fault switches: places where a test stops a Worker or ends it. Only builds with the feature
//! `faults` have them, and only `cargo xtask test` makes such builds.
//!
//! A switch does nothing where the binding [`BINDING`] is absent. Errors of the database, of the
//! objects and of the queue need no switch: the tests bind stand-ins in their place.

use worker::Env;

/// The service that is asked at each point. `wrangler.toml` binds none.
const BINDING: &str = "FAULTS";

/// Stands in every artefact that has switches and in no other: the proof that a release has none.
const HOST: &str = "rolecall-fault-point";

/// What the test answers to have the Worker end here.
const DIE: &str = "die";

/// What the test answers to have the step fail that the Worker is about to take.
const FAIL: &str = "fail";

/// Asks the test what to do at `point`, about `whom`. It goes on when the answer comes, so a test
/// holds it by keeping the answer back.
///
/// # Panics
/// When the test says so: the module traps, and with it everything that its isolate is doing ends.
pub async fn point(env: &Env, point: &str, whom: &str) {
    let answer = ask(env, point, whom).await;
    if !answer.is_empty() {
        tracing::error!(point, answer, "the test could not be asked");
    }
}

/// As [`point()`]; whether the step that follows shall fail.
///
/// # Panics
/// As [`point()`].
pub async fn fails(env: &Env, point: &str, whom: &str) -> bool {
    ask(env, point, whom).await == FAIL
}

async fn ask(env: &Env, point: &str, whom: &str) -> String {
    let Ok(test) = env.service(BINDING) else { return String::new() };
    let answer = match test.fetch(format!("http://{HOST}/{point}?{whom}"), None).await {
        Ok(mut answer) => answer.text().await.unwrap_or_default(),
        Err(error) => error.to_string(),
    };
    if answer == DIE {
        tracing::error!(point, whom, "the test ends this Worker");
        std::process::abort();
    }
    answer
}
