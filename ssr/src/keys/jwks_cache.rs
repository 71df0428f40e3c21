//! Which keys this isolate holds and when it may ask for them again. Pure: the clock is an
//! argument.

use std::collections::BTreeMap;

use shared::session::keys::RsaKey;
use shared::time::UnixMillis;

/// A set younger than this is used without a question. Clerk's SDK holds one as long.
const FRESH_MS: i64 = 300_000;

/// A set older than this is not used at all, however long the fetches have failed.
const AGE_MS_MAX: i64 = 3_600_000;

/// Between two fetches with a set in hand. Anyone can write a token with an unknown key id, and
/// each one would be a fetch otherwise.
const FLOOR_MS: i64 = 10_000;

/// Between two fetches without a set: each one in between is answered 503.
const COLD_FLOOR_MS: i64 = 1_000;

/// A fetch that takes longer has failed.
pub(super) const FETCH_MS_MAX: i64 = 2_500;

const _: () = assert!(FETCH_MS_MAX < FLOOR_MS && FRESH_MS < AGE_MS_MAX);

type KeysById = BTreeMap<String, RsaKey>;

/// What the isolate holds.
#[derive(Debug, Default)]
pub(super) struct JwksCache {
    /// The set, and the instant before it was asked for.
    set: Option<(UnixMillis, KeysById)>,
    /// When the last fetch began, and how far it is.
    last: Option<(UnixMillis, FetchProgress)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FetchProgress {
    Running,
    Ended(UnixMillis),
}

/// What to do for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KeyDecision {
    /// This is its key.
    Use(RsaKey),
    /// It has none.
    Unknown,
    /// Ask for the set.
    Fetch,
    /// Somebody is asking: look again in a moment.
    Wait,
    /// There is no set, and asking again would be too soon.
    Unavailable,
}

impl JwksCache {
    /// What to do for a token that names the key `kid`.
    pub(super) fn decide(&self, kid: &str, now: UnixMillis) -> KeyDecision {
        let usable = self.set.as_ref().filter(|(at, _)| now.since(*at) <= AGE_MS_MAX);
        let Some((at, keys)) = usable else {
            return self.fetch_after(COLD_FLOOR_MS, now, KeyDecision::Unavailable);
        };
        match keys.get(kid) {
            Some(key) if now.since(*at) < FRESH_MS => KeyDecision::Use(key.clone()),
            // Keys in hand go on serving while another request asks, and when nobody answers.
            Some(key) => match self.fetch_after(FLOOR_MS, now, KeyDecision::Unavailable) {
                KeyDecision::Fetch => KeyDecision::Fetch,
                KeyDecision::Use(_)
                | KeyDecision::Unknown
                | KeyDecision::Wait
                | KeyDecision::Unavailable => KeyDecision::Use(key.clone()),
            },
            None => self.fetch_after(FLOOR_MS, now, KeyDecision::Unknown),
        }
    }

    fn fetch_after(&self, floor_ms: i64, now: UnixMillis, otherwise: KeyDecision) -> KeyDecision {
        match self.last {
            // A request that ended in the middle of its fetch must not block the others for ever.
            Some((began, FetchProgress::Running)) if now.since(began) <= FETCH_MS_MAX => {
                KeyDecision::Wait
            }
            // From its end: those who waited for a fetch that failed must not each try their own.
            Some((_, FetchProgress::Ended(at))) if now.since(at) < floor_ms => otherwise,
            Some(_) | None => KeyDecision::Fetch,
        }
    }

    /// A fetch begins.
    pub(super) fn fetch_started(&mut self, now: UnixMillis) {
        self.last = Some((now, FetchProgress::Running));
    }

