//! The table of invalid tokens.

use super::MemberChange::{HalfSecondAfter, List, Remove, SecondsFromNow, Text};
use super::OtherToken::{ClientRecord, Handshake};
use super::SignatureDefect::{
    OtherClaims, OtherKey, PublicKeyAsSecret, Rs512, Truncated, Unsigned,
};
use super::{Defect, InvalidToken, MemberChange, OtherToken, SignatureDefect};

/// Every invalid token. The tests go through this list.
pub const INVALID_TOKENS: &[InvalidToken] = &[
    claim("expired", "expired a minute ago", "exp", SecondsFromNow(-60)),
    claim("not-yet-valid", "not valid for another minute", "nbf", SecondsFromNow(60)),
    claim("issued-in-the-future", "issued a minute in the future", "iat", SecondsFromNow(60)),
    claim("no-end", "without an expiry", "exp", Remove),
    claim("end-as-text", "with a text as its expiry", "exp", Text("tomorrow")),
    claim("half-a-second", "with a fraction in its expiry", "exp", HalfSecondAfter(60))
        .accepted_by_sdk(),
    claim("wrong-party", "for another application", "azp", Text("http://127.0.0.1:1")),
    claim("no-party", "for no application", "azp", Remove),
    claim("wrong-issuer", "from another issuer", "iss", Text("http://127.0.0.1:1"))
        .accepted_by_sdk(),
    claim("no-issuer", "without an issuer", "iss", Remove).accepted_by_sdk(),
    claim("no-session", "without a session id", "sid", Remove).accepted_by_sdk(),
    claim("no-user", "without a subject", "sub", Remove),
    claim("machine", "with a machine as its subject", "sub", Text("mch_1")),
    claim("not-a-user", "with an organization as its subject", "sub", Text("org_1"))
        .accepted_by_sdk(),
    claim("pending", "of a session that is still pending", "sts", Text("pending")),
    header("template", "made from a template", "cat", Text("cl_B7d4PD222AAA")),
    header("machine-category", "of the category for machines", "cat", Text("cl_B7d4PD333AAA")),
    header("unknown-category", "of an unknown category", "cat", Text("cl_unknown")),
    header("access-token", "an OAuth access token", "typ", Text("at+jwt")),
    header("critical", "with an unknown critical extension", "crit", List("exp")).accepted_by_sdk(),
    header("unknown-key", "signed with a key that is not in the key set", "kid", Text("ins_other")),
    signed("unsigned", "unsigned, with the algorithm `none`", Unsigned),
    signed("other-key", "signed with another key, under our key's id", OtherKey),
    signed("public-key", "signed with the public key as an HMAC secret", PublicKeyAsSecret),
    // The SDK accepts this one if it has the key as PEM, which names no algorithm.
    signed("rs512", "signed with RS512", Rs512),
    signed("altered", "with claims that were changed after signing", OtherClaims),
    signed("cut", "with a truncated signature", Truncated),
    other("answer", "a handshake token", Handshake),
    other("record", "this server's record of a browser", ClientRecord),
];

const fn header(
    name: &'static str,
    what: &'static str,
    member: &'static str,
    change: MemberChange,
) -> InvalidToken {
    invalid(name, what, Defect::Header(member, change))
}

const fn claim(
    name: &'static str,
    what: &'static str,
    claim: &'static str,
    change: MemberChange,
) -> InvalidToken {
    invalid(name, what, Defect::Claim(claim, change))
}

const fn signed(name: &'static str, what: &'static str, defect: SignatureDefect) -> InvalidToken {
    invalid(name, what, Defect::Signature(defect))
}

const fn other(name: &'static str, what: &'static str, token: OtherToken) -> InvalidToken {
    invalid(name, what, Defect::OtherToken(token))
}

const fn invalid(name: &'static str, what: &'static str, defect: Defect) -> InvalidToken {
    InvalidToken { name, what, taken_by_sdk: false, defect }
}

impl InvalidToken {
    /// Clerk's SDK accepts it and Rolecall does not: docs/clerk-differences.md says why.
    const fn accepted_by_sdk(mut self) -> Self {
        self.taken_by_sdk = true;
        self
    }
}
