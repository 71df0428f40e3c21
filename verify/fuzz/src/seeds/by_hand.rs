//! Inputs that no fixture holds.

use super::Seeds;

const DELIVERIES: [(&str, &str); 8] = [
    ("signed", "svix-id: msg_1\nsvix-timestamp: 1700000000\nsvix-signature: v1,$0\n\n{}"),
    (
        "signed-by-both",
        "webhook-id: m\nwebhook-timestamp: 1699999700\nwebhook-signature: v1,x v1,$1 v1,$0\n\n",
    ),
    ("twice", "svix-id: a\nsvix-id: b\nsvix-timestamp: 1700000300\nsvix-signature: v1,$0\n\nb"),
    ("mixed", "svix-id: a\nwebhook-id: a\nsvix-timestamp: 1700000000\nsvix-signature: v1,$0\n\nb"),
    ("border", "svix-id: a.1700000000\nsvix-timestamp: 1700000000\nsvix-signature: v1,$0\n\nb"),
    ("leading-zero", "svix-id: a\nsvix-timestamp: 01700000000\nsvix-signature: v1,$0\n\nb"),
    (
        "seventeen-entries",
        concat!(
            "svix-id: a\nsvix-timestamp: 1700000000\n",
            "svix-signature: a b c d e f g h i j k l m n o p v1,$0\n\nb"
        ),
    ),
    ("stray-comma", "svix-id: a\nsvix-timestamp: 1700000000\nsvix-signature: v1,$0,v1,$0\n\nb"),
];

/// Header and claims; the clock stands at 1700000010.
const TOKENS: [(&str, &str); 3] = [
    (
        "long-expired.apart",
        concat!(
            r#"{"alg":"RS256","kid":"a"}"#,
            "\n",
            r#"{"iss":"https://clerk.example.com","azp":"https://app.example.com","#,
            r#""sub":"user_1","sid":"sess_1","exp":1700000000}"#
        ),
    ),
    (
        "no-session.apart",
        concat!(
            r#"{"alg":"RS256"}"#,
            "\n",
            r#"{"iss":"https://clerk.example.com","sub":"user_1","exp":1700000060}"#
        ),
    ),
    ("arrays.apart", "[\"RS256\"]\n[\"https://clerk.example.com\",\"user_1\"]"),
];

/// Claims of users 1 and 2, in compact form. Unsigned: the user to ask for is known before.
const USER_1: &str =
    concat!("e30.", "eyJpc3MiOiJodHRwczovL2NsZXJrLmV4YW1wbGUuY29tIiwic3ViIjoidXNlcl8xIn0", ".c2ln");
const USER_2: &str =
    concat!("e30.", "eyJpc3MiOiJodHRwczovL2NsZXJrLmV4YW1wbGUuY29tIiwic3ViIjoidXNlcl8yIn0", ".c2ln");

const COOKIES: [(&str, &str); 12] = [
    ("empty", "\n"),
    ("plain", "\na=1; __session=t; b=\"q\""),
    ("both", "\n__session=a; __session_qReyu04C=b"),
    ("other-suffix", "\n__session_other000=b"),
    ("signed-out", "\n__session_qReyu04C=; __session=a"),
    ("repeated", "\n__session=t; __session=t"),
    ("two-values", "\n__session=a; __session=b"),
    ("malformed", "\n;=x; b; =; __session = t ;__session"),
    ("bearer", "Bearer h\n__session=a"),
    ("other-scheme", "Basic aDpo\n__session=a"),
    ("nothing-behind-bearer", "Bearer \n__session=a"),
    ("look-alikes", "\nx__session=t; __sessions=t; __SESSION=t; a=__session=t; a=%3B__session%3Dt"),
];

const REDIRECTS: [(&str, &str); 12] = [
    ("front", "/"),
    ("kept", "/orgs/org_1/settings?tab=2&x=%20y"),
    ("dots", "/a/../dashboard#part"),
    ("query", "/a?next=//evil.example"),
    ("letters", "/gr\u{fc}\u{df}e"),
    ("host", "//evil.example"),
    ("backslash", "/\\evil.example"),
    ("tab", "/\t/evil.example"),
    ("dot-slash", "/.//evil.example"),
    ("encoded", "/%2f%2fevil.example"),
    ("at", "https://this-site.invalid@evil.example/"),
    ("script", "javascript:alert(1)"),
];

