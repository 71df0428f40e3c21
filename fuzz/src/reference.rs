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
