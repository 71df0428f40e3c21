//! What every command works with.

use crate::client::Client;
use crate::failure::Failure;
use crate::screen::Screen;
use crate::target::Target;

/// The output, and which console is asked.
#[derive(Debug)]
pub(crate) struct App {
    /// The output.
    pub(crate) screen: Screen,
    /// The console.
    pub(crate) target: Target,
}

impl App {
    /// The console, ready to be asked.
    ///
    /// # Errors
    /// When its address or its token is not known.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        self.target.client(&self.screen)
    }
}
