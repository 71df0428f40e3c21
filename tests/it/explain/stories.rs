//! The sentences: the story of a delivery, and why a role or a membership counts.

use serde_json::{Value, json};
use shared::entity::EntityKind;
use shared::operators::api::explain::{Explanation, StoryLine};
use shared::operators::explain::{CacheState, Target, delivery};
use shared::plan::plan;
use shared::role_cache::CachePeek;
use shared::sql::explain as read;
use shared::sql::{GRANT, default_role, statements};
use shared::time::UnixMillis;

use super::{NEVER_ASKED, explained, explained_with, json_rows};
use crate::support::clerk::{
    banned, deleted, deliver, event_at, membership, organization, permission, redelivered, role,
    user_with,
};
use crate::support::{Db, START, statement};

const ADA: &str = "user_ada";

fn story_of(db: &Db, svix_id: &str) -> Option<Explanation> {
    delivery(svix_id, &json_rows(db, &read::delivery(svix_id))).unwrap()
}

/// The lines, with their times in seconds since the start.
#[track_caller]
fn check_story(db: &Db, svix_id: &str, want: &[(i64, &str)]) {
    let story = story_of(db, svix_id).unwrap().delivery.unwrap().story;
    let line = |StoryLine { at, text }: StoryLine| ((at.0 - START) / 1000, text);
    let found: Vec<_> = story.into_iter().map(line).collect();
    let found: Vec<_> = found.iter().map(|(at, text)| (*at, text.as_str())).collect();
    assert_eq!(found, want);
}

/// Applies a delivery of this event, signed 60 s and committed 62 s after the start.
fn apply(db: &Db, svix_id: &str, body: &Value) {
    let message = deliver(svix_id, body, START + 60_000);
    let plan = plan("rolecall-events", &[message], vec![]);
    db.run(&statements(&plan, UnixMillis(START + 62_500))).unwrap();
}

const SIGNED: (i64, &str) = (60, "Svix signed this attempt to deliver user.updated, and sent it.");
const RECEIVED: (i64, &str) =
    (60, "Ingest received it after 0 ms, verified it and put it into the queue.");
const COMMITTED: (i64, &str) =
    (62, "The consumer committed it in a D1 batch, 2.5 s after it was received.");

#[test]
fn a_delivery_has_its_story() {
    let db = Db::new();
    let event = |at: i64, roles: &[&str]| {
        event_at("user.updated", START + at, &user_with(ADA, START + at, roles))
    };
    apply(&db, "msg_1", &event(2_000, &["admin"]));
    apply(&db, "msg_2", &event(1_000, &[]));
    apply(&db, "msg_3", &event(2_000, &["admin"]));
    apply(&db, "msg_4", &event_at("sms.created", START, &json!({ "id": "sms_1" })));
    let happened = |at| (at, "user.updated happened in Clerk about user_ada.");
    let (applied, superseded) = (
        "Its outcome is applied. The database took its state.",
        "Its outcome is superseded. The database had a later state already: nothing changed.",
    );
    check_story(&db, "msg_1", &[happened(2), SIGNED, RECEIVED, COMMITTED, (62, applied)]);
    check_story(&db, "msg_2", &[happened(1), SIGNED, RECEIVED, COMMITTED, (62, superseded)]);
    let ignored = "Its outcome is ignored. Nothing in it is synced: there was nothing to store.";
    let sms = (60, "Svix signed this attempt to deliver sms.created, and sent it.");
    check_story(&db, "msg_4", &[sms, RECEIVED, COMMITTED, (62, ignored)]);
    assert_eq!(story_of(&db, "msg_9"), None);
}

#[test]
fn a_batch_copies_and_what_was_left_out_are_told() {
    let db = Db::new();
    apply(&db, "msg_1", &event_at("user.updated", START, &user_with(ADA, START, &[])));
    db.exec("UPDATE deliveries SET batch = 'b7', copies = 3, id_reused = 1, note = 'roles: 2'");
    let story = story_of(&db, "msg_1").unwrap().delivery.unwrap();
    let texts: Vec<_> = story.story.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(
        texts[3..],
        [
            "The consumer committed it in the D1 batch b7, 2.5 s after it was received.",
            "Its outcome is applied. The database took its state.",
            "It was committed 3 times in all. A repetition changes nothing, unless the first one \
             was parked or ignored.",
            "The same svix-id came with two different bodies: look at the sender.",
            "Left out of it: roles: 2.",
        ]
    );
    let row = story.row.unwrap();
    assert_eq!((row.batch.as_str(), row.copies, row.id_reused), ("b7", 3, true));
}

