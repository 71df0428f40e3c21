//! `rolecall status` and `whoami`.

use shared::operators::api::Whoami;
use shared::operators::api::overview::{FlowHour, Overview};
use shared::time::UnixMillis;

use crate::app::App;
use crate::failure::Failure;
use crate::sheet::{Look, Sheet, plain};
use crate::text::{span, time};

/// The sweep runs each minute: after this many milliseconds it is late.
const SWEEP_LATE_MS: i64 = 10 * 60_000;

/// `status`.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn run(app: &App) -> Result<(), Failure> {
    let overview: Overview = app.client()?.get(&["overview"], &[])?;
    if app.screen.json {
        return app.screen.print_json(&overview);
    }
    let it = &overview;
    let ago = |at: Option<UnixMillis>| {
        at.map_or_else(|| "never".to_owned(), |at| format!("{} ago", span(it.now.since(at))))
    };
    let late = it.last_sweep_at.is_none_or(|at| SWEEP_LATE_MS < it.now.since(at));
    let look = |bad: bool| if bad { Look::Bad } else { Look::Good };
    let (batch, sweep) = (ago(it.last_batch_at), ago(it.last_sweep_at));
    let hints = match it.oldest_pending_hint {
        Some(at) => format!("{}, the oldest for {}", it.pending_hints, span(it.now.since(at))),
        None => it.pending_hints.to_string(),
    };
    let parked = match it.oldest_parked_at {
        Some(at) => format!("{}, the oldest for {}", it.parked, span(it.now.since(at))),
        None => it.parked.to_string(),
    };
    let mut sheet = Sheet::new(&["WHAT", "NOW"]);
    let rows = [
        ("last batch", &*batch, Look::Plain),
        ("last sweep", &sweep, look(late)),
        ("parked letters", &parked, look(0 < it.parked)),
        ("replaying letters", &it.replaying.to_string(), Look::Plain),
        ("open replays", &it.open_replays.to_string(), Look::Plain),
        ("pending hints", &hints, Look::Plain),
        ("schema", &it.schema, Look::Plain),
    ];
    for (name, value, look) in rows {
        sheet.looks([(name, Look::Plain), (value, look)]);
    }
    app.screen.show(&sheet)?;
    if !it.flow.is_empty() {
        app.screen.say("")?;
        app.screen.show(&flow(&it.flow))?;
    }
    if 0 < it.parked {
        app.screen.note("Look at the letters: rolecall dead-letters matrix");
    }
    Ok(())
}

fn flow(hours: &[FlowHour]) -> Sheet {
    let header = ["HOUR", "BATCHES", "MESSAGES", "IGNORED", "PARKED", "LAG MAX", "LAG MEAN"];
    let mut sheet = Sheet::new(&header);
    for it in hours {
        let counts =
            [it.batches, it.messages, it.ignored, it.parked].map(|count| count.to_string());
        let [batches, messages, ignored, parked] = &counts;
        let (at, max, mean) = (time(it.at), span(it.lag_ms_max), span(it.lag_ms_mean));
        let parked_look = if it.parked == 0 { Look::Plain } else { Look::Bad };
        let counts = [plain(batches), plain(messages), plain(ignored), (parked, parked_look)];
        let [batches, messages, ignored, parked] = counts;
        sheet.looks([plain(&at), batches, messages, ignored, parked, plain(&max), plain(&mean)]);
    }
    sheet
}

/// `whoami`.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn whoami(app: &App) -> Result<(), Failure> {
    let client = app.client()?;
    let whoami: Whoami = client.get(&["whoami"], &[])?;
    if app.screen.json {
        return app.screen.print_json(&whoami);
    }
    let may = if whoami.may_change { "may change things" } else { "may look, and change nothing" };
    app.screen.say(format!("{} ({}): {may}", whoami.name, whoami.actor))?;
    app.screen.say(format!("console {} at {}", whoami.version, client.base()))
}
