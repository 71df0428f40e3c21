//! The commands of the pinned wrangler, and how they are run.

use anyhow::{Result, bail};

use crate::call::Call;
use crate::place::Place;
use crate::setup::Tools;
use crate::show::Step;

/// How long a queue keeps a message: 14 days, the maximum. While the
/// database is unavailable, accepted deliveries wait there.
/// <https://developers.cloudflare.com/queues/configuration/configure-queues/>
const RETENTION_SECS: u32 = 14 * 24 * 60 * 60;

#[cfg(test)]
const _: () = assert!(RETENTION_SECS == shared::limits::RETENTION_S);

/// A command of wrangler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WranglerCommand(Vec<String>);

/// What all commands of a deployment share.
#[derive(Debug, Clone)]
pub(super) struct WranglerCommands {
    /// The file that every command names. Without it wrangler would silently use a `wrangler.json`
    /// or `wrangler.jsonc` beside it.
    pub(super) file: String,
    /// The message of the deployed versions, to find them for a rollback.
    pub(super) revision: Option<String>,
}

/// The output of a command.
#[derive(Debug, Clone, Default)]
pub(super) struct CommandOutput {
    /// Whether its status was 0.
    pub(super) success: bool,
    /// Standard output.
    pub(super) out: String,
    /// The last lines of both streams.
    pub(super) tail: String,
}

/// Runs commands and shows progress: wrangler itself, or a stand-in for tests.
pub(super) trait Wrangler {
    /// Shows that a step begins. An earlier step that has not ended has failed.
    fn begin(&mut self, what: &str);

    /// Shows that the step succeeded.
    fn end(&mut self, detail: &str);

    /// Runs `command` to its end.
    ///
    /// # Errors
    /// When it cannot be started. A failure of the command is in [`CommandOutput`].
    fn run(&mut self, command: &WranglerCommand) -> Result<CommandOutput>;
}

/// The pinned wrangler of the clone.
#[derive(Debug)]
pub(super) struct PinnedWrangler<'a> {
    place: &'a Place,
    tools: &'a Tools,
    account: Option<String>,
    step: Option<Step>,
}

impl WranglerCommand {
    fn new(args: &[&str]) -> Self {
        Self(args.iter().map(|arg| (*arg).to_owned()).collect())
    }

    fn with(mut self, args: &[&str]) -> Self {
        self.0.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    /// The arguments of `wrangler`.
    pub(super) fn args(&self) -> &[String] {
        &self.0
    }

    /// The command line, to be typed in the clone.
    pub(super) fn shown(&self) -> String {
        let quoted = self
            .0
            .iter()
            .map(|arg| if arg.contains(' ') { format!("'{arg}'") } else { arg.clone() });
        quoted.fold("npx wrangler".to_owned(), |shown, arg| format!("{shown} {arg}"))
    }
}

impl WranglerCommands {
    pub(super) fn who_am_i() -> WranglerCommand {
        WranglerCommand::new(&["whoami", "--json"])
    }

    pub(super) fn list_queues(&self, page: u32) -> WranglerCommand {
        self.on_file(WranglerCommand::new(&["queues", "list", "--page", &page.to_string()]))
    }

    pub(super) fn create_queue(&self, name: &str) -> WranglerCommand {
        self.on_file(retained(WranglerCommand::new(&["queues", "create", name])))
    }

    pub(super) fn retain_queue(&self, name: &str) -> WranglerCommand {
        self.on_file(retained(WranglerCommand::new(&["queues", "update", name])))
    }

    pub(super) fn list_databases(&self) -> WranglerCommand {
        self.on_file(WranglerCommand::new(&["d1", "list", "--json"]))
    }

    pub(super) fn create_database(&self, name: &str) -> WranglerCommand {
        self.on_file(WranglerCommand::new(&["d1", "create", name]))
    }

    pub(super) fn migrate(&self, database: &str, env: &str) -> WranglerCommand {
        let args = ["d1", "migrations", "apply", database, "--remote"];
        self.on_env(WranglerCommand::new(&args), env)
    }

    pub(super) fn list_secrets(&self, env: &str) -> WranglerCommand {
        self.on_env(WranglerCommand::new(&["secret", "list", "--format", "json"]), env)
    }

    pub(super) fn put_secret(&self, name: &str, env: &str) -> WranglerCommand {
        self.on_env(WranglerCommand::new(&["secret", "put", name]), env)
    }

    /// Writes what a deployment would upload, without a network.
    pub(super) fn bundle(&self, env: &str, folder: &str) -> WranglerCommand {
        self.on_env(WranglerCommand::new(&["deploy", "--dry-run", "--outdir", folder]), env)
    }

    /// With `--strict`: without it, and without a terminal, wrangler overwrites what was changed
    /// in the dashboard.
    pub(super) fn deploy(&self, env: &str) -> WranglerCommand {
        let command = self.on_env(WranglerCommand::new(&["deploy", "--strict"]), env);
        match &self.revision {
            Some(revision) => command.with(&["--message", revision]),
            None => command,
        }
    }

    fn on_env(&self, command: WranglerCommand, env: &str) -> WranglerCommand {
        self.on_file(command.with(&["--env", env]))
    }

    fn on_file(&self, command: WranglerCommand) -> WranglerCommand {
        command.with(&["--config", &self.file])
    }
}

impl CommandOutput {
    /// Standard output, unless the command failed.
    ///
    /// # Errors
    /// When it failed: the command, its last lines, and the `next` step.
    pub(super) fn ok(self, command: &WranglerCommand, next: &str) -> Result<String> {
        if self.success {
            return Ok(self.out);
        }
        bail!("`{}` failed:\n{}\n{next}", command.shown(), self.tail);
    }
}

impl<'a> PinnedWrangler<'a> {
    pub(super) fn new(place: &'a Place, tools: &'a Tools) -> Self {
        Self { place, tools, account: None, step: None }
    }

    /// From now on every command uses this account, not the one that wrangler remembers.
    pub(super) fn act_on(&mut self, account: &str) {
        self.account = Some(account.to_owned());
    }
}

impl Wrangler for PinnedWrangler<'_> {
    fn begin(&mut self, what: &str) {
        self.step = Some(Step::begin(what));
    }

    fn end(&mut self, detail: &str) {
        if let Some(step) = self.step.take() {
            step.done(detail);
        }
    }

    fn run(&mut self, command: &WranglerCommand) -> Result<CommandOutput> {
        let step = &self.step;
        let say = |line: &str| step.iter().for_each(|step| step.say(line));
        let account = self.account.iter().map(|id| ("CLOUDFLARE_ACCOUNT_ID", id));
        let ran = Call::new(self.tools.package("wrangler"))
            .args(command.args())
            .dir(&self.place.root)
            .vars(self.tools.vars()?)
            .vars(account)
            .run(say)?;
        let plain = |text: String| console::strip_ansi_codes(&text).into_owned();
        Ok(CommandOutput { success: ran.success, out: plain(ran.out()), tail: plain(ran.tail()) })
    }
}

fn retained(command: WranglerCommand) -> WranglerCommand {
    command.with(&["--message-retention-period-secs", &RETENTION_SECS.to_string()])
}
