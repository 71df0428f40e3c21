//! The verifier's rules, one by one, each with the attack it stops.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::{
    SignatureError, SvixHeaderName, SvixHeaders, VerifiedBody, WebhookSecretError, WebhookSecrets,
    verify,
};
use crate::id::IdError;
use crate::time::UnixMillis;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const NOW_S: i64 = 1_614_265_330;
const BODY: &[u8] = br#"{"test": 2432232314}"#;
/// The published signature of all of the above.
const GOOD: &str = "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

/// A delivery as a Worker sees it: header names, header values, body.
struct Delivery {
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

/// The delivery of the published signature, with its signature header replaced.
fn signed_as(signature: &str) -> Delivery {
    let headers = vec![
        ("svix-id", ID.to_owned()),
        ("svix-timestamp", NOW_S.to_string()),
        ("svix-signature", signature.to_owned()),
    ];
    Delivery { headers, body: BODY.to_vec() }
}

/// A delivery signed as Svix signs it: the raw texts, with [`SECRET`].
fn delivery(id: &str, timestamp: &str, body: &[u8]) -> Delivery {
    let headers = vec![
        ("svix-id", id.to_owned()),
        ("svix-timestamp", timestamp.to_owned()),
        ("svix-signature", format!("v1,{}", sign(SECRET, id, timestamp, body))),
    ];
    Delivery { headers, body: body.to_vec() }
}

fn sign(secret: &str, id: &str, timestamp: &str, body: &[u8]) -> String {
    let key = STANDARD.decode(&secret["whsec_".len()..]).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}

impl Delivery {
    /// Sets a header, or adds another of the same name as Fetch joins them.
    fn with(mut self, name: &'static str, value: &str) -> Self {
        match self.headers.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => {
                known.push_str(", ");
                known.push_str(value);
            }
            None => self.headers.push((name, value.to_owned())),
        }
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self
    }

    fn verify(&self, secrets: &str, now: UnixMillis) -> Result<VerifiedBody<'_>, SignatureError> {
        let headers = SvixHeaders::from_fn(|name| {
            self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
        });
        verify(&headers, &self.body, &WebhookSecrets::parse(secrets).unwrap(), now)
    }
}

const NOW: UnixMillis = UnixMillis(NOW_S * 1000);

#[track_caller]
fn check(delivery: &Delivery, want: Result<(), SignatureError>) {
    check_with(delivery, SECRET, want);
}

#[track_caller]
fn check_with(delivery: &Delivery, secrets: &str, want: Result<(), SignatureError>) {
    let got = delivery.verify(secrets, NOW);
    assert_eq!(got.map(|_| ()), want, "{:?}", delivery.headers);
}

#[test]
fn w1_svix_example_is_accepted() {
    let delivery = signed_as(&format!("v1,{GOOD}"));
    let verified = delivery.verify(SECRET, NOW).unwrap();
    assert_eq!(verified.bytes(), BODY);
    assert_eq!(verified.id().as_str(), ID);
    assert_eq!(verified.attempted_at(), UnixMillis(NOW_S * 1000));
    assert_eq!(sign(SECRET, ID, &NOW_S.to_string(), BODY), GOOD);
}

#[test]
fn w2_large_bodies_are_accepted() {
    for (bytes, tag) in [
        (1 << 20, "txpEUxqWZJ5nteTnymUVa+7C4NHpBeXJ6CsBAW0c3/A="),
        (1 << 18, "Mw4Pe2WgApuT7NSqnSq0PQPV9gbLdggCl9B865x5Xh0="),
        ((1 << 18) - 1, "NTItnqyWMoFhk2Bbe5V/BMdcFRWgcSQaTgqLHX7FC7c="),
    ] {
        let delivery = Delivery { body: vec![b'a'; bytes], ..signed_as(&format!("v1,{tag}")) };
        check(&delivery, Ok(()));
    }
}

