//! Generates valid deliveries, and deliveries that are invalid in one known way each.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use shared::signature::{SIGNATURE_BYTES_MAX, SIGNATURE_ENTRIES_MAX, TOLERANCE_S};
use shared::time::UnixMillis;

use super::Sent;
use super::dice::Dice;

/// A delivery, the secrets and the time it is verified with, and the expected result.
#[derive(Debug)]
pub(super) struct Case {
    #[expect(dead_code, reason = "printed when the case fails")]
    kind: &'static str,
    pub(super) sent: Sent,
    pub(super) keys: Vec<Vec<u8>>,
    pub(super) secrets: String,
    pub(super) now: UnixMillis,
    pub(super) want: Want,
}

/// The expected result of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    Accepted,
    Rejected(&'static str),
    /// Random: only the agreement of the two libraries is checked.
    Either,
}

/// A kind of case: what is changed before signing, and what afterwards.
pub(super) struct Kind {
    name: &'static str,
    want: Want,
    before: Change,
    after: Change,
}

type Change = fn(&mut Draft, &mut Dice);

const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

const FIELDS: [&str; 3] = ["id", "timestamp", "signature"];

/// A delivery that is being generated. `entries` and `headers` are empty before it is signed.
struct Draft {
    keys: Vec<Vec<u8>>,
    signer: Vec<u8>,
    now_s: i64,
    header_set: &'static str,
    id: String,
    timestamp: String,
    body: Vec<u8>,
    tag: [u8; 32],
    entries: Vec<String>,
    headers: Vec<(&'static str, String)>,
}

impl Case {
    pub(super) fn generate(kind: &Kind, dice: &mut Dice) -> Self {
        let mut draft = Draft::random(dice);
        (kind.before)(&mut draft, dice);
        draft.sign(dice);
        (kind.after)(&mut draft, dice);
        if draft.headers.is_empty() {
            draft.write_headers();
        }
        Self {
            kind: kind.name,
            secrets: secrets(&draft.keys, dice),
            now: UnixMillis(draft.now_s * 1000 + dice.between(0, 999)),
            sent: Sent { headers: draft.headers, body: draft.body },
            keys: draft.keys,
            want: kind.want,
        }
    }
}

impl Draft {
    fn random(dice: &mut Dice) -> Self {
        let keys: Vec<Vec<u8>> = (0..=dice.below(3))
            .map(|_| {
                let size = 16 + dice.below(70);
                dice.bytes(size)
            })
            .collect();
        let now_s = dice.between(1_600_000_000, 1_900_000_000);
        let id_length = 1 + dice.below(40);
        let body_length = dice.below(120);
        Self {
            signer: keys[dice.below(keys.len())].clone(),
            keys,
            now_s,
            header_set: if dice.once_in(4) { "webhook" } else { "svix" },
            id: format!("msg_{}", dice.text(LETTERS, id_length)),
            timestamp: (now_s + dice.between(-290, 290)).to_string(),
            body: dice.text("{}\":,. \n\r\tabcdé🦀0", body_length).into_bytes(),
            tag: [0; 32],
            entries: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// Signs as Svix does, among up to four other signatures. What Svix signs is the number in the
    /// timestamp, if there is one.
    fn sign(&mut self, dice: &mut Dice) {
        let number = self.timestamp.parse::<i64>().map(|number| number.to_string());
        let timestamp = number.as_ref().unwrap_or(&self.timestamp);
        self.tag = tag(&self.signer, &self.id, timestamp, &self.body);
        self.entries = vec![format!("v1,{}", STANDARD.encode(self.tag))];
        for _ in 0..dice.below(5) {
            self.add(dice);
        }
    }

    /// Adds an entry that does not match.
    fn add(&mut self, dice: &mut Dice) {
        let entry = match dice.below(6) {
            0 => format!("v1a,{}", STANDARD.encode(dice.bytes(64))),
            1 => format!("v2,{}", STANDARD.encode(self.tag)),
            2 => "nonsense".to_owned(),
            3 => "v1,short".to_owned(),
            _ => format!("v1,{}", STANDARD.encode(dice.bytes(32))),
        };
        self.insert(entry, dice);
    }

    fn insert(&mut self, entry: String, dice: &mut Dice) {
        self.entries.insert(dice.below(self.entries.len() + 1), entry);
    }

    /// Replaces every valid entry.
    fn replace(&mut self, entry: &str) {
        let genuine = format!("v1,{}", STANDARD.encode(self.tag));
        for known in &mut self.entries {
            if *known == genuine {
                entry.clone_into(known);
            }
        }
    }

    /// Writes the headers. Later changes to the draft do not affect them.
    fn write_headers(&mut self) {
        self.headers = vec![
            (header(self.header_set, "id"), self.id.clone()),
            (header(self.header_set, "timestamp"), self.timestamp.clone()),
            (header(self.header_set, "signature"), self.entries.join(" ")),
        ];
    }

    fn other_header_set(&self) -> &'static str {
        if self.header_set == "svix" { "webhook" } else { "svix" }
    }

    /// Removes a header, or makes it blank.
    fn remove_or_blank(&mut self, field: &str, dice: &mut Dice) {
        self.write_headers();
        let name = header(self.header_set, field);
        match dice.below(3) {
            0 => self.headers.retain(|(known, _)| *known != name),
            1 => *self.value(name) = String::new(),
            _ => *self.value(name) = "  ".to_owned(),
        }
    }

    /// Sends a header twice: the valid one and another, in either order.
    fn twice(&mut self, field: &str, second: &str, dice: &mut Dice) {
        self.write_headers();
        let at = dice.below(4);
        self.headers.insert(at, (header(self.header_set, field), second.to_owned()));
    }

    fn value(&mut self, name: &str) -> &mut String {
        let found = self.headers.iter_mut().find(|(known, _)| *known == name);
        &mut found.expect("all three headers are written").1
    }
}

fn header(header_set: &str, field: &str) -> &'static str {
    match (header_set, field) {
        ("svix", "id") => "svix-id",
        ("svix", "timestamp") => "svix-timestamp",
        ("svix", "signature") => "svix-signature",
        ("webhook", "id") => "webhook-id",
        ("webhook", "timestamp") => "webhook-timestamp",
        ("webhook", "signature") => "webhook-signature",
        other => panic!("no such header: {other:?}"),
    }
}

/// The HMAC, computed by another library than the verifier's.
fn tag(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> [u8; 32] {
    let text = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
    hmac_sha256::HMAC::mac(text, key)
}

/// The list of secrets, with random separators and padding.
fn secrets(keys: &[Vec<u8>], dice: &mut Dice) -> String {
    let mut list = String::new();
    for key in keys {
        list.push_str(dice.pick(&["whsec_", ""]));
        let text = if dice.once_in(3) { STANDARD_NO_PAD.encode(key) } else { STANDARD.encode(key) };
        list.push_str(&text);
        list.push_str(dice.pick(&[" ", ",", ", ", "  ", " ,, "]));
    }
    list
}

/// Changes one random character.
fn edit(text: &mut String, dice: &mut Dice) {
    let mut symbols: Vec<char> = text.chars().collect();
    let at = dice.below(symbols.len() + 1);
    let symbol = dice.text("0179+-., aZvé=/\t\n", 1).remove(0);
    match dice.below(3) {
        0 => symbols.insert(at, symbol),
        1 if at < symbols.len() => symbols[at] = symbol,
        _ => drop(symbols.drain(at.saturating_sub(1)..at)),
    }
    *text = symbols.into_iter().collect();
}

const fn keep(_: &mut Draft, _: &mut Dice) {}

const fn valid(name: &'static str, before: Change, after: Change) -> Kind {
    Kind { name, want: Want::Accepted, before, after }
}

const fn invalid(name: &'static str, reason: &'static str, before: Change, after: Change) -> Kind {
    Kind { name, want: Want::Rejected(reason), before, after }
}

const fn random(name: &'static str, before: Change, after: Change) -> Kind {
    Kind { name, want: Want::Either, before, after }
}

pub(super) const VALID: [Kind; 9] = [
    valid("plain", keep, keep),
    valid("no body", |draft, _| draft.body.clear(), keep),
    valid("body that is not UTF-8", |draft, _| draft.body.push(0xff), keep),
    valid("odd id", odd_id, keep),
    valid("at the limit of the tolerance", at_the_tolerance, keep),
    valid("signed with all secrets", keep, signed_with_all_secrets),
    valid("maximum of entries", keep, |draft, dice| fill(draft, SIGNATURE_ENTRIES_MAX, dice)),
    valid("maximum header length", keep, |draft, _| stretch(draft, SIGNATURE_BYTES_MAX)),
    valid("spaces between the entries", keep, spaces),
];

pub(super) const OTHERS: [Kind; 36] = [
    invalid("no id", "no id", keep, |draft, dice| draft.remove_or_blank("id", dice)),
    invalid("no timestamp", "no timestamp", keep, |draft, dice| {
        draft.remove_or_blank("timestamp", dice);
    }),
    invalid("no signature", "no signature", keep, |draft, dice| {
        draft.remove_or_blank("signature", dice);
    }),
    invalid("blank id, signed", "no id", blank_id, keep),
    invalid("a header of the other set too", "mixed header sets", keep, mixed_in),
    invalid("a header with the other set's name", "mixed header sets", keep, moved_over),
    invalid("id with a separator", "id alphabet", id_with_a_separator, keep),
    invalid("id that is invalid in a header", "id alphabet", id_unfit_for_http, keep),
    invalid("long id", "id length", long_id, keep),
    invalid("timestamp with sign or zeros", "bad timestamp", keep, signed_timestamp),
    invalid("timestamp that is not a number", "bad timestamp", not_a_number, keep),
    invalid("too old", "timestamp too old", |draft, dice| shift(draft, -1, dice), keep),
    invalid("in the future", "timestamp in the future", |draft, dice| shift(draft, 1, dice), keep),
    invalid("many entries", "too many signatures", keep, many_entries),
    invalid("long header", "header too long", keep, long_header),
    invalid("extra comma", "malformed signature", keep, extra_comma),
    invalid("tab in the signatures", "malformed signature", keep, tab),
    invalid("non-ASCII signatures", "malformed signature", keep, non_ascii),
    invalid("id twice", "id alphabet", keep, id_twice),
    invalid("timestamp twice", "bad timestamp", keep, timestamp_twice),
    invalid("signature twice", "malformed signature", keep, signature_twice),
    invalid("another endpoint's secret", "no matching signature", another_secret, keep),
    invalid("another body", "no matching signature", keep, another_body),
    invalid("another body that is not UTF-8", "no matching signature", keep, |draft, _| {
        draft.body.push(0xff);
    }),
    invalid("another id", "no matching signature", keep, |draft, _| draft.id.push('x')),
    invalid("another timestamp", "no matching signature", keep, another_timestamp),
    invalid("a bit of the tag", "no matching signature", keep, flipped_bit),
    invalid("a part of the tag", "no matching signature", keep, cut_tag),
    invalid("more than the tag", "no matching signature", keep, stretched_tag),
    invalid("another spelling of the tag", "no matching signature", keep, spelled_otherwise),
    invalid("another version", "no matching signature", keep, another_version),
    invalid("the tag alone", "no matching signature", keep, the_tag_alone),
    invalid("space in the tag", "no matching signature", keep, space_in_the_tag),
    random("edits before signing", edits_before, keep),
    random("edits after signing", keep, edits_after),
    random("random pieces of signatures", keep, random_pieces),
];

fn odd_id(draft: &mut Draft, dice: &mut Dice) {
    let length = dice.pick(&[1, 2, 31, 255, 256]);
    draft.id = dice.text("!\"#$%&'()*+-/:;<=>?@[\\]^_`{|}~0aZ", length);
}

fn at_the_tolerance(draft: &mut Draft, dice: &mut Dice) {
    draft.timestamp = (draft.now_s + dice.pick(&[-TOLERANCE_S, TOLERANCE_S])).to_string();
}

/// One signature for each secret, as Svix sends them while a secret is being replaced.
fn signed_with_all_secrets(draft: &mut Draft, _: &mut Dice) {
    let sign = |key: &Vec<u8>| {
        let tag = tag(key, &draft.id, &draft.timestamp, &draft.body);
        format!("v1,{}", STANDARD.encode(tag))
    };
    draft.entries = draft.keys.iter().map(sign).collect();
}

fn fill(draft: &mut Draft, entries: usize, dice: &mut Dice) {
    while draft.entries.len() < entries {
        draft.add(dice);
    }
}

fn stretch(draft: &mut Draft, bytes: usize) {
    let taken = draft.entries.join(" ").len() + 1;
    draft.entries.push("x".repeat(bytes - taken));
}

fn spaces(draft: &mut Draft, dice: &mut Dice) {
    for _ in 0..=dice.below(20) {
        draft.insert(String::new(), dice);
    }
}

fn blank_id(draft: &mut Draft, dice: &mut Dice) {
    draft.id = dice.pick(&["", " ", "   ", "\t"]).to_owned();
}

fn mixed_in(draft: &mut Draft, dice: &mut Dice) {
    draft.write_headers();
    let field = dice.pick(&FIELDS);
    let value = match dice.below(3) {
        0 => String::new(),
        1 => "other".to_owned(),
        _ => draft.value(header(draft.header_set, field)).clone(),
    };
    draft.headers.insert(dice.below(4), (header(draft.other_header_set(), field), value));
}

fn moved_over(draft: &mut Draft, dice: &mut Dice) {
    draft.write_headers();
    let at = dice.below(3);
    draft.headers[at].0 = header(draft.other_header_set(), FIELDS[at]);
}

fn id_with_a_separator(draft: &mut Draft, dice: &mut Dice) {
    let at = dice.below(draft.id.len() + 1);
    draft.id.insert(at, dice.pick(&['.', ',', ' ']));
}

fn id_unfit_for_http(draft: &mut Draft, dice: &mut Dice) {
    let at = dice.below(draft.id.len() + 1);
    draft.id.insert(at, dice.pick(&['é', '\n', '\0', '\u{7f}', '\t', '\u{2024}']));
}

fn long_id(draft: &mut Draft, dice: &mut Dice) {
    let length = 257 + dice.below(300);
    draft.id = dice.text(LETTERS, length);
}

/// Svix verifies the number, so its signature is still valid.
fn signed_timestamp(draft: &mut Draft, dice: &mut Dice) {
    let sign = dice.pick(&["+", "0", "00", "+0", "0000000000"]);
    draft.timestamp.insert_str(0, sign);
}

fn not_a_number(draft: &mut Draft, dice: &mut Dice) {
    let timestamp = &draft.timestamp;
    draft.timestamp = match dice.below(8) {
        0 => format!("{timestamp}.0"),
        1 => format!("-{timestamp}"),
        2 => format!(" {timestamp}"),
        3 => format!("{timestamp} "),
        4 => "1e9".to_owned(),
        5 => format!("{timestamp}000000000000"),
        6 => format!("0x{timestamp}"),
        _ => timestamp.chars().map(|digit| if digit == '1' { '１' } else { digit }).collect(),
    };
}

fn shift(draft: &mut Draft, direction: i64, dice: &mut Dice) {
    let far = TOLERANCE_S + dice.pick(&[1, 2, 60, 86_400, 1_000_000_000]);
    draft.timestamp = (draft.now_s + direction * far).to_string();
}

fn many_entries(draft: &mut Draft, dice: &mut Dice) {
    let entries = SIGNATURE_ENTRIES_MAX + 1 + dice.below(20);
    fill(draft, entries, dice);
}

fn long_header(draft: &mut Draft, dice: &mut Dice) {
    stretch(draft, SIGNATURE_BYTES_MAX + 1 + dice.below(1000));
}

fn extra_comma(draft: &mut Draft, dice: &mut Dice) {
    let genuine = draft.entries[0].clone();
    let entry = match dice.below(6) {
        0 => "v1,".to_owned(),
        1 => ",".to_owned(),
        2 => ",x".to_owned(),
        3 => "a,b,c".to_owned(),
        4 => format!("{genuine},"),
        _ => format!(",{genuine}"),
    };
    draft.insert(entry, dice);
}

fn tab(draft: &mut Draft, dice: &mut Dice) {
    let entry = dice.pick(&["\t", "x\ty", "v1,\t", "\tv1,x"]).to_owned();
    draft.insert(entry, dice);
}

fn non_ascii(draft: &mut Draft, dice: &mut Dice) {
    draft.insert(dice.pick(&["é", "v1,é", "ｖ1,x", "x\ny"]).to_owned(), dice);
}

fn id_twice(draft: &mut Draft, dice: &mut Dice) {
    let second = if dice.once_in(2) { draft.id.clone() } else { "msg_other".to_owned() };
    draft.twice("id", &second, dice);
}

fn timestamp_twice(draft: &mut Draft, dice: &mut Dice) {
    let second = if dice.once_in(2) { draft.timestamp.clone() } else { "0".to_owned() };
    draft.twice("timestamp", &second, dice);
}

fn signature_twice(draft: &mut Draft, dice: &mut Dice) {
    let second = match dice.below(3) {
        0 => draft.entries.join(" "),
        1 => String::new(),
        _ => "v1,x".to_owned(),
    };
    draft.twice("signature", &second, dice);
}

fn another_secret(draft: &mut Draft, dice: &mut Dice) {
    draft.signer = dice.bytes(24);
}

fn another_body(draft: &mut Draft, dice: &mut Dice) {
    match dice.below(4) {
        0 => draft.body.splice(0..0, *b"\xef\xbb\xbf").for_each(drop),
        1 => draft.body.extend_from_slice(b"\r\n"),
        2 => draft.body.push(0),
        _ => draft.body.insert(0, b' '),
    }
}

fn another_timestamp(draft: &mut Draft, dice: &mut Dice) {
    let timestamp: i64 = draft.timestamp.parse().expect("a number before it is changed");
    draft.timestamp = (timestamp + dice.pick(&[-9, -1, 1, 9])).to_string();
}

fn flipped_bit(draft: &mut Draft, dice: &mut Dice) {
    let mut tag = draft.tag;
    tag[dice.below(32)] ^= 1 << dice.below(8);
    draft.replace(&format!("v1,{}", STANDARD.encode(tag)));
}

fn cut_tag(draft: &mut Draft, dice: &mut Dice) {
    let text = STANDARD.encode(draft.tag);
    draft.replace(&match dice.below(2) {
        0 => format!("v1,{}", &text[..=dice.below(text.len() - 1)]),
        _ => format!("v1,{}", STANDARD.encode(&draft.tag[..=dice.below(31)])),
    });
}

fn stretched_tag(draft: &mut Draft, dice: &mut Dice) {
    let mut tag = draft.tag.to_vec();
    tag.extend(vec![0; 1 + dice.below(32)]);
    draft.replace(&format!("v1,{}", STANDARD.encode(tag)));
}

fn spelled_otherwise(draft: &mut Draft, dice: &mut Dice) {
    let text = STANDARD.encode(draft.tag);
    let bare = text.trim_end_matches('=');
    let last = bare.as_bytes()[42];
    // The next symbol of the alphabet decodes to the same tag, but for two unused bits.
    let unused_bits_set = match last {
        b'8' => '9',
        b'w' => 'x',
        other => char::from(other + 1),
    };
    let url_safe = URL_SAFE.encode(draft.tag);
    let other = match dice.below(4) {
        0 if url_safe != text => url_safe,
        1 => format!("{}{unused_bits_set}=", &bare[..42]),
        2 => format!("{text}="),
        _ => bare.to_owned(),
    };
    draft.replace(&format!("v1,{other}"));
}

fn another_version(draft: &mut Draft, dice: &mut Dice) {
    let version = dice.pick(&["v2", "v1a", "V1", "v", "v11", "1", "v1.", "v01"]);
    draft.replace(&format!("{version},{}", STANDARD.encode(draft.tag)));
}

fn the_tag_alone(draft: &mut Draft, _: &mut Dice) {
    draft.replace(&STANDARD.encode(draft.tag));
}

fn space_in_the_tag(draft: &mut Draft, dice: &mut Dice) {
    let text = STANDARD.encode(draft.tag);
    let (head, tail) = text.split_at(1 + dice.below(text.len() - 1));
    draft.replace(&format!("v1,{head} {tail}"));
}

fn edits_before(draft: &mut Draft, dice: &mut Dice) {
    for _ in 0..=dice.below(2) {
        match dice.below(2) {
            0 => edit(&mut draft.id, dice),
            _ => edit(&mut draft.timestamp, dice),
        }
    }
}

fn edits_after(draft: &mut Draft, dice: &mut Dice) {
    draft.write_headers();
    for _ in 0..=dice.below(2) {
        edit(&mut draft.headers[dice.below(3)].1, dice);
    }
}

fn random_pieces(draft: &mut Draft, dice: &mut Dice) {
    let genuine = STANDARD.encode(draft.tag);
    let whole = format!(" v1,{genuine} ");
    let other = STANDARD.encode(dice.bytes(32));
    let ingredients = [
        " ", "  ", ",", ", ", "v1,", "v1", "v2,", "v1a,", "=", "\t", "a", &genuine, &whole, &whole,
        &other,
    ];
    let header: String = (0..=dice.below(9)).map(|_| dice.pick(&ingredients)).collect();
    draft.entries = vec![header];
}
