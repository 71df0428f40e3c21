//! The verifier against the `svix` crate, on generated deliveries.
//!
//! Both verify every case. They must agree, except for the differences of [`Stricter`] and for
//! bodies that are not UTF-8, which Svix's library does not support.

use std::collections::BTreeMap;
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use shared::id::IdError;
use shared::signature::{
    KEY_BYTES_MIN, SIGNATURE_BYTES_MAX, SIGNATURE_ENTRIES_MAX, SignatureError, SvixHeaderName,
};
use shared::signature::{TOLERANCE_S, WebhookSecrets};
use shared::time::UnixMillis;
use svix::webhooks::Webhook;

use super::Sent;
use super::dice::Dice;
use super::forge::{Case, OTHERS, VALID, Want};

/// Each shard has its own thread and dice, so that the cases are the same on any machine.
const SHARDS: u64 = 8;
const CASES_PER_SHARD: usize = 13_500;
const SEED: u64 = 0x726f_6c65_6361_6c6c;

/// What this verifier rejects on purpose although Svix's library accepts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stricter {
    /// Svix prefers `svix-*`, header by header. It is unclear which set is signed.
    BothHeaderSets,
    /// Svix uses the first of two headers, Fetch joins them.
    SentTwice,
    /// Svix signs and verifies an empty id. Such deliveries could not be distinguished.
    BlankId,
    /// Svix accepts an id of any length.
    LongId,
    /// Svix accepts dots, commas and spaces, which can shift the field boundaries of the signed text.
    IdAlphabet,
    /// Svix accepts `+1700000000` and `01700000000`, and verifies the number without sign and zero.
    TimestampSpelling,
    /// Svix accepts a signature header of any length.
    LongHeader,
    /// Svix treats a tab, which HTTP allows, as a part of an entry.
    HeaderAlphabet,
    /// Svix tries any number of entries.
    ManyEntries,
    /// Svix skips an entry with an extra comma, or with nothing on one side.
    ExtraComma,
}

impl Stricter {
    /// The first difference that applies to a delivery that Svix accepts, in our order of checks.
    fn find(sent: &Sent) -> Option<Self> {
        let count = |name: &str| sent.headers.iter().filter(|(known, _)| *known == name).count();
        let any = |set: &str| sent.headers.iter().any(|(name, _)| name.starts_with(set));
        if any("svix-") && any("webhook-") {
            return Some(Self::BothHeaderSets);
        }
        if sent.headers.iter().any(|(name, _)| 1 < count(name)) {
            return Some(Self::SentTwice);
        }
        let value = |field| sent.either(field).unwrap_or_default();
        let (id, timestamp, signature) = (value("id"), value("timestamp"), value("signature"));
        if id.trim_ascii().is_empty() {
            return Some(Self::BlankId);
        }
        if 256 < id.len() {
            return Some(Self::LongId);
        }
        if id.contains(|c: char| !('!'..='~').contains(&c) || c == '.' || c == ',') {
            return Some(Self::IdAlphabet);
        }
        if timestamp.parse::<i64>().is_ok_and(|number| number.to_string() != timestamp) {
            return Some(Self::TimestampSpelling);
        }
        Self::find_in_signature(&signature)
    }

    fn find_in_signature(header: &str) -> Option<Self> {
        if SIGNATURE_BYTES_MAX < header.len() {
            return Some(Self::LongHeader);
        }
        if header.contains(|c: char| !(' '..='~').contains(&c)) {
            return Some(Self::HeaderAlphabet);
        }
        let entries: Vec<&str> = header.split(' ').filter(|entry| !entry.is_empty()).collect();
        if SIGNATURE_ENTRIES_MAX < entries.len() {
            return Some(Self::ManyEntries);
        }
        let has_extra_comma = |entry: &&str| {
            let parts: Vec<&str> = entry.split(',').collect();
            2 < parts.len() || (parts.len() == 2 && parts.contains(&""))
        };
        entries.iter().any(has_extra_comma).then_some(Self::ExtraComma)
    }

