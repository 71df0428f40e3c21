//! Replays that begin by themselves: letters that were parked because the database failed for a
//! while are sent once more, without an operator.

use serde_json::json;
use shared::d1_error::D1Error;
use shared::operators::api::letters::LetterFilter;
use shared::operators::api::replays::{PlanRequest, ReplayAction};
use shared::operators::replay::{Act, StoredReplay, replay_id};
use shared::sql::replays::{BusyRow, OldestRow};
use shared::sql::{audit, replays};
use shared::time::UnixMillis;

use crate::advance::{Driver, Written, head};
use crate::io::{Io, rows};

/// Reasons that time may remove: those of `D1Error::Transient` and `D1Error::Overloaded`.
const TRANSIENT: [&str; 2] = ["retries-exhausted", "overloaded"];

impl<I: Io> Driver<'_, I> {
    pub(crate) async fn auto_replay(&self) -> Result<usize, D1Error> {
        for reason in TRANSIENT {
            let now = self.io.now();
            let reads =
                [replays::auto_busy(now), replays::auto_oldest(reason), audit::audit_head()];
            let mut results = self.read(&reads).await?;
            if rows::<BusyRow>(&mut results, 0)?.iter().any(|row| row.busy != 0) {
                return Ok(0);
            }
            let oldest = rows::<OldestRow>(&mut results, 1)?.into_iter().next();
            let Some(oldest) = oldest.and_then(|row| row.first_seen_at) else { continue };
            let replay = self.auto_plan(reason, oldest, now)?;
            let head = head(&mut results, 2)?;
            let detail = json!({
                "reason": replay.reason, "action": replay.action, "filter": replay.filter,
            });
            let acts = vec![Act { action: "replays.created", detail }];
            let statements = vec![replays::insert(&replay, None)];
            // If another entry came first, the next sweep tries again.
            let written = self.write(statements, &head, &replay.id, acts).await?;
            return Ok(usize::from(matches!(written, Written::Done(_))));
        }
        Ok(0)
    }

    fn auto_plan(
        &self,
        reason: &str,
        oldest: UnixMillis,
        now: UnixMillis,
    ) -> Result<StoredReplay, D1Error> {
        let (reason, after) = (Some(reason.into()), Some(oldest));
        let request = PlanRequest {
            action: ReplayAction::Replay,
            filter: LetterFilter { reason, after, ..LetterFilter::default() },
            reason: "parked while the database failed: sent once more by itself".into(),
            rate: None,
            discard_unchanged: false,
        };
        let random = self.io.random().map_err(D1Error::Transient)?;
        let mut replay = StoredReplay::new(&request, self.actor, replay_id(now, &random), now);
        replay.progress.automatic = true;
        Ok(replay)
    }
}
