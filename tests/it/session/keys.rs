//! Clerk's public keys, from a PEM and from a JWKS.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::DecodingKey;
use serde_json::{Value, json};
use shared::session::TokenError;
use shared::session::keys::{self, PublicKeyError};

use super::{Keys, NOW, SIGNER, claims, fixture, header, json_fixture, policy, sign, verify};

#[test]
fn a_pem_is_parsed_in_every_form() {
    let file = json_fixture("pem-to-jwk.json");
    let case = &file["cases"][0];
    let armoured = case["pem_with_headers"].as_str().expect("a PEM");
    let bare = case["pem_bare"].as_str().expect("base64");
    let want = &case["expected_jwk"];
    for text in [
        armoured.to_owned(),
        format!("  {armoured}\n\n"),
        armoured.trim().replace('\n', "\\n"),
        armoured.trim().replace('\n', "\r\n"),
        armoured.trim().replace('\n', "\\r\\n"),
        armoured.trim().replace('\n', " "),
        bare.to_owned(),
        format!("{bare}\n"),
    ] {
        let key = keys::from_pem(&text).expect(&text);
        assert_eq!(key.n(), want["n"], "{text}");
        assert_eq!(key.e(), want["e"], "{text}");
    }
}

#[test]
fn our_pem_parser_agrees_with_jsonwebtoken() {
    for name in ["public-key.pem", "other-public-key.pem"] {
        let pem = fixture(name);
        let key = keys::from_pem(&pem).expect("a key");
        let theirs = DecodingKey::from_rsa_pem(pem.as_bytes()).expect("a key");
        let theirs = jsonwebtoken::jwk::Jwk::from_decoding_key(&theirs, None).expect("a JWK");
        let theirs = serde_json::to_value(theirs).expect("JSON");
        assert_eq!(theirs["n"], key.n());
        assert_eq!(theirs["e"], key.e());
    }
}

#[test]
fn other_keys_than_rsa_are_rejected() {
    // An Ed25519 public key.
    let ed25519 = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";
    assert_eq!(keys::from_pem(ed25519), Err(PublicKeyError::NotRsa));
    for text in [
        "",
        "   ",
        "x",
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY----------END PUBLIC KEY-----",
        "-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        "sk_test_x",
    ] {
        assert_eq!(keys::from_pem(text), Err(PublicKeyError::Pem), "{text}");
    }
    let bare: String = fixture("public-key.pem").lines().filter(|l| !l.starts_with('-')).collect();
    let der = STANDARD.decode(bare).expect("DER");
    for end in 1..der.len() {
        assert!(keys::from_pem(&STANDARD.encode(&der[..end])).is_err(), "cut at {end}");
    }
    let longer = [der.clone(), vec![0]].concat();
    assert_eq!(keys::from_pem(&STANDARD.encode(longer)), Err(PublicKeyError::NotRsa));
    for at in 0..30 {
        let mut broken = der.clone();
        broken[at] ^= 0x40;
        let got = keys::from_pem(&STANDARD.encode(broken));
        assert!(
            matches!(got, Err(PublicKeyError::NotRsa | PublicKeyError::Weak)),
            "byte {at}: {got:?}"
        );
    }
}

fn jwk(change: impl Fn(&mut Value)) -> Value {
    let mut key = json_fixture("jwks.json")["keys"][0].clone();
    change(&mut key);
    key
}

fn set_of(entries: &[Value]) -> Result<Vec<String>, PublicKeyError> {
    let set = json!({ "keys": entries }).to_string();
    keys::from_jwks(set.as_bytes()).map(|keys| keys.into_keys().collect())
}

