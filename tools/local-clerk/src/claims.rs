//! The claims of what this server signs: session tokens, and its records of browsers.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::new_id;

/// The claims of a session token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionClaims {
    /// The issuer: this server's address.
    pub iss: String,
    /// The user.
    pub sub: String,
    /// The session.
    pub sid: String,
    /// The origin of the application that requested it.
    pub azp: String,
    /// Issued at, in seconds.
    pub iat: i64,
    /// Not valid before.
    pub nbf: i64,
    /// The expiry.
    pub exp: i64,
    /// The session's status.
    pub sts: &'static str,
    /// The id of the token.
    pub jti: String,
    /// Minutes since the first and the second factor were verified; -1 if not verified.
    pub fva: [i32; 2],
    /// Who impersonates the user, if anyone does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<ActorClaim>,
    /// The version, with the active organization in its form.
    #[serde(flatten)]
    pub version: ClaimsVersion,
}

/// The two versions of a session token's claims.
/// <https://clerk.com/docs/guides/sessions/session-tokens>
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ClaimsVersion {
    /// The first, which has no version number.
    V1 {
        /// The active organization.
        #[serde(flatten)]
        organization: Option<OrganizationClaimsV1>,
    },
    /// The second.
    V2 {
        /// 2.
        v: u8,
        /// The features that the user's and the organization's plans include, as
        /// `o:settings,o:reports`.
        #[serde(skip_serializing_if = "Option::is_none")]
        fea: Option<String>,
        /// The active organization.
        #[serde(skip_serializing_if = "Option::is_none")]
        o: Option<OrganizationClaimsV2>,
    },
}

/// The active organization in version 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrganizationClaimsV1 {
    #[serde(rename = "org_id")]
    id: String,
    #[serde(rename = "org_role")]
    role: String,
    #[serde(rename = "org_slug")]
    slug: String,
    #[serde(rename = "org_permissions")]
    permissions: Vec<String>,
}

/// The active organization in version 2: the permissions are one bit mask for each feature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrganizationClaimsV2 {
    id: String,
    slg: String,
    rol: String,
    per: String,
    fpm: String,
}

/// The active organization, as a request gives it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganizationParams {
    /// Its id.
    pub id: String,
    /// Its slug.
    pub slug: String,
    /// The user's role there, `org:admin`.
    pub role: String,
    /// The permissions of the role, each `org:feature:action`. Clerk puts no system permissions
    /// into a token.
    #[serde(default)]
    pub permissions: Vec<String>,
}

impl ClaimsVersion {
    /// Version 2, without an active organization.
    pub const PERSONAL: Self = Self::V2 { v: 2, fea: None, o: None };

    /// Version 1.
    #[must_use]
    pub fn v1(active: Option<OrganizationParams>) -> Self {
        let organization = active.map(|active| OrganizationClaimsV1 {
            id: active.id,
            role: active.role,
            slug: active.slug,
            permissions: active.permissions,
        });
        Self::V1 { organization }
    }

    /// Version 2.
    #[must_use]
    pub fn v2(active: Option<OrganizationParams>) -> Self {
        let Some(active) = active else { return Self::PERSONAL };
        let pairs: Vec<(&str, &str)> =
            active.permissions.iter().filter_map(|it| split_permission(it)).collect();
        let features = distinct(pairs.iter().map(|(feature, _)| *feature));
        let actions = distinct(pairs.iter().map(|(_, action)| *action));
        // The mask of a feature has a bit for each granted action; the first action is bit 0.
        let mask = |feature: &&str| {
            let is_granted = |action: &&str| pairs.contains(&(*feature, *action));
            let bits = actions.iter().rev().map(is_granted);
            bits.fold(0_u128, |mask, granted| (mask << 1) | u128::from(granted)).to_string()
        };
        let fea: Vec<String> = features.iter().map(|feature| format!("o:{feature}")).collect();
        let masks: Vec<String> = features.iter().map(mask).collect();
        let organization = OrganizationClaimsV2 {
            slg: active.slug,
            rol: active.role.trim_start_matches("org:").to_owned(),
            per: actions.join(","),
            fpm: masks.join(","),
            id: active.id,
        };
        Self::V2 { v: 2, fea: Some(fea.join(",")), o: Some(organization) }
    }
}

/// The feature and the action of `org:feature:action`.
fn split_permission(permission: &str) -> Option<(&str, &str)> {
    permission.strip_prefix("org:")?.split_once(':')
}

/// The names without duplicates, in their order.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    names.filter(|name| seen.insert(*name)).collect()
}

/// Someone who impersonates a user: <https://clerk.com/docs/guides/users/impersonation>
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ActorClaim {
    /// The issuer of their own session.
    pub iss: String,
    /// Their id: any text that the application gave to Clerk, such as an e-mail address.
    pub sub: String,
}

impl SessionClaims {
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
            version: ClaimsVersion::PERSONAL,
        }
    }
}

/// A browser with a signed-in user. It is kept as a signed text in a cookie of this server, so it
/// survives a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientRecord {
    /// The user.
    pub sub: String,
    /// The session.
    pub sid: String,
    /// When the user signed in, in seconds.
    pub iat: i64,
    /// The expiry, in seconds.
    pub exp: i64,
}
