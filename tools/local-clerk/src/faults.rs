//! The fault switches, and the window that puts deliveries out of order. No I/O.

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::delivery::{Tampering, WebhookDelivery};

/// The most further copies of one delivery.
pub const DUPLICATE_MAX: u32 = 100;
/// The longest delay.
pub const DELAY_MS_MAX: u64 = 60_000;
/// The widest window of reordering.
pub const REORDER_MAX: usize = 1_000;

/// The switches that apply to every delivery, or to every request of the Backend API. All are off
/// at 0.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultSwitches {
    /// Sends this many further copies of each delivery
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub duplicate: u32,
    /// Holds deliveries back until there are N, then sends them shuffled
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub reorder: usize,
    /// Waits this long before each delivery
    #[arg(long, default_value_t = 0, value_name = "MS")]
    pub delay_ms: u64,
    /// Loses every N-th delivery
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub drop_every: u64,
    /// Alters the body of every N-th delivery in transit; the next attempt is unaltered
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub tamper_every: u64,
    /// Answers 429 to every N-th request of the Backend API
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub limit_every: u64,
    /// Waits this long before each answer of the Backend API
    #[arg(long, default_value_t = 0, value_name = "MS")]
    pub answer_delay_ms: u64,
}

/// A switch that is out of its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} is at most {max}: give a smaller number")]
pub struct SwitchOutOfRange {
    name: &'static str,
    max: u64,
}

impl FaultSwitches {
    /// The switches, unless they would keep a sender busy for hours.
    ///
    /// # Errors
    /// [`SwitchOutOfRange`] names the switch and its maximum.
    pub fn validated(self) -> Result<Self, SwitchOutOfRange> {
        check_ranges(self.duplicate, self.delay_ms)?;
        if DELAY_MS_MAX < self.answer_delay_ms {
            return Err(SwitchOutOfRange { name: "answer_delay_ms", max: DELAY_MS_MAX });
        }
        if REORDER_MAX < self.reorder {
            Err(SwitchOutOfRange {
                name: "reorder",
                max: u64::try_from(REORDER_MAX).unwrap_or(u64::MAX),
            })
        } else {
            Ok(self)
        }
    }
}

/// Refuses too many copies or too long a delay: for the switches and for a single delivery.
///
/// # Errors
/// [`SwitchOutOfRange`] names the switch and its maximum.
pub fn check_ranges(duplicate: u32, delay_ms: u64) -> Result<(), SwitchOutOfRange> {
    if DUPLICATE_MAX < duplicate {
        return Err(SwitchOutOfRange { name: "duplicate", max: u64::from(DUPLICATE_MAX) });
    }
    if DELAY_MS_MAX < delay_ms {
        return Err(SwitchOutOfRange { name: "delay_ms", max: DELAY_MS_MAX });
    }
    Ok(())
}

/// What will happen to a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryPlan {
    /// It is lost.
    Drop,
    /// It is sent.
    Send {
        /// How many times in all.
        copies: u32,
        /// The wait before the first copy.
        delay_ms: u64,
        /// What is wrong with it.
        corruption: Corruption,
    },
}

/// What is wrong with a delivery in transit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Corruption {
    /// Nothing.
    None,
    /// The body of the first attempt is altered; Svix then tries again.
    FirstAttempt,
    /// A forger sent it, once: there is no retry.
    Forged(Tampering),
}

/// A delivery, and what will happen to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedDelivery {
    /// What is sent.
    pub delivery: WebhookDelivery,
    /// What happens to it.
    pub plan: DeliveryPlan,
}

/// Applies the switches: counts deliveries and holds back those that are to be reordered.
#[derive(Debug)]
pub struct FaultInjector {
    switches: FaultSwitches,
    deliveries: u64,
    requests: u64,
    held: Vec<PlannedDelivery>,
    random: fastrand::Rng,
}

impl FaultInjector {
    /// Shuffles in the same order for the same seed.
    #[must_use]
    pub fn new(switches: FaultSwitches, seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        Self { switches, deliveries: 0, requests: 0, held: Vec::new(), random }
    }

    /// The current switches.
    #[must_use]
    pub const fn switches(&self) -> FaultSwitches {
        self.switches
    }

    /// Sets the switches and returns what was held back: a new window starts empty.
    pub fn set_switches(&mut self, switches: FaultSwitches) -> Vec<PlannedDelivery> {
        self.switches = switches;
        (self.deliveries, self.requests) = (0, 0);
        self.flush()
    }

    /// Adds a delivery and returns those to send now: none while the window fills.
    pub fn plan(&mut self, delivery: WebhookDelivery) -> Vec<PlannedDelivery> {
        self.deliveries = self.deliveries.saturating_add(1);
        let plan = plan_for(&delivery, self.switches, self.deliveries);
        self.held.push(PlannedDelivery { delivery, plan });
        if self.held.len() < self.switches.reorder { Vec::new() } else { self.flush() }
    }

    /// Counts a request of the Backend API, and says whether to answer it with 429.
    pub fn limits_next_request(&mut self) -> bool {
        self.requests = self.requests.saturating_add(1);
        nth(self.requests, self.switches.limit_every)
    }

    /// Returns the deliveries that are held back, shuffled.
    pub fn flush(&mut self) -> Vec<PlannedDelivery> {
        let mut held = std::mem::take(&mut self.held);
        self.random.shuffle(&mut held);
        held
    }

    /// The number of deliveries that are held back.
    #[must_use]
    pub const fn held_count(&self) -> usize {
        self.held.len()
    }
}

