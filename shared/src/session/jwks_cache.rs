//! The policy of an isolate's JWKS cache: which keys it may use, and when it fetches again. Pure:
//! the clock is an argument.

use std::collections::BTreeMap;

use super::keys::RsaKey;
use crate::time::UnixMillis;

/// A set younger than this is used without fetching again. Clerk's SDK uses the same time.
const FRESH_MS: i64 = 300_000;

/// A set older than this is never used, even if every fetch since then has failed.
const AGE_MS_MAX: i64 = 3_600_000;

/// The least time between two fetches while a set is cached. Otherwise each token with an unknown
/// key id, which anyone can write, would cause a fetch.
const FETCH_INTERVAL_MS: i64 = 10_000;

/// The same while no set is cached: requests in between are answered 503.
const COLD_FETCH_INTERVAL_MS: i64 = 1_000;

/// A fetch that takes longer has failed.
pub const FETCH_TIMEOUT_MS: i64 = 2_500;

const _: () = assert!(FETCH_TIMEOUT_MS < FETCH_INTERVAL_MS && FRESH_MS < AGE_MS_MAX);

/// Keys by their ids.
pub type KeysById = BTreeMap<String, RsaKey>;

/// The cached set and the last fetch.
#[derive(Debug, Default)]
pub struct JwksCache {
    /// The set, and when its fetch began.
    set: Option<(UnixMillis, KeysById)>,
    /// When the last fetch began, and its progress.
    last: Option<(UnixMillis, FetchProgress)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FetchProgress {
    Running,
    Ended(UnixMillis),
}

/// What to do for a token's key id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyDecision {
    /// Use this key.
    Use(RsaKey),
    /// Unknown key id.
    UnknownKey,
    /// Fetch the set.
    Fetch,
    /// Another request is fetching: wait.
    Wait,
    /// No set is cached, and it is too soon to fetch again.
    Unavailable,
}

impl JwksCache {
    /// Decides for a token with the key id `kid`.
    #[must_use]
    pub fn decide(&self, kid: &str, now: UnixMillis) -> KeyDecision {
        let usable = self.set.as_ref().filter(|(at, _)| now.since(*at) <= AGE_MS_MAX);
        let Some((at, keys)) = usable else {
            return self.fetch_after(COLD_FETCH_INTERVAL_MS, now, KeyDecision::Unavailable);
        };
        match keys.get(kid) {
            Some(key) if now.since(*at) < FRESH_MS => KeyDecision::Use(key.clone()),
            // Stale keys are used while a fetch runs or fails.
            Some(key) => match self.fetch_after(FETCH_INTERVAL_MS, now, KeyDecision::Unavailable) {
                KeyDecision::Fetch => KeyDecision::Fetch,
                KeyDecision::Use(_)
                | KeyDecision::UnknownKey
                | KeyDecision::Wait
                | KeyDecision::Unavailable => KeyDecision::Use(key.clone()),
            },
            None => self.fetch_after(FETCH_INTERVAL_MS, now, KeyDecision::UnknownKey),
        }
    }

    fn fetch_after(
        &self,
        interval_ms: i64,
        now: UnixMillis,
        otherwise: KeyDecision,
    ) -> KeyDecision {
        match self.last {
            // A request that was cancelled during its fetch must not block the others for ever.
            Some((began, FetchProgress::Running)) if now.since(began) <= FETCH_TIMEOUT_MS => {
                KeyDecision::Wait
            }
            // Measured from its end, so that waiters do not all fetch again.
            Some((_, FetchProgress::Ended(at))) if now.since(at) < interval_ms => otherwise,
            Some(_) | None => KeyDecision::Fetch,
        }
    }

    /// Records that a fetch begins.
    pub fn fetch_started(&mut self, now: UnixMillis) {
        self.last = Some((now, FetchProgress::Running));
    }

