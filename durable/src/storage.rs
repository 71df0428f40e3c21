//! The object's own storage: the machine's whole state, under one key unless it is large, and the
//! alarm. Only this file names it.

use shared::cache::CacheState;
use shared::time::UnixMillis;
use worker::js_sys::{Object, Reflect};

use crate::error::{CacheError, CacheResult};

/// Where the text is: as it is, or, where it has several parts, [`PARTS`] and their number. The
/// parts are at this key with `.0`, `.1` and so on behind it. JSON text, for the platform's own
/// encoding turns maps into `{}`.
const KEY: &str = "state";

/// No JSON begins so.
const PARTS: &str = "parts:";

/// Bytes of UTF-8 in one part. The platform takes 2 MB in a value, and may store two bytes for what
/// is one in UTF-8: <https://developers.cloudflare.com/durable-objects/platform/limits/>.
const PART_BYTES_MAX: usize = 900_000;

/// What is stored; `None` for an object that nobody has asked yet.
pub(crate) async fn load(platform: &worker::State) -> CacheResult<Option<CacheState>> {
    let mut text: Option<String> = platform.storage().get(KEY).await.map_err(storage)?;
    if let Some(parts) = text.as_deref().and_then(|text| text.strip_prefix(PARTS)) {
        text = Some(load_chunks(platform, parts).await?);
    }
    let state = text.as_deref().map(serde_json::from_str).transpose();
    // A new incarnation is safe: its owner and D1's versions are above whatever was lost.
    Ok(state.unwrap_or_else(|error: serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        tracing::error!(line, column, "the stored state cannot be read: the object begins anew");
        None
    }))
}

/// The state as it is stored.
pub(crate) fn encode(state: &CacheState) -> CacheResult<String> {
    serde_json::to_string(state).map_err(|error| CacheError::Storage(error.to_string()))
}

/// Stores the state. No answer leaves the object before it is on disk.
pub(crate) async fn save(platform: &worker::State, text: String) -> CacheResult<()> {
    if text.len() <= PART_BYTES_MAX {
        return platform.storage().put(KEY, text).await.map_err(storage);
    }
    let parts = split_chunks(&text);
    let head = (KEY.to_owned(), format!("{PARTS}{}", parts.len()));
    let numbered = parts.iter().enumerate().map(|(n, part)| (part_key(n), (*part).to_owned()));
    let all = Object::new();
    for (key, value) in std::iter::once(head).chain(numbered) {
        Reflect::set(&all, &key.into(), &value.into()).map_err(|error| storage(error.into()))?;
    }
    // All of them or none.
    platform.storage().put_multiple_raw(all).await.map_err(storage)
}

/// The text whose parts are stored. A part that is missing leaves a text that cannot be read.
async fn load_chunks(platform: &worker::State, parts: &str) -> CacheResult<String> {
    let mut text = String::new();
    for n in 0..parts.parse().unwrap_or(0) {
        let part: Option<String> = platform.storage().get(&part_key(n)).await.map_err(storage)?;
        text.push_str(&part.unwrap_or_default());
    }
    Ok(text)
}

fn part_key(n: usize) -> String {
    format!("{KEY}.{n}")
}

/// Cuts a text, never within a character.
fn split_chunks(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (part, more) = rest.split_at(rest.floor_char_boundary(PART_BYTES_MAX));
        parts.push(part);
        rest = more;
    }
    parts
}

/// Forgets everything.
pub(crate) async fn delete_all(platform: &worker::State) -> CacheResult<()> {
    platform.storage().delete_all().await.map_err(storage)
}

/// Arms the alarm. The platform takes a distance from now.
pub(crate) async fn set_alarm(platform: &worker::State, at: UnixMillis) -> CacheResult<()> {
    let distance_ms = at.since(edge::clock::now()).max(0);
    platform.storage().set_alarm(distance_ms).await.map_err(storage)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` takes")]
fn storage(error: worker::Error) -> CacheError {
    CacheError::Storage(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{PART_BYTES_MAX, split_chunks};

    #[test]
    fn a_text_is_cut_between_characters_and_nothing_is_lost() {
        let text = "äbc".repeat(600_000);
        let parts = split_chunks(&text);
        assert_eq!(parts.len(), 3);
        assert!(parts.iter().all(|part| part.len() <= PART_BYTES_MAX));
        assert_eq!(parts.concat(), text);
    }
}