/// The plan of the `count`-th delivery. Its own faults take precedence over the switches.
fn plan_for(delivery: &WebhookDelivery, switches: FaultSwitches, count: u64) -> DeliveryPlan {
    let own = delivery.faults;
    if own.drop.unwrap_or_else(|| nth(count, switches.drop_every)) {
        return DeliveryPlan::Drop;
    }
    let corruption = match own.tamper {
        Some(tamper) => Corruption::Forged(tamper),
        None if nth(count, switches.tamper_every) => Corruption::FirstAttempt,
        None => Corruption::None,
    };
    DeliveryPlan::Send {
        copies: own.duplicate.unwrap_or(switches.duplicate).saturating_add(1),
        delay_ms: own.delay_ms.unwrap_or(switches.delay_ms),
        corruption,
    }
}

fn nth(count: u64, every: u64) -> bool {
    count.checked_rem(every) == Some(0)
}

#[cfg(test)]
mod tests {
    use super::{Corruption, DeliveryPlan, FaultInjector, FaultSwitches, PlannedDelivery};
    use crate::delivery::{DeliveryFaults, Tampering, WebhookDelivery};

    const SOUND: DeliveryPlan =
        DeliveryPlan::Send { copies: 1, delay_ms: 0, corruption: Corruption::None };

    fn delivery(id: &str, faults: DeliveryFaults) -> WebhookDelivery {
        WebhookDelivery { svix_id: id.to_owned(), body: "{}".to_owned(), faults }
    }

    fn plain(id: &str) -> WebhookDelivery {
        delivery(id, DeliveryFaults::default())
    }

    fn plans(faults: FaultSwitches, count: usize) -> Vec<DeliveryPlan> {
        let mut injector = FaultInjector::new(faults, 1);
        (0..count).flat_map(|_| injector.plan(plain("msg_1"))).map(|out| out.plan).collect()
    }

    fn ids(out: &[PlannedDelivery]) -> Vec<&str> {
        out.iter().map(|out| out.delivery.svix_id.as_str()).collect()
    }

    #[test]
    fn without_switches_a_delivery_is_sent_at_once() {
        assert_eq!(plans(FaultSwitches::default(), 3), [SOUND; 3]);
    }

    #[test]
    fn every_nth_delivery_is_lost_or_altered() {
        let altered =
            DeliveryPlan::Send { copies: 1, delay_ms: 0, corruption: Corruption::FirstAttempt };
        let faults = FaultSwitches { drop_every: 3, tamper_every: 2, ..FaultSwitches::default() };
        let want = [SOUND, altered, DeliveryPlan::Drop, altered, SOUND, DeliveryPlan::Drop];
        assert_eq!(plans(faults, 6), want, "a delivery that would be both is lost");
    }

    #[test]
    fn every_nth_request_is_limited() {
        let limited = |limit_every| {
            let mut injector =
                FaultInjector::new(FaultSwitches { limit_every, ..FaultSwitches::default() }, 1);
            [(); 4].map(|()| injector.limits_next_request())
        };
        assert_eq!(limited(0), [false; 4]);
        assert_eq!(limited(2), [false, true, false, true]);
        assert_eq!(limited(1), [true; 4]);
    }

    #[test]
    fn a_deliverys_own_faults_override_the_switches() {
        let faults =
            FaultSwitches { duplicate: 4, delay_ms: 9, drop_every: 1, ..FaultSwitches::default() };
        let own = DeliveryFaults {
            duplicate: Some(0),
            delay_ms: None,
            drop: Some(false),
            tamper: Some(Tampering::Stale),
        };
        let out = FaultInjector::new(faults, 1).plan(delivery("msg_1", own));
        let want = DeliveryPlan::Send {
            copies: 1,
            delay_ms: 9,
            corruption: Corruption::Forged(Tampering::Stale),
        };
        assert_eq!(out[0].plan, want);
    }

    #[test]
    fn a_window_shuffles_in_the_same_order_for_the_same_seed() {
        let names: Vec<String> = (0..8).map(|n| format!("msg_{n}")).collect();
        let play = |seed| {
            let mut injector =
                FaultInjector::new(FaultSwitches { reorder: 8, ..FaultSwitches::default() }, seed);
            for name in &names[..7] {
                assert!(injector.plan(plain(name)).is_empty());
            }
            assert_eq!(injector.held_count(), 7);
            let out = injector.plan(plain(&names[7]));
            assert_eq!(injector.held_count(), 0);
            ids(&out).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        let (first, again) = (play(1), play(1));
        assert_eq!(first, again);
        assert_ne!(first, names, "this seed does not change the order");
        let mut sorted = first;
        sorted.sort();
        assert_eq!(sorted, names, "no delivery is lost or duplicated");
    }

    #[test]
    fn setting_the_switches_or_flushing_releases_held_deliveries() {
        let mut injector =
            FaultInjector::new(FaultSwitches { reorder: 3, ..FaultSwitches::default() }, 1);
        assert!(injector.plan(plain("msg_1")).is_empty());
        assert_eq!(ids(&injector.flush()), ["msg_1"]);
        assert!(injector.plan(plain("msg_2")).is_empty());
        assert_eq!(ids(&injector.set_switches(FaultSwitches::default())), ["msg_2"]);
        assert_eq!(injector.held_count(), 0);
    }

    #[test]
    fn switches_have_a_maximum() {
        let faults = FaultSwitches::default();
        assert!(
            FaultSwitches { duplicate: 100, reorder: 1_000, delay_ms: 60_000, ..faults }
                .validated()
                .is_ok()
        );
        for wild in [
            FaultSwitches { duplicate: 101, ..faults },
            FaultSwitches { reorder: 1_001, ..faults },
            FaultSwitches { delay_ms: 60_001, ..faults },
            FaultSwitches { answer_delay_ms: 60_001, ..faults },
        ] {
            assert!(wild.validated().is_err(), "{wild:?}");
        }
    }
}
