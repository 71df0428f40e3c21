//! The database, the queue, the consumer and its sweep.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use proptest::prelude::{Just, Strategy, prop_oneof};
use rusqlite::types::Value as Cell_;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shared::envelope::Envelope;
use shared::event::{Event, Payload};
use shared::id::{EntityId, SvixId, UserId};
use shared::merge::{EntityChange, EntityKind, EntityState, LiveState, Rank};
use shared::operators::audit::{AuditAct, AuditEntry, AuditHead};
use shared::operators::settle::{self, LostLetter};
use shared::plan::{DeadLetter, OpenedMessage, plan};
use shared::projection::{ContentDigest, EntityFields, UserFields};
use shared::sql::replays::MARKED;
use shared::sql::{Statement, audit, letters, statements};
use shared::time::UnixMillis;
use testkit::sqlite::{Database, START, bound};

use crate::io::{Io, Point, Rows};

/// What a letter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Letter {
    /// It is applied.
    Good,
    /// A newer row is stored.
    Old,
    /// It is not an envelope.
    Unreadable,
    /// The consumer parks it again.
    Fails,
}

/// A letter that stops no replay.
pub(super) fn letter() -> impl Strategy<Value = Letter> {
    prop_oneof![6 => Just(Letter::Good), 2 => Just(Letter::Old), 1 => Just(Letter::Unreadable)]
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) db: Database,
    queue: RefCell<Vec<String>>,
    sent: RefCell<BTreeMap<String, usize>>,
    /// Letters that were marked, each as often as it was.
    marked: Cell<usize>,
    letters: Cell<usize>,
    now: Cell<i64>,
    ids: Cell<u32>,
}

impl World {
    pub(super) fn new(kinds: &[Letter]) -> Self {
        let world = Self {
            db: Database::migrated().unwrap(),
            queue: RefCell::default(),
            sent: RefCell::default(),
            marked: Cell::new(0),
            letters: Cell::new(0),
            now: Cell::new(START),
            ids: Cell::new(0),
        };
        for kind in kinds {
            world.park(*kind);
        }
        world
    }

    pub(super) fn park_more(&self, count: usize) {
        for _ in 0..count {
            self.park(Letter::Good);
        }
    }

    fn park(&self, kind: Letter) {
        let number = self.letters.replace(self.letters.get() + 1);
        let envelope = envelope(number, "msg", 5, kind);
        let text = if kind == Letter::Unreadable { "{}".into() } else { envelope.encode() };
        let letter = DeadLetter {
            message_id: format!("m{number:03}"),
            queue: "q".into(),
            reason: "overloaded".into(),
            detail: String::new(),
            attempts: 9,
            first_seen_at: UnixMillis(self.now.get()),
            text,
            envelope: (kind != Letter::Unreadable).then_some(envelope),
            replay: None,
        };
        self.commit(&[], vec![letter]);
        if kind == Letter::Old {
            self.supersede(number);
        }
    }

    /// Stores a row that is newer than the letter's.
    pub(super) fn supersede(&self, number: usize) {
        self.commit(&[message("newer", &envelope(number, "newer", 9, Letter::Good))], vec![]);
    }

    pub(super) fn pass(&self, ms: i64) {
        self.now.set(self.now.get() + ms);
        self.db.at(self.now.get());
    }

    pub(super) fn exec(&self, text: &str) {
        self.db.sql.execute_batch(text).unwrap();
    }

    pub(super) fn one(&self, query: &str) -> i64 {
        self.db.column(query, []).unwrap().remove(0)
    }

    pub(super) fn sent(&self, letter: &str) -> usize {
        self.sent.borrow().get(letter).copied().unwrap_or_default()
    }

    pub(super) fn sent_in_all(&self) -> usize {
        self.sent.borrow().values().sum()
    }

    /// The consumer takes one message; it stays in the queue if it is to come `again`. Whether
    /// there was one.
    pub(super) fn consume(&self, place: usize, again: bool) -> bool {
        let text = {
            let mut queue = self.queue.borrow_mut();
            if queue.is_empty() {
                return false;
            }
            let place = place % queue.len();
            if again { queue[place].clone() } else { queue.remove(place) }
        };
        let id = format!("queue-{}", self.random().unwrap());
        let opened = message(&id, &Envelope::decode(&text).unwrap());
        if opened.envelope.event_type == "fails" {
            self.commit(&[], vec![opened.to_dead_letter("q", "overloaded", "again")]);
        } else {
            self.commit(&[opened], vec![]);
        }
        true
    }

