//! The model checker: what the Workers decide, in every order, with every repetition and crash
//! that small bounds allow.
//!
//! The decisions are not written again here: the models drive `shared::{merge, plan, batch, outbox,
//! cache, guard, operators}`. What is modelled is what surrounds them: networks, queues, crashes,
//! clocks, and D1's watches, whose statements have their twin in [`d1`]. D1's rows are SQLite's
//! own. Each invariant's name begins with its number; `docs/correctness.md` says what each means
//! and what was not explored.

pub mod cache;
pub mod letters;
pub mod line;

pub mod days;
pub mod run;

pub mod bounds;
pub mod check;

pub mod d1;
pub mod small_set;
pub mod object;
pub mod variant;
pub mod wire;
