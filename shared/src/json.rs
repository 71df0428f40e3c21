//! Strict JSON parsing: objects only by member names.
//!
//! Structs that derive serde's traits can also be parsed from an array, by the order of their
//! fields, and variants without fields from `{"name":null}`. Both forms are undocumented and
//! rejected here. [`JsonObject`] parses JSON from Clerk; the macros `serde_struct_from_object` and
//! `serde_unit_enum` are for JSON between our own Workers.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor,
};
use serde_json::value::RawValue;

/// The members of a JSON object with certain names, as raw JSON.
///
/// Other members are skipped, whatever their names and values contain: deep nesting, very large
/// numbers and invalid UTF-16 do not affect the object. Duplicate members are errors, because
/// parsers disagree on which one wins.
#[derive(Clone, Debug)]
pub struct JsonObject<'a> {
    /// The names that were asked for.
    names: &'static [&'static str],
    members: BTreeMap<&'static str, Option<&'a RawValue>>,
}

/// A scalar.
pub trait JsonScalar: DeserializeOwned {}

impl JsonScalar for String {}
impl JsonScalar for bool {}
impl JsonScalar for i64 {}
impl JsonScalar for u64 {}

impl<'a> JsonObject<'a> {
    /// Parses the members with these names.
    ///
    /// # Errors
    /// If the text is not JSON, or not an object.
    pub fn parse(text: &'a str, names: &'static [&'static str]) -> serde_json::Result<Self> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let object = reader.deserialize_map(MembersVisitor(names))?;
        reader.end()?;
        Ok(object)
    }

    /// A member as raw JSON, including `null`; `None` if it is absent.
    ///
    /// # Errors
    /// If it is duplicated.
    pub fn raw_member(&self, name: &str) -> serde_json::Result<Option<&'a RawValue>> {
        debug_assert!(self.names.contains(&name), "{name} is not among {:?}", self.names);
        match self.members.get(name) {
            None => Ok(None),
            Some(Some(raw)) => Ok(Some(raw)),
            Some(None) => Err(serde_json::Error::custom("duplicate member")),
        }
    }

    /// A member as raw JSON; `None` if it is absent or `null`.
    ///
    /// # Errors
    /// If it is duplicated.
    pub fn non_null_member(&self, name: &str) -> serde_json::Result<Option<&'a RawValue>> {
        Ok(self.raw_member(name)?.filter(|raw| raw.get() != "null"))
    }

    /// A scalar member; `None` if it is absent or `null`.
    ///
    /// # Errors
    /// If it is duplicated or of another type.
    pub fn scalar<T: JsonScalar>(&self, name: &str) -> serde_json::Result<Option<T>> {
        self.non_null_member(name)?.map(parse_scalar).transpose()
    }

    /// Returns whether a member is duplicated.
    #[must_use]
    pub fn has_duplicate(&self) -> bool {
        self.members.values().any(Option::is_none)
    }
}

/// Parses a scalar.
///
/// # Errors
/// If it is of another type.
pub fn parse_scalar<T: JsonScalar>(raw: &RawValue) -> serde_json::Result<T> {
    serde_json::from_str(raw.get())
}

/// The items of an array, as raw JSON.
///
/// # Errors
/// If it is not an array.
pub fn array_items(raw: &RawValue) -> serde_json::Result<Vec<&RawValue>> {
    serde_json::from_str(raw.get())
}

struct MembersVisitor(&'static [&'static str]);

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = JsonObject<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<JsonObject<'de>, A::Error> {
        let mut found = BTreeMap::new();
        while let Some(name) = members.next_key_seed(MemberNameSeed(self.0))? {
            let Some(name) = name else {
                members.next_value::<IgnoredAny>()?;
                continue;
            };
            let raw: &RawValue = members.next_value()?;
            found.entry(name).and_modify(|known| *known = None).or_insert(Some(raw));
        }
        Ok(JsonObject { names: self.0, members: found })
    }
}

/// Finds a member's name among the known names. Compares bytes: other names may be invalid UTF-16.
struct MemberNameSeed(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for MemberNameSeed {
    type Value = Option<&'static str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl Visitor<'_> for MemberNameSeed {
    type Value = Option<&'static str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_bytes<E>(self, name: &[u8]) -> Result<Self::Value, E> {
        Ok(self.0.iter().copied().find(|known| known.as_bytes() == name))
    }
}

/// Implements serde's traits for structs, by field names: arrays are rejected. The struct derives
/// with `#[serde(remote = "Self")]`; this macro then implements the traits.
macro_rules! serde_struct_from_object {
    ($($type:ident),+ $(,)?) => {
        $($crate::json::serialize_remote!($type);)+
        $crate::json::deserialize_from_object!($($type),+);
    };
}

/// Implements only `Deserialize`, for structs that are never serialized.
macro_rules! deserialize_from_object {
    ($($type:ident),+ $(,)?) => {$(
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct ByName;

                impl<'de> serde::de::Visitor<'de> for ByName {
                    type Value = $type;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        members: A,
                    ) -> Result<$type, A::Error> {
                        $type::deserialize(serde::de::value::MapAccessDeserializer::new(members))
                    }
                }

                from.deserialize_map(ByName)
            }
        }
    )+};
}

