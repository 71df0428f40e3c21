//! A valid event with an odd value in one place that is not needed.
//!
//! Whatever JSON the value is, by a recognizer of our own, the event is projected the same where
//! it is not read, and costs itself alone where it is spare: no revocation is lost to it. The
//! target `clerk_event` could not find such a loss: its second opinion read with the same reader,
//! and so under the same limits, and nothing said when "unreadable" was wrong.

use shared::event::{ParsedDelivery, Payload};
use shared::merge::EntityState;
use shared::projection::{ContentDigest, EntityFields};

use crate::Target;
use crate::clerk_event::{read, without_position};
use crate::reference::is_json;

/// See the module.
pub const TARGET: Target =
    Target { name: "odd_member", run, met: &["the same", "all but itself", "no value"] };

/// Where the odd value goes.
const PLACE: &str = "@";

/// Type, data, and what stands beside it, with a place that is not read.
const UNREAD: [[&str; 3]; 7] = [
    ["user.updated", r#""id":"user_1","banned":true,"private_metadata":@,"updated_at":7"#, TIME],
    ["user.deleted", r#""id":"user_1""#, r#""timestamp":7,"event_attributes":@"#],
    ["user.deleted", r#""id":"user_1","banned":@,"public_metadata":@"#, TIME],
    [
        "organizationMembership.deleted",
        concat!(
            r#""id":"orgmem_1","role":@,"public_user_data":{"user_id":"user_1","banned":@},"#,
            r#""organization":{"id":"org_1","name":"A","public_metadata":@,"updated_at":7}"#
        ),
        TIME,
    ],
    [
        "organizationMembership.updated",
        concat!(
            r#""id":"orgmem_1","role":"org:member","public_metadata":@,"#,
            r#""public_user_data":{"user_id":"user_1","\ud800":@},"updated_at":7,"#,
            r#""organization":{"id":"org_1","name":"A","private_metadata":@,"updated_at":7}"#
        ),
        TIME,
    ],
    [
        "role.updated",
        concat!(
            r#""id":"role_1","key":"org:a","description":@,"updated_at":7,"#,
            r#""permissions":[{"id":"perm_1","key":"org:a:b","description":@}]"#
        ),
        TIME,
    ],
    [
        "user.updated",
        r#""id":"user_1","public_metadata":{"role":"admin","plan":@},"updated_at":7"#,
        TIME,
    ],
];

/// The same with a place that costs itself.
const SPARE: [[&str; 3]; 8] = [
    ["user.updated", r#""id":"user_1","banned":true,"public_metadata":@,"updated_at":7"#, TIME],
    [
        "user.updated",
        concat!(
            r#""id":"user_1","banned":true,"updated_at":7,"#,
            r#""public_metadata":{"roles":["a",@],"role":@}"#
        ),
        TIME,
    ],
    [
        "user.updated",
        concat!(
            r#""id":"user_1","banned":true,"created_at":@,"updated_at":7,"#,
            r#""primary_email_address_id":"a","#,
            r#""email_addresses":[@,{"id":"a","email_address":@}]"#
        ),
        TIME,
    ],
    ["organization.updated", r#""id":"org_1","name":@,"slug":@,"updated_at":7"#, TIME],
    [
        "organizationMembership.updated",
        concat!(
            r#""id":"orgmem_1","role":"org:member","permissions":@,"updated_at":7,"#,
            r#""public_user_data":{"user_id":"user_1"},"#,
            r#""organization":{"id":"org_1","name":@,"updated_at":7}"#
        ),
        TIME,
    ],
    [
        "organizationMembership.deleted",
        r#""id":"orgmem_1","public_user_data":@,"organization":@"#,
        TIME,
    ],
    [
        "organizationMembership.deleted",
        concat!(
            r#""id":"orgmem_1","public_user_data":{"user_id":@},"#,
            r#""organization":{"id":@,"updated_at":@}"#
        ),
        r#""timestamp":@"#,
    ],
    [
        "role.updated",
        concat!(
            r#""id":"role_1","key":"org:a","updated_at":7,"#,
            r#""permissions":[@,{"id":"perm_1","key":@}]"#
        ),
        TIME,
    ],
];

const TIME: &str = r#""timestamp":7"#;

/// Puts a value, all but the first byte, into the event that the first byte names.
///
/// # Panics
/// When the value takes more with it than its own place.
#[must_use]
pub fn run(data: &[u8]) -> &'static str {
    let Some((which, value)) = data.split_first() else { return "no value" };
    if !is_json(value) {
        return "no value";
    }
    let which = usize::from(*which) % (UNREAD.len() + SPARE.len());
    if let Some(event) = UNREAD.get(which) {
        let (plain, odd) = (read(&build_event(event, b"null")), read(&build_event(event, value)));
        assert!(matches!(plain.payload, Payload::Event(_)), "{event:?}");
        assert_eq!(
            without_position(&odd),
            without_position(&plain),
            "{event:?}: {}",
            String::from_utf8_lossy(value)
        );
        return "the same";
    }
    let event = SPARE.get(which - UNREAD.len()).expect("one of them");
    let (plain, odd) = (read(&build_event(event, b"null")), read(&build_event(event, value)));
    let said = || format!("{event:?}: {}", String::from_utf8_lossy(value));
    assert!(matches!(odd.payload, Payload::Event(_)), "{}: {odd:?}", said());
    assert_eq!(what_matters(&odd), what_matters(&plain), "{}", said());
    "all but itself"
}

fn build_event([kind, data, beside]: &[&str; 3], value: &[u8]) -> Vec<u8> {
    let event = format!(r#"{{"type":"{kind}","data":{{{data}}},{beside}}}"#);
    let parts: Vec<&[u8]> = event.split(PLACE).map(str::as_bytes).collect();
    parts.join(value)
}

/// What the event says of who may do what, without what is spare.
fn what_matters(incoming: &ParsedDelivery) -> ParsedDelivery {
    let mut needed = without_position(incoming);
    (needed.note, needed.event_at) = (String::new(), None);
    if let Payload::Event(event) = &mut needed.payload {
        event.changes.truncate(1);
        event.users.clear();
        for change in &mut event.changes {
            if let EntityState::Live(live) = &mut change.state {
                live.rank.digest = ContentDigest::of(b"");
                clear_spare_fields(&mut live.fields);
            }
        }
    }
    needed
}

/// The synced fields that come from required members.
const REQUIRED: [&str; 5] = ["banned", "org_id", "user_id", "role", "key"];

fn clear_spare_fields(fields: &mut EntityFields) {
    for (name, field) in fields.fields_mut() {
        if !REQUIRED.contains(&name) {
            field.clear();
        }
    }
}
