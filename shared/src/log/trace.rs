//! Trace ids: the `svix-id` of a delivery, in each line about it from the door to the cache.

use std::collections::BTreeMap;

use crate::event::Payload;
use crate::plan::{BatchPlan, DeliveryOutcome};

/// Bytes of the list of trace ids in the line of a batch: those of a whole batch of 100 messages
/// whose ids are as long as Svix's.
pub const TRACE_IDS_BYTES_MAX: usize = 4_000;

/// Bytes of a trace id that no signature vouches for. Svix's own have 31.
const UNVERIFIED_BYTES_MAX: usize = 64;

/// A `svix-id` that no signature vouches for, as a trace id: only if it has the form of Svix's own.
/// Anybody can send this header, so anything else stays out of the log.
#[must_use]
pub fn unverified_trace_id(header: &str) -> Option<&str> {
    let rest = header.strip_prefix("msg_")?;
    let fits = (1..=UNVERIFIED_BYTES_MAX).contains(&rest.len());
    (fits && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(header)
}

/// The trace ids of a batch, separated by spaces, as many as fit.
#[must_use]
pub fn trace_ids(plan: &BatchPlan) -> String {
    let mut ids = String::new();
    for delivery in &plan.deliveries {
        let id = delivery.envelope.svix_id.as_str();
        if TRACE_IDS_BYTES_MAX < ids.len() + id.len() + 1 {
            break;
        }
        if !ids.is_empty() {
            ids.push(' ');
        }
        ids.push_str(id);
    }
    ids
}

/// The trace id for the hint of each user: that of the last delivery in the batch that is about the
/// user. A change for all users has no hint of its own here.
#[must_use]
pub fn traces_of_users(plan: &BatchPlan) -> BTreeMap<String, String> {
    let mut traces = BTreeMap::new();
    for delivery in &plan.deliveries {
        let Payload::Event(event) = &delivery.envelope.payload else { continue };
        if delivery.outcome == DeliveryOutcome::Parked {
            continue;
        }
        for user in &event.users {
            traces.insert(user.to_string(), delivery.envelope.svix_id.as_str().to_owned());
        }
    }
    traces
}

#[cfg(test)]
mod tests {
    use super::unverified_trace_id;

    #[test]
    fn a_8_only_an_id_of_svixs_form_is_logged_unverified() {
        assert_eq!(unverified_trace_id("msg_2vX11zP5ojq7"), Some("msg_2vX11zP5ojq7"));
        let long = format!("msg_{}", "x".repeat(65));
        let odd = ["", "msg_", "2vX11", "msg_a b", "msg_a\r\nb", "msg_\u{1b}[31m", "msg_a@b.c"];
        for wrong in odd.into_iter().chain(["sk_live_1", "msg_203.0.113.7", "msg_eyJ.x", &long]) {
            assert_eq!(unverified_trace_id(wrong), None, "{wrong}");
        }
    }
}
