//! Platform helpers shared by the Workers: clock, random numbers, logging, bodies, JSON responses,
//! settings, D1, objects, metrics, public keys, URLs.
//!
//! Everything here is used by at least two Workers. Decisions are in `shared`.

pub mod body;
pub mod clock;
pub mod d1;
#[cfg(feature = "faults")]
pub mod fault_points;
pub mod keys;
pub mod log;
pub mod metrics;
pub mod object;
pub mod random;
pub mod reply;
pub mod request_url;
pub mod settings;

/// Starts metrics and log of the Worker with this name, as in `wrangler.toml`. Called once, when
/// the isolate starts.
pub fn start(worker: &'static str) {
    metrics::init(worker);
    log::init(worker);
}

/// A point where a test may pause or abort the Worker, `fault_point!(env, "name", subject)`: see
/// `fault_points`. Builds without the feature `faults` contain nothing of it.
#[cfg(feature = "faults")]
#[macro_export]
macro_rules! fault_point {
    ($env:expr, $point:literal, $subject:expr) => {
        $crate::fault_points::reach($env, $point, $subject).await
    };
}

/// A point where a test may pause or abort the Worker. It does nothing in this build.
#[cfg(not(feature = "faults"))]
#[macro_export]
macro_rules! fault_point {
    ($env:expr, $point:literal, $subject:expr) => {
        // Avoids unused-variable warnings.
        let _ = (&$env, &$subject);
    };
}

/// Returns whether a test makes the next step fail, `fault_fails!(env, "name", subject)`.
#[cfg(feature = "faults")]
#[macro_export]
macro_rules! fault_fails {
    ($env:expr, $point:literal, $subject:expr) => {
        $crate::fault_points::should_fail($env, $point, $subject).await
    };
}

/// Returns whether a test makes the next step fail. Always `false` in this build.
#[cfg(not(feature = "faults"))]
#[macro_export]
macro_rules! fault_fails {
    ($env:expr, $point:literal, $subject:expr) => {{
        // As above.
        let _ = (&$env, &$subject);
        false
    }};
}
