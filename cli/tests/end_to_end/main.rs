//! The program, run as a process against a small console on this machine.

// `cfg(test)` always holds here; it tells clippy that these may unwrap.
#[cfg(test)]
mod console;
#[cfg(test)]
mod program;
#[cfg(test)]
mod samples;

#[cfg(test)]
mod audit;
#[cfg(test)]
mod changing;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod login;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod sending;
#[cfg(test)]
mod shells;
#[cfg(test)]
mod terminal;
