//! `dead-letters show`.

use clap::Args;
use shared::operators::api::letters::LetterDetail;

use crate::app::App;
use crate::failure::Failure;
use crate::sheet::Sheet;
use crate::text::{maybe_time, shortened, time};

/// The most characters of bytes that no build can read; `export` writes them all.
const RAW_MAX_CHARS: usize = 2_000;

/// Arguments of `show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The letter.
    id: String,
}

/// `dead-letters show`.
///
/// # Errors
/// When the letter cannot be read.
pub(crate) fn run(app: &App, args: &ShowArgs) -> Result<(), Failure> {
    let detail: LetterDetail = app.client()?.get(&["dead-letters", &args.id], &[])?;
    let screen = &app.screen;
    if screen.json {
        return screen.print_json(&detail);
    }
    let it = &detail.letter;
    let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
    screen.say(format!("{}: {}", it.id, it.state.as_str()))?;
    screen.say(format!("  parked for:   {} ({})", it.reason, it.detail))?;
    screen.say(format!("  type:         {}", known(&it.event_type)))?;
    screen.say(format!("  subject:      {}", known(&it.subject)))?;
    screen.say(format!("  delivery:     {}", known(&it.svix_id)))?;
    screen.say(format!("  queue:        {}", detail.queue))?;
    screen.say(format!("  first seen:   {}", time(it.first_seen_at)))?;
    screen.say(format!("  last parked:  {}", time(it.last_seen_at)))?;
    screen.say(format!("  attempts:     {}, parked again {} times", it.attempts, it.generation))?;
    let class = detail.class.as_str();
    screen.say(format!("  a replay now: {class} ({})", detail.class_detail))?;
    screen.say(match detail.digest_matches {
        Some(true) => "  bytes:        as they were parked",
        Some(false) => "  bytes:        CHANGED since they were parked",
        None => "  bytes:        from before digests were kept",
    })?;
    if let Some(event) = &detail.event {
        screen.say(format!("\nEvent:\n{event:#}"))?;
    }
    if let Some(raw) = &detail.raw {
        screen.say(format!("\nBytes:\n{}", shortened(raw, RAW_MAX_CHARS)))?;
    }
    if !detail.replays.is_empty() {
        screen.say("\nReplays:")?;
        let mut sheet = Sheet::new(&["REPLAY", "PLANNED", "BECAME", "WHEN"]);
        for it in &detail.replays {
            let when = maybe_time(it.became_at);
            sheet.row([&it.replay_id, it.planned.as_str(), &it.became, &when]);
        }
        screen.show(&sheet)?;
    }
    Ok(())
}
