//! Children end with the program that started them: on Ctrl-C, on a request to
//! terminate, and on every ordinary way out.
//!
//! Each child has its own process group, so that a Ctrl-C on the terminal reaches this
//! program first and the children are ended in order, with all that they started.

use std::collections::BTreeSet;
use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use crate::clock::Stopwatch;
use crate::show;

/// The time that a group has to end by itself.
const GRACE: Duration = Duration::from_secs(5);

/// The exit code of a program that Ctrl-C ended: 128 + SIGINT.
const EXIT_INTERRUPTED: i32 = 130;

static GROUPS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());
static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static EXIT: AtomicI32 = AtomicI32::new(EXIT_INTERRUPTED);

/// Makes Ctrl-C, SIGTERM and SIGHUP end every child and then this program.
///
/// # Errors
/// When the handler cannot be set.
pub(crate) fn install() -> Result<()> {
    ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::SeqCst) {
            return; // The first request is being handled.
        }
        end_all();
        show::note("ended");
        std::process::exit(EXIT.load(Ordering::SeqCst));
    })
    .context("cannot handle Ctrl-C; run the task in an ordinary terminal")
}

/// From now on Ctrl-C is the expected end and not a failure.
pub(crate) fn expected() {
    EXIT.store(0, Ordering::SeqCst);
}

/// Waits for the end if one was requested; else returns at once. A step that fails because
/// its child was ended is not reported.
pub(crate) fn wait_if_ending() {
    while INTERRUPTED.load(Ordering::SeqCst) {
        thread::park_timeout(GRACE);
    }
}

/// A child's process group, ended when this is dropped.
#[derive(Debug)]
pub(crate) struct ProcessGroup(Pid);

impl ProcessGroup {
    /// Takes charge of `child`, which must lead its own process group.
    pub(crate) fn of(child: &Child) -> Self {
        let pid = Pid::from_child(child);
        groups().insert(pid.as_raw_nonzero().get());
        Self(pid)
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        end(self.0);
        groups().remove(&self.0.as_raw_nonzero().get());
    }
}

/// Ends every remaining group.
fn end_all() {
    let all: Vec<Pid> = groups().iter().filter_map(|pid| Pid::from_raw(*pid)).collect();
    for pid in &all {
        let _ = kill_process_group(*pid, Signal::TERM);
    }
    for pid in all {
        end(pid);
    }
}

/// Asks the group to end, waits, and then kills it. A group that has already ended is no error.
fn end(pid: Pid) {
    if kill_process_group(pid, Signal::TERM).is_err() {
        return;
    }
    let watch = Stopwatch::start();
    while watch.elapsed() < GRACE {
        if test_kill_process_group(pid).is_err() {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    let _ = kill_process_group(pid, Signal::KILL);
}

fn groups() -> MutexGuard<'static, BTreeSet<i32>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}
