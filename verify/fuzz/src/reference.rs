//! What the second opinions share: readers written apart from those of `shared`.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

const BASE64URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Base64url without padding, in its one spelling (RFC 4648 section 3.5), bit by bit.
pub(crate) fn base64url(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0_u32);
    for symbol in text.bytes() {
        let value = BASE64URL.iter().position(|it| *it == symbol)?;
        bits = bits << 6 | u32::try_from(value).ok()?;
        count += 6;
        if 8 <= count {
            count -= 8;
            bytes.push(u8::try_from(bits >> count).ok()?);
            bits &= (1 << count) - 1;
        }
    }
    // A symbol that ends no byte, or bits that are left over, are another spelling.
    (count < 6 && bits == 0).then_some(bytes)
}

/// The members of a JSON object with these names, in their order; the others are passed over.
/// `None` when it is no JSON object, or when one of the names stands there twice.
pub(crate) fn members(json: &[u8], names: &[&str]) -> Option<Vec<(String, Value)>> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let members = reader.deserialize_map(Members(names)).ok()?;
    reader.end().ok()?;
    let twice = |(at, (name, _)): (usize, &(String, Value))| {
        members.iter().take(at).any(|(earlier, _)| earlier == name)
    };
    (!members.iter().enumerate().any(twice)).then_some(members)
}

/// The value of a member, if it is there.
pub(crate) fn member<'a>(members: &'a [(String, Value)], name: &str) -> Option<&'a Value> {
    members.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

struct Members<'a>(&'a [&'a str]);

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Vec<(String, Value)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if self.0.contains(&name.as_str()) {
                members.push((name, map.next_value()?));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(members)
    }
}

/// Whether these bytes are one JSON value by the grammar of RFC 8259 alone: of any depth, with
/// numbers of any size, and texts of any bytes and any escapes.
pub(crate) fn is_json(bytes: &[u8]) -> bool {
    value(bytes).is_some_and(|rest| after_space(rest).is_empty())
}

/// What comes after a value.
fn value(bytes: &[u8]) -> Option<&[u8]> {
    let mut left = bytes;
    // What each value that is open closes with.
    let mut open = Vec::new();
    loop {
        let (mut rest, mut is_new) = match after_space(left) {
            [b'[', rest @ ..] => {
                open.push(b']');
                (rest, true)
            }
            [b'{', rest @ ..] => {
                open.push(b'}');
                (rest, true)
            }
            other => (scalar(other)?, false),
        };
        left = loop {
            let Some(end) = open.last().copied() else { return Some(rest) };
            match after_space(rest).split_first()? {
                (byte, after) if *byte == end => {
                    open.pop();
                    (rest, is_new) = (after, false);
                }
                (b',', after) if !is_new => break member_value(after, end)?,
                _ if is_new => break member_value(rest, end)?,
                _ => return None,
            }
        };
    }
}

/// Where the value of the next member begins.
fn member_value(bytes: &[u8], end: u8) -> Option<&[u8]> {
    if end == b']' {
        return Some(bytes);
    }
    after_space(text(after_space(bytes))?).strip_prefix(b":")
}

fn after_space(bytes: &[u8]) -> &[u8] {
    let count = bytes.iter().take_while(|byte| b" \t\n\r".contains(byte)).count();
    bytes.get(count..).unwrap_or_default()
}

/// What comes after a value without parts.
fn scalar(bytes: &[u8]) -> Option<&[u8]> {
    for word in ["null", "true", "false"] {
        if let Some(rest) = bytes.strip_prefix(word.as_bytes()) {
            return Some(rest);
        }
    }
    if bytes.first() == Some(&b'"') { text(bytes) } else { number(bytes) }
}

fn text(bytes: &[u8]) -> Option<&[u8]> {
    let mut left = bytes.strip_prefix(b"\"")?;
    loop {
        left = match left {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', b'u', a, b, c, d, rest @ ..] => {
                [a, b, c, d].iter().all(|it| it.is_ascii_hexdigit()).then_some(rest)?
            }
            [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', rest @ ..] => rest,
            [b'\\' | 0..=0x1f, ..] | [] => return None,
            [_, rest @ ..] => rest,
        };
    }
}

fn number(bytes: &[u8]) -> Option<&[u8]> {
    let bytes = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let mut left = match bytes {
        [b'0', rest @ ..] => rest,
        _ => digits(bytes)?,
    };
    if let Some(rest) = left.strip_prefix(b".") {
        left = digits(rest)?;
    }
    if let [b'e' | b'E', rest @ ..] = left {
        let rest = match rest {
            [b'+' | b'-', rest @ ..] => rest,
            _ => rest,
        };
        left = digits(rest)?;
    }
    Some(left)
}

fn digits(bytes: &[u8]) -> Option<&[u8]> {
    let count = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 { None } else { bytes.get(count..) }
}
