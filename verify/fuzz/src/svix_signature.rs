//! Headers and a body, judged by the verifier and by a reference.
//!
//! The input is a delivery as text: header lines, an empty line, the body. `$0` and `$1` in a
//! signature header stand for the genuine tag under the first and the second key, for no mutation
//! finds an HMAC. The reference compares spelled-out signatures where the verifier compares tags.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use shared::envelope::Envelope;
use shared::event;
use shared::limits::ENVELOPE_BYTES_MAX;
use shared::signature::{SignatureError, SvixHeaders, VerifiedBody, WebhookSecrets, verify};
use shared::time::UnixMillis;

use crate::Target;

/// See the module.
pub const TARGET: Target = Target {
    name: "svix_signature",
    run,
    met: &[
        "accepted",
        "mixed families",
        "missing header",
        "bad id",
        "bad timestamp",
        "stale",
        "future",
        "too many signatures",
        "malformed signature",
        "no match",
    ],
};

/// Both hold, as while a secret is being replaced. The first is that of Svix's published vectors.
const SECRETS: [&str; 2] = ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "dGhlIHNlY29uZCBvZiB0aGVt"];

/// The clock of every case, in seconds: that of the vectors.
const NOW_S: u64 = 1_700_000_000;

static KEYS: LazyLock<[Vec<u8>; 2]> =
    LazyLock::new(|| SECRETS.map(|secret| STANDARD.decode(secret).expect("base64")));

type Sent = BTreeMap<&'static str, String>;

const NAMES: [&str; 6] = [
    "svix-id",
    "svix-timestamp",
    "svix-signature",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
];

/// Judges one delivery both ways.
///
/// # Panics
/// When the verdicts differ, or something accepted is not what was sent.
#[must_use]
pub fn run(data: &[u8]) -> &'static str {
    let (sent, body) = delivery(data);
    let secrets = WebhookSecrets::parse(&SECRETS.join(" ")).expect("keys of more than 16 bytes");
    let headers = SvixHeaders::from_fn(|name| sent.get(name).cloned());
    let now = UnixMillis(i64::try_from(NOW_S * 1000).expect("a year of ours"));
    let ours = verify(&headers, body, &secrets, now);
    assert_eq!(ours.is_ok(), accepts(&sent, body), "{ours:?} of {sent:?}");
    match ours {
        Ok(verified) => {
            assert_eq!(verified.bytes(), body);
            assert!(sent.values().any(|value| value == verified.id().as_str()));
            travels(&verified, now);
            "accepted"
        }
        Err(rejection) => name(rejection),
    }
}

/// Whatever was signed can be read and sealed.
fn travels(verified: &VerifiedBody<'_>, now: UnixMillis) {
    let (id, attempted_at) = (verified.id().clone(), verified.attempted_at());
    let text = Envelope::new(id, attempted_at, now, event::parse(verified)).encode();
    assert!(text.len() <= ENVELOPE_BYTES_MAX, "{} bytes", text.len());
}

/// Takes the input apart, with the tags that it asks for.
fn delivery(data: &[u8]) -> (Sent, &[u8]) {
    let end = data.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = match end {
        Some(end) => (data.get(..end), data.get(end + 2..)),
        None => (Some(data), None),
    };
    let (head, body) = (String::from_utf8_lossy(head.unwrap_or(data)), body.unwrap_or_default());
    let mut sent = Sent::new();
    for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
        let Some(name) = NAMES.into_iter().find(|known| *known == name) else { continue };
        // As Fetch joins two headers of one name.
        sent.entry(name)
            .and_modify(|known| *known = format!("{known}, {value}"))
            .or_insert_with(|| value.to_owned());
    }
    for family in ["svix", "webhook"] {
        let (id, timestamp) = (value(&sent, family, "id"), value(&sent, family, "timestamp"));
        let tags: Vec<String> = KEYS.iter().map(|key| tag(key, id, timestamp, body)).collect();
        let signature = sent
            .iter_mut()
            .find(|(name, _)| name.strip_prefix(family).is_some_and(|field| field == "-signature"));
        if let Some((_, text)) = signature {
            for (at, tag) in tags.iter().enumerate() {
                *text = text.replace(&format!("${at}"), tag);
            }
        }
    }
    (sent, body)
}

fn value<'a>(sent: &'a Sent, family: &str, field: &str) -> &'a str {
    sent.get(format!("{family}-{field}").as_str()).map_or("", String::as_str)
}

/// The tag as the header spells it. By another library than the verifier's.
fn tag(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> String {
    let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
    STANDARD.encode(hmac_sha256::HMAC::mac(signed, key))
}

/// The reference: the rules of the door, said once more.
fn accepts(sent: &Sent, body: &[u8]) -> bool {
    let is_sent = |family: &&str| sent.keys().any(|name| name.starts_with(*family));
    let families: Vec<&str> = ["svix", "webhook"].into_iter().filter(is_sent).collect();
    let [family] = families.as_slice() else { return false };
    let (id, timestamp) = (value(sent, family, "id"), value(sent, family, "timestamp"));
    let signature = value(sent, family, "signature");

    let id_holds = (1..=256).contains(&id.len())
        && id.chars().all(|symbol| ('!'..='~').contains(&symbol) && !".,".contains(symbol));
    let time_holds = timestamp
        .parse::<u64>()
        .is_ok_and(|at| at.to_string() == timestamp && at.abs_diff(NOW_S) <= 300);
    let entries: Vec<&str> = signature.split(' ').filter(|entry| !entry.is_empty()).collect();
    let is_spoilt = |entry: &&str| {
        let sides: Vec<&str> = entry.split(',').collect();
        2 < sides.len() || (sides.len() == 2 && sides.contains(&""))
    };
    let signature_holds = signature.len() <= 4096
        && signature.chars().all(|symbol| (' '..='~').contains(&symbol))
        && entries.len() <= 16
        && !entries.iter().any(is_spoilt);
    let is_signed =
        |key: &Vec<u8>| entries.contains(&format!("v1,{}", tag(key, id, timestamp, body)).as_str());
    id_holds && time_holds && signature_holds && KEYS.iter().any(is_signed)
}

fn name(rejection: SignatureError) -> &'static str {
    match rejection {
        SignatureError::MixedHeaderSets => "mixed families",
        SignatureError::MissingHeader(_) => "missing header",
        SignatureError::BadId(_) => "bad id",
        SignatureError::BadTimestamp => "bad timestamp",
        SignatureError::TimestampTooOld { .. } => "stale",
        SignatureError::TimestampInFuture { .. } => "future",
        SignatureError::HeaderTooLong { .. } => "header too long",
        SignatureError::TooManySignatures { .. } => "too many signatures",
        SignatureError::MalformedSignature => "malformed signature",
        SignatureError::NoMatchingSignature => "no match",
    }
}
