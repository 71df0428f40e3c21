//! The audit trail in the database: append only, and a chain.

use rusqlite::types::Value;
use shared::d1_error::D1Error;
use shared::operators::audit::{AuditAct, AuditEntry, AuditHead, HEAD_MOVED};
use shared::sql::audit::{append, audit_head};
use shared::time::UnixMillis;

use crate::support::{Db, START};

fn entry(head: &AuditHead, actor: &str) -> AuditEntry {
    let act = AuditAct {
        at: UnixMillis(START),
        actor: actor.into(),
        action: "roles.granted".into(),
        target: "user_ada".into(),
        detail: r#"{"role":"admin"}"#.into(),
    };
    AuditEntry::after(head, act)
}

/// The head, as the Workers read it.
pub(crate) fn head(db: &Db) -> AuditHead {
    match db.query(&audit_head()).as_slice() {
        [] => AuditHead::default(),
        [row] => {
            let [Value::Integer(seq), Value::Text(hash)] = row.as_slice() else {
                panic!("{row:?}")
            };
            AuditHead { seq: *seq, hash: hash.clone() }
        }
        rows => panic!("{rows:?}"),
    }
}

#[test]
fn the_audit_is_append_only() {
    let db = Db::new();
    db.run(&[append(&entry(&AuditHead::default(), "ops"))]).unwrap();
    for text in ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"] {
        let error = db.sql.execute_batch(text).unwrap_err().to_string();
        assert_eq!(error, "audit is append only");
    }
}

#[test]
fn an_entry_must_continue_the_chain() {
    let db = Db::new();
    let first = entry(&AuditHead::default(), "ops");
    db.run(&[append(&first)]).unwrap();
    assert_eq!(head(&db), first.head());
    let second = entry(&first.head(), "ops");
    let mut wrong = vec![first.clone(), entry(&second.head(), "ops")];
    wrong.push(AuditEntry { prev: String::new(), ..second.clone() });
    wrong.push(AuditEntry { seq: 3, ..second.clone() });
    for wrong in wrong {
        let error = db.run(&[append(&wrong)]).unwrap_err().to_string();
        assert_eq!(error, HEAD_MOVED, "{wrong:?}");
        assert!(D1Error::classify(&error).is_moved_head());
    }
    db.run(&[append(&second), append(&entry(&second.head(), "ops"))]).unwrap();
    assert_eq!(head(&db).seq, 3);
    let numberless = "INSERT INTO audit (id, at, actor, action) VALUES ('x', 1, 'ops', 'did')";
    assert_eq!(db.sql.execute_batch(numberless).unwrap_err().to_string(), HEAD_MOVED);
}

/// Two that have read one head: the batch of the second one is undone as a whole.
#[test]
fn of_two_batches_after_one_head_one_is_undone() {
    let db = Db::new();
    let (one, other) = (entry(&head(&db), "one"), entry(&head(&db), "other"));
    db.run(&[append(&one)]).unwrap();
    let beat = shared::sql::operations::heartbeat("sweep", UnixMillis(1), "{}");
    assert!(db.run(&[beat, append(&other)]).is_err());
    assert_eq!(db.one::<i64>("SELECT count(*) FROM heartbeats", []), 0);
    assert_eq!(db.column::<String>("SELECT actor FROM audit", []), ["one"]);
}
