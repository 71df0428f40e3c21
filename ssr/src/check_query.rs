//! `GET /api/check` and `GET /api/me`: what their queries ask.

use shared::guard::Need;
use shared::session::factors::Reverification;
use url::form_urlencoded;

use crate::roles::Freshness;

/// A question that can be answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CheckQuery {
    /// What must hold.
    pub(crate) need: Need,
    /// How new the roles must be.
    pub(crate) freshness: Freshness,
}

/// Why a query is no question. The text goes to whoever asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum QueryError {
    #[error("ask for a role, a permission or a reverification")]
    AsksNothing,
    #[error("ask for fewer things at once")]
    AsksTooMuch,
    #[error(
        "a parameter is unknown: role, permission, reverification, org, any, fresh and \
         min_version are known"
    )]
    UnknownName,
    #[error("a parameter is unknown: fresh and min_version are known")]
    UnknownWish,
    #[error("reverification, org, any, fresh and min_version may each stand once")]
    Repeated,
    #[error("a role or a permission is empty")]
    Empty,
    #[error(
        "with org, each role and permission must begin with org: and be one of an organization's; \
         ask for others without org"
    )]
    NotInOrg,
    #[error("any and fresh are 1 or 0")]
    Switch,
    #[error("min_version is a whole number, not negative")]
    Version,
    #[error(
        "reverification is strict_mfa, strict, moderate, lax, or first_factor, second_factor or \
         multi_factor with a colon and minutes"
    )]
    Reverification,
}

/// What the roles and permissions begin with that hold inside an organization.
const IN_ORG: &str = "org:";

/// Roles and permissions in one question.
const NEEDS_MAX: usize = 64;

/// The largest version that every party carries exactly: 2^53.
const VERSION_MAX: i64 = 9_007_199_254_740_992;

#[derive(Default)]
struct CheckParams {
    roles: Vec<String>,
    permissions: Vec<String>,
    reverification: Option<Reverification>,
    org: Option<String>,
    any: Option<bool>,
    wished: FreshnessParams,
}

#[derive(Default)]
struct FreshnessParams {
    fresh: Option<bool>,
    min_version: Option<i64>,
}

impl FreshnessParams {
    /// Takes a parameter in; `unknown` where it is no wish.
    fn take(&mut self, name: &str, value: &str, unknown: QueryError) -> Result<(), QueryError> {
        match name {
            "fresh" => set_once(&mut self.fresh, parse_flag(value)?),
            "min_version" => set_once(&mut self.min_version, version(value)?),
            _ => Err(unknown),
        }
    }

    fn freshness(&self) -> Freshness {
        Freshness { fresh: self.fresh.unwrap_or(false), min_version: self.min_version.unwrap_or(0) }
    }
}

/// Reads the query of `/api/me`, which asks how new the roles must be and nothing else.
///
/// As strict as [`parse_check_query`]: a mistyped wish would be answered by an older set than was
/// wished for.
pub(crate) fn parse_freshness(query: &str) -> Result<Freshness, QueryError> {
    let mut wished = FreshnessParams::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        wished.take(&name, &value, QueryError::UnknownWish)?;
    }
    Ok(wished.freshness())
}

/// Reads the query of `/api/check`.
///
/// A mistyped name or value is an error, never a smaller question: `permision=…&role=member`
/// would otherwise be granted for the role alone.
pub(crate) fn parse_check_query(query: &str) -> Result<CheckQuery, QueryError> {
    let mut asked = CheckParams::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let value = value.into_owned();
        match name.as_ref() {
            "role" => asked.roles.push(non_empty(value)?),
            "permission" => asked.permissions.push(non_empty(value)?),
            "reverification" => {
                let wanted = Reverification::parse(&value).ok_or(QueryError::Reverification)?;
                set_once(&mut asked.reverification, wanted)?;
            }
            "org" => set_once(&mut asked.org, value)?,
            "any" => set_once(&mut asked.any, parse_flag(&value)?)?,
            name => asked.wished.take(name, &value, QueryError::UnknownName)?,
        }
    }
    let count = asked.roles.len().saturating_add(asked.permissions.len());
    if count == 0 && asked.reverification.is_none() {
        return Err(QueryError::AsksNothing);
    }
    if NEEDS_MAX < count {
        return Err(QueryError::AsksTooMuch);
    }
    // A question that names an organization means it: passed over, it would grant too much.
    let mut names = asked.roles.iter().chain(&asked.permissions);
    if asked.org.is_some() && !names.all(|name| name.starts_with(IN_ORG)) {
        return Err(QueryError::NotInOrg);
    }
    let freshness = asked.wished.freshness();
    Ok(CheckQuery { need: need(asked), freshness })
}

