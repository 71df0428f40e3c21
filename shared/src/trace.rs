//! Trace ids: the `svix-id` of a delivery, in each line about it from the door to the cache.

use std::collections::BTreeMap;

use crate::event::Payload;
use crate::log::TRACE_IDS_BYTES_MAX;
use crate::plan::{BatchPlan, DeliveryOutcome};

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
