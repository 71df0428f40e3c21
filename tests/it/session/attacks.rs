//! What a token can get wrong, one thing at a time, signed with a key made for the run.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::pkcs1::EncodeRsaPublicKey;
use rsa::pkcs8::{EncodePublicKey, LineEnding};
use rsa::{BigUint, RsaPublicKey};
use serde_json::{Value, json};
use shared::session::keys;
use shared::session::{Actor, TokenError};
use shared::time::UnixMillis;

use super::{
    Keys, NOW_S, SIGNER, check_claim, check_header, check_payload, claims, fixture, header, judge,
    policy, sign, verify,
};

#[test]
fn a_session_has_user_id_and_organization() {
    let session = judge(&sign(&header().to_string(), claims().to_string().as_bytes()));
    let session = session.expect("a good token");
    assert_eq!(session.user_id().as_str(), "user_1");
    assert_eq!(session.id().as_str(), "sess_1");
    assert_eq!(session.actor(), None);
    assert_eq!(session.expires_at(), UnixMillis((NOW_S + 60) * 1000));
    for actor in ["user_9", "support.desk@corp.example"] {
        let mut impersonated = claims();
        impersonated["act"] = json!({ "iss": "https://dashboard.clerk.com", "sub": actor });
        let session = judge(&sign(&header().to_string(), impersonated.to_string().as_bytes()));
        let session = session.expect("a good token");
        assert_eq!(session.actor().map(Actor::as_str), Some(actor));
    }
}