/// `any` chooses among roles and permissions. To have proved lately who one is comes on top: it is
/// never one of several ways in.
fn need(asked: CheckParams) -> Need {
    let is_any = asked.any.unwrap_or(false);
    let reverified = asked.reverification.map(Need::Reverified);
    let held = match needs(asked) {
        // Half a question is not answered by its other half, not even with `any`.
        None => Need::Any(Vec::new()),
        Some(needs) if needs.is_empty() => return Need::All(reverified.into_iter().collect()),
        Some(needs) if is_any => Need::Any(needs),
        Some(needs) => Need::All(needs),
    };
    match reverified {
        None => held,
        Some(reverified) => Need::All(vec![held, reverified]),
    }
}

/// What is asked, or `None` when part of it holds inside an organization and none is named.
fn needs(asked: CheckParams) -> Option<Vec<Need>> {
    let org = asked.org;
    let roles = asked.roles.into_iter().map(|role| {
        if role.starts_with(IN_ORG) {
            Some(Need::OrgRole { org: org.clone()?, role })
        } else {
            Some(Need::Role(role))
        }
    });
    let permissions = asked
        .permissions
        .into_iter()
        .map(|permission| Some(Need::Permission { org: org.clone()?, permission }));
    roles.chain(permissions).collect()
}

fn non_empty(value: String) -> Result<String, QueryError> {
    if value.is_empty() { Err(QueryError::Empty) } else { Ok(value) }
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
        _ => Err(QueryError::Switch),
    }
}

fn version(value: &str) -> Result<i64, QueryError> {
    if value.is_empty() || !value.bytes().all(|b| b.is_ascii_digit()) {
        return Err(QueryError::Version);
    }
    value.parse().ok().filter(|version| *version <= VERSION_MAX).ok_or(QueryError::Version)
}

#[cfg(test)]
mod tests {
    use shared::guard::Need;
    use shared::session::factors::Reverification;

    use super::{CheckQuery, Freshness, QueryError, parse_check_query, parse_freshness};

    fn role(name: &str) -> Need {
        Need::Role(name.to_owned())
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
    fn all_must_hold_unless_any_is_asked_for() {
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
    fn an_organization_is_not_passed_over() {
        for query in [
            "role=member&org=org_1",
            "role=admin&org=org_1&any=1",
            "permission=posts:read&org=org_1",
            "role=member&role=org:admin&org=org_1",
            "role=org:admin&permission=x&org=org_1",
            "role=member&org=",
        ] {
            check_bad(query, QueryError::NotInOrg);
        }
    }

    #[test]
    fn what_holds_in_an_organization_needs_one() {
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
    fn a_reverification_comes_on_top() {
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
            check_bad(&format!("role=a&reverification={how}"), QueryError::Reverification);
        }
        check_bad("reverification=strict&reverification=lax", QueryError::Repeated);
    }

    #[test]
    fn fresh_and_min_version_are_read() {
        let got = parse_check_query("role=a&fresh=1&min_version=1700000000123");
        let need = Need::All(vec![role("a")]);
        let wanted = Freshness { fresh: true, min_version: 1_700_000_000_123 };
        assert_eq!(got, Ok(CheckQuery { need, freshness: wanted }));
        assert_eq!(parse_freshness("fresh=1&min_version=1700000000123"), Ok(wanted));
        assert_eq!(parse_freshness("min_version=0&fresh=0"), Ok(Freshness::default()));
        assert_eq!(parse_freshness(""), Ok(Freshness::default()));
    }

    #[test]
    fn a_wish_is_read_as_strictly_as_a_question() {
        for (query, want) in [
            ("role=a", QueryError::UnknownWish),
            ("fresh=1&min-version=7", QueryError::UnknownWish),
            ("Fresh=1", QueryError::UnknownWish),
            ("fresh", QueryError::Switch),
            ("fresh=true", QueryError::Switch),
            ("fresh=1&fresh=1", QueryError::Repeated),
            ("min_version=1&min_version=2", QueryError::Repeated),
            ("min_version=-1", QueryError::Version),
        ] {
            assert_eq!(parse_freshness(query), Err(want), "{query}");
        }
    }

    #[test]
    fn a_question_that_cannot_be_read_is_never_a_smaller_one() {
        for query in ["", "org=org_1", "any=1", "fresh=1", "min_version=3", "&&"] {
            check_bad(query, QueryError::AsksNothing);
        }
        for value in
            ["abc", "", "-1", "1.5", "1e3", "+1", " 1", "9007199254740993", "99999999999999999999"]
        {
            let query = format!("role=a&min_version={}", value.replace('+', "%2B"));
            check_bad(&query, QueryError::Version);
        }
        for query in ["role=a&any=yes", "role=a&fresh=true", "role=a&any=", "role=a&fresh"] {
            check_bad(query, QueryError::Switch);
        }
        for query in ["role=a&any=1&any=0", "role=org:a&org=x&org=x", "role=a&fresh=1&fresh=1"] {
            check_bad(query, QueryError::Repeated);
        }
        for query in ["role=", "role", "role=a&permission="] {
            check_bad(query, QueryError::Empty);
        }
        for query in ["permision=org:x:y&role=member", "role=a&Role=b", "role=a&x"] {
            check_bad(query, QueryError::UnknownName);
        }
        check_bad(&"role=a&".repeat(65), QueryError::AsksTooMuch);
    }
}