    /// Every message in the queue is lost, or fails for longer than a day.
    pub(super) fn lose(&self) {
        self.queue.borrow_mut().clear();
    }

    /// As the consumer does, with its entry of the audit trail.
    fn commit(&self, messages: &[OpenedMessage], dead: Vec<DeadLetter>) {
        let now = UnixMillis(self.now.get());
        let planned = plan("q", messages, dead);
        let mut batch = statements(&planned, now);
        let tagged = settle::tagged_letters(&planned);
        let letters = self.read(&letters::named(tagged));
        batch.extend(self.entry(settle::settled_act(&planned, &letters, now)));
        self.batch_now(&batch).unwrap();
    }

    /// Returns the letters that were lost, as the consumer's sweep does.
    pub(super) fn sweep(&self) {
        let now = UnixMillis(self.now.get());
        let lost: Vec<LostLetter> = self.read(&letters::lost(now));
        if !lost.is_empty() {
            let mut batch = vec![letters::returned(&lost, now)];
            batch.extend(self.entry(settle::returned_act(&lost, now)));
            self.batch_now(&batch).unwrap();
        }
    }

    fn entry(&self, act: Option<AuditAct>) -> Option<Statement> {
        let head: Vec<AuditHead> = self.read(&audit::audit_head());
        let head = head.into_iter().next().unwrap_or_default();
        act.map(|act| audit::append(&AuditEntry::after(&head, act)))
    }

    fn read<T: DeserializeOwned>(&self, statement: &Statement) -> Vec<T> {
        let rows = self.batch_now(std::slice::from_ref(statement)).unwrap().remove(0);
        rows.into_iter().map(|row| serde_json::from_value(row).unwrap()).collect()
    }

    /// One D1 batch, at once.
    fn batch_now(&self, batch: &[Statement]) -> Result<Vec<Rows>, String> {
        self.exec("SAVEPOINT one");
        let results: rusqlite::Result<_> = batch.iter().map(|it| self.statement(it)).collect();
        if results.is_err() {
            self.exec("ROLLBACK TO one");
        }
        self.exec("RELEASE one");
        results.map_err(|error| error.to_string())
    }

    fn statement(&self, statement: &Statement) -> rusqlite::Result<Rows> {
        let mut prepared = self.db.sql.prepare_cached(statement.sql)?;
        let names: Vec<String> = prepared.column_names().into_iter().map(String::from).collect();
        if names.is_empty() {
            prepared.execute(bound(statement))?;
            return Ok(vec![]);
        }
        let rows = prepared.query_map(bound(statement), |row| {
            let cells = names.iter().enumerate().map(|(place, name)| {
                let cell = match row.get(place)? {
                    Cell_::Null => Value::Null,
                    Cell_::Integer(number) => number.into(),
                    Cell_::Text(text) => text.into(),
                    Cell_::Real(_) | Cell_::Blob(_) => panic!("no column has one"),
                };
                Ok((name.clone(), cell))
            });
            cells.collect::<rusqlite::Result<Value>>()
        })?;
        rows.collect()
    }

    /// The counts are those of the rows, and of the letters.
    pub(super) fn check_counts(&self, id: &str) {
        let counted = "SELECT planned, became, letters FROM replay_counts
            WHERE replay_id = ?1 AND letters <> 0 ORDER BY planned, became";
        let rows = "SELECT planned, became, count(*) FROM replay_letters
            WHERE replay_id = ?1 GROUP BY planned, became ORDER BY planned, became";
        assert_eq!(self.db.rows(counted, [id]).unwrap(), self.db.rows(rows, [id]).unwrap());
        let differ = "SELECT count(*) FROM replay_letters AS item
            JOIN dead_letters AS letter ON letter.message_id = item.message_id
            WHERE item.became <> 'left' AND item.became <> letter.state";
        assert_eq!(self.one(differ), 0);
        let replayed = "SELECT coalesce(sum(detail ->> 'letters'), 0) FROM audit
            WHERE action = 'letters.replayed'";
        assert_eq!(usize::try_from(self.one(replayed)).unwrap(), self.marked.get());
        self.check_trail();
    }

