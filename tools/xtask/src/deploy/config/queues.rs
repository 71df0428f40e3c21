//! Checks that the Workers of a file use the same queues.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use shared::settings::consumer::{DEAD_QUEUE as DEAD, EVENTS_QUEUE as EVENTS};
use toml::{Table, Value};

/// The queues of one block.
pub(super) struct QueueBlock<'a> {
    /// Those that its Worker sends to.
    pub(super) sends: Vec<&'a str>,
    /// Those that it reads, each with its dead-letter queue.
    pub(super) reads: BTreeMap<&'a str, Option<&'a str>>,
    /// Its variables.
    pub(super) vars: &'a Table,
}

/// Refuses a file with a queue that no Worker reads, or that its reader does not know.
///
/// # Errors
/// When no block reads a queue that is written, or a block's variables do not name the queues that
/// it reads.
pub(super) fn fit(blocks: &BTreeMap<&str, QueueBlock<'_>>) -> Result<()> {
    let is_read = |queue: &str| blocks.values().any(|block| block.reads.contains_key(queue));
    for (env, block) in blocks {
        if let Some(queue) = block.sends.iter().find(|queue| !is_read(queue)) {
            bail!("[env.{env}] sends to the queue `{queue}`, which no block of the file reads");
        }
        if !block.reads.is_empty() {
            named(env, block)?;
        }
    }
    Ok(())
}

fn named(env: &str, QueueBlock { reads, vars, .. }: &QueueBlock<'_>) -> Result<()> {
    let var = |name: &str| vars.get(name).and_then(Value::as_str).unwrap_or_default().trim();
    let (events, dead) = (var(EVENTS), var(DEAD));
    if let Some(queue) = reads.keys().find(|queue| ![events, dead].contains(queue)) {
        bail!(
            "[env.{env}] reads the queue `{queue}`, and no variable says which one that is; write \
             {EVENTS} = the queue that ingest writes and {DEAD} = its dead_letter_queue into the \
             block's vars"
        );
    }
    for (name, queue) in [(EVENTS, events), (DEAD, dead)] {
        if !reads.contains_key(queue) {
            bail!("[env.{env}] has {name} = \"{queue}\", a queue that the block does not read");
        }
    }
    if reads.get(events) != Some(&Some(dead)) {
        bail!(
            "[env.{env}] has {DEAD} = \"{dead}\", which is not the dead_letter_queue of `{events}`"
        );
    }
    Ok(())
}
