//! The program `local-clerk`: see the crate's documentation.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use local_clerk::config::{AppUrl, Apps, Config, ConfigError, Secret, SecretKey, WebhookUrl};
use local_clerk::faults::{FaultSwitches, SwitchOutOfRange};
use local_clerk::server::{Server, StartError};

/// A local stand-in for Clerk: keys, sign-in, signed webhooks, faults.
///
/// The secret that webhooks are signed with comes from the environment, `CLERK_WEBHOOK_SECRET`:
/// arguments can be read by everyone on the machine. The key that the Backend API is asked with is
/// `CLERK_SECRET_KEY`, else `sk_test_local`.
#[derive(Parser, Debug)]
#[command(version)]
struct Cli {
    /// The port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 8790)]
    port: u16,
    /// The application that people sign in to
    #[arg(long, default_value = "http://127.0.0.1:8787", value_parser = AppUrl::parse)]
    app_url: AppUrl,
    /// Another application that they sign in to; may be repeated
    #[arg(long, value_parser = AppUrl::parse)]
    other_app_url: Vec<AppUrl>,
    /// Where webhooks go
    #[arg(
        long,
        default_value = "http://127.0.0.1:8788/webhooks/clerk",
        value_parser = WebhookUrl::parse
    )]
    webhook_url: WebhookUrl,
    /// Where the session key is kept
    #[arg(long, value_name = "DIR")]
    state_dir: PathBuf,
    /// Multiplies the pauses between attempts (0, 50 and 500 ms); 100 is Svix's own first pause
    #[arg(
        long,
        default_value_t = 1,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(0..=600)
    )]
    retry_scale: u32,
    /// What --reorder shuffles by: the same seed, the same order
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Answers a handshake with a nonce where it asks so, as Clerk does: for an application that
    /// asks the Backend API here
    #[arg(long)]
    nonces: bool,
    #[command(flatten)]
    faults: FaultSwitches,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    FaultSwitches(#[from] SwitchOutOfRange),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("the server could not go on: {0}")]
    Io(#[from] std::io::Error),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // With standard error gone there is nobody to tell; the exit code still says it.
            writeln!(std::io::stderr(), "local-clerk: {failure}").unwrap_or_default();
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<(), Failure> {
    let secret = Secret::parse(&std::env::var("CLERK_WEBHOOK_SECRET").unwrap_or_default())?;
    let secret_key = SecretKey::parse(&std::env::var("CLERK_SECRET_KEY").unwrap_or_default())?;
    let server = Server::start(Config {
        port: cli.port,
        apps: Apps::new(cli.app_url, cli.other_app_url),
        webhook: cli.webhook_url,
        secret,
        secret_key,
        nonces: cli.nonces,
        state_dir: cli.state_dir,
        faults: cli.faults.validated()?,
        seed: cli.seed,
        retry_scale: cli.retry_scale,
    })
    .await?;
    let stop = stop_signal()?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "local-clerk {}", server.url())?;
    stdout.flush()?;
    server.run(stop).await?;
    Ok(())
}

/// Ends on Ctrl-C and on SIGTERM. Both are heeded from this call on, so before the line that says
/// where the server listens: whoever reads it may end the program at once.
#[cfg(unix)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()> + Send> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> std::io::Result<impl Future<Output = ()> + Send> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
