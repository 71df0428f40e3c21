//! The queue message: the synced fields of an event, and metadata of its delivery.
//!
//! Never the raw body. The bytes have a version and are pinned by a test: a consumer must read
//! messages of older builds.

mod wire;
mod codec;

use crate::event::{ParsedDelivery, Payload};
use crate::id::SvixId;
use crate::operators::letter::ReplayTag;
use crate::projection::ContentDigest;
use crate::time::UnixMillis;

/// One accepted delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The `svix-id`: the same for every attempt.
    pub svix_id: SvixId,
    /// When this attempt was signed.
    pub attempted_at: UnixMillis,
    /// When ingest received it.
    pub received_at: UnixMillis,
    /// The event's own time, where it has one.
    pub event_at: Option<UnixMillis>,
    /// Digest of the raw body.
    pub body_digest: ContentDigest,
    /// The event's type; empty if it could not be parsed.
    pub event_type: String,
    /// What was skipped while parsing, without values; mostly empty.
    pub note: String,
    /// The letter that it replays, for a message that ingest did not send.
    pub replay: Option<ReplayTag>,
    /// The parsed payload.
    pub payload: Payload,
}

/// Why a queue message cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Written by a newer build: deploy the consumer.
    #[error("envelope or projection version {0} is newer than this consumer supports")]
    NewerVersion(u64),
    /// Not an envelope at all.
    #[error("not an envelope: {0}")]
    Malformed(String),
}

impl Envelope {
    /// Builds the envelope of a delivery.
    ///
    /// `svix_id` and `attempted_at` come from the verified headers; `received_at` is the current
    /// time.
    #[must_use]
    pub fn new(
        svix_id: SvixId,
        attempted_at: UnixMillis,
        received_at: UnixMillis,
        delivery: ParsedDelivery,
    ) -> Self {
        let ParsedDelivery { event_at, body_digest, note, payload, .. } = delivery;
        let event_type = delivery.event_type.unwrap_or_default();
        Self {
            svix_id,
            attempted_at,
            received_at,
            event_at,
            body_digest,
            event_type,
            note,
            replay: None,
            payload,
        }
    }

