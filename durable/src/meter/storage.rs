//! The SQLite database of a shard. All access to it is in this file.

use shared::metrics::flush::SeriesValue;
use shared::metrics::history::{HistoryTotals, KEPT_MS};
use shared::metrics::meter::{KeptRow, Meter, Taken};
use shared::sql::meter as sql;
use shared::time::UnixMillis;
use worker::{Result, State};

/// Loads the state.
pub(super) fn load(ctx: &State) -> Result<Meter> {
    let storage = ctx.storage().sql();
    storage.exec(sql::SCHEMA, None)?;
    let rows: Vec<KeptRow> = storage.exec(sql::LOAD, None)?.to_array()?;
    let (meter, malformed) = Meter::load(rows);
    if !malformed.is_empty() {
        let cause = malformed.join(", ");
        tracing::error!(cause, "rows of Meter are malformed: they begin again at 0");
    }
    Ok(meter)
}

/// Writes what a flush changed. Its own rows come in one statement, after the history, which says
/// what was before it, and before rows are deleted that they make superfluous.
pub(super) fn write_flush(ctx: &State, taken: &Taken) -> Result<()> {
    let storage = ctx.storage().sql();
    if let Some(row) = &taken.history {
        let args = vec![row.at.0.into(), row.series.as_str().into()];
        storage.exec(sql::HISTORY_WRITE, args)?;
        let until = row.at.0.saturating_sub(KEPT_MS);
        storage.exec(sql::HISTORY_FORGET, vec![until.into()])?;
    }
    write(ctx, &taken.rows)?;
    if !taken.forgotten.is_empty() {
        let keys = serde_json::to_string(&taken.forgotten)?;
        storage.exec(sql::FORGET, vec![keys.into()])?;
    }
    Ok(())
}

/// Writes rows, all or none.
pub(super) fn write(ctx: &State, rows: &[KeptRow]) -> Result<()> {
    let rows = serde_json::to_string(rows)?;
    ctx.storage().sql().exec(sql::WRITE, vec![rows.into()])?;
    Ok(())
}

/// The totals at these times; `None` where they are today's.
pub(super) fn history(ctx: &State, bounds: &[UnixMillis]) -> Result<Vec<Option<Vec<SeriesValue>>>> {
    let bounds = serde_json::to_string(bounds)?;
    let rows: Vec<HistoryTotals> =
        ctx.storage().sql().exec(sql::HISTORY, vec![bounds.into()])?.to_array()?;
    let parse = |row: HistoryTotals| row.series.map(|text| serde_json::from_str(&text)).transpose();
    Ok(rows.into_iter().map(parse).collect::<serde_json::Result<_>>()?)
}
