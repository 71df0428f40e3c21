//! The program `local-clerk`: see the crate's documentation.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use local_clerk::config::{
    AppUrl, Apps, ConfigError, SecretKey, ServerConfig, WebhookSecret, WebhookUrl,
};
use local_clerk::faults::{FaultSwitches, SwitchOutOfRange};
use local_clerk::server::{Server, StartError};

/// A local stand-in for Clerk: keys, sign-in, signed webhooks, faults.
///
/// The secret that signs the webhooks comes from the variable `CLERK_WEBHOOK_SECRET`, since every
/// user of the machine can read arguments. The key for the Backend API is `CLERK_SECRET_KEY`, else
/// `sk_test_local`.
#[derive(Parser, Debug)]
#[command(version)]
struct Cli {
    /// The port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 8790)]
    port: u16,
    /// The application that users sign in to
    #[arg(long, default_value = "http://127.0.0.1:8787", value_parser = AppUrl::parse)]
    app_url: AppUrl,
    /// Another application that users sign in to; may be repeated
    #[arg(long, value_parser = AppUrl::parse)]
    other_app_url: Vec<AppUrl>,
    /// The operators' console; the sign-in page links to it
    #[arg(long, value_parser = AppUrl::parse)]
    console_url: Option<AppUrl>,
    /// The address of the webhook receiver
    #[arg(
        long,
        default_value = "http://127.0.0.1:8788/webhooks/clerk",
        value_parser = WebhookUrl::parse
    )]
    webhook_url: WebhookUrl,
    /// The directory of the session key
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
    /// The seed of --reorder: the same seed gives the same order
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Returns a nonce to a handshake that asks for one, as Clerk does: for applications that use
    /// the Backend API of this server
    #[arg(long)]
    nonces: bool,
    #[command(flatten)]
    faults: FaultSwitches,
}

#[derive(Debug, thiserror::Error)]
enum CliError {
    #[error(transparent)]
    ServerConfig(#[from] ConfigError),
    #[error(transparent)]
    FaultSwitches(#[from] SwitchOutOfRange),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("the server stopped: {0}; start it again")]
    Io(#[from] std::io::Error),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // If standard error is closed, the exit code still reports the failure.
            writeln!(std::io::stderr(), "local-clerk: {failure}").unwrap_or_default();
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<(), CliError> {
    let webhook_secret =
        WebhookSecret::parse(&std::env::var("CLERK_WEBHOOK_SECRET").unwrap_or_default())?;
    let secret_key = SecretKey::parse(&std::env::var("CLERK_SECRET_KEY").unwrap_or_default())?;
    let server = Server::start(ServerConfig {
        port: cli.port,
        apps: Apps::new(cli.app_url, cli.other_app_url),
        console: cli.console_url,
        webhook_url: cli.webhook_url,
        webhook_secret,
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

/// Completes on Ctrl-C and on SIGTERM. Both are handled from this call on. It comes before the line
/// with the address, because a reader of that line may end the program at once.
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