/// A letter of `msg_1`, parked 70 s after the start, with this state 90 s after it.
fn with_letter(state: &str, more: &str) -> Db {
    let db = Db::new();
    db.exec(&format!(
        "INSERT INTO dead_letters (message_id, queue, svix_id, type, subject, reason, detail, attempts,
           first_seen_at, last_seen_at, envelope, state, state_at)
         VALUES ('m_1', 'q', 'msg_1', 'user.updated', 'user_ada', 'refused', 'too big', 9,
           {START} + 50000, {START} + 70000, '{{}}', '{state}', {START} + 90000);
         {more}"
    ));
    db
}

/// A replay of this letter, planned after 80 s, and what became of the letter after 90 s.
fn replay(action: &str, planned: &str, became: &str) -> String {
    format!(
        "INSERT INTO replays (id, action, state, is_open, created_at, updated_at, actor, reason, filter, progress)
         VALUES ('replay_1', '{action}', 'done', 0, {START} + 80000, 1, 'access:1', 'on call', '{{}}', '{{}}');
         INSERT INTO replay_letters (replay_id, position, message_id, generation, planned, became, became_at)
         VALUES ('replay_1', 1, 'm_1', 0, '{planned}', '{became}', {START} + 90000);
         UPDATE dead_letters SET replay_id = 'replay_1'"
    )
}

const QUEUED: (i64, &str) = (50, "Its message m_1 was put into the queue.");
const PARKED: (i64, &str) =
    (70, "Parked as the dead letter m_1 after 9 attempts: refused (too big).");

#[test]
fn a_dead_letter_is_told_up_to_its_end() {
    let db = with_letter("parked", "");
    let open = (90, "The dead letter m_1 is parked: replay or discard it.");
    check_story(&db, "msg_1", &[QUEUED, PARKED, open]);
    let planned = |verb: &str, class: &str| {
        format!(
            "access:1 planned in replay_1 to {verb} the dead letter m_1, with the reason \
             \"on call\": it would be {class}."
        )
    };
    let db = with_letter("applied", &replay("replay", "applied", "applied"));
    let became =
        "In replay_1 it became applied, the plan said applied. The database took its state.";
    let plan = planned("replay", "applied");
    check_story(&db, "msg_1", &[QUEUED, PARKED, (80, &plan), (90, became)]);
    let db = with_letter("discarded", &replay("discard", "superseded", "discarded"));
    let plan = planned("discard", "superseded");
    check_story(&db, "msg_1", &[QUEUED, PARKED, (80, &plan), (90, "replay_1 discarded it.")]);
    let again = format!(
        "UPDATE dead_letters SET generation = 1, returns = 2; {}",
        replay("replay", "applied", "parked")
    );
    let db = with_letter("parked", &again);
    let parked = "Parked again as the dead letter m_1 after 9 attempts: refused (too big).";
    let plan = planned("replay", "applied");
    let lines = story_of(&db, "msg_1").unwrap().delivery.unwrap().story;
    let texts: Vec<_> = lines.iter().map(|line| line.text.as_str()).collect();
    let lost = "The sweep returned the dead letter m_1 to parked 2 times: its message was lost on \
                the way to the queue or in it.";
    let in_replay = "In replay_1 it was parked again; the plan said applied.";
    assert_eq!(texts, [QUEUED.1, parked, &plan, lost, in_replay, open.1]);
}

#[test]
fn a_repeated_message_is_one_delivery() {
    let db = Db::new();
    let body = event_at("user.updated", START, &user_with(ADA, START, &[]));
    let message = deliver("msg_1", &body, START);
    for message in [message.clone(), redelivered(&message, 1)] {
        let plan = plan("rolecall-events", &[message], vec![]);
        db.run(&statements(&plan, UnixMillis(START))).unwrap();
    }
    let row = story_of(&db, "msg_1").unwrap().delivery.unwrap().row.unwrap();
    assert_eq!(row.copies, 2);
}

