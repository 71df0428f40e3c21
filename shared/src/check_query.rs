//! Parses the query strings of `GET /api/check` and `GET /api/me`.

use url::form_urlencoded;

use crate::cache::isolate::Freshness;
use crate::guard::Need;
use crate::session::factors::Reverification;

/// A valid query.
#[derive(Debug, PartialEq, Eq)]
pub struct CheckQuery {
    /// What is required of the caller.
    pub need: Need,
    /// How fresh the roles must be.
    pub freshness: Freshness,
}

/// Why a query is invalid. The text is sent to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Nothing is asked for.
    #[error("role, permission or reverification is required")]
    MissingNeed,
    /// More than 64 roles and permissions.
    #[error("too many roles and permissions: at most 64")]
    TooManyNeeds,
    /// A parameter that `/api/check` does not know.
    #[error(
        "unknown parameter; allowed: role, permission, reverification, org, any, fresh, \
         min_version"
    )]
    UnknownParameter,
    /// A parameter that `/api/me` does not know.
    #[error("unknown parameter; allowed: fresh, min_version")]
    UnknownFreshnessParameter,
    /// A parameter that may be given once was given twice.
    #[error("reverification, org, any, fresh and min_version must not be repeated")]
    Repeated,
    /// An empty role or permission.
    #[error("role and permission must not be empty")]
    EmptyName,
    /// `org` beside a role or permission of no organization.
    #[error("with org, every role and permission must start with org:")]
    NotOrgScoped,
    /// `any` or `fresh` is neither 0 nor 1.
    #[error("any and fresh must be 1 or 0")]
    BadFlag,
    /// `min_version` is not a non-negative integer.
    #[error("min_version must be a non-negative integer")]
    BadMinVersion,
    /// `reverification` has an unknown form.
    #[error(
        "reverification must be strict_mfa, strict, moderate, lax, or a level and minutes such as \
         first_factor:10"
    )]
    BadReverification,
}

/// The prefix of an organization's roles and permissions.
const ORG_PREFIX: &str = "org:";

/// Roles and permissions in one query. Named in [`QueryError::TooManyNeeds`].
const NEEDS_MAX: usize = 64;

/// JavaScript's largest exact integer, 2^53.
const VERSION_MAX: i64 = 9_007_199_254_740_992;

#[derive(Default)]
struct CheckParams {
    roles: Vec<String>,
    permissions: Vec<String>,
    reverification: Option<Reverification>,
    org: Option<String>,
    any: Option<bool>,
    freshness: FreshnessParams,
}

#[derive(Default)]
struct FreshnessParams {
    fresh: Option<bool>,
    min_version: Option<i64>,
}

impl FreshnessParams {
    /// Applies a parameter; `unknown` is the error for any other name.
    fn apply(&mut self, name: &str, value: &str, unknown: QueryError) -> Result<(), QueryError> {
        match name {
            "fresh" => set_once(&mut self.fresh, parse_flag(value)?),
            "min_version" => set_once(&mut self.min_version, parse_min_version(value)?),
            _ => Err(unknown),
        }
    }

    fn freshness(&self) -> Freshness {
        Freshness { fresh: self.fresh.unwrap_or(false), min_version: self.min_version.unwrap_or(0) }
    }
}

/// Parses the query of `/api/me`: only how fresh the roles must be.
///
/// As strict as [`parse_check_query`]: with a typo ignored, the answer could be older than the
/// client allows.
///
/// # Errors
/// Why the query is invalid.
pub fn parse_freshness(query: &str) -> Result<Freshness, QueryError> {
    let mut params = FreshnessParams::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        params.apply(&name, &value, QueryError::UnknownFreshnessParameter)?;
    }
    Ok(params.freshness())
}

