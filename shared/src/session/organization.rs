//! The active organization in the token's claims.
//!
//! Informational: the guard uses the role cache, since a claim may be a minute old. Malformed
//! claims are ignored.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::id::EntityId;
use crate::json::JsonObject;

/// The active organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveOrganization {
    id: EntityId,
    role: String,
    slug: Option<String>,
    permissions: Vec<String>,
}

impl ActiveOrganization {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &EntityId {
        &self.id
    }

    /// The user's role in it when the token was made, `org:…`.
    #[must_use]
    pub fn role(&self) -> &str {
        &self.role
    }

    /// Its URL slug.
    #[must_use]
    pub fn slug(&self) -> Option<&str> {
        self.slug.as_deref()
    }

    /// The permissions of that role, `org:<feature>:<action>`, as far as tokens carry them: those
    /// of Clerk's own system are never among them.
    #[must_use]
    pub fn permissions(&self) -> &[String] {
        &self.permissions
    }
}

/// The organization in claims of version 2: `o`, with the features in `fea`
/// (clerk/javascript, `packages/shared/src/jwtPayloadParser.ts`).
pub(super) fn version_2(o: &RawValue, features: Option<&Value>) -> Option<ActiveOrganization> {
    let packed = JsonObject::parse(o.get(), &["id", "rol", "slg", "per", "fpm"]).ok()?;
    let text = |name| packed.scalar::<String>(name).ok();
    let features = features.and_then(Value::as_str).unwrap_or_default();
    let (actions, masks) = (text("per")?.unwrap_or_default(), text("fpm")?.unwrap_or_default());
    Some(ActiveOrganization {
        id: EntityId::parse(&text("id")??).ok()?,
        role: with_prefix(&text("rol")??),
        slug: text("slg")?,
        permissions: permissions(features, &actions, &masks),
    })
}

/// The organization in claims of version 1, which older tokens carry.
pub(super) fn version_1(
    id: &Value,
    role: Option<&Value>,
    slug: Option<&Value>,
    permissions: Option<&Value>,
) -> Option<ActiveOrganization> {
    let listed = permissions.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Some(ActiveOrganization {
        id: EntityId::parse(id.as_str()?).ok()?,
        role: with_prefix(role?.as_str()?),
        slug: slug.and_then(Value::as_str).map(str::to_owned),
        permissions: listed.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
    })
}

fn with_prefix(role: &str) -> String {
    if role.starts_with("org:") { role.to_owned() } else { format!("org:{role}") }
}

/// Decodes the permission bit masks: bit `j` of mask `i` gives action `j` of feature `i`.
///
/// Only features of organizations count, whose scope holds an `o`. A malformed mask gives nothing;
/// a malformed feature invalidates all positions, so the result is empty.
fn permissions(features: &str, actions: &str, masks: &str) -> Vec<String> {
    let Some(features) = organization_features(features) else { return Vec::new() };
    let actions: Vec<&str> = actions.split(',').collect();
    let mut given = Vec::new();
    for (feature, mask) in features.iter().zip(masks.split(',')) {
        let chosen = actions.iter().zip(DecimalBits::parse(mask)).filter(|(_, bit)| *bit);
        let chosen = chosen.map(|(action, _)| *action).filter(|action| !action.is_empty());
        given.extend(chosen.map(|action| format!("org:{feature}:{action}")));
    }
    given
}

fn organization_features(features: &str) -> Option<Vec<&str>> {
    let mut org_features = Vec::new();
    for element in features.split(',').filter(|element| !element.is_empty()) {
        let (scope, feature) = element.split_once(':')?;
        if scope.contains('o') {
            org_features.push(feature);
        }
    }
    Some(org_features)
}

/// The bits of a whole number in decimal, lowest first, however long it is: with 54 actions a mask
/// does not fit a JavaScript number, with 129 no integer type.
struct DecimalBits {
    /// Decimal digits, highest first.
    digits: Vec<u8>,
}

impl DecimalBits {
    /// No bits if it is not a whole number.
    fn parse(decimal: &str) -> Self {
        let is_whole = decimal.bytes().all(|b| b.is_ascii_digit());
        let digits = if is_whole { decimal } else { "" };
        Self { digits: digits.bytes().map(|digit| digit & 0x0f).collect() }
    }
}

impl Iterator for DecimalBits {
    type Item = bool;

    /// Long division by two; the remainder is the bit.
    fn next(&mut self) -> Option<bool> {
        if self.digits.iter().all(|digit| *digit == 0) {
            return None;
        }
        let mut remainder = 0;
        for digit in &mut self.digits {
            let value = remainder * 10 + *digit;
            (*digit, remainder) = (value / 2, value % 2);
        }
        Some(remainder == 1)
    }
}
