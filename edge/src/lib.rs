//! What every Rolecall Worker does alike: the clock, the log, JSON in answers, variables.
//!
//! Only what two Workers share stands here, and nothing is decided here: decisions are `shared`'s.

pub mod clock;
pub mod d1;
pub mod log;
pub mod reply;
pub mod vars;
