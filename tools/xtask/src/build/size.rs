//! The size of a Worker: everything that is uploaded, compressed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::{fs, io};

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;

/// Our own limits: bytes of each Worker after `gzip -9`. The benchmark's row `size` reads the same
/// file. Cloudflare's limit is three megabytes
/// (<https://developers.cloudflare.com/workers/platform/limits/#worker-size>), but every byte
/// slows a cold start.
///
/// - `ingest`, `durable`: what a small Worker in Rust can stay under.
/// - `ssr` also counts its answers and flushes the counts to `Meter`: about 13 KB. `bench start`
///   holds the time of its cold start.
/// - `consumer` also carries replays on, follows the canary with requests to Clerk, and counts what
///   it does. No user waits for its cold start.
/// - `console` has the pages, the JSON API, the replays and the explanations in one Worker. No user
///   waits for it either.
const BUDGETS: &str = include_str!("size.json");

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

    fn budget(&self) -> Result<u64> {
        let budgets: BTreeMap<String, u64> =
            serde_json::from_str(BUDGETS).context("size.json is no map from Workers to bytes")?;
        let budget = budgets.get(&self.name).copied();
        budget.with_context(|| {
            format!("{} has no budget; add it to tools/xtask/src/build/size.json", self.name)
        })
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
/// When one is over its budget, or has none.
pub(super) fn within_budget(sizes: &[WorkerSize]) -> Result<()> {
    for size in sizes {
        let budget = size.budget()?;
        ensure!(
            size.gzipped <= budget,
            "{} is over the budget of {}; look for a new dependency with `cargo tree -p {} -e \
             normal --target wasm32-unknown-unknown`",
            size.shown(),
            kilobytes(budget),
            size.name,
        );
    }
    Ok(())
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
        assert!(within_budget(&[size(250_000)]).is_ok());
        let error = within_budget(&[size(1), size(250_001)]).unwrap_err().to_string();
        assert!(error.contains("over the budget of 250.0 KB"), "{error}");
        let console = WorkerSize { name: "console".to_owned(), ..size(250_001) };
        assert!(within_budget(&[console]).is_ok());
    }

    #[test]
    fn a_worker_without_a_budget_is_named() {
        let other = WorkerSize { name: "other".to_owned(), ..size(1) };
        let error = within_budget(&[other]).unwrap_err().to_string();
        assert!(error.contains("other has no budget; add it to"), "{error}");
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
