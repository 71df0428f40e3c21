//! What every Rolecall Worker does alike: the clock, chance, the log, bodies, JSON in answers,
//! settings.
//!
//! Only what two Workers share stands here, and nothing is decided here: decisions are `shared`'s.

pub mod body;
pub mod random;
pub mod clock;
pub mod d1;
#[cfg(feature = "faults")]
pub mod faults;
pub mod log;
pub mod reply;
pub mod settings;

/// A place where a test may stop or end the Worker, `fault_point!(env, "name", whom)`: see
/// `faults`. In a build without the feature nothing is left of it.
#[cfg(feature = "faults")]
#[macro_export]
macro_rules! fault_point {
    ($env:expr, $point:literal, $whom:expr) => {
        $crate::faults::point($env, $point, $whom).await
    };
}

/// A place where a test may stop or end the Worker. Nothing is left of it in this build.
#[cfg(not(feature = "faults"))]
#[macro_export]
macro_rules! fault_point {
    ($env:expr, $point:literal, $whom:expr) => {
        // Two references that nobody reads: they only count as a use of what the switch asks with.
        let _ = (&$env, &$whom);
    };
}

/// Whether a test has the next step of the Worker fail, `fault_fails!(env, "name", whom)`.
#[cfg(feature = "faults")]
#[macro_export]
macro_rules! fault_fails {
    ($env:expr, $point:literal, $whom:expr) => {
        $crate::faults::fails($env, $point, $whom).await
    };
}

/// Whether a test has the next step of the Worker fail. In this build none does.
#[cfg(not(feature = "faults"))]
#[macro_export]
macro_rules! fault_fails {
    ($env:expr, $point:literal, $whom:expr) => {{
        // As above.
        let _ = (&$env, &$whom);
        false
    }};
}
