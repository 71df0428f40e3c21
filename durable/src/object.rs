//! One object: its memory, its storage, and the one fill that is under way at a time.

mod idle;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use edge::fault_point;
use futures_channel::oneshot;
use futures_util::future::try_join;
use shared::cache::{Decision, Fill, Filled, State};
use shared::id::UserId;
use shared::limits::FILLS_MAX;
use shared::object::{Answer, Ask, Hint, HintReply};
use shared::time::UnixMillis;
use worker::Env;

use crate::trouble::{Outcome, Trouble};
use crate::{disk, fill, settings};

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
        fault_point!(&self.env, "hint-raised", &hint.user_id);
        if raised {
            self.save().await?;
        }
        fault_point!(&self.env, "hint-saved", &hint.user_id);
        if reply == HintReply::Acked && owed {
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
            fault_point!(&self.env, "fill-begun", &user_id);
            let row = fill::send(&self.env, &user_id, &fill).await.map_err(Trouble::Unreachable)?;
            fault_point!(&self.env, "fill-answered", &user_id);
            let filled = self.memory.borrow_mut().take(&fill, row);
            fault_point!(&self.env, "fill-taken", &user_id);
            match filled {
                Filled::Applied => {
                    self.save().await?;
                    fault_point!(&self.env, "fill-saved", &user_id);
                    return Ok(());
                }
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
        // Begun in one turn they are one write to the disk: no crash parts them, and no watch is
        // left without the alarm that ends it.
        try_join(self.save(), disk::arm(&self.platform, now.plus(idle_ms))).await?;
        Ok(())
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