/// Parses the query of `/api/check`.
///
/// A typo is an error and never ignored: `permision=…&role=member` would otherwise be granted for
/// the role alone.
///
/// # Errors
/// Why the query is invalid.
pub fn parse_check_query(query: &str) -> Result<CheckQuery, QueryError> {
    let mut params = CheckParams::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let value = value.into_owned();
        match name.as_ref() {
            "role" => params.roles.push(non_empty(value)?),
            "permission" => params.permissions.push(non_empty(value)?),
            "reverification" => {
                let wanted = Reverification::parse(&value).ok_or(QueryError::BadReverification)?;
                set_once(&mut params.reverification, wanted)?;
            }
            "org" => set_once(&mut params.org, value)?,
            "any" => set_once(&mut params.any, parse_flag(&value)?)?,
            name => params.freshness.apply(name, &value, QueryError::UnknownParameter)?,
        }
    }
    let count = params.roles.len().saturating_add(params.permissions.len());
    if count == 0 && params.reverification.is_none() {
        return Err(QueryError::MissingNeed);
    }
    if NEEDS_MAX < count {
        return Err(QueryError::TooManyNeeds);
    }
    // Ignoring `org` would grant too much.
    let mut names = params.roles.iter().chain(&params.permissions);
    if params.org.is_some() && !names.all(|name| name.starts_with(ORG_PREFIX)) {
        return Err(QueryError::NotOrgScoped);
    }
    let freshness = params.freshness.freshness();
    Ok(CheckQuery { need: need(params), freshness })
}

/// `any` chooses among roles and permissions. Reverification is always required in addition, never
/// as an alternative.
fn need(params: CheckParams) -> Need {
    let is_any = params.any.unwrap_or(false);
    let reverified = params.reverification.map(Need::Reverified);
    let roles_need = match needs(params) {
        // `org` is missing for one of them: the whole query is denied, even with `any`.
        None => Need::Any(Vec::new()),
        Some(needs) if needs.is_empty() => return Need::All(reverified.into_iter().collect()),
        Some(needs) if is_any => Need::Any(needs),
        Some(needs) => Need::All(needs),
    };
    match reverified {
        None => roles_need,
        Some(reverified) => Need::All(vec![roles_need, reverified]),
    }
}

/// The needs, or `None` if one of them requires an organization and none is given.
fn needs(params: CheckParams) -> Option<Vec<Need>> {
    let org = params.org;
    let roles = params.roles.into_iter().map(|role| {
        if role.starts_with(ORG_PREFIX) {
            Some(Need::OrgRole { org: org.clone()?, role })
        } else {
            Some(Need::AppRole(role))
        }
    });
    let permissions = params
        .permissions
        .into_iter()
        .map(|permission| Some(Need::Permission { org: org.clone()?, permission }));
    roles.chain(permissions).collect()
}

fn non_empty(value: String) -> Result<String, QueryError> {
    if value.is_empty() { Err(QueryError::EmptyName) } else { Ok(value) }
}

fn set_once<T>(slot: &mut Option<T>, value: T) -> Result<(), QueryError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(QueryError::Repeated),
    }
}

fn parse_flag(value: &str) -> Result<bool, QueryError> {
    match value {
        "1" => Ok(true),
        "0" => Ok(false),
        _ => Err(QueryError::BadFlag),
    }
}

fn parse_min_version(value: &str) -> Result<i64, QueryError> {
    if value.is_empty() || !value.bytes().all(|b| b.is_ascii_digit()) {
        return Err(QueryError::BadMinVersion);
    }
    value.parse().ok().filter(|version| *version <= VERSION_MAX).ok_or(QueryError::BadMinVersion)
}

#[cfg(test)]
mod tests {
    use super::{
        CheckQuery, Freshness, Need, QueryError, Reverification, parse_check_query, parse_freshness,
    };

    fn role(name: &str) -> Need {
        Need::AppRole(name.to_owned())
    }

    fn org_role(name: &str) -> Need {
        Need::OrgRole { org: "org_1".to_owned(), role: name.to_owned() }
    }

    fn permission(name: &str) -> Need {
        Need::Permission { org: "org_1".to_owned(), permission: name.to_owned() }
    }

    #[track_caller]
    fn check(query: &str, want: Need) {
        let want = CheckQuery { need: want, freshness: Freshness::default() };
        assert_eq!(parse_check_query(query), Ok(want), "{query}");
    }

    #[track_caller]
    fn check_bad(query: &str, want: QueryError) {
        assert_eq!(parse_check_query(query), Err(want), "{query}");
    }

    #[test]
    fn all_needs_are_required_unless_any_is_set() {
        check("role=admin", Need::All(vec![role("admin")]));
        check("role=a&role=b", Need::All(vec![role("a"), role("b")]));
        check("role=a&role=b&any=1", Need::Any(vec![role("a"), role("b")]));
        check("any=0&role=a", Need::All(vec![role("a")]));
        check("role=a%20b+c", Need::All(vec![role("a b c")]));
        check(
            "role=org:admin&permission=org:x:y&org=org_1",
            Need::All(vec![org_role("org:admin"), permission("org:x:y")]),
        );
    }

