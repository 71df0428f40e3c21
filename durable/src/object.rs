//! One object: its memory, its storage, and the one fill that is under way at a time.

mod idle;
mod persist;

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use edge::fault_point;
use futures_channel::oneshot;
use futures_util::future::try_join;
use shared::cache::{CacheDecision, FillBackoff, FillOutcome, FillRequest, TrackedState};
use shared::id::UserId;
use shared::limits::FILLS_MAX;
use shared::role_cache::{self, Hint, HintReply, RoleAnswer, RoleQuery};
use shared::time::UnixMillis;
use worker::Env;

use crate::error::{CacheError, CacheResult};
use crate::{fill, settings, storage};

pub(crate) struct RoleCacheObject {
    platform: worker::State,
    env: Env,
    /// The machine's state, once it was loaded.
    memory: RefCell<TrackedState>,
    loaded: Cell<bool>,
    /// How its reads of D1 are spaced.
    pace: Cell<FillBackoff>,
    /// The user whose name makes this object's id, once it was asked about them.
    user_id: OnceCell<String>,
    /// Who waits for the fill under way; `None` when there is none.
    waiting: RefCell<Option<Vec<oneshot::Sender<CacheResult<()>>>>>,
}

impl std::fmt::Debug for RoleCacheObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Object").field("memory", &self.memory).finish_non_exhaustive()
    }
}

impl RoleCacheObject {
    pub(crate) fn new(platform: worker::State, env: Env) -> Self {
        Self {
            platform,
            env,
            memory: RefCell::default(),
            loaded: Cell::new(false),
            pace: Cell::default(),
            user_id: OnceCell::new(),
            waiting: RefCell::new(None),
        }
    }

    /// Answers a guard.
    pub(crate) async fn ask(self: &Rc<Self>, ask: &RoleQuery) -> CacheResult<RoleAnswer> {
        let ages = settings::ages(&self.env)?;
        self.check_user(&ask.user_id)?;
        self.load().await?;
        let asked_at = edge::clock::now();
        {
            let mut memory = self.memory.borrow_mut();
            memory.set_user_id(&ask.user_id);
            memory.touch(asked_at, &ages);
        }
        self.ensure_saved().await?;
        let decision = self.with_backoff(|pace| {
            self.memory.borrow().state().decide(ask, edge::clock::now(), &ages, pace)
        });
        // A fill that was under way already may be older than the question: then one more.
        let once_more = match decision {
            CacheDecision::Serve(answer) => return Ok(answer),
            CacheDecision::ServeAndRefill(answer) => {
                self.begin_refill();
                return Ok(answer);
            }
            CacheDecision::Refuse(why) => return Err(CacheError::Refused(why)),
            CacheDecision::Join => false,
            CacheDecision::Fill => !self.begin_refill(),
        };
        let answer = || {
            let now = edge::clock::now();
            self.memory.borrow().state().answer_after_fill(ask, asked_at, now, &ages)
        };
        self.wait_for_fill().await?;
        if let Some(answer) = answer() {
            return Ok(answer);
        }
        if once_more {
            self.begin_refill();
            self.wait_for_fill().await?;
        }
        answer().ok_or(CacheError::NotFreshEnough)
    }

    /// Takes a hint: the floor is on disk before the answer leaves.
    pub(crate) async fn hint(self: &Rc<Self>, hint: &Hint) -> CacheResult<HintReply> {
        self.load().await?;
        let now = edge::clock::now();
        let reply = self.memory.borrow_mut().hint(hint, now);
        fault_point!(&self.env, "hint-raised", &hint.user_id);
        if reply == HintReply::Acked && !self.memory.borrow().is_saved() {
            self.save_or_back_off().await?;
        }
        fault_point!(&self.env, "hint-saved", &hint.user_id);
        let owed = self.memory.borrow().state().is_below_floor();
        // While fills fail the next question after the wait begins one.
        if reply == HintReply::Acked && owed && self.pace.get().remaining_ms(now).is_none() {
            self.begin_refill();
        }
        Ok(reply)
    }

    /// Begins a fill in the background unless one is under way. Whether this one began.
    fn begin_refill(self: &Rc<Self>) -> bool {
        if self.waiting.borrow().is_some() {
            return false;
        }
        self.waiting.replace(Some(Vec::new()));
        let object = Rc::clone(self);
        self.platform.wait_until(async move {
            let outcome = object.run_fill().await;
            match &outcome {
                Ok(()) => object.with_backoff(FillBackoff::record_success),
                Err(trouble) => object.record_failure("a fill failed", trouble),
            }
            let waiting = object.waiting.take().unwrap_or_default();
            for waiter in waiting {
                // One who is gone needs no answer.
                let _gone = waiter.send(outcome.clone());
            }
        });
        true
    }

