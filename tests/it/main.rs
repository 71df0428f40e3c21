//! Rolecall's integration tests: the pure core from the outside, over the project's own fixtures.

// `cfg(test)` always holds here; it tells clippy that these may unwrap.
#[cfg(test)]
mod audit;
#[cfg(test)]
mod canary;
#[cfg(test)]
mod deliveries;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod fill;
#[cfg(test)]
mod holders;
#[cfg(test)]
mod law;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod letter_lists;
#[cfg(test)]
mod letters;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod migrations;
#[cfg(test)]
mod replays;
#[cfg(test)]
mod session;
#[cfg(test)]
mod signature;
#[cfg(test)]
mod support;
#[cfg(test)]
mod triggers;
#[cfg(test)]
mod tutorial;
#[cfg(test)]
mod watches;
#[cfg(test)]
mod wire;
