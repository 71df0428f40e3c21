//! The size of a Worker: everything that is uploaded, compressed.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::{fs, io};

use anyhow::{Context, Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;

/// Our own limit: bytes of one Worker after `gzip -9`. Cloudflare's limit is twelve times as much
/// (<https://developers.cloudflare.com/workers/platform/limits/#worker-size>), but every byte
/// slows a cold start, so ours is what a small Worker in Rust can stay under.
const BUDGET_BYTES: u64 = 250_000;

/// The same for ssr, which also counts its answers and flushes the counts to `Meter`: about 13 KB.
/// `bench start` holds the time of its cold start.
const SSR_BUDGET_BYTES: u64 = 260_000;

/// The same for the operators' console: no user waits for its cold start, and it has the pages, the
/// JSON API, the replays and the explanations in one Worker.
const CONSOLE_BUDGET_BYTES: u64 = 600_000;

/// The same for the consumer, which also carries replays on, follows the canary with requests to
/// Clerk, and counts what it does: no user waits for it either.
const CONSUMER_BUDGET_BYTES: u64 = 330_000;

/// The sizes of one Worker, in bytes.
#[derive(Debug, Clone)]
pub(crate) struct WorkerSize {
    name: String,
    wasm: u64,
    gzipped: u64,
}

impl WorkerSize {
    /// Measures the uploaded files of a Worker.
    pub(super) fn of(name: &str, files: &[PathBuf]) -> Result<Self> {
        let mut size = Self { name: name.to_owned(), wasm: 0, gzipped: 0 };
        for file in files {
            let content = fs::read(file).with_context(|| {
                format!("cannot read {}; run `cargo xtask build {name}`", file.display())
            })?;
            if file.extension().is_some_and(|extension| extension == "wasm") {
                size.wasm += u64::try_from(content.len())?;
            }
            size.gzipped += gzipped(&content).context("cannot compress in memory")?;
        }
        Ok(size)
    }

    fn budget(&self) -> u64 {
        match self.name.as_str() {
            "console" => CONSOLE_BUDGET_BYTES,
            "ssr" => SSR_BUDGET_BYTES,
            "consumer" => CONSUMER_BUDGET_BYTES,
            _ => BUDGET_BYTES,
        }
    }

    /// `ingest: 143.2 KB gzipped`.
    pub(crate) fn shown(&self) -> String {
        format!("{}: {} gzipped", self.name, kilobytes(self.gzipped))
    }
}

/// The table of the sizes.
pub(super) fn table(sizes: &[WorkerSize]) -> String {
    let mut table = format!("{:<12}{:>12}{:>12}", "Worker", "wasm", "gzipped");
    for WorkerSize { name, wasm, gzipped } in sizes {
        // A String takes any text, so this write cannot fail.
        let _ = write!(table, "\n{name:<12}{:>12}{:>12}", kilobytes(*wasm), kilobytes(*gzipped));
    }
    table
}

/// Checks that no Worker is too large.
///
/// # Errors
/// When one is over the budget.
pub(super) fn within_budget(sizes: &[WorkerSize]) -> Result<()> {
    let over = sizes.iter().find(|size| size.budget() < size.gzipped);
    let Some(size) = over else { return Ok(()) };
    bail!(
        "{} is over the budget of {}; look for a new dependency with `cargo tree -p {} -e normal \
         --target wasm32-unknown-unknown`",
        size.shown(),
        kilobytes(size.budget()),
        size.name,
    );
}

fn gzipped(content: &[u8]) -> io::Result<u64> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    u64::try_from(encoder.finish()?.len()).map_err(io::Error::other)
}

/// One kilobyte is 1000 bytes, as at Cloudflare.
fn kilobytes(bytes: u64) -> String {
    format!("{}.{} KB", bytes / 1000, bytes % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(gzipped: u64) -> WorkerSize {
        WorkerSize { name: "ingest".to_owned(), wasm: 374_912, gzipped }
    }

    #[test]
    fn the_budget_is_allowed_and_one_byte_more_is_not() {
        assert!(within_budget(&[size(BUDGET_BYTES)]).is_ok());
        let error = within_budget(&[size(1), size(BUDGET_BYTES + 1)]).unwrap_err().to_string();
        assert!(error.contains("over the budget of 250.0 KB"), "{error}");
        let console = WorkerSize { name: "console".to_owned(), ..size(BUDGET_BYTES + 1) };
        assert!(within_budget(&[console]).is_ok());
    }

    #[test]
    fn the_table_has_a_line_for_each_worker() {
        let want = "Worker              wasm     gzipped\n\
                    ingest          374.9 KB    143.2 KB";
        assert_eq!(table(&[size(143_210)]), want);
    }

    #[test]
    fn both_files_are_measured_and_only_one_is_wasm() {
        let folder = tempfile::tempdir().unwrap();
        let files = ["index.js", "index_bg.wasm"].map(|name| folder.path().join(name));
        for file in &files {
            fs::write(file, [7; 1000]).unwrap();
        }
        let size = WorkerSize::of("w", &files).unwrap();
        assert_eq!(size.wasm, 1000);
        assert_eq!(size.gzipped, 2 * gzipped(&[7; 1000]).unwrap());
    }
}