#[test]
fn w3_truncated_signatures_are_rejected() {
    check(&signed_as("v1,"), Err(SignatureError::MalformedSignature));
    for length in 1..GOOD.len() {
        check(
            &signed_as(&format!("v1,{}", &GOOD[..length])),
            Err(SignatureError::NoMatchingSignature),
        );
    }
}

#[test]
fn w4_other_tags_are_rejected() {
    let good = STANDARD.decode(GOOD).unwrap();
    let mut tags = vec![vec![0; 32], vec![0xff; 32], [good.as_slice(), &[0]].concat()];
    tags.extend((1..32).map(|bytes| good[..bytes].to_vec()));
    tags.extend((0..256).map(|bit| {
        let mut tag = good.clone();
        tag[bit / 8] ^= 1 << (bit % 8);
        tag
    }));
    for tag in tags {
        check(
            &signed_as(&format!("v1,{}", STANDARD.encode(tag))),
            Err(SignatureError::NoMatchingSignature),
        );
    }
}

#[test]
fn w4_other_spellings_of_the_tag_are_rejected() {
    let bare = GOOD.trim_end_matches('=');
    // The last symbol has two unused bits: `E` is 4, and `F` decodes to the same byte.
    let ragged = format!("{}F=", &bare[..bare.len() - 1]);
    let inner = format!("{}\t{}", &GOOD[..20], &GOOD[20..]);
    for text in [bare, &GOOD.replace('+', "-").replace('/', "_"), &ragged, &format!("{GOOD}=")] {
        check(&signed_as(&format!("v1,{text}")), Err(SignatureError::NoMatchingSignature));
    }
    check(
        &signed_as(&format!("v1,{} {}", &GOOD[..20], &GOOD[20..])),
        Err(SignatureError::NoMatchingSignature),
    );
    check(&signed_as(&format!("v1,{inner}")), Err(SignatureError::MalformedSignature));
    check(&signed_as(&format!("v1,{GOOD}\n")), Err(SignatureError::MalformedSignature));
}

#[test]
fn w5_only_an_entry_of_version_v1_counts() {
    for version in ["v2", "v1a", "V1", "v", "v11", "1"] {
        check(&signed_as(&format!("{version},{GOOD}")), Err(SignatureError::NoMatchingSignature));
    }
    check(&signed_as(GOOD), Err(SignatureError::NoMatchingSignature));
    for header in [format!("v1, {GOOD}"), format!("v1,{GOOD},extra"), format!(",{GOOD}")] {
        check(&signed_as(&header), Err(SignatureError::MalformedSignature));
    }
}

#[test]
fn w6_one_valid_signature_among_others_is_enough() {
    let bad = format!("v1,{}", STANDARD.encode([7; 32]));
    for position in 0..16 {
        let mut entries = vec![bad.clone(); 16];
        entries[position] = format!("v1,{GOOD}");
        check(&signed_as(&entries.join(" ")), Ok(()));
        check(&signed_as(&format!(" {}  ", entries.join("   "))), Ok(()));
    }
    check(&signed_as(&format!("v1a,x nonsense v2,y v1,short v1,{GOOD}")), Ok(()));
}

#[test]
fn w6_too_many_signatures_are_rejected() {
    let many = vec![format!("v1,{GOOD}"); 17].join(" ");
    check(&signed_as(&many), Err(SignatureError::TooManySignatures { entries: 17 }));

    let filled = |bytes: usize| format!("v1,{GOOD} {}", "x".repeat(bytes - 4 - GOOD.len()));
    check(&signed_as(&filled(4096)), Ok(()));
    check(&signed_as(&filled(4097)), Err(SignatureError::HeaderTooLong { bytes: 4097 }));
}

#[test]
fn w7_all_configured_secrets_are_accepted() {
    let delivery = signed_as(&format!("v1,{GOOD}"));
    for secrets in [format!("{SECRET} {OTHER}"), format!("{OTHER},{SECRET}")] {
        check_with(&delivery, &secrets, Ok(()));
    }
    check_with(&delivery, OTHER, Err(SignatureError::NoMatchingSignature));
}

