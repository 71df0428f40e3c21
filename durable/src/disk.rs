//! The object's own storage: one key that holds the machine's whole state, and the alarm. Only this
//! file names it.

use shared::cache::State;
use shared::time::UnixMillis;

use crate::trouble::{Outcome, Trouble};

/// The one stored key. Its value is JSON text: the platform's own encoding turns maps into `{}`.
const KEY: &str = "state";

/// What is stored; `None` for an object that nobody has asked yet.
pub(crate) async fn read(platform: &worker::State) -> Outcome<Option<State>> {
    let text: Option<String> = platform.storage().get(KEY).await.map_err(storage)?;
    let state = text.as_deref().map(serde_json::from_str).transpose();
    // A new incarnation is safe: its owner and D1's versions are above whatever was lost.
    Ok(state.unwrap_or_else(|error: serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        tracing::error!(line, column, "the stored state cannot be read: the object begins anew");
        None
    }))
}

/// The state as it is stored.
pub(crate) fn text(state: &State) -> Outcome<String> {
    serde_json::to_string(state).map_err(|error| Trouble::Storage(error.to_string()))
}

/// Stores the state. No answer leaves the object before it is on disk.
pub(crate) async fn write(platform: &worker::State, text: String) -> Outcome<()> {
    platform.storage().put(KEY, text).await.map_err(storage)
}

/// Forgets everything.
pub(crate) async fn clear(platform: &worker::State) -> Outcome<()> {
    platform.storage().delete_all().await.map_err(storage)
}

/// Arms the alarm. The platform takes a distance from now.
pub(crate) async fn arm(platform: &worker::State, at: UnixMillis) -> Outcome<()> {
    let distance_ms = at.since(edge::clock::now()).max(0);
    platform.storage().set_alarm(distance_ms).await.map_err(storage)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` takes")]
fn storage(error: worker::Error) -> Trouble {
    Trouble::Storage(error.to_string())
}
