//! Lists that come in pages.

use clap::Args;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::Client;
use crate::failure::{Failure, Kind};
use crate::screen::Screen;

/// Which pages are read.
#[derive(Clone, Debug, Args)]
pub(crate) struct PageArgs {
    /// At most this many in a page.
    #[arg(long, value_name = "N", default_value_t = 50,
          value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
    /// Begin after this cursor, the `next` of the page before.
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    /// Read every page; with --json one object a line, without pages.
    #[arg(long)]
    all_pages: bool,
}

/// A page of a list, and how it is shown.
pub(crate) trait Page: Serialize + DeserializeOwned {
    /// What is listed.
    type Item: Serialize;

    /// The items and the next cursor.
    fn parts(&self) -> (&[Self::Item], Option<&str>);

    /// Shows the items as a table.
    ///
    /// # Errors
    /// When the output fails.
    fn show(&self, screen: &Screen) -> Result<(), Failure>;
}

/// Reads and shows pages of a list.
///
/// # Errors
/// When a page cannot be read or shown.
pub(crate) fn show<P: Page>(
    client: &Client,
    screen: &Screen,
    route: &[&str],
    query: &[(&str, String)],
    args: &PageArgs,
) -> Result<(), Failure> {
    show_from::<P>(client, screen, route, query, args, ("cursor", args.cursor.clone()))
}

/// As [`show`], beginning with a member of the query that each page gives for the next.
///
/// # Errors
/// As [`show`].
pub(crate) fn show_from<P: Page>(
    client: &Client,
    screen: &Screen,
    route: &[&str],
    query: &[(&str, String)],
    args: &PageArgs,
    (place, mut cursor): (&'static str, Option<String>),
) -> Result<(), Failure> {
    let mut is_empty = true;
    loop {
        let mut query = query.to_vec();
        query.push(("limit", args.limit.to_string()));
        query.extend(cursor.clone().map(|cursor| (place, cursor)));
        let page: P = client.get(route, &query)?;
        let (items, next) = page.parts();
        match (screen.json, args.all_pages) {
            (true, false) => return screen.print_json(&page),
            (true, true) => items.iter().try_for_each(|item| screen.print_json(item))?,
            (false, _) if items.is_empty() => {}
            (false, _) => page.show(screen)?,
        }
        is_empty &= items.is_empty();
        if next.is_some() && next == cursor.as_deref() {
            let message = "the console gives the same page again";
            let next = "Update the console, or go on with another --cursor.";
            return Err(Failure::new(Kind::Unreachable, "same-page", message, next));
        }
        cursor = next.map(str::to_owned);
        match &cursor {
            // A page may be empty while others follow.
            Some(_) if args.all_pages || is_empty => {}
            Some(next) => {
                screen.note(format!("More: --{place} {next}, or --all-pages"));
                return Ok(());
            }
            None if is_empty => {
                screen.note("None.");
                return Ok(());
            }
            None => return Ok(()),
        }
    }
}