#[track_caller]
fn check_secrets(raw: &str, want: Result<usize, WebhookSecretError>) {
    assert_eq!(WebhookSecrets::parse(raw).map(|secrets| secrets.count()), want, "{raw:?}");
}

#[test]
fn w8_one_invalid_secret_invalidates_the_list() {
    for raw in ["", " ", ",", " , ,, ", "\n"] {
        check_secrets(raw, Err(WebhookSecretError::Missing));
    }
    check_secrets("whsec_", Err(WebhookSecretError::Short { position: 1, bytes: 0 }));
    check_secrets("whsec_wronglength", Err(WebhookSecretError::Short { position: 1, bytes: 8 }));
    check_secrets(
        "whsec_AAAAAAAAAAAAAAAAAAAA",
        Err(WebhookSecretError::Short { position: 1, bytes: 15 }),
    );
    for raw in ["whsec_%", "whsec_whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "undefined!", "="] {
        check_secrets(raw, Err(WebhookSecretError::Undecodable { position: 1 }));
    }
    for prefix in ["whpk_", "whsk_"] {
        let raw = format!("{SECRET} {prefix}1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=");
        check_secrets(&raw, Err(WebhookSecretError::Asymmetric { position: 2 }));
    }
    let blank_member = format!("{SECRET},whsec_,{OTHER}");
    check_secrets(&blank_member, Err(WebhookSecretError::Short { position: 2, bytes: 0 }));
}

#[test]
fn w8_repeated_separators_are_ignored() {
    check_secrets(&format!(" ,{SECRET} ,, {OTHER}\r\n"), Ok(2));
    check_secrets("whsec_AAAAAAAAAAAAAAAAAAAAAA==", Ok(1));
}

