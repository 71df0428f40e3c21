//! The JSON API, `/api/v1`: one file per area. `console/openapi.json` describes it.
//!
//! What a route answers is a function of its own, which the page of the same name calls too.

pub(crate) mod audit;
pub(crate) mod explain;
pub(crate) mod letter;
pub(crate) mod letters;
pub(crate) mod overview;
pub(crate) mod replay_changes;
pub(crate) mod replays;
pub(crate) mod roles;
pub(crate) mod whoami;
