//! One role cache object: its state, its storage, and at most one running fill.

mod hint;
mod idle;
mod peek;
mod persist;

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use edge::fault_point;
use futures_channel::oneshot;
use futures_util::future::try_join;
use shared::cache::{
    AfterFill, CacheDecision, FillBackoff, FillOutcome, FillRequest, TrackedState,
};
use shared::id::UserId;
use shared::metrics::table::{FILL_SECONDS, FILLS};
use shared::role_cache::{self, RoleAnswer, RoleQuery};
use worker::Env;

use crate::error::{CacheError, CacheResult};
use crate::traced_hint::TracedHint;
use crate::{d1, settings, storage};

pub(crate) struct RoleCacheObject {
    ctx: worker::State,
    env: Env,
    /// The state, once it is loaded.
    state: RefCell<TrackedState>,
    loaded: Cell<bool>,
    /// Delays D1 reads after failures.
    backoff: Cell<FillBackoff>,
    /// The user this object belongs to, once checked.
    user_id: OnceCell<String>,
    /// Waiters for the running fill; `None` if there is none.
    waiters: RefCell<Option<Vec<oneshot::Sender<CacheResult<()>>>>>,
}

impl std::fmt::Debug for RoleCacheObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RoleCacheObject").field("state", &self.state).finish_non_exhaustive()
    }
}

impl RoleCacheObject {
    pub(crate) fn new(ctx: worker::State, env: Env) -> Self {
        edge::log::read_sample_rate(&env);
        Self {
            ctx,
            env,
            state: RefCell::default(),
            loaded: Cell::new(false),
            backoff: Cell::default(),
            user_id: OnceCell::new(),
            waiters: RefCell::new(None),
        }
    }

    /// Flushes what this isolate has counted, behind the answer.
    pub(crate) fn flush_metrics(&self) {
        edge::metrics::flush_later(&self.env, |flush| self.ctx.wait_until(flush));
    }

    /// Answers a guard's query.
    pub(crate) async fn query(self: &Rc<Self>, query: &RoleQuery) -> CacheResult<RoleAnswer> {
        let ages = settings::ages(&self.env)?;
        self.check_user(&query.user_id)?;
        self.load().await?;
        let asked_at = edge::clock::now();
        {
            let mut state = self.state.borrow_mut();
            state.set_user_id(&query.user_id);
            state.record_use(asked_at, &ages);
        }
        self.ensure_saved().await?;
        let decision = self.with_backoff(|backoff| {
            self.state.borrow().state().decide(query, edge::clock::now(), &ages, backoff)
        });
        // A fill that was already running may predate the query: then run another.
        let may_refill_again = match decision {
            CacheDecision::Serve(answer) => return Ok(answer),
            CacheDecision::ServeAndRefill(answer) => {
                self.begin_refill();
                return Ok(answer);
            }
            CacheDecision::Refuse(reason) => return Err(CacheError::Refused(reason)),
            CacheDecision::JoinFill => false,
            CacheDecision::FillFirst => !self.begin_refill(),
        };
        let answer = || {
            let now = edge::clock::now();
            self.state.borrow().state().answer_after_fill(query, asked_at, now, &ages)
        };
        self.wait_for_fill().await?;
        if let Some(answer) = answer() {
            return Ok(answer);
        }
        if may_refill_again {
            self.begin_refill();
            self.wait_for_fill().await?;
        }
        answer().ok_or(CacheError::NotFreshEnough)
    }

    /// Starts a fill in the background unless one is running. Returns true if this call started it.
    fn begin_refill(self: &Rc<Self>) -> bool {
        self.begin_refill_for(None)
    }

    /// The same, for a hint, whose line is written at the end of the fill.
    fn begin_refill_for(self: &Rc<Self>, hint: Option<TracedHint>) -> bool {
        if self.waiters.borrow().is_some() {
            return false;
        }
        self.waiters.replace(Some(Vec::new()));
        let object = Rc::clone(self);
        self.ctx.wait_until(async move {
            let began = edge::clock::now();
            let outcome = object.run_fill().await;
            let trace_id = hint.as_ref().map(|hint| hint.trace_id.as_str());
            let result = outcome.as_ref().map_or_else(CacheError::fill_label, |()| "filled");
            edge::metrics::count(&FILLS, &[result], 1);
            edge::metrics::observe(&FILL_SECONDS, &[], edge::clock::now().since(began));
            match &outcome {
                Ok(()) => object.with_backoff(FillBackoff::record_success),
                Err(error) => object.record_failure("fill failed", error, trace_id),
            }
            if let (Ok(()), Some(hint)) = (&outcome, &hint) {
                let state = object.state.borrow();
                hint.log_filled(state.state().entry.as_ref().map(|entry| entry.set.version));
            }
            let waiters = object.waiters.take().unwrap_or_default();
            for waiter in waiters {
                // The receiver may be dropped.
                let _receiver_dropped = waiter.send(outcome.clone());
            }
        });
        true
    }

