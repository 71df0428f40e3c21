//! RS256 by `crypto.subtle`: about 0.04 ms a token, where RSA in wasm takes about 1 ms.

use std::cell::RefCell;

use js_sys::{Array, JSON, Object, Uint8Array};
use shared::session::SignatureStatus;
use shared::session::keys::RsaKey;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, SubtleCrypto, WorkerGlobalScope};

/// Imported keys that are kept. Clerk publishes one, two while it rotates.
const KEYS_MAX: usize = 8;

const ALGORITHM: &str = r#"{"name":"RSASSA-PKCS1-v1_5","hash":"SHA-256"}"#;

thread_local! {
    static IMPORTED: RefCell<Vec<(RsaKey, CryptoKey)>> = const { RefCell::new(Vec::new()) };
}

/// Checks `signature` over `signed`.
pub(super) async fn verify(
    key: &RsaKey,
    signature: &[u8],
    signed: &[u8],
) -> Result<SignatureStatus, JsValue> {
    let crypto = subtle()?;
    let key = imported(&crypto, key).await?;
    // Copies, because wasm memory may be reallocated while the runtime reads it.
    let verdict = crypto.verify_with_object_and_buffer_source_and_buffer_source(
        &object(ALGORITHM)?,
        &key,
        &Uint8Array::from(signature),
        &Uint8Array::from(signed),
    )?;
    // Only `true` means valid.
    Ok(match JsFuture::from(verdict).await?.as_bool() {
        Some(true) => SignatureStatus::Valid,
        Some(false) | None => SignatureStatus::Invalid,
    })
}

async fn imported(crypto: &SubtleCrypto, key: &RsaKey) -> Result<CryptoKey, JsValue> {
    if let Some(imported) = IMPORTED.with_borrow(|keys| find(keys, key)) {
        return Ok(imported);
    }
    // `n` and `e` are base64url by construction: nothing in them needs escaping.
    let jwk = format!(r#"{{"kty":"RSA","alg":"RS256","n":"{}","e":"{}"}}"#, key.n(), key.e());
    let importing = crypto.import_key_with_object(
        "jwk",
        &object(&jwk)?,
        &object(ALGORITHM)?,
        false,
        &Array::of1(&"verify".into()),
    )?;
    let new: CryptoKey = JsFuture::from(importing).await?.dyn_into()?;
    IMPORTED.with_borrow_mut(|keys| {
        if find(keys, key).is_none() {
            if KEYS_MAX <= keys.len() {
                keys.remove(0);
            }
            keys.push((key.clone(), new.clone()));
        }
    });
    Ok(new)
}

fn find(keys: &[(RsaKey, CryptoKey)], key: &RsaKey) -> Option<CryptoKey> {
    keys.iter().find(|(cached, _)| cached == key).map(|(_, imported)| imported.clone())
}

fn subtle() -> Result<SubtleCrypto, JsValue> {
    let global: WorkerGlobalScope = js_sys::global().unchecked_into();
    Ok(global.crypto()?.subtle())
}

fn object(json: &str) -> Result<Object, JsValue> {
    JSON::parse(json)?.dyn_into()
}