#[test]
fn a_jwks_gives_the_keys_that_can_verify_rs256_and_skips_the_rest() {
    let good = jwk(|_| {});
    let kid = "ins_2GIoQhbUpy0hX7B2cVkuTMinXoD";
    assert_eq!(set_of(std::slice::from_ref(&good)), Ok(vec![kid.to_owned()]));
    let useless = [
        jwk(|k| k["kty"] = json!("EC")),
        jwk(|k| k["use"] = json!("enc")),
        jwk(|k| k["key_ops"] = json!(["encrypt"])),
        jwk(|k| k["key_ops"] = json!(["sign", "wrapKey"])),
        jwk(|k| k["key_ops"] = json!(["Verify"])),
        jwk(|k| k["key_ops"] = json!([])),
        jwk(|k| k["key_ops"] = json!("verify")),
        jwk(|k| k["alg"] = json!("RS512")),
        jwk(|k| k["alg"] = json!("HS256")),
        jwk(|k| k["alg"] = json!("unheard-of")),
        jwk(|k| k["kid"] = json!("")),
        jwk(|k| k["kid"] = json!(7)),
        jwk(|k| drop(k.as_object_mut().expect("an object").remove("kid"))),
        jwk(|k| drop(k.as_object_mut().expect("an object").remove("n"))),
        jwk(|k| k["n"] = json!("not base64url!")),
        jwk(|k| k["n"] = json!(&good["n"].as_str().expect("a modulus")[..200])),
        jwk(|k| k["e"] = json!("AQ")),
        jwk(|k| k["e"] = json!("Ag")),
        jwk(|k| k["e"] = json!("")),
        json!({ "kty": "oct", "k": "c2VjcmV0", "kid": "ins_symmetric", "alg": "HS256" }),
        json!({ "kty": "OKP", "crv": "Ed25519", "x": "AAAA", "kid": "ins_ed" }),
        json!("x"),
        json!(null),
        jwk(|k| k["alg"] = json!({ "RS256": null })),
        jwk(|k| k["use"] = json!(["sig"])),
        jwk(|k| k["kty"] = json!({ "RSA": null })),
        jwk(|k| k["key_ops"] = json!({ "verify": null })),
        json!(["sig", null, "RS256", kid, "RSA", good["n"], good["e"]]),
    ];
    for entry in &useless {
        assert_eq!(set_of(std::slice::from_ref(entry)), Err(PublicKeyError::NoKey), "{entry}");
        assert_eq!(set_of(&[entry.clone(), good.clone()]), Ok(vec![kid.to_owned()]), "{entry}");
    }
    for (name, value) in [
        ("alg", None),
        ("use", None),
        ("x5t", Some(json!("x"))),
        ("key_ops", Some(json!(["verify"]))),
        ("key_ops", Some(json!(["sign", "verify"]))),
    ] {
        let entry = jwk(|k| match &value {
            Some(value) => k[name] = value.clone(),
            None => drop(k.as_object_mut().expect("an object").remove(name)),
        });
        assert_eq!(set_of(&[entry]), Ok(vec![kid.to_owned()]), "{name}");
    }
    assert_eq!(
        set_of(&[good.clone(), good.clone()]),
        Err(PublicKeyError::NoKey),
        "two keys of one id"
    );
    let (by_position, twice) = (json!([[good]]).to_string(), json!([good]).to_string());
    let twice = format!(r#"{{"keys":{twice},"keys":{twice}}}"#);
    for text in ["", "{}", "[]", "null", "{\"keys\":{}}", "<html>", &by_position, &twice] {
        assert_eq!(keys::from_jwks(text.as_bytes()), Err(PublicKeyError::Jwks), "{text}");
    }
    let huge = format!("{{\"keys\":[],\"pad\":\"{}\"}}", "x".repeat(keys::JWKS_BYTES_MAX));
    assert_eq!(keys::from_jwks(huge.as_bytes()), Err(PublicKeyError::Jwks));
}

#[test]
fn unknown_jwks_members_invalidate_no_key() {
    let text = fixture("jwks.json");
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for odd in ["1e400", r#""\ud800""#, &deep, r#"{"\ud800":1}"#] {
        for (find, put) in [
            (r#""keys""#, format!(r#""x":{odd},"keys""#)),
            (r#""kty""#, format!(r#""x5c":{odd},"x":{odd},"kty""#)),
        ] {
            let changed = text.replacen(find, &put, 1);
            assert_ne!(changed, text);
            assert!(keys::from_jwks(changed.as_bytes()).is_ok(), "{put}");
        }
    }
    let twice = text.replacen(r#""kty""#, r#""kty":"RSA","kty""#, 1);
    assert_eq!(keys::from_jwks(twice.as_bytes()), Err(PublicKeyError::NoKey));
}

#[test]
fn j_3_a_jwks_key_without_an_algorithm_verifies_rs256_only() {
    let Keys::Jwks(keys) = &SIGNER.keys else { panic!("a JWKS") };
    let key = &keys["ins_run"];
    let set = json!({ "keys": [{ "kty": "RSA", "kid": "ins_run", "n": key.n(), "e": key.e() }] });
    let keys = Keys::Jwks(keys::from_jwks(set.to_string().as_bytes()).expect("a usable key"));
    let good = sign(&header().to_string(), claims().to_string().as_bytes());
    assert_eq!(verify(&good, &keys, &policy(), NOW).map(drop), Ok(()));
    for alg in ["HS256", "RS512", "PS256"] {
        let header = json!({ "alg": alg, "kid": "ins_run" }).to_string();
        let token = sign(&header, claims().to_string().as_bytes());
        assert_eq!(verify(&token, &keys, &policy(), NOW), Err(TokenError::WrongAlgorithm), "{alg}");
    }
}