    /// Returns whether `reason` is our expected error for this difference.
    fn explains(self, reason: SignatureError) -> bool {
        match self {
            Self::BothHeaderSets => reason == SignatureError::MixedHeaderSets,
            Self::SentTwice => matches!(
                reason,
                SignatureError::BadId(_)
                    | SignatureError::BadTimestamp
                    | SignatureError::MalformedSignature
            ),
            Self::BlankId => reason == SignatureError::MissingHeader(SvixHeaderName::Id),
            Self::LongId => reason == SignatureError::BadId(IdError::TooLong),
            Self::IdAlphabet => reason == SignatureError::BadId(IdError::InvalidCharacter),
            Self::TimestampSpelling => reason == SignatureError::BadTimestamp,
            Self::LongHeader => matches!(reason, SignatureError::HeaderTooLong { .. }),
            Self::ManyEntries => matches!(reason, SignatureError::TooManySignatures { .. }),
            Self::HeaderAlphabet | Self::ExtraComma => reason == SignatureError::MalformedSignature,
        }
    }
}

/// A name for each error, without its numbers.
fn name(outcome: Result<(), SignatureError>) -> &'static str {
    match outcome {
        Ok(()) => "accepted",
        Err(SignatureError::MixedHeaderSets) => "mixed header sets",
        Err(SignatureError::MissingHeader(SvixHeaderName::Id)) => "no id",
        Err(SignatureError::MissingHeader(SvixHeaderName::Timestamp)) => "no timestamp",
        Err(SignatureError::MissingHeader(SvixHeaderName::Signature)) => "no signature",
        Err(SignatureError::BadId(IdError::InvalidCharacter)) => "id alphabet",
        Err(SignatureError::BadId(IdError::TooLong)) => "id length",
        Err(SignatureError::BadId(IdError::Empty | IdError::NotAUserId)) => "impossible",
        Err(SignatureError::BadTimestamp) => "bad timestamp",
        Err(SignatureError::TimestampTooOld { .. }) => "timestamp too old",
        Err(SignatureError::TimestampInFuture { .. }) => "timestamp in the future",
        Err(SignatureError::HeaderTooLong { .. }) => "header too long",
        Err(SignatureError::TooManySignatures { .. }) => "too many signatures",
        Err(SignatureError::MalformedSignature) => "malformed signature",
        Err(SignatureError::NoMatchingSignature) => "no matching signature",
    }
}

const REASONS: [&str; 13] = [
    "mixed header sets",
    "no id",
    "no timestamp",
    "no signature",
    "id alphabet",
    "id length",
    "bad timestamp",
    "timestamp too old",
    "timestamp in the future",
    "header too long",
    "too many signatures",
    "malformed signature",
    "no matching signature",
];

const DIFFERENCES: [Stricter; 10] = [
    Stricter::BothHeaderSets,
    Stricter::SentTwice,
    Stricter::BlankId,
    Stricter::LongId,
    Stricter::IdAlphabet,
    Stricter::TimestampSpelling,
    Stricter::LongHeader,
    Stricter::HeaderAlphabet,
    Stricter::ManyEntries,
    Stricter::ExtraComma,
];

/// Whether Svix's library accepts the headers and the signature.
fn svix_signature_holds(sent: &Sent, key: &[u8]) -> bool {
    let mut headers = HeaderMap::new();
    for (name, value) in &sent.headers {
        // An invalid header value never reaches Svix's library.
        let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) else {
            return false;
        };
        headers.append(HeaderName::from_static(name), value);
    }
    let webhook = Webhook::from_bytes(key.to_vec()).expect("a key");
    webhook.verify_ignoring_timestamp(&sent.body, &headers).is_ok()
}

/// Whether Svix's library would accept the time. Computed here, because the library uses the
/// machine's clock; `svix_has_the_same_tolerance` checks this function.
fn svix_time_holds(sent: &Sent, now: UnixMillis) -> bool {
    let Some(raw) = sent.either("timestamp") else {
        return false;
    };
    let Ok(signed_s) = raw.parse::<i64>() else {
        return false;
    };
    0 <= signed_s && (now.0.div_euclid(1000) - signed_s).abs() <= TOLERANCE_S
}

impl Sent {
    /// The header that Svix uses: the first of `svix-*`, otherwise the first of `webhook-*`.
    fn either(&self, field: &str) -> Option<String> {
        let first = |set: &str| {
            let named = |name: &str| name.strip_prefix(set) == Some(field);
            self.headers.iter().find(|(name, _)| named(name)).map(|(_, value)| value.clone())
        };
        first("svix-").or_else(|| first("webhook-"))
    }
}