    fn check_trail(&self) {
        let text = "SELECT seq, prev, hash, at, actor, action, target, detail FROM audit
            ORDER BY seq";
        let entries: Vec<AuditEntry> = self.read(&Statement { sql: text, args: vec![] });
        shared::operators::audit::verify(AuditHead::default(), &entries).unwrap();
    }

    /// Each letter that could be replayed was sent and closed, and is in its delivery.
    pub(super) fn check_letters(&self, kinds: &[Letter], id: &str) {
        for (number, kind) in kinds.iter().enumerate() {
            let letter = format!("m{number:03}");
            let text = "SELECT state || ' ' || became FROM dead_letters
                JOIN replay_letters USING (message_id) WHERE message_id = ?1";
            let found: Vec<String> = self.db.column(text, [&letter]).unwrap();
            let want = match kind {
                Letter::Good => "applied applied",
                Letter::Old => "superseded superseded",
                Letter::Unreadable => "parked left",
                Letter::Fails => "parked parked",
            };
            let closed_twice = found == ["duplicate duplicate"] && self.sent(&letter) > 1;
            let returns = "SELECT returns FROM dead_letters WHERE message_id = ?1";
            let returns: Vec<i64> = self.db.column(returns, [&letter]).unwrap();
            let given_up = found == ["parked left"] && returns.iter().any(|it| 5 < *it);
            let ended = found == [want] || closed_twice || given_up;
            assert!(ended, "{letter}: {found:?} for {want}");
            let is_sent = self.sent(&letter) > 0 || given_up;
            assert_eq!(is_sent, *kind != Letter::Unreadable, "{letter} in {id}");
        }
    }
}

impl Io for World {
    async fn batch(&self, batch: &[Statement]) -> Result<Vec<Rows>, String> {
        Turn(false).await;
        let results = self.batch_now(batch);
        if let Ok(results) = &results {
            let marks = batch.iter().zip(results).filter(|(it, _)| it.sql == MARKED);
            self.marked.set(self.marked.get() + marks.map(|(_, rows)| rows.len()).sum::<usize>());
        }
        // A driver that stops here never learns that the batch was committed.
        Turn(false).await;
        results
    }

    async fn send(&self, messages: Vec<String>) -> Result<(), String> {
        Turn(false).await;
        assert!(messages.len() <= 100, "{} messages", messages.len());
        for message in messages {
            let tag = Envelope::replay_tag(&message).unwrap();
            *self.sent.borrow_mut().entry(tag.letter).or_default() += 1;
            self.queue.borrow_mut().push(message);
        }
        Turn(false).await;
        Ok(())
    }

    async fn point(&self, _: Point, _: &str) {
        Turn(false).await;
    }

    async fn wait_outrun(&self, _: u32) {
        Turn(false).await;
    }

    fn now(&self) -> UnixMillis {
        UnixMillis(self.now.get())
    }

    fn random(&self) -> Result<String, String> {
        Ok(format!("id{}", self.ids.replace(self.ids.get() + 1)))
    }
}

/// Lets others go on.
struct Turn(bool);

impl Future for Turn {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

fn message(id: &str, envelope: &Envelope) -> OpenedMessage {
    let (text, envelope) = (envelope.encode(), envelope.clone());
    OpenedMessage { id: id.into(), attempts: 1, sent_at: UnixMillis(START), text, envelope }
}

/// An update of a user that only this letter and what supersedes it are about.
fn envelope(number: usize, svix: &str, at: i64, kind: Letter) -> Envelope {
    let id = format!("user_{number}");
    let fields =
        EntityFields::User(UserFields { email: Some("a@b".into()), ..UserFields::default() });
    let digest = shared::projection::digest(&id, &fields);
    let at = UnixMillis(START + at);
    let rank = Rank { updated_at: at, event_at: at, projection: 2, digest };
    let change = EntityChange {
        kind: EntityKind::User,
        id: EntityId::parse(&id).unwrap(),
        state: EntityState::Live(LiveState { rank, fields }),
    };
    let event_type = if kind == Letter::Fails { "fails" } else { "user.updated" };
    let users = vec![UserId::parse(&id).unwrap()];
    Envelope {
        svix_id: SvixId::parse(&format!("{svix}_{number}")).unwrap(),
        attempted_at: at,
        received_at: at,
        event_at: Some(at),
        body_digest: ContentDigest::of(id.as_bytes()),
        event_type: event_type.into(),
        note: String::new(),
        replay: None,
        payload: Payload::Event(Event { changes: vec![change], users }),
    }
}
