//! The pages of the console. Each is a function from the answers of the API to HTML, so a page and
//! the JSON of the same name cannot disagree. Askama escapes all values.

pub(crate) mod frame;
pub(crate) mod words;
pub(crate) mod reasons;
pub(crate) mod filter;
mod chart;
mod activity;
pub(crate) mod overview;
pub(crate) mod matrix;
pub(crate) mod letters;
pub(crate) mod letter;
pub(crate) mod replays;
pub(crate) mod new_replay;
pub(crate) mod outcome;
pub(crate) mod replay;
pub(crate) mod explain;
pub(crate) mod role_change;
pub(crate) mod audit;
pub(crate) mod message;

/// The style sheet of every page.
pub(crate) const STYLE: &str = include_str!("../templates/console.css");

/// The script of the pages that move. All of them work without it.
pub(crate) const SCRIPT: &str = include_str!("../templates/console.js");

/// The icon.
pub(crate) const ICON: &str = include_str!("../templates/icon.svg");

#[cfg(test)]
pub(crate) mod testing;
