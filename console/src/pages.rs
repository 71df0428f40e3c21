//! The pages of the console. Each is a function from the answers of the API to HTML, so a page and
//! the JSON of the same name cannot disagree. Askama escapes all values.

pub(crate) mod frame;
pub(crate) mod words;
pub(crate) mod filter;
pub(crate) mod overview;
pub(crate) mod matrix;
pub(crate) mod letters;
pub(crate) mod letter;
pub(crate) mod replays;
pub(crate) mod new_replay;
pub(crate) mod outcome;
pub(crate) mod replay;

#[cfg(test)]
pub(crate) mod testing;
