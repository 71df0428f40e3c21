//! A second opinion: drawn tokens, judged here and by `jsonwebtoken`'s own validation.

use std::cell::Cell;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};
use shared::time::UnixMillis;

use super::{ISSUER, Keys, PARTY, SIGNER, policy, verify};

/// One token of the differential test: what is wrong with it, if anything.
#[derive(Clone, Debug)]
struct Drawn {
    exp: Option<Value>,
    nbf: Option<Value>,
    issuer: &'static str,
    algorithm: Algorithm,
    flipped_bit: Option<usize>,
}

/// Seconds from now. Our boundaries and the library's differ by an instant, and the library reads
/// its own clock: what lies within three seconds of one is left to the tests above.
fn offset() -> impl Strategy<Value = Option<Value>> {
    let seconds = prop_oneof![Just(-100_000i64), -600..-8i64, -2..2i64, 8..600i64];
    prop_oneof![
        8 => seconds.prop_map(|s| Some(json!(s))),
        1 => Just(None),
        1 => prop_oneof![
            Just(json!("soon")), Just(Value::Null), Just(json!(true)), Just(json!([1]))
        ].prop_map(Some),
    ]
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let issuer = prop_oneof![5 => Just(ISSUER), 1 => Just("https://clerk.other.example")];
    let algorithm = prop_oneof![8 => Just(Algorithm::RS256), 1 => Just(Algorithm::RS512)];
    let flipped = prop_oneof![4 => Just(None), 1 => any::<usize>().prop_map(Some)];
    (offset(), offset(), issuer, algorithm, flipped).prop_map(
        |(exp, nbf, issuer, algorithm, flipped_bit)| Drawn {
            exp,
            nbf,
            issuer,
            algorithm,
            flipped_bit,
        },
    )
}

#[expect(clippy::disallowed_methods, reason = "jsonwebtoken reads this clock, so the test must")]
fn system_now() -> UnixMillis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    UnixMillis(i64::try_from(since.expect("after 1970").as_millis()).expect("before 292 million"))
}

fn write(drawn: &Drawn, now: UnixMillis) -> String {
    let absolute = |value: &Value| match value.as_i64() {
        Some(offset) => json!(now.0 / 1000 + offset),
        None => value.clone(),
    };
    let mut claims = json!({
        "iss": drawn.issuer, "sub": "user_1", "sid": "sess_1", "azp": PARTY,
    });
    for (name, value) in [("exp", &drawn.exp), ("nbf", &drawn.nbf)] {
        if let Some(value) = value {
            claims[name] = absolute(value);
        }
    }
    let mut header = Header::new(drawn.algorithm);
    header.kid = Some("ins_run".to_owned());
    let token = jsonwebtoken::encode(&header, &claims, &SIGNER.encoding).expect("a token");
    let Some(bit) = drawn.flipped_bit else {
        return token;
    };
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let bit = bit % (bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes))
}

fn second_opinion(token: &str) -> bool {
    let Keys::Jwks(keys) = &SIGNER.keys else { panic!("a JWKS") };
    let key = &keys["ins_run"];
    let key = DecodingKey::from_rsa_components(&key.n(), &key.e()).expect("a checked key");
    let mut validation = Validation::new(Algorithm::RS256);
    validation.leeway = 5;
    validation.validate_nbf = true;
    validation.validate_aud = false;
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "iss", "sub"]);
    jsonwebtoken::decode::<Value>(token, &key, &validation).is_ok()
}

#[test]
fn our_result_agrees_with_jsonwebtoken() {
    let mut runner = TestRunner::new(Config { cases: 600, ..Config::default() });
    let (accepted, refused) = (Cell::new(0), Cell::new(0));
    let outcome = runner.run(&drawn(), |drawn| {
        let now = system_now();
        let token = write(&drawn, now);
        let ours = verify(&token, &SIGNER.keys, &policy(), now);
        // The library takes a null for a missing claim; here it is a claim of the wrong type.
        let theirs = second_opinion(&token) && drawn.nbf != Some(Value::Null);
        let count = if theirs { &accepted } else { &refused };
        count.set(count.get() + 1);
        if ours.is_ok() != theirs {
            let verdicts = format!("ours {ours:?}, theirs {theirs}: {token}");
            return Err(TestCaseError::fail(verdicts));
        }
        Ok(())
    });
    outcome.expect("the same verdict");
    // Both verdicts must have been met often, or the test says nothing.
    assert!(50 < accepted.get() && 50 < refused.get(), "{accepted:?} {refused:?}");
}
