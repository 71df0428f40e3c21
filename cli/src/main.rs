//! Rolecall's program for operators. It asks the console's API and shows the answers; it decides
//! nothing that the console decides.
//!
//! The commands: [`status`], [`letters`], [`explain`], [`roles`], [`audit`], [`send`], [`login`].
//! What they share: [`client`] and [`answer`] for requests, [`screen`] for the output, [`failure`]
//! for errors and exit codes, [`target`] and [`config`] for addresses and tokens.

mod args;

mod audit;
mod explain;
mod letters;
mod login;
mod roles;
mod send;
mod status;

mod confirm;
mod heads;
mod pages;
mod progress;
mod report;
mod watch;

mod answer;
mod app;
mod client;
mod config;
mod failure;
mod filter;
mod private_file;
mod screen;
mod sheet;
mod target;
mod text;

#[cfg(test)]
mod tests;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use clap_complete::Shell;

use crate::app::App;
use crate::args::{Cli, Command};
use crate::failure::Failure;
use crate::screen::Screen;

fn main() -> ExitCode {
    let Cli { target, command } = Cli::parse();
    let app = App { screen: Screen::of_process(target.json), target };
    match run(&app, &command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            app.screen.fail(&failure);
            failure.exit()
        }
    }
}

fn run(app: &App, command: &Command) -> Result<(), Failure> {
    match command {
        Command::Status => status::run(app),
        Command::DeadLetters(command) => letters::run(app, command),
        Command::Explain(args) => explain::run(app, args),
        Command::Roles(command) => roles::run(app, command),
        Command::Audit(command) => audit::run(app, command),
        Command::Send(args) => send::run(app, args),
        Command::Login(args) => login::login(app, args),
        Command::Logout => login::logout(app),
        Command::Whoami => status::whoami(app),
        Command::Completions { shell } => completions(app, *shell),
    }
}

fn completions(app: &App, shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "rolecall", &mut script);
    let script = String::from_utf8_lossy(&script);
    app.screen.script(&script)
}
