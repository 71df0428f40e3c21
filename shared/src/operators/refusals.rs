//! How many refused attempts the audit trail takes. Without a limit, anybody who reaches the
//! console could fill the database.

use crate::time::UnixMillis;

/// Rows a minute and isolate. The rest is counted into the next row.
pub const ROWS_PER_MINUTE_MAX: u32 = 30;

/// The count of an isolate.
#[derive(Debug, Default)]
pub struct RefusalLimit {
    minute: i64,
    rows: u32,
    left_out: u64,
}

impl RefusalLimit {
    /// Whether an attempt at `now` gets a row, and how many before it got none.
    pub fn take(&mut self, now: UnixMillis) -> Option<u64> {
        let minute = now.0.div_euclid(60_000);
        // Requests of the minute before may come between: the time of a request stands still. A
        // clock that was set back further begins anew.
        if self.minute < minute || minute + 1 < self.minute {
            (self.minute, self.rows) = (minute, 0);
        }
        if ROWS_PER_MINUTE_MAX <= self.rows {
            self.left_out = self.left_out.saturating_add(1);
            return None;
        }
        self.rows += 1;
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::{ROWS_PER_MINUTE_MAX, RefusalLimit};
    use crate::time::UnixMillis;

    #[test]
    fn each_minute_has_its_rows_and_none_is_forgotten() {
        let mut limit = RefusalLimit::default();
        for _ in 0..ROWS_PER_MINUTE_MAX {
            assert_eq!(limit.take(UnixMillis(60_000)), Some(0));
        }
        assert_eq!((limit.take(UnixMillis(60_001)), limit.take(UnixMillis(119_999))), (None, None));
        assert_eq!(limit.take(UnixMillis(120_000)), Some(2));
        assert_eq!(limit.take(UnixMillis(120_000)), Some(0));
    }

    #[test]
    fn requests_of_two_minutes_share_the_rows_of_the_later_one() {
        let mut limit = RefusalLimit::default();
        let times = [119_999, 120_000].map(UnixMillis);
        let rows = times.iter().cycle().take(1_000).filter_map(|at| limit.take(*at)).count();
        assert!(rows <= 31, "{rows}");
        // A clock that was set back does not close the trail.
        assert!(limit.take(UnixMillis(0)).is_some());
    }
}