    fn with_backoff<T>(&self, work: impl FnOnce(&mut FillBackoff) -> T) -> T {
        let mut backoff = self.backoff.get();
        let result = work(&mut backoff);
        self.backoff.set(backoff);
        result
    }

    /// Waits for the running fill, if there is one.
    async fn wait_for_fill(&self) -> CacheResult<()> {
        let waiter = self.waiters.borrow_mut().as_mut().map(|waiters| {
            let (send, receive) = oneshot::channel();
            waiters.push(send);
            receive
        });
        match waiter {
            None => Ok(()),
            Some(waiter) => waiter
                .await
                .unwrap_or_else(|_| Err(CacheError::D1Unavailable("fill was cancelled".into()))),
        }
    }

    async fn run_fill(&self) -> CacheResult<()> {
        let (mut registers, mut fills) = (false, 0);
        loop {
            let fill = self.begin_fill(registers).await?;
            let user_id = self.state.borrow().state().user_id.clone();
            fault_point!(&self.env, "fill-begun", &user_id);
            let result =
                d1::fill(&self.env, &user_id, &fill).await.map_err(CacheError::D1Unavailable)?;
            fault_point!(&self.env, "fill-answered", &user_id);
            let outcome = self.state.borrow_mut().apply_fill(&fill, result);
            fault_point!(&self.env, "fill-taken", &user_id);
            if outcome != FillOutcome::Discarded {
                self.save().await?;
            }
            fills += 1;
            match outcome.next_step(fills) {
                AfterFill::Done => {
                    fault_point!(&self.env, "fill-saved", &user_id);
                    return Ok(());
                }
                AfterFill::FillAgain { registers: next } => registers = next,
                AfterFill::GiveUp => return Err(CacheError::FillsSuperseded),
            }
        }
    }

    /// Begins a fill. A new owner and its alarm are saved before the first fill.
    async fn begin_fill(&self, registers: bool) -> CacheResult<FillRequest> {
        let now = edge::clock::now();
        let (fill, is_first) = self.state.borrow_mut().begin_fill(registers, now);
        if is_first && let Err(error) = self.save_new_owner().await {
            self.state.borrow_mut().cancel_incarnation();
            return Err(error);
        }
        Ok(fill)
    }

    async fn save_new_owner(&self) -> CacheResult<()> {
        let ages = settings::ages(&self.env)?;
        let alarm_at = self.state.borrow().state().first_alarm(&ages);
        // Both are started in the same turn, so they are written atomically: no crash leaves a
        // watch without the alarm that ends it.
        try_join(self.save(), storage::set_alarm(&self.ctx, alarm_at)).await?;
        Ok(())
    }

    /// Checks that the id of this object is derived from the query's user id.
    ///
    /// Another object must not take over the user's watch: the hints would still go to the object
    /// that is named by the user id. `id.name` is not used, because it is absent when the caller
    /// addresses the object by an id string.
    fn check_user(&self, user_id: &str) -> CacheResult<()> {
        if self.user_id.get().is_some_and(|own| own == user_id) {
            return Ok(());
        }
        let user = UserId::parse(user_id).map_err(|_| CacheError::WrongObject)?;
        let unbound = |error: worker::Error| {
            tracing::error!(cause = %error, "binding ROLES is missing");
            CacheError::Misconfigured
        };
        let objects = self.env.durable_object(role_cache::ROLE_CACHE_BINDING).map_err(unbound)?;
        let expected = objects.id_from_name(role_cache::object_name(&user)).map_err(unbound)?;
        if expected != self.ctx.id() {
            return Err(CacheError::WrongObject);
        }
        // Ids are unique per name.
        let _first = self.user_id.set(user_id.into());
        Ok(())
    }
}
