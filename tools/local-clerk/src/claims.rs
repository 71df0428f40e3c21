//! What this server signs of people: sessions, and the browsers that they signed in with.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::new_id;

/// The claims of a session token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// Who issued it: this server's address.
    pub iss: String,
    /// The user.
    pub sub: String,
    /// The session.
    pub sid: String,
    /// The origin that asked for it: the application's.
    pub azp: String,
    /// Issued at, in seconds.
    pub iat: i64,
    /// Not valid before.
    pub nbf: i64,
    /// Not valid from here on.
    pub exp: i64,
    /// The session's status.
    pub sts: &'static str,
    /// The token's own id.
    pub jti: String,
    /// Minutes since the first and since the second factor; -1 without one.
    pub fva: [i32; 2],
    /// Who acts as the user, if somebody else does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
    /// The version, and the active organization in its shape.
    #[serde(flatten)]
    pub version: Version,
}

/// The two shapes of a session token's claims.
/// <https://clerk.com/docs/guides/sessions/session-tokens>
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Version {
    /// The first, which does not say its number.
    V1 {
        /// The active organization.
        #[serde(flatten)]
        organization: Option<OrganizationV1>,
    },
    /// The second.
    V2 {
        /// 2.
        v: u8,
        /// What the user's plan and the organization's allow, as `o:settings,o:reports`.
        #[serde(skip_serializing_if = "Option::is_none")]
        fea: Option<String>,
        /// The active organization.
        #[serde(skip_serializing_if = "Option::is_none")]
        o: Option<OrganizationV2>,
    },
}

/// The active organization in the first version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrganizationV1 {
    #[serde(rename = "org_id")]
    id: String,
    #[serde(rename = "org_role")]
    role: String,
    #[serde(rename = "org_slug")]
    slug: String,
    #[serde(rename = "org_permissions")]
    permissions: Vec<String>,
}

/// The active organization in the second version: permissions as one mask for each feature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrganizationV2 {
    id: String,
    slg: String,
    rol: String,
    per: String,
    fpm: String,
}

/// An organization that a user is working in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Active {
    /// Its id.
    pub id: String,
    /// Its slug.
    pub slug: String,
    /// The user's role there, `org:admin`.
    pub role: String,
    /// What the role allows, each `org:feature:action`. System permissions are never in a token.
    #[serde(default)]
    pub permissions: Vec<String>,
}

impl Version {
    /// The second version, in no organization.
    pub const PERSONAL: Self = Self::V2 { v: 2, fea: None, o: None };

    /// The first version.
    #[must_use]
    pub fn first(active: Option<Active>) -> Self {
        let organization = active.map(|active| OrganizationV1 {
            id: active.id,
            role: active.role,
            slug: active.slug,
            permissions: active.permissions,
        });
        Self::V1 { organization }
    }

    /// The second version.
    #[must_use]
    pub fn second(active: Option<Active>) -> Self {
        let Some(active) = active else { return Self::PERSONAL };
        let pairs: Vec<(&str, &str)> =
            active.permissions.iter().filter_map(|it| split(it)).collect();
        let features = distinct(pairs.iter().map(|(feature, _)| *feature));
        let actions = distinct(pairs.iter().map(|(_, action)| *action));
        // A feature's mask has a bit for each action that is held of it, the first action lowest.
        let mask = |feature: &&str| {
            let held = |action: &&str| pairs.contains(&(*feature, *action));
            let bits = actions.iter().rev().map(held);
            bits.fold(0_u128, |mask, held| (mask << 1) | u128::from(held)).to_string()
        };
        let fea: Vec<String> = features.iter().map(|feature| format!("o:{feature}")).collect();
        let masks: Vec<String> = features.iter().map(mask).collect();
        let organization = OrganizationV2 {
            slg: active.slug,
            rol: active.role.trim_start_matches("org:").to_owned(),
            per: actions.join(","),
            fpm: masks.join(","),
            id: active.id,
        };
        Self::V2 { v: 2, fea: Some(fea.join(",")), o: Some(organization) }
    }
}

/// Feature and action of `org:feature:action`.
fn split(permission: &str) -> Option<(&str, &str)> {
    permission.strip_prefix("org:")?.split_once(':')
}

/// Each once, in the order in which they come.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    names.filter(|name| seen.insert(*name)).collect()
}

/// Somebody who acts as a user: <https://clerk.com/docs/guides/users/impersonation>
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Actor {
    /// Where they are signed in themselves.
    pub iss: String,
    /// Who they are: any text that the application gave to Clerk, an e-mail address for instance.
    pub sub: String,
}

impl Claims {
    /// The claims of a new session of `user_id`, from `now_s` for `ttl_s` seconds.
    #[must_use]
    pub fn new(issuer: &str, azp: &str, user_id: &str, now_s: i64, ttl_s: i64) -> Self {
        Self {
            iss: issuer.to_owned(),
            sub: user_id.to_owned(),
            sid: new_id("sess_"),
            azp: azp.to_owned(),
            iat: now_s,
            nbf: now_s.saturating_sub(10),
            exp: now_s.saturating_add(ttl_s),
            sts: "active",
            jti: new_id(""),
            fva: [0, -1],
            act: None,
            version: Version::PERSONAL,
        }
    }
}

/// A browser that somebody has signed in with, as a signed text in a cookie of this server's: a
/// second start still knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// The user.
    pub sub: String,
    /// The session.
    pub sid: String,
    /// Since when, in seconds.
    pub iat: i64,
    /// Until when.
    pub exp: i64,
}
