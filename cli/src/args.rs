//! The command line.

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use crate::audit::AuditCommand;
use crate::explain::ExplainArgs;
use crate::failure::EXITS;
use crate::letters::LettersCommand;
use crate::login::LoginArgs;
use crate::roles::RolesCommand;
use crate::send::SendArgs;
use crate::target::Target;

/// What stands below the commands.
fn after_help() -> String {
    let codes = EXITS.map(|(code, what)| format!("  {code}  {what}")).join("\n");
    format!(
        "Example:
  rolecall login https://console.example.com
  rolecall dead-letters replay reason=overloaded --reason \"D1 is back\"

Exit codes:
{codes}

Environment:
  ROLECALL_URL, ROLECALL_TOKEN, ROLECALL_PROFILE, ROLECALL_INGEST_URL,
  CLERK_WEBHOOK_SECRET, CF_ACCESS_CLIENT_ID, CF_ACCESS_CLIENT_SECRET, NO_COLOR"
    )
}

/// Rolecall's program for operators: see what failed, know why, replay it safely.
#[derive(Debug, Parser)]
#[command(
    name = "rolecall",
    version,
    about = "Rolecall's program for operators: see what failed, know why, replay it safely.",
    long_about = None,
    after_help = after_help()
)]
pub(crate) struct Cli {
    /// Which console.
    #[command(flatten)]
    pub(crate) target: Target,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show whether all is well: flow, backlog, sweep.
    #[command(after_help = "Example:\n  rolecall status")]
    Status,
    /// See, replay and close what could not be applied.
    #[command(subcommand, after_help = "Example:\n  rolecall dead-letters matrix")]
    DeadLetters(LettersCommand),
    /// Tell what Rolecall knows of an id, and why.
    #[command(after_help = "Examples:\n  rolecall explain msg_2abc\n  rolecall explain user_2abc")]
    Explain(ExplainArgs),
    /// List, grant and revoke app roles.
    #[command(subcommand, after_help = "Example:\n  rolecall roles list user_2abc")]
    Roles(RolesCommand),
    /// Read and check the audit trail.
    #[command(subcommand, after_help = "Example:\n  rolecall audit verify")]
    Audit(AuditCommand),
    /// Sign a webhook and deliver it, to test an endpoint.
    #[command(after_help = "Examples:\n  rolecall send fixture user.created \
                            --to http://localhost:8787/webhooks/clerk\n  \
                            rolecall send event.json --id msg_test --count 2")]
    Send(SendArgs),
    /// Save the address and the token of a console; the token is typed or piped in.
    #[command(after_help = "Example:\n  rolecall login https://console.example.com \
                            --profile production")]
    Login(LoginArgs),
    /// Remove a profile.
    #[command(after_help = "Example:\n  rolecall logout --profile production")]
    Logout,
    /// Show who the console takes you for.
    #[command(after_help = "Example:\n  rolecall whoami")]
    Whoami,
    /// Print the completions of a shell.
    #[command(after_help = "Example:\n  rolecall completions bash \
                            > ~/.local/share/bash-completion/completions/rolecall")]
    Completions {
        /// The shell.
        shell: Shell,
    },
}
