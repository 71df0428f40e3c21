//! A new file that its owner alone may read.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::failure::Failure;

/// The file, open.
#[derive(Debug)]
pub(crate) struct PrivateFile {
    shown: String,
    file: BufWriter<File>,
}

impl PrivateFile {
    /// Makes it. A file that is there already is left alone.
    ///
    /// # Errors
    /// When it is there already, or cannot be made.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let shown = path.display().to_string();
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.map_err(|error| cannot(&shown, &error))?;
        Ok(Self { shown, file: BufWriter::new(file) })
    }

    /// Writes one line.
    ///
    /// # Errors
    /// When the disk is full, for example.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Failure> {
        writeln!(self.file, "{text}").map_err(|error| cannot(&self.shown, &error))
    }

    /// Writes what is still in memory.
    ///
    /// # Errors
    /// As [`Self::line`].
    pub(crate) fn end(mut self) -> Result<(), Failure> {
        let Self { shown, file } = &mut self;
        let written = file.flush().and_then(|()| file.get_ref().sync_all());
        written.map_err(|error| cannot(shown, &error))
    }
}

fn cannot(shown: &str, error: &std::io::Error) -> Failure {
    let next = "Name a file that is not there yet, on a disk with space.";
    Failure::usage(format!("{shown} cannot be written: {error}"), next)
}