#[test]
fn j_1_only_rs256_is_an_algorithm() {
    for alg in ["none", "None", "NONE", "nOnE", "rs256", "RS256 ", ""] {
        check_header(&format!(r#"{{"alg":"{alg}","kid":"ins_run"}}"#), Err(TokenError::BadHeader));
    }
    for alg in ["HS256", "HS512", "RS384", "RS512", "PS256", "ES256", "EdDSA"] {
        check_header(
            &format!(r#"{{"alg":"{alg}","kid":"ins_run"}}"#),
            Err(TokenError::WrongAlgorithm),
        );
    }
    check_header(r#"{"kid":"ins_run"}"#, Err(TokenError::BadHeader));
    check_header(r#"{"alg":"RS256","alg":"RS256","kid":"ins_run"}"#, Err(TokenError::BadHeader));
}

#[test]
fn j_2_an_hmac_with_our_public_key_is_rejected() {
    let key = match &SIGNER.keys {
        Keys::Jwks(keys) => &keys["ins_run"],
        Keys::Pem(key) => key,
    };
    let number =
        |text: String| BigUint::from_bytes_be(&URL_SAFE_NO_PAD.decode(text).expect("base64url"));
    let public = RsaPublicKey::new(number(key.n()), number(key.e())).expect("a public key");
    let spki = public.to_public_key_pem(LineEnding::LF).expect("its PEM");
    assert_eq!(keys::from_pem(&spki).as_ref(), Ok(key), "this is our own key");
    let pkcs1 = public.to_pkcs1_pem(LineEnding::LF).expect("its older PEM");
    let der = public.to_public_key_der().expect("its DER").into_vec();
    let der_base64 = STANDARD.encode(&der);
    let jwk = json!({ "kty": "RSA", "kid": "ins_run", "n": key.n(), "e": key.e() });
    let jwks = json!({ "keys": [jwk] });
    let modulus = URL_SAFE_NO_PAD.decode(key.n()).expect("a modulus");
    for secret in [
        spki.as_bytes(),
        spki.trim().as_bytes(),
        spki.replace('\n', "\\n").as_bytes(),
        pkcs1.as_bytes(),
        &der,
        der_base64.as_bytes(),
        key.n().as_bytes(),
        &modulus,
        jwk.to_string().as_bytes(),
        jwks.to_string().as_bytes(),
        serde_json::to_string_pretty(&jwks).expect("JSON").as_bytes(),
        fixture("public-key.pem").as_bytes(),
        b"",
    ] {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some("ins_run".to_owned());
        let token = jsonwebtoken::encode(&header, &claims(), &EncodingKey::from_secret(secret));
        assert_eq!(judge(&token.expect("a token")), Err(TokenError::WrongAlgorithm));
    }
}

#[test]
fn j_9_headers_of_other_token_types_are_rejected() {
    let with =
        |name: &str, value: &str| format!(r#"{{"alg":"RS256","kid":"ins_run","{name}":{value}}}"#);
    for typ in ["\"jwt\"", "\"at+jwt\"", "\"application/at+jwt\"", "\"\"", "\"JWT \""] {
        check_header(&with("typ", typ), Err(TokenError::WrongType));
    }
    for typ in ["null", "1", "[\"JWT\"]"] {
        check_header(&with("typ", typ), Err(TokenError::BadHeader));
    }
    for cat in ["cl_B7d4PD222AAA", "cl_B7d4PD333AAA", "", "cl_b7d4pd111aaa", "unheard-of"] {
        check_header(&with("cat", &format!("\"{cat}\"")), Err(TokenError::WrongCategory));
    }
    check_header(&with("cat", "null"), Err(TokenError::BadHeader));
    check_header(
        &with("cat", r#""cl_B7d4PD222AAA","cat":"cl_B7d4PD111AAA""#),
        Err(TokenError::BadHeader),
    );
    check_header("[\"RS256\"]", Err(TokenError::BadHeader));
    check_header("\"RS256\"", Err(TokenError::BadHeader));
}

/// A reader that fills its structures by position takes each of these for a good header.
#[test]
fn the_header_must_be_an_object_of_strings() {
    check_header(r#"{"alg":"RS256","kid":"ins_run"}"#, Ok(()));
    let nulls = "null,".repeat(12);
    for header in [
        r#"{"alg":{"RS256":null},"kid":"ins_run"}"#.to_owned(),
        r#"{"alg":["RS256"],"kid":"ins_run"}"#.to_owned(),
        r#"{"alg":"RS256","kid":["ins_run"]}"#.to_owned(),
        r#"["JWT","RS256",null,null,null,"ins_run",null,null,null,null]"#.to_owned(),
        format!(r#"["JWT","RS256",{nulls}{{}}]"#),
    ] {
        check_header(&header, Err(TokenError::BadHeader));
    }
}

#[test]
fn j_12_critical_headers_are_rejected() {
    for (crit, want) in [
        (r#"["x"]"#, TokenError::UnsupportedExtension),
        ("[]", TokenError::UnsupportedExtension),
        ("null", TokenError::UnsupportedExtension),
        ("\"x\"", TokenError::BadHeader),
        ("{}", TokenError::BadHeader),
    ] {
        check_header(&format!(r#"{{"alg":"RS256","kid":"ins_run","crit":{crit}}}"#), Err(want));
    }
    check_header(
        r#"{"alg":"RS256","kid":"ins_run","b64":false}"#,
        Err(TokenError::UnsupportedExtension),
    );
}

#[test]
fn j_4_a_key_in_the_header_is_ignored() {
    let other = keys::from_pem(&fixture("other-public-key.pem")).expect("a key");
    for extra in [
        format!(r#""jwk":{{"kty":"RSA","n":"{}","e":"AQAB"}}"#, other.n()),
        r#""jku":"http://127.0.0.1:1/jwks.json""#.to_owned(),
        r#""x5u":"http://127.0.0.1:1/cert.pem""#.to_owned(),
    ] {
        // Looked at by nobody: the key of the set still decides, and here it is the right one.
        check_header(&format!(r#"{{"alg":"RS256","kid":"ins_run",{extra}}}"#), Ok(()));
        check_header(&format!(r#"{{"alg":"RS256",{extra}}}"#), Err(TokenError::MissingKeyId));
    }
}

#[test]
fn j_5_a_key_id_is_only_looked_up() {
    for kid in ["../../dev/null", "x' UNION SELECT '1';--", "|sleep 10", "ins_run ", "INS_RUN", ""]
    {
        let header = json!({ "alg": "RS256", "kid": kid }).to_string();
        check_header(&header, Err(TokenError::UnknownKey));
    }
    for kid in ["1", "[\"ins_run\"]", "{}", "true"] {
        check_header(&format!(r#"{{"alg":"RS256","kid":{kid}}}"#), Err(TokenError::BadHeader));
    }
    check_header(r#"{"alg":"RS256","kid":null}"#, Err(TokenError::MissingKeyId));
    let long = json!({ "alg": "RS256", "kid": "k".repeat(65_536) }).to_string();
    check_header(&long, Err(TokenError::TooLong));
}

#[test]
fn j_11_times_must_be_whole_seconds() {
    let broken = [
        "null",
        "true",
        "[1700000060]",
        "{}",
        "\"1700000060\"",
        "\"NaN\"",
        "\"\"",
        "-1",
        "-0.5",
        "1700000060.5",
        "1700000060.0",
        "17e8",
        "1e400",
        "9223372036854775808",
        "18446744073709551616",
        "9223372036854775807",
        "253402300800",
    ];
    for name in ["exp", "nbf", "iat"] {
        for value in broken {
            check_claim(name, Some(value), Err(TokenError::BadClaims));
        }
    }
    check_claim("exp", None, Err(TokenError::MissingExpiry));
    check_claim("nbf", None, Ok(()));
    check_claim("iat", None, Ok(()));
    check_claim("exp", Some("253402300799"), Ok(()));
    check_claim("exp", Some("0"), Err(TokenError::Expired));
}

#[test]
fn j_18_time_boundaries_are_exact_to_the_millisecond() {
    let at = |exp: i64, nbf: i64, iat: i64, now_ms: i64| {
        let mut claims = claims();
        (claims["exp"], claims["nbf"], claims["iat"]) = (json!(exp), json!(nbf), json!(iat));
        let token = sign(&header().to_string(), claims.to_string().as_bytes());
        verify(&token, &SIGNER.keys, &policy(), UnixMillis(now_ms)).map(drop)
    };
    assert_eq!(at(100, 0, 0, 104_999), Ok(()));
    assert_eq!(at(100, 0, 0, 105_000), Err(TokenError::Expired));
    assert_eq!(at(200, 100, 0, 95_000), Ok(()));
    assert_eq!(at(200, 100, 0, 94_999), Err(TokenError::NotYetValid));
    assert_eq!(at(200, 0, 100, 95_000), Ok(()));
    assert_eq!(at(200, 0, 100, 94_999), Err(TokenError::IssuedInFuture));
    // What is wrong first is what is told.
    assert_eq!(at(200, 100, 100, 94_999), Err(TokenError::NotYetValid));
    // A clock before 1970 knows no token that is valid already.
    assert_eq!(at(200, 0, 100, -1), Err(TokenError::IssuedInFuture));
}

#[test]
fn s_16_a_clock_before_1970_rejects_every_token() {
    let judged = |claims: &Value, now_ms: i64| {
        let token = sign(&header().to_string(), claims.to_string().as_bytes());
        verify(&token, &SIGNER.keys, &policy(), UnixMillis(now_ms)).map(drop)
    };
    let mut timeless = claims();
    for name in ["nbf", "iat"] {
        timeless.as_object_mut().expect("claims").remove(name);
    }
    assert_eq!(judged(&timeless, NOW_S * 1000), Ok(()));
    for now_ms in [i64::MIN, i64::MIN + 1, -1_700_000_000_000, -5_001] {
        for claims in [&claims(), &timeless] {
            assert_eq!(judged(claims, now_ms), Err(TokenError::NotYetValid), "{now_ms}");
        }
    }
    for now_ms in [-5_000, -1, 0] {
        assert_eq!(judged(&claims(), now_ms), Err(TokenError::NotYetValid), "{now_ms}");
    }
    assert_eq!(judged(&timeless, i64::MAX), Err(TokenError::Expired));
}

#[test]
fn j_8_j_10_issuer_azp_user_and_session_id_must_match_exactly() {
    for iss in ["null", "\"\"", "\"https://clerk.example.com/\"", "\"https://CLERK.example.com\""] {
        let want = if iss == "null" { TokenError::BadClaims } else { TokenError::WrongIssuer };
        check_claim("iss", Some(iss), Err(want));
    }
    check_claim("iss", Some(r#"["https://clerk.example.com"]"#), Err(TokenError::BadClaims));
    check_claim("iss", None, Err(TokenError::WrongIssuer));
    check_claim("azp", None, Err(TokenError::MissingAzp));
    check_claim("azp", Some("\"https://second.example.com\""), Ok(()));
    for azp in [
        "",
        "https://app.example.co",
        "https://app.example.com.evil.example",
        "https://APP.example.com",
        "https://app.example.com/",
        "http://app.example.com",
    ] {
        check_claim("azp", Some(&format!("\"{azp}\"")), Err(TokenError::WrongAzp));
    }
    for azp in ["null", r#"["https://app.example.com"]"#, "1"] {
        check_claim("azp", Some(azp), Err(TokenError::BadClaims));
    }
    for sub in ["", "user_", "mch_1", "user_a b", "USER_1", "user_../x"] {
        check_claim("sub", Some(&format!("\"{sub}\"")), Err(TokenError::BadSubject));
    }
    check_claim("sid", None, Err(TokenError::MissingSessionId));
    check_claim("sid", Some("\"\""), Err(TokenError::MissingSessionId));
    check_claim("sid", Some("7"), Err(TokenError::BadClaims));
}

#[test]
fn j_22_an_inactive_session_is_signed_out() {
    check_claim("sts", None, Ok(()));
    check_claim("sts", Some("\"active\""), Ok(()));
    check_claim("sts", Some("\"pending\""), Err(TokenError::PendingSession));
    check_claim("sts", Some("\"unheard-of\""), Err(TokenError::PendingSession));
    check_claim("sts", Some("null"), Err(TokenError::BadClaims));
    for act in ["null", "\"user_9\"", "{}", r#"{"sub":7}"#, r#"{"sub":""}"#] {
        check_claim("act", Some(act), Err(TokenError::BadClaims));
    }
}

#[test]
fn j_21_ambiguous_claims_are_rejected() {
    let text = claims().to_string();
    for name in ["sub", "exp", "azp", "iss", "sid", "nbf", "iat", "sts"] {
        let twice = format!("{{\"{name}\":{},{}", claims()[name], &text[1..]);
        check_payload(&twice, Err(TokenError::BadClaims));
    }
    check_payload(
        &format!("{{\"s\\u0075b\":\"user_2\",{}", &text[1..]),
        Err(TokenError::BadClaims),
    );
    for payload in ["[]", "\"x\"", "null", "1", "{", "", &format!("{text}x"), &format!("[{text}]")]
    {
        let want = if payload.is_empty() { TokenError::Malformed } else { TokenError::BadClaims };
        check_payload(payload, Err(want));
    }
    let array =
        r#"["https://clerk.example.com","user_1","sess_1","https://app.example.com",1700000060]"#;
    check_payload(array, Err(TokenError::BadClaims));
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(b" \xff");
    assert_eq!(judge(&sign(&header().to_string(), &bytes)), Err(TokenError::BadClaims));
    check_payload(&format!("{}{}", "[".repeat(1500), "]".repeat(1500)), Err(TokenError::BadClaims));
}

#[test]
fn j_13_a_signature_has_one_encoding() {
    let token = sign(&header().to_string(), claims().to_string().as_bytes());
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let bytes = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let with = |bytes: &[u8]| format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes));
    assert_eq!(judge(&with(&bytes)).map(drop), Ok(()));
    let Keys::Jwks(keys) = &SIGNER.keys else { panic!("a JWKS") };
    let n = URL_SAFE_NO_PAD.decode(keys["ins_run"].n()).expect("a modulus");
    // A modulus is odd, so one less only clears its last bit.
    let n_less_one = [&n[..255], &[n[255] - 1]].concat();
    let one = [vec![0; 255], vec![1]].concat();
    let shifted = [bytes.clone(), vec![0]].concat();
    for wrong in [
        &[0; 256][..],
        &one,
        &n_less_one,
        &n,
        &[255; 256],
        &bytes[1..],
        &bytes[..255],
        &shifted,
        &[0],
    ] {
        assert_eq!(judge(&with(wrong)), Err(TokenError::BadSignature));
    }
}

#[test]
fn j_14_j_20_j_24_a_token_has_one_form_and_one_encoding() {
    let token = sign(&header().to_string(), claims().to_string().as_bytes());
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let bytes = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    for loose in [
        format!("{token}="),
        format!("{token}=="),
        format!(" {token}"),
        format!("{token}\n"),
        token.replacen("eyJ", "eyJ\n", 1),
        format!("{signed}.{}", STANDARD.encode(&bytes)),
        format!("{token}."),
        format!("{token}.{signature}"),
        format!("{signed}."),
        format!(".{signed}"),
        ".".repeat(1000),
        format!("{}{token}", "a.".repeat(1000)),
        "..".to_owned(),
        format!("{}.{signature}.{}.{signature}", &signed[..10], &signed[10..]),
        json!({ "payload": "e30", "signatures": [] }).to_string(),
        "a".repeat(8193),
    ] {
        let got = judge(&loose);
        assert!(
            matches!(got, Err(TokenError::Malformed | TokenError::TooLong)),
            "{loose}: {got:?}"
        );
    }
}

#[test]
fn j_20_unused_bits_in_the_last_character_are_rejected() {
    let token = sign(&header().to_string(), claims().to_string().as_bytes());
    // 256 bytes end in a character of which four bits are unused; `A` to `D` share the used two.
    let last = token.chars().last().expect("a character");
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let index = alphabet.find(last).expect("base64url");
    let sibling = alphabet.chars().nth(index + 1).expect("unused bits are zero");
    let forged = format!("{}{sibling}", &token[..token.len() - 1]);
    assert_eq!(judge(&forged), Err(TokenError::Malformed));
}

#[test]
fn j_19_a_bad_signature_hides_other_errors() {
    let mut claims = claims();
    claims["azp"] = json!("https://evil.example");
    claims["exp"] = json!(1);
    let token = sign(&header().to_string(), claims.to_string().as_bytes());
    let (signed, _) = token.rsplit_once('.').expect("three parts");
    let forged = format!("{signed}.{}", URL_SAFE_NO_PAD.encode([7; 256]));
    assert_eq!(judge(&forged), Err(TokenError::BadSignature));
}
