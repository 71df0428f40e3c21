//! Makes a plan.

use serde_json::json;
use shared::d1_error::D1Error;
use shared::operators::api::replays::{PlanRequest, Replay};
use shared::operators::replay::{
    Act, ReplayRow, StoredReplay, check_idempotency_key, check_plan, refusal, replay_id,
};
use shared::sql::{audit, replays};

use crate::advance::{Driver, Written, head, open};
use crate::io::{Io, rows};
use crate::{Failure, TRIES};

impl<I: Io> Driver<'_, I> {
    pub(crate) async fn create(
        &self,
        request: &PlanRequest,
        key: Option<&str>,
        budget: u32,
    ) -> Result<Replay, Failure> {
        check_plan(request)?;
        key.map_or(Ok(()), check_idempotency_key)?;
        // Two operators may choose one key.
        let key = key.map(|key| format!("{}:{key}", self.actor));
        for outrun in 0..=TRIES {
            let Some(id) = self.insert_once(request, key.as_deref()).await? else {
                self.io.wait_outrun(outrun).await;
                continue;
            };
            let advanced = self.advance(&id, budget).await?;
            return self.report(advanced.after).await;
        }
        Err(D1Error::Transient("other entries of the audit trail came first".into()).into())
    }

    /// The id of the replay of this request, new or known by its key. `None`: try again.
    async fn insert_once(
        &self,
        request: &PlanRequest,
        key: Option<&str>,
    ) -> Result<Option<String>, Failure> {
        let known = replays::replay_by_key(key.unwrap_or_default());
        let mut results = self.read(&[known, audit::audit_head()]).await?;
        if let Some(row) = rows::<ReplayRow>(&mut results, 0)?.into_iter().next() {
            let known = open(row)?;
            if known.is_of(request) {
                return Ok(Some(known.id));
            }
            let message = "this `Idempotency-Key` was used for another plan";
            let next = "send a new key with each new plan";
            return Err(refusal("idempotency-key-reused", message, next).into());
        }
        let head = head(&mut results, 1)?;
        let random = self.io.random().map_err(D1Error::Transient)?;
        let now = self.io.now();
        let replay = StoredReplay::new(request, self.actor, replay_id(now, &random), now);
        let detail = json!({
            "reason": replay.reason, "action": replay.action, "filter": replay.filter,
        });
        let acts = vec![Act { action: "replays.created", detail }];
        let statements = vec![replays::insert(&replay, key)];
        Ok(match self.write(statements, &head, &replay.id, acts).await? {
            Written::Done(_) => Some(replay.id),
            Written::Outrun => None,
        })
    }
}