    /// The fetch that began at `began` has ended, with a set or without one. An older answer never
    /// replaces a newer one.
    pub(super) fn fetch_finished(
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
    use shared::session::keys;
    use shared::time::UnixMillis;

    use super::{
        AGE_MS_MAX, COLD_FLOOR_MS, FETCH_MS_MAX, FLOOR_MS, FRESH_MS, JwksCache, KeyDecision,
        KeysById,
    };

    const T0: UnixMillis = UnixMillis(1_000_000);

    fn set(kid: &str) -> KeysById {
        let pem = include_str!("../../../tests/fixtures/clerk-sessions/other-public-key.pem");
        KeysById::from([(kid.to_owned(), keys::from_pem(pem).expect("a key"))])
    }

    fn holding(kid: &str) -> JwksCache {
        let mut held = JwksCache::default();
        held.fetch_started(T0);
        held.fetch_finished(T0, Some(set(kid)), T0);
        held
    }

    #[track_caller]
    fn check(held: &JwksCache, kid: &str, after_ms: i64, want: &str) {
        let got = match held.decide(kid, T0.plus(after_ms)) {
            KeyDecision::Use(_) => "use",
            KeyDecision::Unknown => "unknown",
            KeyDecision::Fetch => "fetch",
            KeyDecision::Wait => "wait",
            KeyDecision::Unavailable => "unavailable",
        };
        assert_eq!(got, want, "{kid} after {after_ms} ms");
    }

    #[test]
    fn the_first_one_fetches_and_the_others_wait() {
        let mut held = JwksCache::default();
        check(&held, "a", 0, "fetch");
        held.fetch_started(T0);
        check(&held, "a", 0, "wait");
        check(&held, "b", FETCH_MS_MAX, "wait");
        check(&held, "a", FETCH_MS_MAX + 1, "fetch");
        held.fetch_finished(T0, Some(set("a")), T0);
        check(&held, "a", 1, "use");
    }

    #[test]
    fn j_6_unknown_ids_cost_one_fetch_in_ten_seconds() {
        let mut held = holding("a");
        check(&held, "x", 1, "unknown");
        check(&held, "x", FLOOR_MS - 1, "unknown");
        check(&held, "x", FLOOR_MS, "fetch");
        held.fetch_started(T0.plus(FLOOR_MS));
        check(&held, "x", FLOOR_MS, "wait");
        check(&held, "a", FLOOR_MS, "use");
        held.fetch_finished(T0.plus(FLOOR_MS), Some(set("a")), T0.plus(FLOOR_MS));
        check(&held, "y", FLOOR_MS + 1, "unknown");
    }

    /// Ten thousand tokens, two milliseconds apart, each with a key id of its own: how many fetches
    /// they cost. A fetch takes 300 ms, and gives these keys or none.
    fn storm(
        held: &mut JwksCache,
        gives: Option<&KeysById>,
        mut each: impl FnMut(&JwksCache, UnixMillis),
    ) -> i64 {
        let (mut fetches, mut began) = (0, None);
        for at in 0..10_000 {
            let now = T0.plus(2 * at);
            if let Some(since) = began.filter(|since| 300 <= now.since(*since)) {
                held.fetch_finished(since, gives.cloned(), now);
                began = None;
            }
            // An odd multiplier visits every number once.
            let kid = format!("ins_{:016x}", at.wrapping_mul(0x5851_f42d_4c95_7f2d));
            match held.decide(&kid, now) {
                KeyDecision::Fetch => {
                    assert_eq!(began, None, "two at once");
                    held.fetch_started(now);
                    (fetches, began) = (fetches + 1, Some(now));
                }
                KeyDecision::Wait => assert!(began.is_some()),
                KeyDecision::Unknown | KeyDecision::Unavailable => assert_eq!(began, None),
                KeyDecision::Use(_) => panic!("{kid} is nobody's"),
            }
            each(held, now);
        }
        fetches
    }

    #[test]
    fn j_6_ten_thousand_unknown_ids_cost_one_fetch_per_floor_and_no_key() {
        const STORM_MS: i64 = 20_000;
        let ours = set("a");
        let mut held = holding("a");
        let fetches = storm(&mut held, Some(&ours), |held, now| {
            assert!(
                matches!(held.decide("a", now), KeyDecision::Use(_)),
                "the keys in hand serve on"
            );
        });
        assert!((1..=STORM_MS / FLOOR_MS).contains(&fetches), "{fetches} fetches");
        // When nobody answers it is no more, and the keys stay.
        let mut held = holding("a");
        let fetches = storm(&mut held, None, |held, now| {
            assert!(matches!(held.decide("a", now), KeyDecision::Use(_)));
        });
        assert!((1..=STORM_MS / FLOOR_MS).contains(&fetches), "{fetches} fetches in vain");
        let mut cold = JwksCache::default();
        let fetches = storm(&mut cold, None, |_, _| {});
        assert!((1..=STORM_MS / COLD_FLOOR_MS).contains(&fetches), "{fetches} fetches when cold");
    }

    #[test]
    fn s_16_a_clock_before_1970_costs_no_fetches_and_brings_no_key() {
        for back in [i64::MIN, -1_700_000_000_000, -1] {
            let now = UnixMillis(back);
            let held = holding("a");
            assert_eq!(held.decide("x", now), KeyDecision::Unknown, "{back}");
            let mut cold = JwksCache::default();
            assert_eq!(cold.decide("a", now), KeyDecision::Fetch, "{back}");
            cold.fetch_started(now);
            assert_eq!(cold.decide("a", now), KeyDecision::Wait, "{back}");
            cold.fetch_finished(now, None, now);
            assert_eq!(cold.decide("a", now), KeyDecision::Unavailable, "{back}");
            // Of a set that was had then, none is left when the clock is right again.
            let mut held = JwksCache::default();
            held.fetch_started(now);
            held.fetch_finished(now, Some(set("a")), now);
            assert!(matches!(held.decide("a", now), KeyDecision::Use(_)), "{back}");
            assert_eq!(
                held.decide("a", UnixMillis(1_700_000_000_000)),
                KeyDecision::Fetch,
                "{back}"
            );
        }
    }

    #[test]
    fn a_rotated_key_is_found_by_its_new_id() {
        let mut held = holding("a");
        held.fetch_started(T0.plus(FLOOR_MS));
        held.fetch_finished(T0.plus(FLOOR_MS), Some(set("b")), T0.plus(FLOOR_MS));
        check(&held, "b", FLOOR_MS + 1, "use");
        check(&held, "a", FLOOR_MS + 1, "unknown");
    }

    #[test]
    fn keys_in_hand_serve_while_nobody_answers_for_an_hour() {
        let mut held = holding("a");
        check(&held, "a", FRESH_MS - 1, "use");
        check(&held, "a", FRESH_MS, "fetch");
        held.fetch_started(T0.plus(FRESH_MS));
        check(&held, "a", FRESH_MS, "use");
        held.fetch_finished(T0.plus(FRESH_MS), None, T0.plus(FRESH_MS));
        check(&held, "a", FRESH_MS + 1, "use");
        check(&held, "a", FRESH_MS + FLOOR_MS, "fetch");
        held.fetch_started(T0.plus(AGE_MS_MAX - 1));
        held.fetch_finished(T0.plus(AGE_MS_MAX - 1), None, T0.plus(AGE_MS_MAX - 1));
        check(&held, "a", AGE_MS_MAX, "use");
        check(&held, "a", AGE_MS_MAX + 1, "unavailable");
        check(&held, "a", AGE_MS_MAX - 1 + COLD_FLOOR_MS, "fetch");
    }

    #[test]
    fn without_a_set_a_failure_is_tried_again_after_a_second() {
        let mut held = JwksCache::default();
        held.fetch_started(T0);
        held.fetch_finished(T0, None, T0);
        check(&held, "a", 1, "unavailable");
        check(&held, "a", COLD_FLOOR_MS, "fetch");
    }

    #[test]
    fn those_who_waited_for_a_failure_do_not_each_try_their_own() {
        let mut held = JwksCache::default();
        held.fetch_started(T0);
        held.fetch_finished(T0, None, T0.plus(FETCH_MS_MAX));
        check(&held, "a", FETCH_MS_MAX, "unavailable");
        check(&held, "a", FETCH_MS_MAX + COLD_FLOOR_MS, "fetch");
    }

    #[test]
    fn j_7_an_older_answer_replaces_no_newer_one() {
        let mut held = JwksCache::default();
        held.fetch_started(T0);
        held.fetch_started(T0.plus(FETCH_MS_MAX + 1));
        held.fetch_finished(T0.plus(FETCH_MS_MAX + 1), Some(set("new")), T0.plus(FETCH_MS_MAX + 1));
        held.fetch_finished(T0, Some(set("old")), T0);
        check(&held, "new", FETCH_MS_MAX + 2, "use");
        check(&held, "old", FETCH_MS_MAX + 2, "unknown");
    }
}
