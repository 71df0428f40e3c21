//! One object: its memory, its storage, and the one fill that is under way at a time.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_channel::oneshot;
use shared::cache::{Alarm, Decision, Fill, Filled, State};
use shared::id::UserId;
use shared::object::{Answer, Ask, Hint, HintReply};
use shared::time::UnixMillis;
use worker::Env;

use crate::trouble::{Outcome, Trouble};
use crate::{disk, fill, settings};

/// Fills in a row before a question is given up: the first, one that registers, and one more for a
/// hint that overtakes it.
const FILLS_MAX: u32 = 4;

/// An end of the watch that failed is tried again after this.
const END_AGAIN_MS: i64 = 60_000;

pub(crate) struct Object {
    platform: worker::State,
    env: Env,
    /// The machine's state, once it was loaded.
    memory: RefCell<State>,
    loaded: Cell<bool>,
    /// Who waits for the fill under way; `None` when there is none.
    waiting: RefCell<Option<Vec<oneshot::Sender<Outcome<()>>>>>,
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Object").field("memory", &self.memory).finish_non_exhaustive()
    }
}

impl Object {
    pub(crate) fn new(platform: worker::State, env: Env) -> Self {
        let (memory, loaded, waiting) = (RefCell::default(), Cell::new(false), RefCell::new(None));
        Self { platform, env, memory, loaded, waiting }
    }

    /// Answers a guard.
    pub(crate) async fn ask(self: &Rc<Self>, ask: &Ask) -> Outcome<Answer> {
        let ages = settings::ages(&self.env)?;
        self.load().await?;
        self.is_for(&ask.user_id)?;
        let now = edge::clock::now();
        if self.memory.borrow_mut().touch(now, &ages) {
            self.save().await?;
        }
        let asked_at = now;
        let decision = self.memory.borrow().ask(ask, now, &ages);
        match decision {
            Decision::Serve(answer) => return Ok(answer),
            Decision::ServeAndRefill(answer) => {
                self.begin_refill();
                return Ok(answer);
            }
            Decision::Refuse => return Err(Trouble::Below),
            Decision::Fill => {}
        }
        // A fill that was under way already may be older than the question: then one more.
        let was_under_way = !self.begin_refill();
        self.filled().await?;
        let now = edge::clock::now();
        let answer = self.memory.borrow().after_fill(ask, asked_at, now, &ages);
        if let Some(answer) = answer {
            return Ok(answer);
        }
        if was_under_way {
            self.begin_refill();
            self.filled().await?;
        }
        let now = edge::clock::now();
        self.memory.borrow().after_fill(ask, asked_at, now, &ages).ok_or(Trouble::Below)
    }

    /// Takes a hint: the floor is on disk before the answer leaves.
    pub(crate) async fn hint(self: &Rc<Self>, hint: &Hint) -> Outcome<HintReply> {
        self.load().await?;
        let (reply, raised, owed) = {
            let mut memory = self.memory.borrow_mut();
            let floor = memory.floor;
            let reply = memory.hint(hint, edge::clock::now());
            (reply, memory.floor != floor, memory.is_below_floor())
        };
        if raised {
            self.save().await?;
        }
        if reply == HintReply::Acked && owed {
            self.begin_refill();
        }
        Ok(reply)
    }

    /// Ends an idle object's watch. Whatever fails, the alarm is armed again: an object without
    /// one would keep its watch for ever.
    pub(crate) async fn alarm(&self) -> Outcome<()> {
        let Err(trouble) = self.end_if_idle().await else { return Ok(()) };
        tracing::error!(cause = %trouble, "the alarm failed and is armed again");
        disk::arm(&self.platform, edge::clock::now().plus(END_AGAIN_MS)).await
    }