    /// The id of what it is about, if known.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        match &self.payload {
            Payload::Event(event) => event.changes.first().map(|change| change.id.as_str()),
            Payload::Unreadable(unreadable) => unreadable.object_id.as_deref(),
            Payload::Ignored => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Envelope, EnvelopeError};
    use crate::event::{Event, Payload, UnreadableReason};
    use crate::id::{EntityId, SvixId, UserId};
    use crate::limits::{ENVELOPE_BYTES_MAX, REPLAY_TAG_BYTES_MAX};
    use crate::merge::{EntityChange, EntityKind, EntityState, LiveState, Rank};
    use crate::operators::letter::ReplayTag;
    use crate::projection::{ContentDigest, EntityFields, PROJECTION_VERSION, UserFields};
    use crate::time::UnixMillis;

    fn sample(email: &str) -> Envelope {
        let fields = EntityFields::User(UserFields {
            email: Some(email.into()),
            app_roles: vec!["admin".into()],
            created_at: 5,
            ..UserFields::default()
        });
        let rank = Rank {
            updated_at: UnixMillis(6),
            event_at: UnixMillis(7),
            projection: 2,
            digest: serde_json::from_str(r#""4e322a01d97177bc3f0bb93f98fdac29""#).unwrap(),
        };
        let id = EntityId::parse("user_ada").unwrap();
        let live = EntityChange {
            kind: EntityKind::User,
            id,
            state: EntityState::Live(LiveState { rank, fields }),
        };
        let id = EntityId::parse("org_1").unwrap();
        let dead = EntityChange { kind: EntityKind::Organization, id, state: EntityState::Deleted };
        let users = vec![UserId::parse("user_ada").unwrap()];
        Envelope {
            svix_id: SvixId::parse("msg_1").unwrap(),
            attempted_at: UnixMillis(8),
            received_at: UnixMillis(9),
            event_at: Some(UnixMillis(7)),
            body_digest: ContentDigest::of(b"abc"),
            event_type: "user.updated".into(),
            note: String::new(),
            replay: None,
            payload: Payload::Event(Event { changes: vec![live, dead], users }),
        }
    }

    #[test]
    fn wire_1_bytes_are_frozen() {
        let want = concat!(
            r#"{"v":1,"svix_id":"msg_1","attempted_at":8,"received_at":9,"event_at":7,"#,
            r#""body":"ba7816bf8f01cfea414140de5dae2223","type":"user.updated","letter":{"event":"#,
            r#"{"changes":[{"id":"user_ada","live":{"updated_at":6,"event_at":7,"projection":2,"#,
            r#""digest":"4e322a01d97177bc3f0bb93f98fdac29","fields":{"entity":"user","#,
            r#""email":"ada@example.com","banned":false,"app_roles":["admin"],"created_at":5}}},"#,
            r#"{"id":"org_1","dead":"organization"}],"users":["user_ada"]}}}"#
        );
        assert_eq!(sample("ada@example.com").encode(), want);
    }

    /// As ingest wrote it at projection 1.
    #[test]
    fn a_projection_1_envelope_is_decoded() {
        let text = concat!(
            r#"{"v":1,"svix_id":"msg_1","attempted_at":8,"received_at":9,"event_at":7,"#,
            r#""body":"ba7816bf8f01cfea414140de5dae2223","type":"user.updated","letter":{"event":"#,
            r#"{"changes":[{"id":"user_ada","live":{"updated_at":6,"event_at":7,"projection":1,"#,
            r#""digest":"9bf69ab5aa0e1be8133bf439eff927b3","fields":{"entity":"user","#,
            r#""email":"ada@example.com","banned":false,"app_roles":["admin"],"created_at":5}}},"#,
            r#"{"id":"org_1","dead":"organization"}],"users":["user_ada"]}}}"#
        );
        let opened = Envelope::decode(text).unwrap();
        assert_eq!(opened.encode(), text);
        let Payload::Event(event) = opened.payload else { panic!() };
        let EntityState::Live(live) = &event.changes[0].state else { panic!() };
        assert_eq!(live.rank.projection, 1);
    }

    #[test]
    fn decoding_reverses_encoding() {
        let envelope = sample("ada@example.com");
        assert_eq!(Envelope::decode(&envelope.encode()), Ok(envelope.clone()));
        let noted = Envelope { note: "data.name cannot be read".into(), ..envelope };
        assert_eq!(Envelope::decode(&noted.encode()), Ok(noted));
    }

    /// An older consumer ignores the member, and a newer one takes a missing one as empty. So the
    /// version stays.
    #[test]
    fn a_note_adds_one_member() {
        let plain = sample("ada@example.com");
        let noted = Envelope { note: "data.name cannot be read".into(), ..plain.clone() }.encode();
        let member = r#""type":"user.updated","note":"data.name cannot be read","#;
        assert_eq!(noted.replace(member, r#""type":"user.updated","#), plain.encode());
    }

    fn tag() -> ReplayTag {
        ReplayTag { letter: "m1".into(), replay: "r1".into(), generation: 2 }
    }

    /// As a note does: the version stays.
    #[test]
    fn a_tag_adds_one_member() {
        let plain = sample("ada@example.com");
        let tagged = Envelope { replay: Some(tag()), ..plain.clone() };
        let text = tagged.encode();
        let member = r#""replay":{"letter":"m1","replay":"r1","generation":2},"#;
        assert_eq!(text.replace(member, ""), plain.encode());
        assert!(text.contains(&format!(r#""type":"user.updated",{member}"letter":"#)), "{text}");
        assert_eq!(Envelope::decode(&text), Ok(tagged));
        assert_eq!(Envelope::replay_tag(&text), Some(tag()));
        assert_eq!(Envelope::replay_tag(&plain.encode()), None);
    }

    #[test]
    fn a_tag_is_read_where_the_envelope_is_not() {
        let tag_text = r#"{"letter":"m1","replay":"r1","generation":2,"x":1}"#;
        for text in
            [r#"{"v":2,"replay":TAG}"#, r#"{"v":1,"replay":TAG}"#, r#"{"x":1,"replay":TAG}"#]
        {
            let text = text.replace("TAG", tag_text);
            assert!(Envelope::decode(&text).is_err());
            assert_eq!(Envelope::replay_tag(&text), Some(tag()), "{text}");
        }
        let odd = ["null", "1", "[]", "{}", r#"["m1","r1",2]"#, r#"{"letter":"m1","replay":"r1"}"#];
        for tag_text in odd {
            let text = format!(r#"{{"v":2,"replay":{tag_text}}}"#);
            assert_eq!(Envelope::replay_tag(&text), None, "{text}");
        }
        for text in ["", "[]", "null", r#"{"v":1}"#, r#"{"replay":{"#] {
            assert_eq!(Envelope::replay_tag(text), None, "{text}");
        }
    }

    /// The largest envelope that ingest can write is still one when it is replayed.
    #[test]
    fn a_tag_makes_no_envelope_too_large() {
        let rest = sample("").encode().len();
        let largest = sample(&"a".repeat(ENVELOPE_BYTES_MAX - rest));
        assert_eq!(largest.encode().len(), ENVELOPE_BYTES_MAX);
        let (letter, replay) = ("m".repeat(300), "r".repeat(300));
        let tag = ReplayTag { letter, replay, generation: u32::MAX };
        let tagged = Envelope { replay: Some(tag), ..largest };
        let text = tagged.encode();
        assert!(text.len() <= ENVELOPE_BYTES_MAX + REPLAY_TAG_BYTES_MAX, "{}", text.len());
        assert_eq!(Envelope::decode(&text), Ok(tagged));
    }

    #[test]
    fn arrays_in_place_of_objects_are_malformed() {
        let text = sample("a").encode();
        for (find, put) in [
            (r#"{"id":"org_1","dead":"organization"}"#, r#"["org_1","organization"]"#),
            (r#""dead":"organization""#, r#""dead":{"organization":null}"#),
            (
                r#"{"entity":"user","email":"a","banned":false,"#,
                r#"["user","a",false,["admin"],5,"#,
            ),
        ] {
            assert!(text.contains(find), "{find}");
            let changed = text.replace(find, put);
            assert!(
                matches!(Envelope::decode(&changed), Err(EnvelopeError::Malformed(_))),
                "{changed}"
            );
        }
        let fields =
            r#"{"entity":"user","email":"a","banned":false,"app_roles":["admin"],"created_at":5}"#;
        assert!(text.contains(fields));
        let role = |permission: &str| {
            let role = r#"{"entity":"role","key":"org:a","permissions":["#;
            Envelope::decode(&text.replace(fields, &format!("{role}{permission}]}}")))
        };
        assert!(role(r#"{"id":"perm_1","key":"org:a:b"}"#).is_ok());
        assert!(role(r#"["perm_1","org:a:b"]"#).is_err());
        let (head, _) = text.split_once(r#""letter":"#).unwrap();
        let letter = |letter: &str| Envelope::decode(&format!(r#"{head}"letter":{letter}}}"#));
        assert!(letter(r#"{"event":{"changes":[],"users":[]}}"#).is_ok());
        assert!(letter(r#"{"event":[[],[]]}"#).is_err());
        assert!(letter(r#"{"unreadable":[null,"shape",""]}"#).is_err());
        assert!(letter(r#"["event",{"changes":[],"users":[]}]"#).is_err());
    }

    #[test]
    fn an_oversized_event_becomes_unreadable() {
        let text = sample(&"a".repeat(ENVELOPE_BYTES_MAX)).encode();
        assert!(text.len() <= ENVELOPE_BYTES_MAX);
        let opened = Envelope::decode(&text).unwrap();
        assert_eq!(opened.subject(), Some("user_ada"));
        let Payload::Unreadable(unreadable) = opened.payload else { panic!("{opened:?}") };
        assert_eq!(unreadable.reason, UnreadableReason::Size);
    }

    #[test]
    fn errors_quote_no_values() {
        let text =
            sample("a").encode().replace(r#""attempted_at":8"#, r#""attempted_at":"secret""#);
        let error = Envelope::decode(&text).unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn newer_versions_and_malformed_text_differ() {
        assert_eq!(Envelope::decode(r#"{"v":2,"x":[]}"#), Err(EnvelopeError::NewerVersion(2)));
        let newer = PROJECTION_VERSION + 1;
        let text = sample("a").encode();
        let text = text.replace(r#""projection":2"#, &format!(r#""projection":{newer}"#));
        assert_eq!(Envelope::decode(&text), Err(EnvelopeError::NewerVersion(newer.into())));
        let malformed = ["", "{}", "[]", "null", r#"{"v":1}"#, r#"{"v":"1"}"#, "\u{0}"];
        // The first two of these were found by the fuzz target `queue_message`.
        for text in malformed.into_iter().chain([r#"{"v":0}"#, "[2]", r#"{"v":2,"v":2}"#]) {
            assert!(matches!(Envelope::decode(text), Err(EnvelopeError::Malformed(_))), "{text:?}");
        }
    }
}
