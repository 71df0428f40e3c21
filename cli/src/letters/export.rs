//! `dead-letters export`: letters with their bytes.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;
use shared::operators::api::letters::ExportedLetter;
use shared::operators::words::counted;

use super::list::StateArgs;
use crate::answer;
use crate::app::App;
use crate::client::Client;
use crate::failure::{Failure, Kind};
use crate::filter::{FilterArgs, query};
use crate::private_file::PrivateFile;
use crate::text::{json_line, now};

/// Arguments of `export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    state: StateArgs,
    /// Write to this new file, which its owner alone may read; by default to standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The last line of a page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PageEnd {
    next: Option<String>,
}

/// `dead-letters export`.
///
/// # Errors
/// When letters cannot be read or written.
pub(crate) fn run(app: &App, args: &ExportArgs) -> Result<(), Failure> {
    let mut query = query(&args.filter.of_list(now())?);
    query.extend(args.state.query());
    let client = app.client()?;
    let Some(path) = &args.output else {
        return each(&client, &query, |letter| app.screen.print_json(letter)).map(drop);
    };
    let mut file = PrivateFile::create(path)?;
    let letters = each(&client, &query, |letter| {
        let text = json_line(letter).map_err(|error| {
            let message = format!("a letter cannot be written: {error}");
            Failure::new(Kind::Failed, "json", message, "Show it with `dead-letters show`.")
        })?;
        file.line(&text)
    })?;
    file.end()?;
    let letters = counted(&letters, "letter");
    app.screen.note(format!("{letters} in {}", path.display()));
    Ok(())
}

/// Calls `write` for each letter; returns how many there were.
fn each(
    client: &Client,
    query: &[(&str, String)],
    mut write: impl FnMut(&ExportedLetter) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let mut letters = 0;
    let mut cursor: Option<String> = None;
    loop {
        let mut query = query.to_vec();
        query.extend(cursor.clone().map(|cursor| ("cursor", cursor)));
        let page = client.text(&["dead-letters", "export"], &query)?;
        let mut end = None;
        for line in page.body.lines().filter(|line| !line.is_empty()) {
            if let Ok(found) = serde_json::from_str::<PageEnd>(line) {
                end = Some(found);
                continue;
            }
            write(&answer::parse_text(line)?)?;
            letters += 1;
        }
        // Without its last line the page was cut off: what follows would be missing silently.
        let Some(PageEnd { next }) = end else {
            let message = format!("the export broke off after {letters} letters");
            return Err(Failure::new(Kind::Unreachable, "cut-off", message, "Run it again."));
        };
        if next.is_none() {
            return Ok(letters);
        }
        if next == cursor {
            let message = "the console gives the same page again";
            return Err(Failure::new(
                Kind::Unreachable,
                "same-page",
                message,
                "Update the console.",
            ));
        }
        cursor = next;
    }
}