    async fn end_if_idle(&self) -> Outcome<()> {
        let ages = settings::ages(&self.env)?;
        self.load().await?;
        let (alarm, user_id) = {
            let mut memory = self.memory.borrow_mut();
            (memory.alarm(edge::clock::now(), &ages), memory.user_id.clone())
        };
        let owner = match alarm {
            Alarm::Rearm(at) => return disk::arm(&self.platform, at).await,
            Alarm::End(owner) => owner,
        };
        self.save().await?;
        if let Err(cause) = fill::unwatch(&self.env, &user_id, owner).await {
            tracing::warn!(
                user_id,
                cause,
                "the watch could not be ended; the alarm is armed again"
            );
            return disk::arm(&self.platform, edge::clock::now().plus(END_AGAIN_MS)).await;
        }
        if self.memory.borrow_mut().ended(owner) && self.waiting.borrow().is_none() {
            self.memory.replace(State::default());
            return disk::clear(&self.platform).await;
        }
        self.save().await?;
        disk::arm(&self.platform, edge::clock::now().plus(ages.idle_ms)).await
    }

    /// Begins a fill in the background unless one is under way. Whether this one began.
    fn begin_refill(self: &Rc<Self>) -> bool {
        if self.waiting.borrow().is_some() {
            return false;
        }
        self.waiting.replace(Some(Vec::new()));
        let object = Rc::clone(self);
        self.platform.wait_until(async move {
            let outcome = object.refill().await;
            if let Err(trouble) = &outcome {
                tracing::warn!(cause = %trouble, "a fill failed");
            }
            let waiting = object.waiting.take().unwrap_or_default();
            for waiter in waiting {
                // One who is gone needs no answer.
                let _gone = waiter.send(outcome.clone());
            }
        });
        true
    }

    /// Waits for the fill under way.
    async fn filled(&self) -> Outcome<()> {
        let waiter = self.waiting.borrow_mut().as_mut().map(|waiting| {
            let (send, receive) = oneshot::channel();
            waiting.push(send);
            receive
        });
        match waiter {
            None => Ok(()),
            Some(waiter) => waiter
                .await
                .unwrap_or_else(|_| Err(Trouble::Unreachable("the fill was lost".into()))),
        }
    }

    async fn refill(&self) -> Outcome<()> {
        let mut registers = false;
        for _ in 0..FILLS_MAX {
            let fill = self.begin_fill(registers).await?;
            let user_id = self.memory.borrow().user_id.clone();
            let row = fill::send(&self.env, &user_id, &fill).await.map_err(Trouble::Unreachable)?;
            let filled = self.memory.borrow_mut().take(&fill, row);
            match filled {
                Filled::Applied => return self.save().await,
                Filled::Again => {
                    self.save().await?;
                    registers = true;
                }
                Filled::Dropped => registers = false,
            }
        }
        Err(Trouble::Below)
    }

    /// An incarnation is on disk and its alarm armed before D1 hears of it.
    async fn begin_fill(&self, registers: bool) -> Outcome<Fill> {
        let now = edge::clock::now();
        let (fill, begins) = self.memory.borrow_mut().begin_fill(registers, now);
        if begins && let Err(trouble) = self.persist_incarnation(now).await {
            self.memory.borrow_mut().unbegin();
            return Err(trouble);
        }
        Ok(fill)
    }

    async fn persist_incarnation(&self, now: UnixMillis) -> Outcome<()> {
        let idle_ms = settings::ages(&self.env)?.idle_ms;
        self.save().await?;
        disk::arm(&self.platform, now.plus(idle_ms)).await
    }

    /// Whether a question is meant for this object. The first one names it for good.
    fn is_for(&self, user_id: &str) -> Outcome<()> {
        let mut memory = self.memory.borrow_mut();
        if memory.user_id == user_id {
            return Ok(());
        }
        let named = self.platform.id().name().is_none_or(|name| name == user_id);
        if !memory.user_id.is_empty() || !named || UserId::parse(user_id).is_err() {
            return Err(Trouble::Misdirected);
        }
        memory.user_id = user_id.into();
        Ok(())
    }

    async fn load(&self) -> Outcome<()> {
        if self.loaded.get() {
            return Ok(());
        }
        let state = disk::read(&self.platform).await?;
        // Another question may have loaded it meanwhile, and changed it since.
        if !self.loaded.replace(true)
            && let Some(state) = state
        {
            self.memory.replace(state);
        }
        Ok(())
    }

    async fn save(&self) -> Outcome<()> {
        let text = disk::text(&self.memory.borrow())?;
        disk::write(&self.platform, text).await
    }
}