    /// Records the end of the fetch that began at `began`, with its set if it succeeded. An older
    /// set never replaces a newer one.
    pub fn fetch_finished(
        &mut self,
        began: UnixMillis,
        fetched: Option<KeysById>,
        now: UnixMillis,
    ) {
        if self.last.is_none_or(|(at, _)| at <= began) {
            self.last = Some((began, FetchProgress::Ended(now)));
        }
        let Some(keys) = fetched else { return };
        if self.set.as_ref().is_none_or(|(at, _)| *at <= began) {
            self.set = Some((began, keys));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        AGE_MS_MAX, COLD_FETCH_INTERVAL_MS, FETCH_INTERVAL_MS, FETCH_TIMEOUT_MS, FRESH_MS,
        JwksCache, KeyDecision, KeysById, UnixMillis,
    };
    use crate::session::keys;

    const T0: UnixMillis = UnixMillis(1_000_000);

    fn set(kid: &str) -> KeysById {
        let pem = include_str!("../../../tests/fixtures/clerk-sessions/other-public-key.pem");
        KeysById::from([(kid.to_owned(), keys::from_pem(pem).expect("a key"))])
    }

    fn cache_with(kid: &str) -> JwksCache {
        let mut cache = JwksCache::default();
        cache.fetch_started(T0);
        cache.fetch_finished(T0, Some(set(kid)), T0);
        cache
    }

    #[track_caller]
    fn check(cache: &JwksCache, kid: &str, after_ms: i64, want: &str) {
        let got = match cache.decide(kid, T0.plus(after_ms)) {
            KeyDecision::Use(_) => "use",
            KeyDecision::UnknownKey => "unknown",
            KeyDecision::Fetch => "fetch",
            KeyDecision::Wait => "wait",
            KeyDecision::Unavailable => "unavailable",
        };
        assert_eq!(got, want, "{kid} after {after_ms} ms");
    }

    #[test]
    fn only_one_request_fetches() {
        let mut cache = JwksCache::default();
        check(&cache, "a", 0, "fetch");
        cache.fetch_started(T0);
        check(&cache, "a", 0, "wait");
        check(&cache, "b", FETCH_TIMEOUT_MS, "wait");
        check(&cache, "a", FETCH_TIMEOUT_MS + 1, "fetch");
        cache.fetch_finished(T0, Some(set("a")), T0);
        check(&cache, "a", 1, "use");
    }

    #[test]
    fn j_6_unknown_ids_cost_one_fetch_in_ten_seconds() {
        let mut cache = cache_with("a");
        check(&cache, "x", 1, "unknown");
        check(&cache, "x", FETCH_INTERVAL_MS - 1, "unknown");
        check(&cache, "x", FETCH_INTERVAL_MS, "fetch");
        cache.fetch_started(T0.plus(FETCH_INTERVAL_MS));
        check(&cache, "x", FETCH_INTERVAL_MS, "wait");
        check(&cache, "a", FETCH_INTERVAL_MS, "use");
        cache.fetch_finished(
            T0.plus(FETCH_INTERVAL_MS),
            Some(set("a")),
            T0.plus(FETCH_INTERVAL_MS),
        );
        check(&cache, "y", FETCH_INTERVAL_MS + 1, "unknown");
    }

    /// Ten thousand tokens, two milliseconds apart, each with a key id of its own: how many fetches
    /// they cost. A fetch takes 300 ms, and gives these keys or none.
    fn simulate_unknown_kids(
        cache: &mut JwksCache,
        gives: Option<&KeysById>,
        mut each: impl FnMut(&JwksCache, UnixMillis),
    ) -> i64 {
        let (mut fetches, mut began) = (0, None);
        for at in 0..10_000 {
            let now = T0.plus(2 * at);
            if let Some(since) = began.filter(|since| 300 <= now.since(*since)) {
                cache.fetch_finished(since, gives.cloned(), now);
                began = None;
            }
            // An odd multiplier gives a different key id each time.
            let kid = format!("ins_{:016x}", at.wrapping_mul(0x5851_f42d_4c95_7f2d));
            match cache.decide(&kid, now) {
                KeyDecision::Fetch => {
                    assert_eq!(began, None, "two at once");
                    cache.fetch_started(now);
                    (fetches, began) = (fetches + 1, Some(now));
                }
                KeyDecision::Wait => assert!(began.is_some()),
                KeyDecision::UnknownKey | KeyDecision::Unavailable => assert_eq!(began, None),
                KeyDecision::Use(_) => panic!("{kid} has no key"),
            }
            each(cache, now);
        }
        fetches
    }

    #[test]
    fn j_6_ten_thousand_unknown_ids_cost_one_fetch_per_interval_and_no_key() {
        const DURATION_MS: i64 = 20_000;
        let ours = set("a");
        let mut cache = cache_with("a");
        let fetches = simulate_unknown_kids(&mut cache, Some(&ours), |cache, now| {
            assert!(
                matches!(cache.decide("a", now), KeyDecision::Use(_)),
                "the cached keys are still used"
            );
        });
        assert!((1..=DURATION_MS / FETCH_INTERVAL_MS).contains(&fetches), "{fetches} fetches");
        // If every fetch fails there are no more fetches, and the keys are kept.
        let mut cache = cache_with("a");
        let fetches = simulate_unknown_kids(&mut cache, None, |cache, now| {
            assert!(matches!(cache.decide("a", now), KeyDecision::Use(_)));
        });
        assert!(
            (1..=DURATION_MS / FETCH_INTERVAL_MS).contains(&fetches),
            "{fetches} failed fetches"
        );
        let mut cold = JwksCache::default();
        let fetches = simulate_unknown_kids(&mut cold, None, |_, _| {});
        assert!(
            (1..=DURATION_MS / COLD_FETCH_INTERVAL_MS).contains(&fetches),
            "{fetches} fetches when cold"
        );
    }

    #[test]
    fn s_16_a_clock_before_1970_costs_no_fetches_and_brings_no_key() {
        for back in [i64::MIN, -1_700_000_000_000, -1] {
            let now = UnixMillis(back);
            let cache = cache_with("a");
            assert_eq!(cache.decide("x", now), KeyDecision::UnknownKey, "{back}");
            let mut cold = JwksCache::default();
            assert_eq!(cold.decide("a", now), KeyDecision::Fetch, "{back}");
            cold.fetch_started(now);
            assert_eq!(cold.decide("a", now), KeyDecision::Wait, "{back}");
            cold.fetch_finished(now, None, now);
            assert_eq!(cold.decide("a", now), KeyDecision::Unavailable, "{back}");
            // A set fetched then is not used once the clock is right again.
            let mut cache = JwksCache::default();
            cache.fetch_started(now);
            cache.fetch_finished(now, Some(set("a")), now);
            assert!(matches!(cache.decide("a", now), KeyDecision::Use(_)), "{back}");
            assert_eq!(
                cache.decide("a", UnixMillis(1_700_000_000_000)),
                KeyDecision::Fetch,
                "{back}"
            );
        }
    }

    #[test]
    fn a_rotated_key_is_found_by_its_new_id() {
        let mut cache = cache_with("a");
        cache.fetch_started(T0.plus(FETCH_INTERVAL_MS));
        cache.fetch_finished(
            T0.plus(FETCH_INTERVAL_MS),
            Some(set("b")),
            T0.plus(FETCH_INTERVAL_MS),
        );
        check(&cache, "b", FETCH_INTERVAL_MS + 1, "use");
        check(&cache, "a", FETCH_INTERVAL_MS + 1, "unknown");
    }

    #[test]
    fn stale_keys_are_used_for_an_hour() {
        let mut cache = cache_with("a");
        check(&cache, "a", FRESH_MS - 1, "use");
        check(&cache, "a", FRESH_MS, "fetch");
        cache.fetch_started(T0.plus(FRESH_MS));
        check(&cache, "a", FRESH_MS, "use");
        cache.fetch_finished(T0.plus(FRESH_MS), None, T0.plus(FRESH_MS));
        check(&cache, "a", FRESH_MS + 1, "use");
        check(&cache, "a", FRESH_MS + FETCH_INTERVAL_MS, "fetch");
        cache.fetch_started(T0.plus(AGE_MS_MAX - 1));
        cache.fetch_finished(T0.plus(AGE_MS_MAX - 1), None, T0.plus(AGE_MS_MAX - 1));
        check(&cache, "a", AGE_MS_MAX, "use");
        check(&cache, "a", AGE_MS_MAX + 1, "unavailable");
        check(&cache, "a", AGE_MS_MAX - 1 + COLD_FETCH_INTERVAL_MS, "fetch");
    }

    #[test]
    fn without_a_set_a_failed_fetch_is_retried_after_a_second() {
        let mut cache = JwksCache::default();
        cache.fetch_started(T0);
        cache.fetch_finished(T0, None, T0);
        check(&cache, "a", 1, "unavailable");
        check(&cache, "a", COLD_FETCH_INTERVAL_MS, "fetch");
    }

    #[test]
    fn waiters_do_not_refetch_after_a_failure() {
        let mut cache = JwksCache::default();
        cache.fetch_started(T0);
        cache.fetch_finished(T0, None, T0.plus(FETCH_TIMEOUT_MS));
        check(&cache, "a", FETCH_TIMEOUT_MS, "unavailable");
        check(&cache, "a", FETCH_TIMEOUT_MS + COLD_FETCH_INTERVAL_MS, "fetch");
    }

    #[test]
    fn j_7_an_older_set_never_replaces_a_newer_one() {
        let mut cache = JwksCache::default();
        cache.fetch_started(T0);
        cache.fetch_started(T0.plus(FETCH_TIMEOUT_MS + 1));
        cache.fetch_finished(
            T0.plus(FETCH_TIMEOUT_MS + 1),
            Some(set("new")),
            T0.plus(FETCH_TIMEOUT_MS + 1),
        );
        cache.fetch_finished(T0, Some(set("old")), T0);
        check(&cache, "new", FETCH_TIMEOUT_MS + 2, "use");
        check(&cache, "old", FETCH_TIMEOUT_MS + 2, "unknown");
    }
}
