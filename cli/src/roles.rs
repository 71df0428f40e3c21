//! `rolecall roles`: app roles of a user.

use clap::{Args, Subcommand};
use shared::operators::api::explain::Explanation;
use shared::operators::api::roles::{RoleChange, RoleChangeRequest};
use shared::time::UnixMillis;

use crate::app::App;
use crate::confirm::confirm;
use crate::failure::{Failure, Kind};
use crate::text::{now, parse_time, time};
use crate::{explain, heads};

/// Commands for roles.
#[derive(Debug, Subcommand)]
pub(crate) enum RolesCommand {
    /// List a user's roles, each with why it counts or does not.
    #[command(after_help = "Example:\n  rolecall roles list user_2abc")]
    List(ListArgs),
    /// Grant an app role.
    #[command(after_help = "Example:\n  rolecall roles grant user_2abc support --ends 8h \
                            --reason \"on call tonight\"")]
    Grant(ChangeArgs),
    /// Revoke an app role, wherever it comes from.
    #[command(after_help = "Example:\n  rolecall roles revoke user_2abc admin \
                            --reason \"left the team\"")]
    Revoke(ChangeArgs),
}

/// Arguments of `list`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// The user.
    user: String,
}

/// Arguments of `grant` and `revoke`.
#[derive(Debug, Args)]
pub(crate) struct ChangeArgs {
    /// The user.
    user: String,
    /// The app role.
    role: String,
    /// Why, for the audit trail: at most 200 characters, no personal data.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// When this ends: 8h, 7d, 2026-01-31 or 2026-01-31T18:00Z. By default it does not.
    #[arg(long, value_name = "WHEN")]
    ends: Option<String>,
    /// Do it without being asked.
    #[arg(long)]
    yes: bool,
}

/// Runs one of them.
///
/// # Errors
/// Those of the command.
pub(crate) fn run(app: &App, command: &RolesCommand) -> Result<(), Failure> {
    match command {
        RolesCommand::List(args) => list(app, args),
        RolesCommand::Grant(args) => change(app, args, true),
        RolesCommand::Revoke(args) => change(app, args, false),
    }
}

fn list(app: &App, args: &ListArgs) -> Result<(), Failure> {
    let explanation: Explanation = app.client()?.get(&["explain", &args.user], &[])?;
    let story = explanation.entity.as_ref().filter(|story| story.kind == "user");
    let Some(story) = story else {
        let message = format!("`{}` is not the id of a user", args.user);
        let next = format!("See what it is: rolecall explain {}", args.user);
        return Err(Failure::new(Kind::Failed, "no-user", message, next));
    };
    let screen = &app.screen;
    if screen.json {
        return screen.print_json(&explanation);
    }
    let nothing = story.roles.is_empty() && story.organizations.is_empty();
    let roles = if nothing { "no roles" } else { "roles" };
    screen.say(format!("{}: {roles}", args.user))?;
    if !story.summary.is_empty() {
        screen.say(&story.summary)?;
    }
    explain::roles(screen, &story.roles)?;
    explain::organizations(screen, &story.organizations)
}

fn change(app: &App, args: &ChangeArgs, granted: bool) -> Result<(), Failure> {
    let mut request = RoleChangeRequest {
        role: args.role.clone(),
        granted,
        reason: args.reason.clone(),
        ends_at: args.ends.as_deref().map(end).transpose()?,
        dry_run: true,
    };
    let client = app.client()?;
    let route = ["users", &args.user, "roles"];
    let planned: RoleChange = client.post(&route, &request, None)?;
    if app.screen.json {
        app.screen.event(&planned);
    } else {
        show(app, &planned)?;
    }
    confirm(&app.screen, args.yes, if granted { "grant" } else { "revoke" })?;
    request.dry_run = false;
    let done: RoleChange = client.post(&route, &request, None)?;
    heads::show(&client, &app.screen);
    if app.screen.json {
        return app.screen.print_json(&done);
    }
    app.screen.say("")?;
    show(app, &done)
}

fn end(text: &str) -> Result<UnixMillis, Failure> {
    let now = now();
    let found = parse_time(text, |span| now.0.saturating_add(span)).filter(|at| now < *at);
    found.ok_or_else(|| {
        let next = "Write 8h, 7d, 2026-01-31 or 2026-01-31T18:00Z.";
        Failure::usage(format!("`{text}` is no time that is still to come"), next)
    })
}

fn show(app: &App, change: &RoleChange) -> Result<(), Failure> {
    let word = match (change.granted, change.done) {
        (true, false) => "would be granted to",
        (true, true) => "is granted to",
        (false, false) => "would be revoked from",
        (false, true) => "is revoked from",
    };
    let until = change.ends_at.map(|at| format!(" until {}", time(at))).unwrap_or_default();
    let list = |roles: &[String]| {
        if roles.is_empty() { "none".to_owned() } else { roles.join(", ") }
    };
    app.screen.say(format!("{} {word} {}{until}", change.role, change.user_id))?;
    app.screen.say(format!("  before: {}", list(&change.before)))?;
    app.screen.say(format!("  after:  {}", list(&change.after)))?;
    if change.before == change.after {
        app.screen.note("  The roles that count stay as they are.");
    }
    Ok(())
}
