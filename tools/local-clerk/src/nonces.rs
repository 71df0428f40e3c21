//! The cookies of handshakes that the application has yet to fetch. The browser carries a nonce;
//! the application exchanges it for the cookies at the Backend API. No I/O.

use std::collections::VecDeque;

use crate::ids::new_id;

/// The lifetime of a nonce. Clerk documents none; the redirect back takes seconds.
const NONCE_TTL_MS: i64 = 60_000;

/// The most nonces that are kept: browsers that never return must not fill the memory.
const NONCES_MAX: usize = 1_000;

/// The handshakes that are still to be fetched, the oldest first.
#[derive(Debug, Default)]
pub struct NonceStore {
    pending: VecDeque<PendingHandshake>,
}

#[derive(Debug)]
struct PendingHandshake {
    nonce: String,
    expires_ms: i64,
    cookies: Vec<String>,
}

impl NonceStore {
    /// Keeps the cookies of a handshake, and returns their nonce.
    pub fn insert(&mut self, cookies: Vec<String>, now_ms: i64) -> String {
        self.pending.retain(|it| now_ms < it.expires_ms);
        if NONCES_MAX <= self.pending.len() {
            self.pending.pop_front();
        }
        let nonce = new_id("");
        let expires_ms = now_ms.saturating_add(NONCE_TTL_MS);
        self.pending.push_back(PendingHandshake { nonce: nonce.clone(), expires_ms, cookies });
        nonce
    }

    /// The cookies of a nonce: once, until it expires.
    pub fn take(&mut self, nonce: &str, now_ms: i64) -> Option<Vec<String>> {
        let at = self.pending.iter().position(|it| it.nonce == nonce)?;
        let found = self.pending.remove(at)?;
        (now_ms < found.expires_ms).then_some(found.cookies)
    }
}

#[cfg(test)]
mod tests {
    use super::{NONCE_TTL_MS, NONCES_MAX, NonceStore};

    fn cookies() -> Vec<String> {
        vec!["__session=x".to_owned()]
    }

    #[test]
    fn cookies_are_fetched_once_and_before_they_expire() {
        let mut nonces = NonceStore::default();
        let nonce = nonces.insert(cookies(), 0);
        assert_eq!(nonces.take("other", 0), None);
        assert_eq!(nonces.take(&nonce, NONCE_TTL_MS - 1), Some(cookies()));
        assert_eq!(nonces.take(&nonce, NONCE_TTL_MS - 1), None, "once");
        let nonce = nonces.insert(cookies(), 0);
        assert_eq!(nonces.take(&nonce, NONCE_TTL_MS), None, "expired");
    }

    #[test]
    fn the_oldest_nonce_is_dropped_when_there_are_too_many() {
        let mut nonces = NonceStore::default();
        let first = nonces.insert(cookies(), 0);
        let second = nonces.insert(cookies(), 0);
        for _ in 2..=NONCES_MAX {
            nonces.insert(cookies(), 0);
        }
        assert_eq!(nonces.take(&first, 0), None);
        assert_eq!(nonces.take(&second, 0), Some(cookies()));
    }
}