/// Ada with a role of each kind of reason.
fn with_every_reason() -> Db {
    let db = Db::new();
    db.run(&default_role("member")).unwrap();
    let roles = ["admin", "editor"];
    apply(&db, "msg_1", &event_at("user.updated", START, &user_with(ADA, START, &roles)));
    db.exec("INSERT INTO roles (name) VALUES ('owner'), ('guest')");
    for (role, granted, id) in [("editor", 0, "g1"), ("owner", 1, "g2"), ("guest", 1, "g3")] {
        let number: i64 = db.one("SELECT id FROM roles WHERE name = ?1", [role]);
        let (granted, by, why) = (i64::from(granted == 1), "access:1", "on call");
        let grant = statement(GRANT, &[&ADA, &number, &granted, &START, &id, &by, &why, &0_i64]);
        db.run(&[grant]).unwrap();
    }
    let number = "role_id = (SELECT id FROM roles WHERE name = 'guest')";
    db.exec(&format!("UPDATE role_grants SET ends_at = {START} + 60000 WHERE {number}"));
    db
}

#[test]
fn every_reason_of_a_role_is_told() {
    let db = with_every_reason();
    let reasons = |db: &Db| {
        let roles = explained(db, EntityKind::User, ADA).roles.into_iter();
        roles.map(|it| (it.role, it.counts, it.because.join(" "))).collect::<Vec<_>>()
    };
    let by = "by access:1 on 2025-11-24 16:00:00 UTC, with the reason \"on call\".";
    let want = [
        ("admin", true, "It is named in public_metadata.".to_owned()),
        (
            "editor",
            false,
            format!(
                "It is named in public_metadata. Revoked {by} This outweighs the metadata and the \
                 default role."
            ),
        ),
        ("guest", true, format!("Granted {by} It ends on 2025-11-24 16:01:00 UTC.")),
        ("member", true, "It is the default role, which every live user has.".into()),
        ("owner", true, format!("Granted {by}")),
    ];
    assert_eq!(reasons(&db), want.map(|(role, counts, text)| (role.into(), counts, text)));
    db.exec(&format!("UPDATE role_grants SET ends_at = {START} WHERE ends_at IS NOT NULL"));
    let (_, counts, text) = &reasons(&db)[2];
    assert!(*counts && text.ends_with("and holds until the next sweep removes it."), "{text}");
    apply(&db, "msg_2", &event_at("user.updated", START + 9, &banned(ADA, START + 9)));
    let barred = reasons(&db);
    assert!(barred.iter().all(|(_, counts, text)| !counts && text.contains("is banned")));
    let story = explained(&db, EntityKind::User, ADA);
    assert_eq!(story.summary, "This user is banned in Clerk: no role and no membership counts.");
    assert_eq!(story.deliveries.len(), 2);
    assert_eq!(story.row.unwrap()["banned"], json!(1));
}

#[test]
fn the_kind_of_an_id_is_found() {
    let db = Db::new();
    let target = |id: &str| {
        Target::by_prefix(id)
            .or_else(|| Target::found(&json_rows(&db, &[read::target(id)])[0]).unwrap())
    };
    for (id, kind) in [
        (ADA, EntityKind::User),
        ("org_1", EntityKind::Organization),
        ("orgmem_1", EntityKind::Membership),
        ("role_1", EntityKind::Role),
        ("perm_1", EntityKind::Permission),
    ] {
        assert_eq!(target(id), Some(Target::Entity(kind)));
    }
    assert_eq!((target("msg_1"), target("odd")), (Some(Target::Delivery), None));
    db.exec(
        "INSERT INTO org_roles (id, key, deleted, updated_at, event_at, projection, digest)
         VALUES ('odd', 'org:x', 0, 1, 1, 1, '')",
    );
    assert_eq!(target("odd"), Some(Target::Entity(EntityKind::Role)));
    apply(&db, "evt_1", &event_at("sms.created", START, &json!({ "id": "sms_1" })));
    assert_eq!(target("evt_1"), Some(Target::Delivery));
}

