//! Answers to handshakes that wait to be fetched: the browser carries a nonce, and the application
//! trades it for the cookies by the Backend API. No I/O.

use std::collections::VecDeque;

use crate::ids::new_id;

/// How long an answer waits. Clerk states no time; the redirect back takes seconds.
const WAITS_MS: i64 = 60_000;

/// The most that wait: a browser that never comes back must not fill the memory.
const MOST: usize = 1_000;

/// The answers that wait, the oldest first.
#[derive(Debug, Default)]
pub struct Nonces {
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    nonce: String,
    until_ms: i64,
    cookies: Vec<String>,
}

impl Nonces {
    /// Keeps an answer and gives its nonce.
    pub fn keep(&mut self, cookies: Vec<String>, now_ms: i64) -> String {
        self.waiting.retain(|it| now_ms < it.until_ms);
        if MOST <= self.waiting.len() {
            self.waiting.pop_front();
        }
        let nonce = new_id("");
        let until_ms = now_ms.saturating_add(WAITS_MS);
        self.waiting.push_back(Waiting { nonce: nonce.clone(), until_ms, cookies });
        nonce
    }

    /// The answer of a nonce: once, while it waits.
    pub fn take(&mut self, nonce: &str, now_ms: i64) -> Option<Vec<String>> {
        let at = self.waiting.iter().position(|it| it.nonce == nonce)?;
        let found = self.waiting.remove(at)?;
        (now_ms < found.until_ms).then_some(found.cookies)
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, Nonces, WAITS_MS};

    fn answer() -> Vec<String> {
        vec!["__session=x".to_owned()]
    }

    #[test]
    fn an_answer_is_fetched_once_and_while_it_waits() {
        let mut nonces = Nonces::default();
        let nonce = nonces.keep(answer(), 0);
        assert_eq!(nonces.take("other", 0), None);
        assert_eq!(nonces.take(&nonce, WAITS_MS - 1), Some(answer()));
        assert_eq!(nonces.take(&nonce, WAITS_MS - 1), None, "once");
        let nonce = nonces.keep(answer(), 0);
        assert_eq!(nonces.take(&nonce, WAITS_MS), None, "too late");
    }

    #[test]
    fn the_oldest_makes_room() {
        let mut nonces = Nonces::default();
        let first = nonces.keep(answer(), 0);
        let second = nonces.keep(answer(), 0);
        for _ in 2..=MOST {
            nonces.keep(answer(), 0);
        }
        assert_eq!(nonces.take(&first, 0), None);
        assert_eq!(nonces.take(&second, 0), Some(answer()));
    }
}
