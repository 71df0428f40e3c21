//! The pages' routes. Each reads what the JSON route of the same name answers, by the same
//! function, and renders it.

pub(crate) mod assets;
pub(crate) mod audit;
pub(crate) mod form;
pub(crate) mod frame;
pub(crate) mod letters;
pub(crate) mod overview;
pub(crate) mod replay_forms;
pub(crate) mod replays;
pub(crate) mod session;
pub(crate) mod users;
