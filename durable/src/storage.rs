//! Storage and alarm of the object. The state is JSON under one key, split if it is large. All
//! access to the storage is in this file.

use shared::cache::CacheState;
use shared::time::UnixMillis;
use worker::js_sys::{Object, Reflect};

use crate::error::{CacheError, CacheResult};

/// The key of the JSON, or of `parts:<n>` if it is split: then the chunks are at `state.0`,
/// `state.1` and so on. The JSON is stored as a string, because the platform's own encoding turns
/// maps into `{}`.
const KEY: &str = "state";

/// The prefix of a split value; it cannot be the start of JSON.
const PARTS: &str = "parts:";

/// Bytes of UTF-8 in one chunk. A value has at most 2 MB, and storage may need two bytes for one
/// byte of UTF-8: <https://developers.cloudflare.com/durable-objects/platform/limits/>.
const CHUNK_BYTES_MAX: usize = 900_000;

/// Loads the state; `None` for a new object.
pub(crate) async fn load(ctx: &worker::State) -> CacheResult<Option<CacheState>> {
    let mut text: Option<String> = ctx.storage().get(KEY).await.map_err(storage)?;
    if let Some(count) = text.as_deref().and_then(|text| text.strip_prefix(PARTS)) {
        text = Some(load_chunks(ctx, count).await?);
    }
    let state = text.as_deref().map(serde_json::from_str).transpose();
    // Safe: a new owner and D1's versions are greater than the lost ones.
    Ok(state.unwrap_or_else(|error: serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        tracing::error!(line, column, "stored state is malformed: starting with an empty state");
        None
    }))
}

/// The state as stored JSON.
pub(crate) fn encode(state: &CacheState) -> CacheResult<String> {
    serde_json::to_string(state).map_err(|error| CacheError::Storage(error.to_string()))
}

/// Saves the state. No response leaves the object before it is on disk.
pub(crate) async fn save(ctx: &worker::State, text: String) -> CacheResult<()> {
    if text.len() <= CHUNK_BYTES_MAX {
        return ctx.storage().put(KEY, text).await.map_err(storage);
    }
    let chunks = split_chunks(&text);
    let head = (KEY.to_owned(), format!("{PARTS}{}", chunks.len()));
    let numbered = chunks.iter().enumerate().map(|(n, chunk)| (chunk_key(n), (*chunk).to_owned()));
    let all = Object::new();
    for (key, value) in std::iter::once(head).chain(numbered) {
        Reflect::set(&all, &key.into(), &value.into()).map_err(|error| storage(error.into()))?;
    }
    // Atomic.
    ctx.storage().put_multiple_raw(all).await.map_err(storage)
}

/// Loads a split value. If a chunk is missing, the result is malformed JSON.
async fn load_chunks(ctx: &worker::State, count: &str) -> CacheResult<String> {
    let mut text = String::new();
    for n in 0..count.parse().unwrap_or(0) {
        let chunk: Option<String> = ctx.storage().get(&chunk_key(n)).await.map_err(storage)?;
        text.push_str(&chunk.unwrap_or_default());
    }
    Ok(text)
}

fn chunk_key(n: usize) -> String {
    format!("{KEY}.{n}")
}

/// Splits a string at character boundaries.
fn split_chunks(text: &str) -> Vec<&str> {
    let mut chunks = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (chunk, more) = rest.split_at(rest.floor_char_boundary(CHUNK_BYTES_MAX));
        chunks.push(chunk);
        rest = more;
    }
    chunks
}

/// Deletes all storage.
pub(crate) async fn delete_all(ctx: &worker::State) -> CacheResult<()> {
    ctx.storage().delete_all().await.map_err(storage)
}

/// Sets the alarm. `set_alarm` takes an offset from now.
pub(crate) async fn set_alarm(ctx: &worker::State, at: UnixMillis) -> CacheResult<()> {
    let offset_ms = at.since(edge::clock::now()).max(0);
    ctx.storage().set_alarm(offset_ms).await.map_err(storage)
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that `map_err` needs")]
fn storage(error: worker::Error) -> CacheError {
    CacheError::Storage(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{CHUNK_BYTES_MAX, split_chunks};

    #[test]
    fn chunks_split_at_char_boundaries() {
        let text = "äbc".repeat(600_000);
        let chunks = split_chunks(&text);
        assert_eq!(chunks.len(), 3);
        assert!(chunks.iter().all(|chunk| chunk.len() <= CHUNK_BYTES_MAX));
        assert_eq!(chunks.concat(), text);
    }
}