/// The same for enums without fields: a string, never `{"name":null}`.
macro_rules! serde_unit_enum {
    ($($type:ident),+ $(,)?) => {$(
        $crate::json::serialize_remote!($type);

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct ByWord;

                impl serde::de::Visitor<'_> for ByWord {
                    type Value = $type;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("a string")
                    }

                    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<$type, E> {
                        $type::deserialize(serde::de::value::StrDeserializer::new(word))
                    }
                }

                from.deserialize_str(ByWord)
            }
        }
    )+};
}

/// Implements `Serialize` for a type that derives with `#[serde(remote = "Self")]`.
macro_rules! serialize_remote {
    ($type:ident) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                $type::serialize(self, to)
            }
        }
    };
}

pub(crate) use {
    deserialize_from_object, serde_struct_from_object, serde_unit_enum, serialize_remote,
};

#[cfg(test)]
mod tests {
    use super::{JsonObject, array_items, parse_scalar};

    const NAMES: [&str; 3] = ["a", "b", "c"];

    fn read(text: &str) -> serde_json::Result<JsonObject<'_>> {
        JsonObject::parse(text, &NAMES)
    }

    #[test]
    fn unknown_members_are_skipped_whatever_they_contain() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let objects = format!("{}1{}", r#"{"x":"#.repeat(100_000), "}".repeat(100_000));
        let digits = "9".repeat(1_000_000);
        for odd in
            [&*deep, &objects, &digits, "1e400", "-1E-999", r#""\ud800""#, r#""\udc00\ud800""#]
        {
            let text = format!(r#"{{"a":1,"x":{odd},"\ud800":{odd},"b":{odd},"x":2}}"#);
            let object = read(&text).unwrap();
            assert_eq!(object.scalar::<i64>("a").unwrap(), Some(1));
            assert_eq!(object.raw_member("b").unwrap().unwrap().get(), odd);
            assert!(object.raw_member("c").unwrap().is_none());
        }
    }

    #[test]
    fn only_objects_are_accepted() {
        for text in ["[]", r#"["a",1]"#, r#"[["a",1]]"#, "null", "1", r#""a""#, "true"] {
            assert!(read(text).unwrap_err().is_data(), "{text}");
        }
        for text in ["", "{", "{}x", r#"{"a":}"#, r#"{"x":[1}"#, r#"{"x":"\u12"}"#, "{}{}"] {
            assert!(!read(text).unwrap_err().is_data(), "{text}");
        }
    }

    #[test]
    fn a_duplicate_member_is_an_error_and_others_are_not_affected() {
        let object = read(r#"{"a":1,"b":2,"\u0061":1}"#).unwrap();
        assert!(
            object.raw_member("a").is_err()
                && object.scalar::<i64>("a").is_err()
                && object.has_duplicate()
        );
        assert_eq!(object.scalar::<i64>("b").unwrap(), Some(2));
    }

    #[test]
    fn scalars_are_typed_and_null_is_none() {
        let object = read(r#"{"a":"1","b":null,"c":[1,[2]]}"#).unwrap();
        assert!(object.scalar::<i64>("a").is_err() && object.scalar::<bool>("a").is_err());
        assert_eq!(object.scalar::<String>("a").unwrap().as_deref(), Some("1"));
        assert_eq!(object.scalar::<String>("b").unwrap(), None);
        assert!(
            object.raw_member("b").unwrap().is_some()
                && object.non_null_member("b").unwrap().is_none()
        );
        let items = array_items(object.raw_member("c").unwrap().unwrap()).unwrap();
        assert_eq!(parse_scalar::<i64>(items[0]).unwrap(), 1);
        assert!(parse_scalar::<i64>(items[1]).is_err() && array_items(items[0]).is_err());
    }

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    #[serde(remote = "Self")]
    struct Outer {
        word: Word,
        inner: Vec<Inner>,
    }

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    #[serde(remote = "Self")]
    struct Inner {
        n: i64,
    }

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    #[serde(remote = "Self", rename_all = "lowercase")]
    enum Word {
        One,
    }

    serde_struct_from_object!(Outer, Inner);
    serde_unit_enum!(Word);

    #[test]
    fn our_structs_need_objects_and_our_enums_strings() {
        let text = r#"{"word":"one","inner":[{"n":1}]}"#;
        let outer = Outer { word: Word::One, inner: vec![Inner { n: 1 }] };
        assert_eq!(serde_json::to_string(&outer).unwrap(), text);
        assert_eq!(serde_json::from_str::<Outer>(text).unwrap(), outer);
        for other in [
            r#"["one",[{"n":1}]]"#,
            r#"{"word":"one","inner":[[1]]}"#,
            r#"{"word":{"one":null},"inner":[{"n":1}]}"#,
            r#"{"word":["one"],"inner":[]}"#,
            r#"{"word":"two","inner":[]}"#,
            r#"{"word":"one","inner":[],"inner":[]}"#,
        ] {
            assert!(serde_json::from_str::<Outer>(other).is_err(), "{other}");
        }
    }
}
