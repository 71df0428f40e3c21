//! Prometheus beside the system: scrapes the console, and evaluates the alert rules.

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use shared::metrics::table;

use super::Addresses;
use super::background::BackgroundProgram;
use super::http::HttpClient;
use super::state::DevState;
use crate::call::Call;
use crate::clock::Stopwatch;
use crate::metrics;
use crate::place::Place;

/// Its name beside the Workers.
pub(super) const NAME: &str = "prometheus";

/// The most time for its start. It takes about a second, and longer to read a week of data.
const START: Duration = Duration::from_mins(1);

const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// How often it scrapes and evaluates: often, to see something soon.
const EVERY: &str = "5s";

/// What to look at, for people.
pub(super) fn pages(addresses: Addresses) -> [String; 3] {
    let (url, messages) = (addresses.prometheus(), table::MESSAGES.name);
    [
        format!("The alert rules, and which fire: {url}/alerts"),
        format!("  the scrapes of the console: {url}/targets"),
        format!("  a metric: {url}/graph?g0.tab=0&g0.expr=rate({messages}[1m])\n"),
    ]
}

/// The running Prometheus.
#[derive(Debug)]
pub(super) struct Prometheus {
    _program: BackgroundProgram,
}

/// Its program, found before anything is built.
///
/// # Errors
/// When it is not installed.
pub(super) fn find() -> Result<PathBuf> {
    let program = env::var_os("PROMETHEUS_BIN").filter(|it| !it.is_empty());
    let program = program.map_or_else(|| PathBuf::from(NAME), PathBuf::from);
    check(&program)?;
    Ok(program)
}

fn check(program: &Path) -> Result<()> {
    let mut version = Command::new(program);
    version.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if !version.status().is_ok_and(|status| status.success()) {
        bail!(
            "`{}` cannot be run; install Prometheus (`apt-get install --no-install-recommends \
             prometheus`), or name the program in PROMETHEUS_BIN",
            program.display()
        );
    }
    Ok(())
}

impl Prometheus {
    /// Starts it and waits until it answers. Its data is in the state's folder.
    ///
    /// # Errors
    /// When it does not start.
    pub(super) fn start(
        program: &Path,
        place: &Place,
        state: &DevState,
        addresses: Addresses,
        ended: &Sender<String>,
    ) -> Result<Self> {
        let folder = state.folder().join(NAME);
        let config = folder.join("prometheus.json");
        write_config(&config, &config_of(place, state, addresses))?;
        let call = Call::new(program)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{}", addresses.prometheus_port()))
            .arg("--log.level=warn");
        let program = BackgroundProgram::start(NAME, call, ended)?;
        wait_until_ready(&addresses.prometheus(), &program)?;
        Ok(Self { _program: program })
    }
}

fn wait_until_ready(url: &str, program: &BackgroundProgram) -> Result<()> {
    let client = HttpClient::new();
    let watch = Stopwatch::start();
    while client.page(&format!("{url}/-/ready"), None).status != 200 {
        if START < watch.elapsed() || program.has_ended() {
            return Err(program.gone("did not start"));
        }
        thread::sleep(BETWEEN_LOOKS);
    }
    Ok(())
}

/// Its configuration. JSON is YAML.
fn config_of(place: &Place, state: &DevState, addresses: Addresses) -> Value {
    let target = addresses.console();
    let target = target.strip_prefix("http://").unwrap_or(&target);
    json!({
        "global": { "scrape_interval": EVERY, "evaluation_interval": EVERY },
        "rule_files": [place.root.join(metrics::ALERTS).join("*.rules.yml")],
        "scrape_configs": [{
            "job_name": "rolecall",
            "authorization": { "credentials": state.metrics_token },
            "static_configs": [{ "targets": [target] }],
        }],
    })
}

/// The token is in it, so only this user may read it.
fn write_config(path: &Path, config: &Value) -> Result<()> {
    let failed = || format!("cannot write {}; check that you may write there", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(failed)?;
    }
    fs::write(path, "").with_context(failed)?;
    fs::set_permissions(path, Permissions::from_mode(0o600)).with_context(failed)?;
    fs::write(path, format!("{config:#}\n")).with_context(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named_with_how_to_install_it() {
        let error = check(Path::new("no-such-prometheus")).unwrap_err().to_string();
        for part in ["no-such-prometheus", "apt-get install", "PROMETHEUS_BIN"] {
            assert!(error.contains(part), "{part} is missing in {error}");
        }
    }

    #[test]
    fn its_pages_are_at_its_port() {
        for line in pages(Addresses { first: 9000 }) {
            assert!(line.contains("http://127.0.0.1:9009/"), "{line}");
        }
    }

    #[test]
    fn only_its_user_may_read_the_token() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/prometheus.json");
        write_config(&path, &json!({ "token": "x" })).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\n  \"token\": \"x\"\n}\n");
    }
}