#[derive(Debug, Default)]
struct Tally {
    reasons: BTreeMap<&'static str, usize>,
    differences: BTreeMap<Stricter, usize>,
    binary: usize,
}

impl Tally {
    fn add(&mut self, other: Self) {
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        for (difference, count) in other.differences {
            *self.differences.entry(difference).or_default() += count;
        }
        self.binary += other.binary;
    }
}

/// Verifies one case with both libraries, and compares the results.
fn compare(case: &Case, tally: &mut Tally) {
    let ours = case.sent.verify(&case.secrets, case.now);
    *tally.reasons.entry(name(ours)).or_default() += 1;
    match case.want {
        Want::Accepted => assert_eq!(ours, Ok(()), "{case:?}"),
        Want::Rejected(reason) => assert_eq!(name(ours), reason, "{case:?}"),
        Want::Either => {}
    }

    if std::str::from_utf8(&case.sent.body).is_err() {
        tally.binary += 1; // Svix does not support it: only `want` is checked.
        assert!(case.want != Want::Either, "{case:?}");
        return;
    }
    let theirs = svix_time_holds(&case.sent, case.now)
        && case.keys.iter().any(|key| svix_signature_holds(&case.sent, key));
    let difference = theirs.then(|| Stricter::find(&case.sent)).flatten();
    let agreed = match (ours, difference) {
        (outcome, None) => outcome.is_ok() == theirs,
        (Ok(()), Some(_)) => false,
        (Err(reason), Some(stricter)) => stricter.explains(reason),
    };
    assert!(agreed, "{ours:?}, Svix {theirs}, {difference:?}: {case:?}");
    if let Some(stricter) = difference {
        *tally.differences.entry(stricter).or_default() += 1;
    }
}

fn compare_shard(shard: u64) -> Tally {
    let mut dice = Dice::new(SEED + shard);
    let mut tally = Tally::default();
    for number in 0..CASES_PER_SHARD {
        // Two of five are valid.
        let kind = match number % 5 {
            0 | 1 => &VALID[number / 5 % VALID.len()],
            _ => &OTHERS[number % OTHERS.len()],
        };
        let case = Case::generate(kind, &mut dice);
        compare(&case, &mut tally);
    }
    tally
}

#[test]
fn svix_agrees_on_every_generated_delivery() {
    let mut tally = Tally::default();
    thread::scope(|scope| {
        let start = |shard| scope.spawn(move || compare_shard(shard));
        let shards: Vec<_> = (0..SHARDS).map(start).collect();
        for shard in shards {
            tally.add(shard.join().expect("agreement"));
        }
    });

    let cases: usize = tally.reasons.values().sum();
    assert!(100_000 <= cases, "only {cases}");
    let accepted = tally.reasons.remove("accepted").unwrap_or_default();
    assert!(cases <= 3 * accepted, "only {accepted} of {cases} accepted");
    assert!(1000 <= tally.binary, "{tally:?}");
    for reason in REASONS {
        let count = tally.reasons.remove(reason).unwrap_or_default();
        assert!(1000 <= count, "{reason}: only {count} refused");
    }
    assert!(tally.reasons.is_empty(), "reasons without a name: {:?}", tally.reasons);
    for difference in DIFFERENCES {
        let count = tally.differences.remove(&difference).unwrap_or_default();
        assert!(1000 <= count, "{difference:?}: only {count} cases");
    }
    assert!(tally.differences.is_empty(), "{:?}", tally.differences);
}

#[expect(clippy::disallowed_methods, reason = "Svix's library uses only this clock")]
fn clock_s() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.expect("after 1970").as_secs()).expect("before the year 292 billion")
}