    #[test]
    fn org_is_never_ignored() {
        for query in [
            "role=member&org=org_1",
            "role=admin&org=org_1&any=1",
            "permission=posts:read&org=org_1",
            "role=member&role=org:admin&org=org_1",
            "role=org:admin&permission=x&org=org_1",
            "role=member&org=",
        ] {
            check_bad(query, QueryError::NotOrgScoped);
        }
    }

    #[test]
    fn org_scoped_needs_require_org() {
        for query in [
            "role=org:admin",
            "permission=org:x:y",
            "role=member&role=org:admin&any=1",
            "role=member&permission=org:x:y&any=1",
        ] {
            check(query, Need::Any(Vec::new()));
        }
    }

    #[test]
    fn reverification_is_required_in_addition() {
        let strict = || Need::Reverified(Reverification::parse("strict").expect("a demand"));
        check("reverification=strict", Need::All(vec![strict()]));
        check("reverification=strict&any=1", Need::All(vec![strict()]));
        check(
            "role=a&reverification=strict",
            Need::All(vec![Need::All(vec![role("a")]), strict()]),
        );
        check(
            "role=a&role=b&any=1&reverification=strict",
            Need::All(vec![Need::Any(vec![role("a"), role("b")]), strict()]),
        );
        check("role=org:x&reverification=strict", Need::All(vec![Need::Any(vec![]), strict()]));
        for how in ["", "1", "strictest", "second_factor:0", "second_factor:x"] {
            check_bad(&format!("role=a&reverification={how}"), QueryError::BadReverification);
        }
        check_bad("reverification=strict&reverification=lax", QueryError::Repeated);
    }

    #[test]
    fn fresh_and_min_version_are_parsed() {
        let got = parse_check_query("role=a&fresh=1&min_version=1700000000123");
        let need = Need::All(vec![role("a")]);
        let wanted = Freshness { fresh: true, min_version: 1_700_000_000_123 };
        assert_eq!(got, Ok(CheckQuery { need, freshness: wanted }));
        assert_eq!(parse_freshness("fresh=1&min_version=1700000000123"), Ok(wanted));
        assert_eq!(parse_freshness("min_version=0&fresh=0"), Ok(Freshness::default()));
        assert_eq!(parse_freshness(""), Ok(Freshness::default()));
    }

    #[test]
    fn freshness_parameters_are_strict() {
        for (query, want) in [
            ("role=a", QueryError::UnknownFreshnessParameter),
            ("fresh=1&min-version=7", QueryError::UnknownFreshnessParameter),
            ("Fresh=1", QueryError::UnknownFreshnessParameter),
            ("fresh", QueryError::BadFlag),
            ("fresh=true", QueryError::BadFlag),
            ("fresh=1&fresh=1", QueryError::Repeated),
            ("min_version=1&min_version=2", QueryError::Repeated),
            ("min_version=-1", QueryError::BadMinVersion),
        ] {
            assert_eq!(parse_freshness(query), Err(want), "{query}");
        }
    }

    #[test]
    fn invalid_queries_are_rejected() {
        for query in ["", "org=org_1", "any=1", "fresh=1", "min_version=3", "&&"] {
            check_bad(query, QueryError::MissingNeed);
        }
        for value in
            ["abc", "", "-1", "1.5", "1e3", "+1", " 1", "9007199254740993", "99999999999999999999"]
        {
            let query = format!("role=a&min_version={}", value.replace('+', "%2B"));
            check_bad(&query, QueryError::BadMinVersion);
        }
        for query in ["role=a&any=yes", "role=a&fresh=true", "role=a&any=", "role=a&fresh"] {
            check_bad(query, QueryError::BadFlag);
        }
        for query in ["role=a&any=1&any=0", "role=org:a&org=x&org=x", "role=a&fresh=1&fresh=1"] {
            check_bad(query, QueryError::Repeated);
        }
        for query in ["role=", "role", "role=a&permission="] {
            check_bad(query, QueryError::EmptyName);
        }
        for query in ["permision=org:x:y&role=member", "role=a&Role=b", "role=a&x"] {
            check_bad(query, QueryError::UnknownParameter);
        }
        check_bad(&"role=a&".repeat(65), QueryError::TooManyNeeds);
    }
}
