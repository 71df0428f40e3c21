//! What a driver needs from outside: tests put SQLite and a list in its place.

use edge::fault_point;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shared::d1_error::D1Error;
use shared::sql::Statement;
use shared::time::UnixMillis;
use worker::{BatchMessageBuilder, D1Database, Env, MessageBuilder, Queue, QueueContentType};

/// A place where a test may stop a driver: between the two halves of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    /// The letters are marked, and not yet in the queue.
    Marked,
    /// They are in the queue, and this is not yet recorded.
    Enqueued,
    /// It is recorded.
    Recorded,
}

/// The rows of one statement.
pub(crate) type Rows = Vec<Value>;

/// The database, the queue, the clock and random ids.
pub(crate) trait Io {
    /// One D1 batch. The error is D1's own text.
    async fn batch(&self, statements: &[Statement]) -> Result<Vec<Rows>, String>;
    /// Puts messages into the queue.
    async fn send(&self, messages: Vec<String>) -> Result<(), String>;
    /// A place where a test may stop the driver.
    async fn point(&self, point: Point, subject: &str);
    /// Waits a little before a batch is tried again.
    async fn wait_outrun(&self, outrun: u32);
    /// The time.
    fn now(&self) -> UnixMillis;
    /// A random id.
    fn random(&self) -> Result<String, String>;
}

/// The database and the queue of a Worker.
pub(crate) struct WorkerIo<'a> {
    env: &'a Env,
    db: D1Database,
    queue: Queue,
}

impl<'a> WorkerIo<'a> {
    pub(crate) fn new(env: &'a Env) -> Result<Self, D1Error> {
        let missing =
            |error| D1Error::Transient(format!("binding DB or EVENTS is missing: {error}"));
        let db = env.d1("DB").map_err(missing)?;
        Ok(Self { env, db, queue: env.queue("EVENTS").map_err(missing)? })
    }
}

impl Io for WorkerIo<'_> {
    async fn batch(&self, statements: &[Statement]) -> Result<Vec<Rows>, String> {
        let results = edge::d1::batch(&self.db, statements).await?;
        results.iter().map(edge::d1::StatementResult::rows).collect()
    }

    async fn send(&self, messages: Vec<String>) -> Result<(), String> {
        let messages = messages.into_iter().map(|message| {
            MessageBuilder::new(message).content_type(QueueContentType::Text).build()
        });
        let batch = BatchMessageBuilder::new().messages(messages).build();
        self.queue.send_batch(batch).await.map_err(|error| error.to_string())
    }

    async fn point(&self, point: Point, subject: &str) {
        if point == Point::Marked {
            fault_point!(self.env, "replay-marked", subject);
        }
        if point == Point::Enqueued {
            fault_point!(self.env, "replay-enqueued", subject);
        }
        if point == Point::Recorded {
            fault_point!(self.env, "replay-recorded", subject);
        }
    }

    async fn wait_outrun(&self, outrun: u32) {
        edge::random::wait_outrun(outrun).await;
    }

    fn now(&self) -> UnixMillis {
        edge::clock::now()
    }

    fn random(&self) -> Result<String, String> {
        edge::random::uuid().map_err(|_| "the runtime has no Web Crypto".into())
    }
}

/// The rows of the statement at `place` of a batch.
pub(crate) fn rows<T: DeserializeOwned>(
    results: &mut [Rows],
    place: usize,
) -> Result<Vec<T>, D1Error> {
    let rows = results.get_mut(place).map(std::mem::take).unwrap_or_default();
    let rows = rows.into_iter().map(serde_json::from_value).collect::<Result<_, _>>();
    rows.map_err(|error| D1Error::Transient(format!("a row of statement {place}: {error}")))
}