#[test]
fn w9_a_secret_without_padding_is_accepted_and_weak_ones_are_counted() {
    let short = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS";
    let longer = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwBr";
    // The same keys in the strict form: 23 bytes and 25.
    for (pasted, canonical, weak) in [
        (short, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaQ=", 1),
        (longer, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwBg==", 0),
    ] {
        let tag = sign(canonical, ID, &NOW_S.to_string(), BODY);
        check_with(&signed_as(&format!("v1,{tag}")), pasted, Ok(()));
        assert_eq!(WebhookSecrets::parse(pasted).unwrap().weak_count(), weak, "{pasted}");
    }
    assert_eq!(
        WebhookSecrets::parse(&format!("{short} {longer} {SECRET}")).unwrap().weak_count(),
        1
    );
}

#[test]
fn w8_secrets_are_never_printed() {
    assert_eq!(
        format!("{:?}", WebhookSecrets::parse(SECRET).unwrap()),
        "WebhookSecrets([redacted])"
    );
    let error = WebhookSecrets::parse("whsec_hunter2!").unwrap_err();
    assert_eq!(error.to_string(), "webhook secret 1 is not base64");
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[track_caller]
fn check_time(timestamp: &str, now_ms: i64, want: Result<(), SignatureError>) {
    let delivery = delivery(ID, timestamp, BODY);
    let got = delivery.verify(SECRET, UnixMillis(now_ms)).map(|_| ());
    assert_eq!(got, want, "{timestamp:?} at {now_ms}");
}

#[test]
fn w10_timestamp_tolerance_is_five_minutes() {
    let signed = NOW_S.to_string();
    for (off_s, want) in [
        (300, Ok(())),
        (301, Err(SignatureError::TimestampTooOld { age_s: 301 })),
        (-300, Ok(())),
        (-301, Err(SignatureError::TimestampInFuture { ahead_s: 301 })),
    ] {
        check_time(&signed, (NOW_S + off_s) * 1000, want);
        check_time(&signed, (NOW_S + off_s) * 1000 + 999, want);
    }
}

#[test]
fn w10_a_timestamp_has_one_spelling() {
    for raw in [
        "1e9",
        "1614265330.0",
        "+1614265330",
        "01614265330",
        "0x60377a32",
        "-1",
        "1614265330 ",
        " 1614265330",
        "１６１４２６５３３０",
        "1614265330, 1614265330",
        "1,614,265,330",
        "00",
        "-0",
        "9223372036854775808",
        "99999999999999999999999999",
        "1000000000000000",
    ] {
        check_time(raw, NOW.0, Err(SignatureError::BadTimestamp));
    }
    for raw in ["", " ", "\t "] {
        check_time(raw, NOW.0, Err(SignatureError::MissingHeader(SvixHeaderName::Timestamp)));
    }
}

#[test]
fn w10_extreme_timestamps_do_not_overflow() {
    let last = "999999999999999";
    check_time("0", 0, Ok(()));
    check_time("0", -1, Ok(()));
    check_time("0", i64::MAX, Err(SignatureError::TimestampTooOld { age_s: i64::MAX / 1000 }));
    let ahead_s = 999_999_999_999_999 + i64::MAX / 1000 + 1;
    check_time(last, i64::MIN, Err(SignatureError::TimestampInFuture { ahead_s }));
    check_time(last, 999_999_999_999_999_000, Ok(()));
}

#[test]
fn w11_an_id_that_could_shift_field_boundaries_is_rejected() {
    for raw in ["msg.1", "msg,1", "msg 1", "msg\n1", "msg\u{0}", "msg_é", " msg_1", "msg_1\t"] {
        let want = Err(SignatureError::BadId(IdError::InvalidCharacter));
        check(&delivery(raw, &NOW_S.to_string(), BODY), want);
    }
    let long = "m".repeat(257);
    check(&delivery(&long, &NOW_S.to_string(), BODY), Err(SignatureError::BadId(IdError::TooLong)));
    check(&delivery(&long[..256], &NOW_S.to_string(), BODY), Ok(()));
    for raw in ["", "  "] {
        let want = Err(SignatureError::MissingHeader(SvixHeaderName::Id));
        check(&delivery(raw, &NOW_S.to_string(), BODY), want);
    }
}

#[test]
fn w11_a_signature_is_not_valid_with_other_field_boundaries() {
    // `{id}.{timestamp}.{body}` is the same text for both; only one of them was signed.
    let text = format!("{NOW_S}.{{}}");
    let meant = delivery("msg_1", &NOW_S.to_string(), text.as_bytes());
    check(&meant, Ok(()));
    let signature = meant.headers[2].1.clone();
    let moved = Delivery { body: b"{}".to_vec(), ..signed_as(&signature) }
        .without("svix-id")
        .with("svix-id", &format!("msg_1.{NOW_S}"));
    check(&moved, Err(SignatureError::BadId(IdError::InvalidCharacter)));
}

#[test]
fn w12_a_header_sent_twice_is_rejected_even_if_one_half_is_valid() {
    let good = format!("v1,{GOOD}");
    let bad = format!("v1,{}", STANDARD.encode([7; 32]));
    let sent = || signed_as(&good);
    for second in [good.as_str(), &bad, "", "x"] {
        check(&sent().with("svix-signature", second), Err(SignatureError::MalformedSignature));
        check(
            &signed_as(second).with("svix-signature", &good),
            Err(SignatureError::MalformedSignature),
        );
    }
    for second in [ID, "msg_2", ""] {
        let want = Err(SignatureError::BadId(IdError::InvalidCharacter));
        check(&sent().with("svix-id", second), want);
    }
    for second in ["1614265330", "0", ""] {
        check(&sent().with("svix-timestamp", second), Err(SignatureError::BadTimestamp));
    }
}

#[test]
fn w13_mixed_header_sets_are_rejected() {
    let unbranded = || {
        Delivery { headers: Vec::new(), body: BODY.to_vec() }
            .with("webhook-id", ID)
            .with("webhook-timestamp", &NOW_S.to_string())
            .with("webhook-signature", &format!("v1,{GOOD}"))
    };
    check(&unbranded(), Ok(()));
    for name in ["svix-id", "svix-timestamp", "svix-signature"] {
        check(&unbranded().with(name, "other"), Err(SignatureError::MixedHeaderSets));
        check(&unbranded().with(name, ""), Err(SignatureError::MixedHeaderSets));
    }
    let both = signed_as(&format!("v1,{GOOD}")).with("webhook-id", ID);
    check(&both, Err(SignatureError::MixedHeaderSets));
    check(&both.without("svix-id"), Err(SignatureError::MixedHeaderSets));
}

#[test]
fn w13_each_header_is_required() {
    let sent = || signed_as(&format!("v1,{GOOD}"));
    for (name, field) in [
        ("svix-id", SvixHeaderName::Id),
        ("svix-timestamp", SvixHeaderName::Timestamp),
        ("svix-signature", SvixHeaderName::Signature),
    ] {
        check(&sent().without(name), Err(SignatureError::MissingHeader(field)));
        let blank = sent().without(name).with(name, " \t ");
        check(&blank, Err(SignatureError::MissingHeader(field)));
    }
    check(
        &Delivery { headers: Vec::new(), body: Vec::new() },
        Err(SignatureError::MissingHeader(SvixHeaderName::Id)),
    );
}

#[test]
fn w14_the_signature_covers_every_byte_of_the_body() {
    let bom = [b"\xef\xbb\xbf", BODY].concat();
    let mut bodies = vec![bom, [BODY, b"\r\n"].concat(), [BODY, b"\0"].concat(), Vec::new()];
    bodies.push(br#"{"test":2432232314}"#.to_vec());
    bodies.extend((0..BODY.len()).map(|at| {
        let mut body = BODY.to_vec();
        body[at] ^= 1;
        body
    }));
    for body in bodies {
        let delivery = Delivery { body, ..signed_as(&format!("v1,{GOOD}")) };
        check(&delivery, Err(SignatureError::NoMatchingSignature));
    }
}

#[test]
fn w14_the_signature_covers_id_and_timestamp() {
    let good = format!("v1,{GOOD}");
    let other_id = signed_as(&good).without("svix-id").with("svix-id", "msg_other");
    check(&other_id, Err(SignatureError::NoMatchingSignature));
    let later = (NOW_S + 1).to_string();
    let moved = signed_as(&good).without("svix-timestamp").with("svix-timestamp", &later);
    check(&moved, Err(SignatureError::NoMatchingSignature));
}

#[test]
fn w15_a_binary_body_is_accepted() {
    for body in [b"\xff\xfe\x00".as_slice(), b"", b"\xed\xa0\x80"] {
        check(&delivery(ID, &NOW_S.to_string(), body), Ok(()));
    }
}

#[test]
fn w18_a_repeated_delivery_is_accepted() {
    let delivery = signed_as(&format!("v1,{GOOD}"));
    for _ in 0..1000 {
        check(&delivery, Ok(()));
    }
}

#[test]
fn w21_errors_reveal_no_expected_value() {
    let refused = Delivery { body: b"canary".to_vec(), ..signed_as(&format!("v1,{GOOD}")) };
    let reason = refused.verify(SECRET, NOW).unwrap_err();
    assert_eq!(
        (reason, reason.to_string()),
        (SignatureError::NoMatchingSignature, "no signature matches".into())
    );
    let valid = delivery(ID, &NOW_S.to_string(), b"canary");
    let shown = format!("{:?}", valid.verify(SECRET, NOW).unwrap());
    assert!(
        shown.contains(ID) && !shown.contains("canary") && !shown.contains("99, 97"),
        "{shown}"
    );
}

#[test]
fn w23_a_signature_of_another_endpoint_is_rejected() {
    let tag = sign(OTHER, ID, &NOW_S.to_string(), BODY);
    check(&signed_as(&format!("v1,{tag}")), Err(SignatureError::NoMatchingSignature));
}
