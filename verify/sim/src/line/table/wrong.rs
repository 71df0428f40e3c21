//! The wrong forms of what D1 does: the statements, views and triggers with one thing changed.

use anyhow::Result;
use shared::event::Payload;
use shared::id::EntityId;
use shared::merge::{EntityChange, EntityKind, EntityState};
use shared::plan::OpenedMessage;
use testkit::sqlite::Database;

use crate::line::history::ORG;
use crate::variant::Variant;

/// The law as `shared/src/sql` says it.
const LAW: &str = "stored.deleted = 0
  AND (
    excluded.deleted, excluded.updated_at, excluded.event_at, excluded.projection, excluded.digest
  ) > (stored.deleted, stored.updated_at, stored.event_at, stored.projection, stored.digest)";

/// M1: a tie goes to the update that comes last.
const BY_ARRIVAL: &str = "stored.deleted = 0
  AND (excluded.deleted, excluded.updated_at) >= (stored.deleted, stored.updated_at)";

/// M3: a tombstone has a time like any other row.
const BY_TIME: &str = "excluded.deleted > stored.deleted
  OR (stored.deleted = 1 AND excluded.deleted = 0 AND stored.event_at < excluded.event_at)
  OR (stored.deleted = 0 AND excluded.deleted = 0
  AND (excluded.updated_at, excluded.event_at, excluded.projection, excluded.digest)
    > (stored.updated_at, stored.event_at, stored.projection, stored.digest))";

/// Every row that a statement is given, and none.
const ALL: &str = "WHERE true";
const NONE: &str = "WHERE false";

/// The pairs whose greatest membership does not live.
const OVER: &str = "NOT EXISTS (SELECT 1 FROM memberships m
  WHERE m.deleted = 0
  AND (m.org_id, m.user_id) = (membership_pairs.org_id, membership_pairs.user_id)
  AND (m.updated_at, m.digest) = (membership_pairs.updated_at, membership_pairs.digest))";

/// When the deletes of the wrong form happened: between the updates.
const DELETED_AT: i64 = 7;

/// Where the view leaves out the members of a dead organization.
const DERIVED: &str = "NOT EXISTS (
    SELECT 1 FROM organizations
    WHERE organizations.id = member.org_id AND organizations.deleted = 1
  )
  AND ";

pub(super) fn begin(db: &Database, variant: Variant) -> Result<()> {
    if variant == Variant::NoTriggerOnOrganizations {
        db.sql.execute_batch(
            "DROP TRIGGER bump_organizations_insert; DROP TRIGGER bump_organizations_update;
             DROP TRIGGER bump_organizations_delete",
        )?;
    }
    if variant == Variant::EachByItself {
        let view = "SELECT sql FROM sqlite_master WHERE name = 'current_memberships'";
        let text = db.column::<String>(view, [])?.concat();
        let text = text.split("\n  AND NOT EXISTS").next().unwrap_or_default();
        db.sql.execute_batch(&format!("DROP VIEW current_memberships; {text}"))?;
    }
    if variant == Variant::CascadeInsteadOfDerive {
        let view = "SELECT sql FROM sqlite_master WHERE name = 'org_memberships'";
        let text = db.column::<String>(view, [])?.concat().replace(DERIVED, "");
        db.sql.execute_batch(&format!("DROP VIEW org_memberships; {text}"))?;
    }
    Ok(())
}

pub(super) fn text(variant: Variant, sql: &str) -> String {
    if variant == Variant::TiesByArrival {
        sql.replace(LAW, BY_ARRIVAL)
    } else if variant == Variant::TombstoneByTime {
        sql.replace(LAW, BY_TIME)
    } else if passes_over(variant, sql) {
        sql.replace(ALL, NONE)
    } else {
        sql.into()
    }
}

/// Whether the wrong form remembers nothing of what a row refuses: only triggers do it then.
fn passes_over(variant: Variant, sql: &str) -> bool {
    (variant == Variant::PairsOfWinners && sql.contains("INTO membership_pairs"))
        || (variant == Variant::KeysOfWinners && sql.contains("_keys (key)"))
}

/// What the wrong form does behind a change.
pub(super) fn after(db: &Database, variant: Variant, change: &EntityChange) -> Result<()> {
    let (id, dead) = (change.id.as_str(), change.state == EntityState::Deleted);
    let table = change.kind.table();
    if variant == Variant::HardDelete && dead {
        db.sql.execute(&format!("DELETE FROM {table} WHERE id = ?1"), [id])?;
    }
    if variant == Variant::TombstoneByTime && dead {
        let dated = format!("UPDATE {table} SET event_at = ?1 WHERE id = ?2 AND deleted = 1");
        db.sql.execute(&dated, (DELETED_AT, id))?;
    }
    if variant == Variant::PairsFall && dead {
        db.sql.execute(&format!("DELETE FROM membership_pairs WHERE {OVER}"), [])?;
    }
    if variant == Variant::KeysForgotten {
        for (keys, table) in
            [("org_role_keys", "org_roles"), ("org_permission_keys", "org_permissions")]
        {
            let live = format!("SELECT key FROM {table} WHERE deleted = 0");
            db.sql.execute(&format!("DELETE FROM {keys} WHERE key NOT IN ({live})"), [])?;
        }
    }
    if variant == Variant::CascadeInsteadOfDerive && dead && table == "organizations" {
        db.sql.execute("DELETE FROM memberships WHERE org_id = ?1", [ORG])?;
    }
    Ok(())
}

/// The message as the wrong form reads it.
pub(super) fn message(variant: Variant, message: &OpenedMessage) -> OpenedMessage {
    let mut message = message.clone();
    let key = if variant == Variant::MembershipsByPair {
        "orgmem_of_the_pair"
    } else if variant == Variant::MembershipsByOrganization {
        // The one that the other member of the history has.
        "orgmem_b"
    } else {
        return message;
    };
    if let Payload::Event(event) = &mut message.envelope.payload
        && let Ok(key) = EntityId::parse(key)
    {
        let of_memberships =
            event.changes.iter_mut().filter(|it| it.kind == EntityKind::Membership);
        of_memberships.for_each(|change| change.id = key.clone());
    }
    message
}
