//! `audit verify`: walks the whole chain, page by page.

use clap::Args;
use shared::operators::api::AuditPage;
use shared::operators::audit::{AuditEntry, AuditHead, verify};

use crate::app::App;
use crate::client::Client;
use crate::failure::{Failure, Kind};
use crate::heads::{self, SeenHead};
use crate::text::clean;

/// Entries in a page.
const PAGE: &str = "100";

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// A head from earlier, of a log or of a change: it must be in the trail.
    #[arg(long, visible_alias = "hash", value_name = "HASH", value_parser = parse_head)]
    head: Option<String>,
    /// The number of the entry with that head.
    #[arg(long, value_name = "SEQ", requires = "head",
          value_parser = clap::value_parser!(i64).range(1..))]
    seq: Option<i64>,
}

/// A head that was copied in part is in no trail, and must not look like a rewritten one.
fn parse_head(text: &str) -> Result<String, String> {
    let is_whole = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_whole
        .then(|| text.to_owned())
        .ok_or("a head has 64 hexadecimal digits; copy all of it".into())
}

/// A head from earlier that the trail must contain.
#[derive(Debug)]
struct Wanted {
    /// The entry's number, if it is known.
    seq: Option<i64>,
    hash: String,
    /// Where it is known from.
    from: &'static str,
    found: bool,
}

impl Wanted {
    fn seen(head: SeenHead, from: &'static str) -> Self {
        // The head of an empty trail is in every trail.
        let found = head.seq == 0;
        Self { seq: Some(head.seq), hash: head.hash, from, found }
    }

    fn look_at(&mut self, entry: &AuditEntry) {
        let is_place = self.seq.is_none_or(|seq| seq == entry.seq);
        self.found |= is_place && self.hash.eq_ignore_ascii_case(&entry.hash);
    }
}

/// `audit verify`.
///
/// # Errors
/// When the chain is broken, or a head from earlier is not in it.
pub(crate) fn run(app: &App, args: &VerifyArgs) -> Result<(), Failure> {
    let client = app.client()?;
    let seen = heads::of(&client)?;
    let given = args.head.clone().map(|hash| Wanted {
        seq: args.seq,
        hash,
        from: "that was given",
        found: false,
    });
    let verified = seen.verified.map(|head| Wanted::seen(head, "that was verified here last"));
    let shown = seen.shown.map(|head| Wanted::seen(head, "that a change from here ended with"));
    let mut wanted: Vec<_> = given.into_iter().chain(verified).chain(shown).collect();
    let head = walk(&client, &mut wanted)?;
    if let Some(missing) = wanted.iter().find(|wanted| !wanted.found) {
        return Err(rewritten(&head, missing));
    }
    heads::keep(&client, |seen| seen.verified = Some(SeenHead::from(&head)))?;
    if app.screen.json {
        return app.screen.print_json(&head);
    }
    app.screen.say(format!("whole: {} entries", head.seq))?;
    app.screen.say(format!("head:  {} {}", head.seq, head.hash))?;
    let earlier = wanted.len();
    app.screen.say(format!("heads from earlier in it: {earlier} of {earlier}"))
}

/// Verifies every entry; returns the end of the chain.
fn walk(client: &Client, wanted: &mut [Wanted]) -> Result<AuditHead, Failure> {
    let mut head = AuditHead::default();
    loop {
        let query = [("after", head.seq.to_string()), ("limit", PAGE.to_owned())];
        let page: AuditPage = client.get(&["audit"], &query)?;
        head = verify(head, &page.entries).map_err(|error| broken(&error.to_string()))?;
        for wanted in &mut *wanted {
            page.entries.iter().for_each(|entry| wanted.look_at(entry));
        }
        if head == page.head {
            return Ok(head);
        }
        // Others may write meanwhile: then the head is further than the page.
        if page.entries.is_empty() || page.head.seq <= head.seq {
            let AuditHead { seq, hash } = &page.head;
            let text = format!(
                "the chain ends at {} {}, and the head is said to be {seq} {hash}",
                head.seq, head.hash
            );
            return Err(broken(&text));
        }
    }
}

fn broken(what: &str) -> Failure {
    let next = "Someone changed the table `audit` in D1. Save the database (docs/backup.md), look \
                who could write to it, and compare with the heads in the console's log.";
    let message = format!("the audit trail is broken: {what}");
    Failure::new(Kind::Failed, "audit-broken", message, next)
}

fn rewritten(head: &AuditHead, missing: &Wanted) -> Failure {
    let place = missing.seq.map(|seq| format!("{seq} ")).unwrap_or_default();
    let message = format!(
        "the chain of {} entries is whole, but the head {} is not in it: {place}{}",
        head.seq,
        missing.from,
        clean(&missing.hash)
    );
    let state = heads::path().map(|path| path.display().to_string()).unwrap_or_default();
    let next = format!(
        "The trail was rewritten, or the database is another one. Save it (docs/backup.md) and \
         look who could write to it. If it was made anew on purpose, remove {state}."
    );
    Failure::new(Kind::Failed, "audit-rewritten", message, next)
}
