//! Deletions, which need nothing but an id.

use super::members::{ParseIssue, ParseNotes, ParseResult, optional_raw, required};
use super::project::{
    ORGANIZATION_MEMBERS, PUBLIC_USER_DATA_MEMBERS, nested_organization, user_id,
};
use super::{Event, UnreadableReason};
use crate::entity::EntityKind;
use crate::id::{EntityId, UserId};
use crate::json::JsonObject;
use crate::merge::{EntityChange, EntityState};
use crate::time::UnixMillis;

/// A deletion needs only its id. Its `updated_at`, if it has one, is that of the last update, so it
/// is not used.
pub(super) fn deletion(
    entity: EntityKind,
    data: &JsonObject<'_>,
    event_at: Option<UnixMillis>,
    notes: &mut ParseNotes,
) -> ParseResult<Event> {
    let Some(raw) = required::<String>(data, "data.id")? else {
        return Err(ParseIssue {
            reason: UnreadableReason::NoSubject,
            text: "data.id is missing".into(),
        });
    };
    let id = EntityId::parse(&raw).map_err(|_| ParseIssue::bad_id("data.id"))?;
    let mut users = Vec::new();
    let mut changes = vec![EntityChange { kind: entity, id, state: EntityState::Deleted }];
    match entity {
        EntityKind::User => users.push(user_id(data, "data.id")?),
        EntityKind::Membership => {
            users.extend(member_user_id(data, notes));
            let organization = optional_raw(data, "data.organization", notes);
            let parsed =
                organization.map(|raw| JsonObject::parse(raw.get(), &ORGANIZATION_MEMBERS));
            match parsed {
                None => {}
                Some(Ok(it)) => changes.extend(nested_organization(&it, event_at, notes)),
                Some(Err(_)) => notes.add_malformed("data.organization"),
            }
        }
        EntityKind::Organization | EntityKind::Role | EntityKind::Permission => {}
    }
    Ok(Event { changes, users })
}

fn member_user_id(data: &JsonObject<'_>, notes: &mut ParseNotes) -> Option<UserId> {
    let at = "data.public_user_data";
    let raw = optional_raw(data, at, notes)?;
    let member = JsonObject::parse(raw.get(), &PUBLIC_USER_DATA_MEMBERS).ok();
    let user = member.and_then(|member| user_id(&member, "data.public_user_data.user_id").ok());
    if user.is_none() {
        notes.add_malformed(at);
    }
    user
}
