//! Writes the point of a batch to Analytics Engine, if the binding is there.

use shared::metrics::point::{ANALYTICS_BINDING, BatchPoint};
use shared::queue::QueueKind;
use worker::{AnalyticsEngineDataPointBuilder, Env};

/// Its index and its only text are the queue: no id is ever in it. An error changes nothing for the
/// batch.
pub(crate) fn write(env: &Env, queue: QueueKind, point: &BatchPoint) {
    let Ok(analytics) = env.analytics_engine(ANALYTICS_BINDING) else { return };
    let queue = queue.as_str();
    let doubles = point.doubles().map(|(_, value)| value);
    let builder = AnalyticsEngineDataPointBuilder::new().indexes([queue]).add_blob(queue);
    if let Err(error) = builder.doubles(doubles).write_to(&analytics) {
        tracing::warn!(cause = %error, "writing to Analytics Engine failed: check the binding");
    }
}
