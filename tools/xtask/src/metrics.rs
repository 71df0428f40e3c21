//! `cargo xtask metrics`: the files that are written from the table of metrics.
//!
//! [`docs`] writes the tables of `docs/metrics.md`.

mod docs;

use anyhow::Result;

use crate::place::Place;

/// Writes the files.
///
/// # Errors
/// When one cannot be read or written.
pub(crate) fn run(place: &Place) -> Result<()> {
    docs::write(&place.root)
}