/// Both results for a delivery signed `ahead_s` from the clock, within one second of the clock.
fn results_at(ahead_s: i64) -> (bool, bool, bool) {
    let (key, id, body) = (vec![7; 24], "msg_1", b"{}");
    let webhook = Webhook::from_bytes(key.clone()).unwrap();
    loop {
        let now_s = clock_s();
        let signature = webhook.sign(id, now_s + ahead_s, body).unwrap();
        let sent = Sent {
            headers: vec![
                ("svix-id", id.to_owned()),
                ("svix-timestamp", (now_s + ahead_s).to_string()),
                ("svix-signature", signature),
            ],
            body: body.to_vec(),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in &sent.headers {
            headers.insert(*name, value.parse().unwrap());
        }
        let theirs = webhook.verify(body, &headers).is_ok();
        if clock_s() == now_s {
            let now = UnixMillis(now_s * 1000 + 999);
            let ours = sent.verify(&STANDARD.encode(&key), now).is_ok();
            return (ours, theirs, svix_time_holds(&sent, now));
        }
    }
}

#[test]
fn svix_has_the_same_tolerance() {
    let negative = -clock_s() - 1;
    for (ahead_s, want) in [
        (0, true),
        (299, true),
        (300, true),
        (301, false),
        (86_400, false),
        (-299, true),
        (-300, true),
        (-301, false),
        (-86_400, false),
        (negative, false),
    ] {
        assert_eq!(results_at(ahead_s), (want, want, want), "{ahead_s} s ahead");
    }
}

/// A secret in the form of a strict decoder: padded, with zero in the unused bits of the last symbol.
fn canonical(text: &str) -> String {
    const SYMBOLS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let unpadded = text.trim_end_matches('=');
    let pads = (4 - unpadded.len() % 4) % 4;
    if pads < text.len() - unpadded.len() {
        return text.to_owned(); // Too much padding is invalid in any form.
    }
    let used = match pads {
        1 => 4,
        2 => 16,
        _ => 1,
    };
    let mut symbols: Vec<char> = unpadded.chars().collect();
    if let Some(last) = symbols.last_mut()
        && let Some(value) = SYMBOLS.find(*last)
    {
        *last = SYMBOLS.chars().nth(value - value % used).expect("a symbol");
    }
    symbols.into_iter().chain("=".repeat(pads).chars()).collect()
}

/// A random string similar to a secret.
fn secret_text(dice: &mut Dice) -> String {
    let size = dice.below(60);
    let mut text = STANDARD.encode(dice.bytes(size));
    for _ in 0..dice.below(3) {
        match dice.below(4) {
            0 => drop(text.pop()),
            1 => text.push(dice.pick(&['=', 'A', '%', '-', '_', 'z'])),
            2 => text = text.trim_end_matches('=').to_owned(),
            _ => text.insert(dice.below(text.len() + 1), dice.pick(&['=', '!', '~', '+'])),
        }
    }
    let prefix = dice.pick(&["whsec_", "whsec_", "", "", "whsec", "whsec_whsec_", "WHSEC_"]);
    format!("{prefix}{text}")
}

#[test]
fn secrets_are_parsed_as_by_svix_unless_they_are_short() {
    let mut dice = Dice::new(SEED);
    let (mut same, mut repaired, mut short, mut neither) = (0, 0, 0, 0);
    for number in 0..30_000 {
        let text = secret_text(&mut dice);
        let tail = text.strip_prefix("whsec_").unwrap_or(&text);
        let key = STANDARD.decode(canonical(tail)).ok();
        let key = key.filter(|key| KEY_BYTES_MIN <= key.len());
        let counter = match (Webhook::new(&text), WebhookSecrets::parse(&text), &key) {
            (Ok(svix), Ok(_), Some(_)) => {
                check_same_key(&svix, &text);
                &mut same
            }
            (Err(_), Ok(_), Some(key)) => {
                check_same_key(&Webhook::from_bytes(key.clone()).unwrap(), &text);
                &mut repaired
            }
            (Ok(_), Err(_), None) => &mut short,
            (Err(_), Err(_), None) => &mut neither,
            other => panic!("case {number}, {text:?}: {other:?}"),
        };
        *counter += 1;
    }
    for count in [same, repaired, short, neither] {
        assert!(
            1000 <= count,
            "{same} same, {repaired} repaired, {short} short, {neither} neither"
        );
    }
}

/// Checks that we accept what Svix signs with the same secret.
#[track_caller]
fn check_same_key(svix: &Webhook, text: &str) {
    let headers = vec![
        ("svix-id", "msg_1".to_owned()),
        ("svix-timestamp", "1700000000".to_owned()),
        ("svix-signature", svix.sign("msg_1", 1_700_000_000, b"{}").unwrap()),
    ];
    let sent = Sent { headers, body: b"{}".to_vec() };
    assert_eq!(sent.verify(text, UnixMillis(1_700_000_000_000)), Ok(()), "{text:?}");
}