#[test]
fn an_id_that_was_never_heard_of_has_no_row() {
    let db = Db::new();
    for kind in EntityKind::ALL {
        let story = explained(&db, kind, "nobody");
        assert_eq!((story.row, story.kind.as_str()), (None, kind.as_str()));
        assert!(story.summary.starts_with("No event about this"), "{}", story.summary);
    }
}

#[test]
fn roles_and_permissions_of_organizations_say_what_they_are() {
    let db = Db::new();
    let rows = [
        ("org_1", event_at("organization.created", START, &organization("org_1", START, "x"))),
        ("role_1", event_at("role.created", START, &role("role_1", "org:x", START, &[]))),
        ("role_2", event_at("role.created", START, &role("role_2", "org:x", START + 1, &[]))),
        ("perm_1", event_at("permission.created", START, &permission("perm_1", "org:p:r", START))),
        ("perm_2", event_at("permission.deleted", START, &deleted("permission", "perm_2"))),
        (
            "orgmem_1",
            event_at(
                "organizationMembership.created",
                START,
                &membership(["orgmem_1", "org_1", ADA, "org:x"], START, &[]),
            ),
        ),
    ];
    for (id, body) in &rows {
        apply(&db, &format!("msg_{id}"), body);
    }
    let summary = |kind, id| explained(&db, kind, id).summary;
    assert_eq!(summary(EntityKind::Organization, "org_1"), "This organization exists in Clerk.");
    assert_eq!(
        summary(EntityKind::Role, "role_1"),
        "Another role with the key org:x has a greater rank: this one decides nothing."
    );
    assert_eq!(summary(EntityKind::Role, "role_2"), "This role decides what org:x permits.");
    assert_eq!(summary(EntityKind::Permission, "perm_1"), "This permission has the key org:p:r.");
    assert_eq!(
        summary(EntityKind::Permission, "perm_2"),
        "This permission was deleted in Clerk. It never comes back."
    );
    let membership = explained(&db, EntityKind::Membership, "orgmem_1");
    assert!(membership.organizations[0].counts && membership.cache.is_none());
}

#[test]
fn the_cache_is_compared_with_the_database() {
    let db = with_every_reason();
    let answer =
        |cache: CacheState<'_>| explained_with(&db, EntityKind::User, ADA, cache).cache.unwrap();
    let nobody = answer(CacheState::Answered(&NEVER_ASKED));
    assert!(!nobody.watched && nobody.summary.starts_with("No role cache watches this user:"));
    let filled = db.register(ADA, 3, 0);
    let version = filled.set.version;
    let peek = CachePeek {
        owner: 3,
        floor: version,
        version: Some(version),
        status: Some(filled.set.status),
        age_ms: Some(1_250),
        serves: true,
    };
    let says = |peek: &CachePeek, want: &str| {
        let report = answer(CacheState::Answered(peek));
        assert!(report.summary.contains(want), "{want}: {}", report.summary);
        report
    };
    let report = says(&peek, &format!("serves the current version {version}, read 1.2 s ago."));
    assert_eq!(
        (report.version, report.acked, report.cached_version, report.cached_age_ms),
        (Some(version), Some(version), Some(version), Some(1_250))
    );
    assert!(report.watched && !report.hint_pending);
    says(&CachePeek { serves: false, ..peek.clone() }, "longer than the hard age");
    says(&CachePeek { floor: version + 1, serves: false, ..peek.clone() }, "knows that it is old");
    says(&CachePeek { version: None, serves: false, ..peek.clone() }, "holds no roles");
    says(&CachePeek { owner: 4, ..peek.clone() }, "another life of the role cache");
    assert!(answer(CacheState::Silent).summary.starts_with("The role cache did not answer."));
    db.at(START + 5_000);
    db.exec("UPDATE users SET app_roles = '[]'");
    let report = says(&peek, "The database is at version");
    assert!(report.hint_pending && report.summary.contains("is pending"));
    db.exec("UPDATE settings SET value = 'other'");
    says(&peek, "The default role has changed since.");
}
