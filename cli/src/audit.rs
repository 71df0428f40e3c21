//! `rolecall audit`: what operators did.

mod verify;

use clap::{Args, Subcommand};
use shared::operators::api::AuditPage;
use shared::operators::audit::AuditEntry;

use crate::app::App;
use crate::failure::Failure;
use crate::pages::{self, Page, PageArgs};
use crate::screen::Screen;
use crate::sheet::{Look, Sheet};
use crate::text::time;

/// Commands for the audit trail.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// List entries, the newest first.
    #[command(after_help = "Example:\n  rolecall audit list --limit 20")]
    List(ListArgs),
    /// Check that no entry was changed or removed, and that heads seen earlier are in the trail.
    #[command(after_help = "Examples:\n  rolecall audit verify\n  \
                            rolecall audit verify --seq 120 --head 9c2e…")]
    Verify(verify::VerifyArgs),
}

/// Arguments of `list`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// In the order of the chain, beginning after this entry.
    #[arg(long, value_name = "SEQ", conflicts_with = "cursor",
          value_parser = clap::value_parser!(i64).range(0..))]
    after: Option<i64>,
    #[command(flatten)]
    pages: PageArgs,
}

/// Runs one of them.
///
/// # Errors
/// Those of the command.
pub(crate) fn run(app: &App, command: &AuditCommand) -> Result<(), Failure> {
    match command {
        AuditCommand::List(args) => {
            let client = app.client()?;
            let (screen, route) = (&app.screen, ["audit"]);
            let Some(seq) = args.after else {
                return pages::show::<AuditPage>(&client, screen, &route, &[], &args.pages);
            };
            let from = ("after", Some(seq.to_string()));
            pages::show_from::<AuditPage>(&client, screen, &route, &[], &args.pages, from)
        }
        AuditCommand::Verify(args) => verify::run(app, args),
    }
}

impl Page for AuditPage {
    type Item = AuditEntry;

    fn parts(&self) -> (&[AuditEntry], Option<&str>) {
        (&self.entries, self.next.as_deref())
    }

    fn show(&self, screen: &Screen) -> Result<(), Failure> {
        let mut sheet = Sheet::new(&["SEQ", "AT", "ACTOR", "ACTION", "TARGET", "DETAIL"]);
        for it in &self.entries {
            let named = self.names.iter().find(|name| name.actor == it.actor);
            let actor = named.map_or(&it.actor, |known| &known.name);
            let look = if it.action.starts_with("refused:") { Look::Odd } else { Look::Plain };
            let (seq, at) = (it.seq.to_string(), time(it.at));
            let texts = [&seq, &at, actor, &it.action, &it.target, &it.detail];
            sheet.looks(texts.map(|text| (text.as_str(), look)));
        }
        screen.show(&sheet)
    }
}
