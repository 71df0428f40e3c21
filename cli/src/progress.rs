//! The progress of a replay: a bar on a terminal, elsewhere one JSON object for each change.

use indicatif::{ProgressBar, ProgressStyle};
use shared::operators::api::replays::{Replay, ReplayState};

use crate::screen::Screen;
use crate::text::clean;

/// What is shown of a replay: it has changed when this has.
type Shown = (ReplayState, u64, u64, u64);

/// The progress of one replay.
#[derive(Debug)]
pub(crate) struct Progress<'a> {
    screen: &'a Screen,
    bar: Option<ProgressBar>,
    last: Option<Shown>,
}

impl<'a> Progress<'a> {
    /// The progress, not shown yet.
    pub(crate) fn new(screen: &'a Screen) -> Self {
        let bar = screen.can_draw.then(|| {
            let bar = ProgressBar::new(0);
            let look = "{prefix:10} {wide_bar} {pos}/{len} settled  {msg}";
            if let Ok(look) = ProgressStyle::with_template(look) {
                bar.set_style(look);
            }
            bar
        });
        Self { screen, bar, last: None }
    }

    /// Shows where the replay is; returns whether that is new.
    pub(crate) fn show(&mut self, replay: &Replay) -> bool {
        let shown = (replay.state, replay.total, replay.sent, replay.settled);
        if self.last == Some(shown) {
            return false;
        }
        self.last = Some(shown);
        match &self.bar {
            None => self.screen.event(replay),
            Some(bar) => {
                bar.set_length(replay.total);
                bar.set_position(replay.settled);
                bar.set_prefix(replay.state.as_str());
                bar.set_message(format!("{} sent", replay.sent));
            }
        }
        true
    }

    /// Shows a note above the bar.
    pub(crate) fn note(&self, text: &str) {
        match &self.bar {
            None => self.screen.note(text),
            Some(bar) => bar.println(clean(text)),
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
