//! The wrong forms.

use super::{Form, How, Thing, To, Wrong};

/// Every wrong form. A new one is tested by being here.
pub const TABLE: &[Wrong] = &[
    Wrong::claim("expired", "it ended a minute ago", "exp", To::FromNow(-60)),
    Wrong::claim("not-yet-valid", "it begins in a minute", "nbf", To::FromNow(60)),
    Wrong::claim("issued-in-the-future", "it is issued in a minute", "iat", To::FromNow(60)),
    Wrong::claim("no-end", "it does not say when it ends", "exp", To::Nothing),
    Wrong::claim("end-as-text", "its end is no number", "exp", To::Text("tomorrow")),
    Wrong::claim("half-a-second", "its end has a fraction", "exp", To::Half(60)).but_taken_by_sdk(),
    Wrong::claim("wrong-party", "another application's", "azp", To::Text("http://127.0.0.1:1")),
    Wrong::claim("no-party", "no application's", "azp", To::Nothing),
    Wrong::claim("wrong-issuer", "another instance's", "iss", To::Text("http://127.0.0.1:1"))
        .but_taken_by_sdk(),
    Wrong::claim("no-issuer", "no instance's", "iss", To::Nothing).but_taken_by_sdk(),
    Wrong::claim("no-session", "it names no session", "sid", To::Nothing).but_taken_by_sdk(),
    Wrong::claim("no-user", "it names no user", "sub", To::Nothing),
    Wrong::claim("machine", "its subject is a machine", "sub", To::Text("mch_1")),
    Wrong::claim("not-a-user", "its subject is no user", "sub", To::Text("org_1"))
        .but_taken_by_sdk(),
    Wrong::claim("pending", "its session has a step left", "sts", To::Text("pending")),
    Wrong::header("template", "made from a template", "cat", To::Text("cl_B7d4PD222AAA")),
    Wrong::header("machine-category", "a machine's", "cat", To::Text("cl_B7d4PD333AAA")),
    Wrong::header("unknown-category", "of no known category", "cat", To::Text("cl_unknown")),
    Wrong::header("access-token", "an access token of OAuth", "typ", To::Text("at+jwt")),
    Wrong::header("critical", "it needs what nobody knows", "crit", To::List("exp"))
        .but_taken_by_sdk(),
    Wrong::header("unknown-key", "by a key that is not in the set", "kid", To::Text("ins_other")),
    Wrong::signed("unsigned", "its algorithm is none, and nobody signed it", How::Not),
    Wrong::signed("other-key", "another key signed it, by our key's name", How::ByAnotherKey),
    Wrong::signed("public-key", "the public key, as a secret, signed it", How::ByThePublicKey),
    // With the key as PEM, which names no algorithm, the SDK takes this one.
    Wrong::signed("rs512", "another algorithm than Clerk's", How::WithRs512),
    Wrong::signed("altered", "its claims were altered once it was signed", How::ForOtherClaims),
    Wrong::signed("cut", "its signature is not whole", How::NotWhole),
    Wrong::other("answer", "an answer to a handshake", Thing::Answer),
    Wrong::other("record", "this server's record of a browser", Thing::Record),
];

impl Wrong {
    const fn header(name: &'static str, what: &'static str, member: &'static str, to: To) -> Self {
        Self { name, what, taken_by_sdk: false, form: Form::Header(member, to) }
    }

    const fn claim(name: &'static str, what: &'static str, claim: &'static str, to: To) -> Self {
        Self { name, what, taken_by_sdk: false, form: Form::Claim(claim, to) }
    }

    const fn signed(name: &'static str, what: &'static str, how: How) -> Self {
        Self { name, what, taken_by_sdk: false, form: Form::Signed(how) }
    }

    const fn other(name: &'static str, what: &'static str, thing: Thing) -> Self {
        Self { name, what, taken_by_sdk: false, form: Form::Other(thing) }
    }

    /// Clerk's SDK takes it, and Rolecall does not: docs/clerk-differences.md says why.
    const fn but_taken_by_sdk(mut self) -> Self {
        self.taken_by_sdk = true;
        self
    }
}
