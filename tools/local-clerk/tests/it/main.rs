//! The stand-in from the outside: over HTTP, with a receiver that verifies with the `svix` crate.

// `cfg(test)` is always true here. It tells the lints that helpers are tests too and may unwrap.
#[cfg(test)]
mod backend;
#[cfg(test)]
mod day;
#[cfg(test)]
mod deliveries;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod program;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod support;
#[cfg(test)]
mod invalid_tokens;