    /// Notes that the set could not be read or kept, and for how long the object waits. One line
    /// tells of it: the questions that it leaves without an answer are not logged.
    fn record_failure(&self, what: &'static str, trouble: &CacheError) {
        let now = edge::clock::now();
        let wait_ms = self.with_backoff(|pace| pace.failed(now, edge::random::jitter()));
        let memory = self.memory.borrow();
        let user_id = &memory.state().user_id;
        tracing::error!(user_id, cause = %trouble, wait_ms, "{what}");
    }

    fn with_backoff<T>(&self, work: impl FnOnce(&mut FillBackoff) -> T) -> T {
        let mut pace = self.pace.get();
        let done = work(&mut pace);
        self.pace.set(pace);
        done
    }

    /// Waits for the fill under way.
    async fn wait_for_fill(&self) -> CacheResult<()> {
        let waiter = self.waiting.borrow_mut().as_mut().map(|waiting| {
            let (send, receive) = oneshot::channel();
            waiting.push(send);
            receive
        });
        match waiter {
            None => Ok(()),
            Some(waiter) => waiter
                .await
                .unwrap_or_else(|_| Err(CacheError::D1Unavailable("the fill was lost".into()))),
        }
    }

    async fn run_fill(&self) -> CacheResult<()> {
        let mut registers = false;
        for _ in 0..FILLS_MAX {
            let fill = self.begin_fill(registers).await?;
            let user_id = self.memory.borrow().state().user_id.clone();
            fault_point!(&self.env, "fill-begun", &user_id);
            let row =
                fill::fill(&self.env, &user_id, &fill).await.map_err(CacheError::D1Unavailable)?;
            fault_point!(&self.env, "fill-answered", &user_id);
            let filled = self.memory.borrow_mut().take(&fill, row);
            fault_point!(&self.env, "fill-taken", &user_id);
            match filled {
                FillOutcome::Applied => {
                    self.save().await?;
                    fault_point!(&self.env, "fill-saved", &user_id);
                    return Ok(());
                }
                FillOutcome::Again => {
                    self.save().await?;
                    registers = true;
                }
                FillOutcome::Dropped => registers = false,
            }
        }
        Err(CacheError::FillsSuperseded)
    }

    /// An incarnation is on disk and its alarm armed before D1 hears of it.
    async fn begin_fill(&self, registers: bool) -> CacheResult<FillRequest> {
        let now = edge::clock::now();
        let (fill, begins) = self.memory.borrow_mut().begin_fill(registers, now);
        if begins && let Err(trouble) = self.persist_incarnation(now).await {
            self.memory.borrow_mut().unbegin();
            return Err(trouble);
        }
        Ok(fill)
    }

    async fn persist_incarnation(&self, now: UnixMillis) -> CacheResult<()> {
        let idle_ms = settings::ages(&self.env)?.idle_ms;
        // Begun in one turn they are one write to the disk: no crash parts them, and no watch is
        // left without the alarm that ends it.
        try_join(self.save(), storage::set_alarm(&self.platform, now.plus(idle_ms))).await?;
        Ok(())
    }

    /// Whether a question is meant for this object: its id is the one that the user's name makes.
    ///
    /// An id that no name made, or another name, must not take over the user's watch: the hints
    /// would go to the object of the name all the same. The platform's own word for the name is not
    /// asked, since it is not there when the caller has only an id's text.
    fn check_user(&self, user_id: &str) -> CacheResult<()> {
        if self.user_id.get().is_some_and(|known| known == user_id) {
            return Ok(());
        }
        let user = UserId::parse(user_id).map_err(|_| CacheError::WrongObject)?;
        let unbound = |error: worker::Error| {
            tracing::error!(cause = %error, "the object's own binding ROLES is missing");
            CacheError::Misconfigured
        };
        let objects = self.env.durable_object(role_cache::ROLE_CACHE_BINDING).map_err(unbound)?;
        let its_id = objects.id_from_name(role_cache::object_name(&user)).map_err(unbound)?;
        if its_id != self.platform.id() {
            return Err(CacheError::WrongObject);
        }
        // No second name makes this id.
        let _named = self.user_id.set(user_id.into());
        Ok(())
    }
}
