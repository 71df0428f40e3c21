//! The class `Meter`: adds up what isolates count. One object per shard.
//!
//! `shared::metrics::meter` decides; here is the I/O. A flush is taken and written in one
//! synchronous turn, and no response leaves the object before its writes are on disk (its output
//! gate): what was acknowledged or shown is saved. No alarm and no timer keeps the object awake.

mod storage;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use edge::object;
use serde::de::DeserializeOwned;
use shared::limits::METER_TIMEOUT_MS;
use shared::metrics::flush::{
    Flush, FlushReply, KnownShards, METER_BINDING, SHARDS_URL, ShardTotals, shard_name,
};
use shared::metrics::history::{HistoryQuery, ShardHistory};
use shared::metrics::meter;
use worker::{DurableObject, Env, Method, Request, Response, Result, State, durable_object};

/// A shard of `Meter`.
#[durable_object(fetch)]
#[derive(Debug)]
pub struct Meter {
    shard: Rc<Shard>,
}

impl DurableObject for Meter {
    fn new(ctx: State, env: Env) -> Self {
        let (meter, is_announcing) = (RefCell::new(None), Cell::new(false));
        Self { shard: Rc::new(Shard { ctx, env, meter, is_announcing }) }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        match (request.method(), request.path().as_str()) {
            (Method::Post, "/flush") => {
                let result = self.shard.flush(json(&mut request).await)?;
                Shard::announce(&self.shard);
                edge::reply::internal_json(200, &result)
            }
            (Method::Post, "/shards") => {
                let Some(known) = json(&mut request).await else {
                    return Response::error("malformed", 400);
                };
                edge::reply::internal_json(200, &self.shard.take_shards(known)?)
            }
            (Method::Get, "/totals") => edge::reply::internal_json(200, &self.shard.totals()?),
            (Method::Get, "/history") => {
                let Some(query) = HistoryQuery::from_url(&request.inner().url()) else {
                    return Response::error("malformed", 400);
                };
                edge::reply::internal_json(200, &self.shard.history(&query)?)
            }
            _ => Response::error("unknown", 404),
        }
    }
}

async fn json<T: DeserializeOwned>(request: &mut Request) -> Option<T> {
    let body = request.bytes().await.ok()?;
    serde_json::from_slice(&body).ok()
}

struct Shard {
    ctx: State,
    env: Env,
    /// A copy of what is on disk, once it is loaded.
    meter: RefCell<Option<meter::Meter>>,
    is_announcing: Cell<bool>,
}

impl std::fmt::Debug for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shard").field("meter", &self.meter).finish_non_exhaustive()
    }
}

impl Shard {
    /// Does something with the state. If it fails, the state is loaded again: it may be ahead of
    /// the disk.
    fn with<T>(&self, act: impl FnOnce(&mut meter::Meter) -> Result<T>) -> Result<T> {
        let mut loaded = self.meter.borrow_mut();
        let meter = match loaded.take() {
            Some(meter) => meter,
            None => storage::load(&self.ctx)?,
        };
        let done = act(loaded.insert(meter));
        if done.is_err() {
            *loaded = None;
        }
        done
    }

    fn flush(&self, flush: Option<Flush>) -> Result<FlushReply> {
        self.with(|meter| {
            let taken = match flush {
                Some(flush) => meter.take(&flush, edge::clock::now()),
                None => meter.take_malformed(),
            };
            storage::write_flush(&self.ctx, &taken)?;
            Ok(FlushReply { result: taken.result })
        })
    }

    fn take_shards(&self, known: KnownShards) -> Result<KnownShards> {
        self.with(|meter| storage::write(&self.ctx, &[meter.take_shards(known)]))?;
        Ok(known)
    }

    fn totals(&self) -> Result<ShardTotals> {
        self.with(|meter| Ok(meter.totals()))
    }

    fn history(&self, query: &HistoryQuery) -> Result<ShardHistory> {
        self.with(|meter| {
            let now = meter.chart_totals();
            let totals = storage::history(&self.ctx, &query.bounds())?;
            let totals: Vec<_> =
                totals.into_iter().map(|it| it.unwrap_or_else(|| now.clone())).collect();
            Ok(ShardHistory::from_totals(query, &totals))
        })
    }

    /// Tells shard 0 how many there are, behind the answer, if it may not know.
    fn announce(self: &Rc<Self>) {
        let known = self.meter.borrow().as_ref().and_then(meter::Meter::shards_to_announce);
        let Some(known) = known.filter(|_| !self.is_announcing.replace(true)) else { return };
        let shard = Rc::clone(self);
        self.ctx.wait_until(async move {
            if let Err(cause) = shard.send_shards(known).await {
                tracing::warn!(cause, "telling shard 0 of Meter the number of shards failed");
            }
            shard.is_announcing.set(false);
        });
    }

    async fn send_shards(&self, known: KnownShards) -> std::result::Result<(), String> {
        let text = |error: worker::Error| error.to_string();
        let meter = self.env.durable_object(METER_BINDING).map_err(text)?;
        let _: KnownShards =
            object::post_json(&meter, &shard_name(0), (SHARDS_URL, &known), METER_TIMEOUT_MS)
                .await?;
        self.with(|meter| storage::write(&self.ctx, &[meter.record_announced(known)])).map_err(text)
    }
}
