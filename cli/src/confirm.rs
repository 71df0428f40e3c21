//! The operator's yes to a change, after its plan was shown.

use std::io::{self, BufRead as _};

use crate::failure::{Failure, Kind};
use crate::screen::Screen;

/// Returns when the operator says yes: by `--yes`, or by typing `word` on a terminal.
///
/// # Errors
/// When there is no `--yes` and nobody to ask, or another word was typed.
pub(crate) fn confirm(screen: &Screen, yes: bool, word: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !screen.can_ask {
        let message =
            "nothing was changed: this was not confirmed, and there is no terminal to ask";
        return Err(Failure::usage(message, "Read the plan, then run it again with --yes."));
    }
    screen.ask(&format!("Type `{word}` to go on: "));
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    if read.is_ok() && line.trim() == word {
        return Ok(());
    }
    let message = format!("nothing was changed: `{word}` was not typed");
    Err(Failure::new(Kind::Refused, "not-confirmed", message, "Run it again when you are sure."))
}