/// An envelope as a build of the first wire version wrote it.
const ENVELOPE: &str = concat!(
    r#"{"v":1,"svix_id":"msg_1","attempted_at":8,"received_at":9,"event_at":7,"#,
    r#""body":"ba7816bf8f01cfea414140de5dae2223","type":"user.updated","letter":{"event":"#,
    r#"{"changes":[{"id":"user_ada","live":{"updated_at":6,"event_at":7,"projection":1,"#,
    r#""digest":"9bf69ab5aa0e1be8133bf439eff927b3","fields":{"entity":"user","#,
    r#""email":"ada@example.com","banned":false,"app_roles":["admin"],"created_at":5}}},"#,
    r#"{"id":"org_1","dead":"organization"}],"users":["user_ada"]}}}"#
);

const ENVELOPES: [(&str, &str, &str); 7] = [
    ("wire-1", "", ""),
    ("wire-2", r#""v":1"#, r#""v":2"#),
    ("wire-0", r#""v":1"#, r#""v":0"#),
    ("projection-newer", r#""projection":1"#, r#""projection":4294967295"#),
    ("two-versions", r#""v":1"#, r#""v":1,"v":2"#),
    ("no-version", r#""v":1,"#, ""),
    ("both-live-and-dead", r#""dead":"#, r#""live":{},"dead":"#),
];

/// How many histories of the merge law there are.
const HISTORIES: u64 = 24;

/// Values that some reader of JSON refuses.
fn odd_values() -> [(&'static str, String); 8] {
    [
        ("deep", format!("{}{}", "[".repeat(130), "]".repeat(130))),
        ("deep-objects", format!("{}1{}", r#"{"a":"#.repeat(130), "}".repeat(130))),
        ("beyond-floats", "1e400".to_owned()),
        ("half", r#""\ud800""#.to_owned()),
        ("half-as-name", r#"{"\udc00":"\ud800"}"#.to_owned()),
        ("by-position", r#"["user_9","org_9",true,[7,null]]"#.to_owned()),
        ("twice", r#"{"id":"org_9","id":"org_8","roles":["x"],"roles":[1]}"#.to_owned()),
        ("no-value", "{]".to_owned()),
    ]
}

pub(super) fn all() -> Seeds {
    let mut seeds = Seeds::new();
    let mut add = |target: &'static str, name: &str, text: &str| {
        seeds.insert((target, name.to_owned()), text.as_bytes().to_vec());
    };
    for (target, texts) in [
        ("svix_signature", DELIVERIES.as_slice()),
        ("session_token", &TOKENS),
        ("cookie_header", &COOKIES),
        ("redirect_url", &REDIRECTS),
    ] {
        for (name, text) in texts {
            add(target, name, text);
        }
    }
    for (name, value) in odd_values() {
        for which in 0..15_u8 {
            let text = format!("{}{value}", char::from(which));
            add("odd_member", &format!("{name}-{which}"), &text);
        }
    }
    let two = format!("Bearer {USER_1}\n__session={USER_2}; __session_qReyu04C={USER_2}");
    add("cookie_header", "two-subjects", &two);
    let four = format!(
        "\n__session={USER_1}; __client_uat=1700000000; \
         __session_qReyu04C={USER_1}; __client_uat_qReyu04C=1700000000"
    );
    add("cookie_header", "all-four", &four);
    add("cookie_header", "all-four-of-two", &four.replacen(USER_1, USER_2, 1));
    add("cookie_header", "signed-out-of-one", &four.replacen("=1700000000", "=0", 1));
    let set = "\n__session_qReyu04C=a.b.c; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; X=y";
    add("cookie_header", "set", set);
    let same = format!("Bearer {USER_1}\n__session={USER_1}");
    add("cookie_header", "same-subject", &same);
    for (name, from, to) in ENVELOPES {
        let text = if from.is_empty() { ENVELOPE.to_owned() } else { ENVELOPE.replace(from, to) };
        add("queue_message", name, &text);
    }
    add("key_set", "no-set", "{}");
    add("key_set", "no-pem", "-----BEGIN PUBLIC KEY-----\nMIIB");
    add("key_set", "no-key", r#"{"keys":[{"kty":"EC","kid":"a"}]}"#);
    seeds.insert(("merge_law", "nothing".to_owned()), vec![0]);
    for seed in 0..HISTORIES {
        seeds.insert(("merge_law", format!("history-{seed:02}")), history(seed));
    }
    seeds
}

/// Random bytes: `SplitMix64`, <https://prng.di.unimi.it/splitmix64.c>.
fn history(seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    (0..24).flat_map(|_| next().to_le_bytes()).collect()
}
