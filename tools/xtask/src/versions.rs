//! The tools that are installed for a developer, each in exactly one version.
//!
//! Four more versions are pinned only where their own tools read them: Rust in
//! `rust-toolchain.toml`, wasm-bindgen in `Cargo.lock` (its command line must have the same
//! version as the Workers' library), Node and its packages in `package.json` and its lock.

/// Builds a Worker crate into `build/index.js`. <https://crates.io/crates/worker-build>
pub(crate) const WORKER_BUILD: &str = "0.8.7";

/// Builds the fuzz targets. <https://crates.io/crates/cargo-fuzz>
pub(crate) const CARGO_FUZZ: &str = "0.13.2";

/// Checks licences, sources and advisories of the dependencies. <https://crates.io/crates/cargo-deny>
pub(crate) const CARGO_DENY: &str = "0.20.2";

/// The compilation target of the Workers.
pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// The oldest Node that can run npm for the set-up. Everything else runs on the pinned one.
pub(crate) const NODE_MAJOR_MIN: u32 = 20;

/// The oldest Node that runs everything else where none is pinned for the machine: the pinned
/// major version.
pub(crate) const NODE_MAJOR_OWN: u32 = 24;
