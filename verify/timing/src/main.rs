//! Whether the time that the door takes tells anything of a signature.
//!
//! `dudect-bencher` measures two classes of deliveries in random order and asks by Welch's t-test
//! whether their times differ (Reparaz, Balasch, Verbauwhede: "Dude, is my code constant time?",
//! <https://eprint.iacr.org/2016/1123>). Below 5 a difference was not found in a million samples.
//!
//! - Without a prefix: the classes differ in how much of the secret's tag they guess. They must
//!   not be told apart: who could would find a tag byte by byte.
//! - `public-…`: the classes differ in their form alone, which the sender chose and knows. They
//!   may be told apart, and are shown so that nobody wonders.
//! - `control-…`: a comparison that stops at the first wrong byte. It must be told apart, else
//!   the bench sees nothing.
//!
//! What this does not show: that there is no difference, only that none as large as the control's
//! was seen; and nothing of wasm in workerd, whose clock stands still during a request, or of what
//! lies between. On a busy machine noise hides small differences and rarely makes one: a class
//! that fails is to be run again alone, and when it fails again with a `t` that grows with the
//! samples, the code leaks.

use std::hint::black_box;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dudect_bencher::ctbench::{BenchFn, BenchMetadata, BenchName, BenchOpts, run_benches_console};
use dudect_bencher::rand::Rng as _;
use dudect_bencher::{BenchRng, Class, CtRunner};
use shared::signature::{SvixHeaders, WebhookSecretError, WebhookSecrets, verify};
use shared::time::UnixMillis;

/// Deliveries of each bench, both classes together.
const SAMPLES: usize = 1_000_000;

/// The same dice in each run: only the clock differs.
const SEED: u64 = 0x726f_6c65_6361_6c6c;

const BENCHES: [(&str, BenchFn); 8] = [
    ("right-prefix-or-none", right_prefix_or_none),
    ("first-or-last-byte-wrong", first_or_last_byte_wrong),
    ("near-one-key-or-the-other", near_one_key_or_the_other),
    ("unknown-version-right-or-wrong", unknown_version_right_or_wrong),
    ("bad-base64-right-or-wrong", bad_base64_right_or_wrong),
    ("public-unknown-version-or-wrong", public_unknown_version_or_wrong),
    ("public-bad-base64-or-wrong", public_bad_base64_or_wrong),
    ("control-stops-at-the-first-wrong-byte", control),
];

fn main() -> io::Result<()> {
    let filter = std::env::args().nth(1);
    let bench =
        |(name, benchfn)| BenchMetadata { name: BenchName(name), seed: Some(SEED), benchfn };
    let options = BenchOpts { filter, ..BenchOpts::default() };
    run_benches_console(options, BENCHES.map(bench).into())
}

const KEYS: [&[u8]; 2] = [b"the first key of two, 32 bytes..", b"and the other one, of 32 bytes.."];

const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";

const AT_S: &str = "1700000000";

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

/// The least that Clerk could send: the rest of a body only adds noise.
const BODY: &[u8] = br#"{"type":"user.updated"}"#;

type Tag = [u8; 32];

fn tag(key: &[u8]) -> Tag {
    let signed = [ID.as_bytes(), b".", AT_S.as_bytes(), b".", BODY].concat();
    hmac_sha256::HMAC::mac(signed, key)
}

fn random(rng: &mut BenchRng) -> Tag {
    let mut tag = [0; 32];
    rng.fill_bytes(&mut tag);
    tag
}

/// The tag with one byte changed.
fn spoilt(mut tag: Tag, at: usize) -> Tag {
    if let Some(byte) = tag.get_mut(at) {
        *byte ^= 0x80;
    }
    tag
}

fn entry(version: &str, tag: &Tag) -> String {
    format!("{version},{}", STANDARD.encode(tag))
}

/// The same length, and a last symbol that no base64 has.
fn cut(tag: &Tag) -> String {
    let mut entry = entry("v1", tag);
    entry.pop();
    entry + "!"
}

/// Times `verify` on the one or the other of what `pair` makes. Both are made each time and in the
/// same way, so that nothing but their content differs.
fn measure(
    runner: &mut CtRunner,
    rng: &mut BenchRng,
    pair: impl Fn(&mut BenchRng) -> (String, String),
) {
    let Ok(secrets) = secrets() else { return };
    for _ in 0..SAMPLES {
        let (left, right) = pair(rng);
        let is_left = rng.next_u32().is_multiple_of(2);
        let (class, signature) =
            if is_left { (Class::Left, &left) } else { (Class::Right, &right) };
        let headers = SvixHeaders::from_fn(|name| match name {
            "svix-id" => Some(ID.to_owned()),
            "svix-timestamp" => Some(AT_S.to_owned()),
            "svix-signature" => Some(signature.clone()),
            _ => None,
        });
        runner.run_one(class, || verify(black_box(&headers), BODY, &secrets, NOW).is_ok());
    }
}

fn secrets() -> Result<WebhookSecrets, WebhookSecretError> {
    WebhookSecrets::parse(&KEYS.map(|key| STANDARD.encode(key)).join(" "))
}

fn right_prefix_or_none(runner: &mut CtRunner, rng: &mut BenchRng) {
    let near = spoilt(tag(KEYS[0]), 31);
    measure(runner, rng, |rng| (entry("v1", &near), entry("v1", &random(rng))));
}

fn first_or_last_byte_wrong(runner: &mut CtRunner, rng: &mut BenchRng) {
    let tag = tag(KEYS[0]);
    let (first, last) = (spoilt(tag, 0), spoilt(tag, 31));
    measure(runner, rng, |_| (entry("v1", &first), entry("v1", &last)));
}

fn near_one_key_or_the_other(runner: &mut CtRunner, rng: &mut BenchRng) {
    let [one, other] = KEYS.map(|key| spoilt(tag(key), 31));
    measure(runner, rng, |_| (entry("v1", &one), entry("v1", &other)));
}

fn unknown_version_right_or_wrong(runner: &mut CtRunner, rng: &mut BenchRng) {
    let tag = tag(KEYS[0]);
    measure(runner, rng, |rng| (entry("v2", &tag), entry("v2", &random(rng))));
}

fn bad_base64_right_or_wrong(runner: &mut CtRunner, rng: &mut BenchRng) {
    let tag = tag(KEYS[0]);
    measure(runner, rng, |rng| (cut(&tag), cut(&random(rng))));
}

fn public_unknown_version_or_wrong(runner: &mut CtRunner, rng: &mut BenchRng) {
    measure(runner, rng, |rng| (entry("v2", &random(rng)), entry("v1", &random(rng))));
}

fn public_bad_base64_or_wrong(runner: &mut CtRunner, rng: &mut BenchRng) {
    measure(runner, rng, |rng| (cut(&random(rng)), entry("v1", &random(rng))));
}

/// The same work with the comparison that one writes without thinking.
fn control(runner: &mut CtRunner, rng: &mut BenchRng) {
    let near = spoilt(tag(KEYS[0]), 31);
    for _ in 0..SAMPLES {
        let wrong = random(rng);
        let is_left = rng.next_u32().is_multiple_of(2);
        let (class, given) = if is_left { (Class::Left, near) } else { (Class::Right, wrong) };
        runner.run_one(class, || {
            let expected = tag(black_box(KEYS[0]));
            expected.iter().zip(&given).all(|(want, got)| black_box(want) == black_box(got))
        });
    }
}
