//! The routes; any other path is 404.

use shared::guard::Need;

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// The front page, public.
    Home,
    /// The sign-in page, public.
    SignIn,
    /// The health check.
    Health,
    /// The style sheet.
    Style,
    /// A guarded page.
    Guarded(GuardedPage),
    /// Who am I, as JSON.
    Me,
    /// May I do that, as JSON.
    Check,
}

/// A page that is rendered from the permit for its need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GuardedPage {
    /// The user's own page.
    Dashboard,
    /// For the app role `admin`.
    Admin,
    /// For members of the organization.
    Org(String),
    /// For the organization's `org:admin`.
    OrgSettings(String),
}

impl GuardedPage {
    /// What the page needs.
    pub(crate) fn need(&self) -> Need {
        match self {
            Self::Dashboard => Need::Session,
            Self::Admin => Need::AppRole("admin".to_owned()),
            Self::Org(org) => Need::Member { org: org.clone() },
            Self::OrgSettings(org) => {
                Need::OrgRole { org: org.clone(), role: "org:admin".to_owned() }
            }
        }
    }
}

impl Route {
    /// The route's name in the log: never the path, which the client controls.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::SignIn => "sign-in",
            Self::Health => "healthz",
            Self::Style => "style",
            Self::Me => "me",
            Self::Check => "check",
            Self::Guarded(GuardedPage::Dashboard) => "dashboard",
            Self::Guarded(GuardedPage::Admin) => "admin",
            Self::Guarded(GuardedPage::Org(_)) => "org",
            Self::Guarded(GuardedPage::OrgSettings(_)) => "org-settings",
        }
    }

    /// Whether the route needs a session.
    pub(crate) fn needs_session(&self) -> bool {
        match self {
            Self::Guarded(_) | Self::Me | Self::Check => true,
            Self::Home | Self::SignIn | Self::Health | Self::Style => false,
        }
    }

    /// Whether the route answers in JSON.
    pub(crate) fn answers_json(&self) -> bool {
        match self {
            Self::Health | Self::Me | Self::Check => true,
            Self::Home | Self::SignIn | Self::Style | Self::Guarded(_) => false,
        }
    }
}

/// Bytes in a path: the longest one here has about 150.
const PATH_BYTES_MAX: usize = 512;

/// Finds the route of `path`.
///
/// The path is matched without decoding: no route needs a `%`, so a path with one, or with a
/// backslash, an empty segment or a dot segment, is not found.
pub(crate) fn find_route(path: &str) -> Option<Route> {
    if !is_plain(path) {
        return None;
    }
    Some(match path {
        "/" => Route::Home,
        "/sign-in" => Route::SignIn,
        "/healthz" => Route::Health,
        "/assets/style.css" => Route::Style,
        "/api/me" => Route::Me,
        "/api/check" => Route::Check,
        "/dashboard" => Route::Guarded(GuardedPage::Dashboard),
        "/admin" => Route::Guarded(GuardedPage::Admin),
        _ => Route::Guarded(parse_org_route(path.strip_prefix("/orgs/")?)?),
    })
}

/// `{org_id}` or `{org_id}/settings`.
fn parse_org_route(rest: &str) -> Option<GuardedPage> {
    match rest.split_once('/') {
        None => Some(GuardedPage::Org(rest.to_owned())),
        Some((org, "settings")) => Some(GuardedPage::OrgSettings(org.to_owned())),
        Some(_) => None,
    }
}

fn is_plain(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else { return false };
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_' | b'.');
    let whole = |segment: &str| !matches!(segment, "" | "." | "..");
    path.len() <= PATH_BYTES_MAX
        && rest.bytes().all(allowed)
        && (rest.is_empty() || rest.split('/').all(whole))
}

#[cfg(test)]
mod tests {
    use super::{GuardedPage, Route, find_route};

    #[test]
    fn every_page_has_its_path() {
        let org = || "org_2A".to_owned();
        for (path, want) in [
            ("/", Route::Home),
            ("/sign-in", Route::SignIn),
            ("/healthz", Route::Health),
            ("/assets/style.css", Route::Style),
            ("/dashboard", Route::Guarded(GuardedPage::Dashboard)),
            ("/admin", Route::Guarded(GuardedPage::Admin)),
            ("/orgs/org_2A", Route::Guarded(GuardedPage::Org(org()))),
            ("/orgs/org_2A/settings", Route::Guarded(GuardedPage::OrgSettings(org()))),
            ("/api/me", Route::Me),
            ("/api/check", Route::Check),
        ] {
            assert_eq!(find_route(path), Some(want), "{path}");
        }
    }

    #[test]
    fn s_4_s_7_other_spellings_are_not_found() {
        for path in [
            "",
            "dashboard",
            "/Dashboard",
            "/dashboard/",
            "//dashboard",
            "/dashboard//",
            "/dashboard/x.css",
            "/dashboard;x.js",
            "/dashboard%2fx.css",
            "/dashboard%00.css",
            "/%64ashboard",
            "/dashboard%",
            "/dashboard%zz",
            "/./dashboard",
            "/x/../dashboard",
            "/assets/..%2fadmin",
            "/assets/../admin",
            "/assets/",
            "/assets/style.css/",
            "/\\admin",
            "\\admin",
            "/admin\\",
            "/admin.",
            "/admin/settings",
            "/orgs",
            "/orgs/",
            "/orgs//settings",
            "/orgs/./settings",
            "/orgs/org_2A/settings/x",
            "/orgs/org 2A",
            "/orgs/orgü",
            "/api",
            "/api/me/",
            "/api/me.json",
            "/favicon.ico",
            "*",
        ] {
            assert_eq!(find_route(path), None, "{path:?}");
        }
        assert_eq!(find_route(&format!("/orgs/{}", "a".repeat(512))), None);
    }

    /// The path of a route.
    fn path_of(route: &Route) -> String {
        match route {
            Route::Home => "/".to_owned(),
            Route::SignIn => "/sign-in".to_owned(),
            Route::Health => "/healthz".to_owned(),
            Route::Style => "/assets/style.css".to_owned(),
            Route::Me => "/api/me".to_owned(),
            Route::Check => "/api/check".to_owned(),
            Route::Guarded(GuardedPage::Dashboard) => "/dashboard".to_owned(),
            Route::Guarded(GuardedPage::Admin) => "/admin".to_owned(),
            Route::Guarded(GuardedPage::Org(org)) => format!("/orgs/{org}"),
            Route::Guarded(GuardedPage::OrgSettings(org)) => format!("/orgs/{org}/settings"),
        }
    }

    /// Each page has exactly one path, so no other spelling can avoid its guard.
    #[test]
    fn s_7_a_page_has_one_path() {
        let pieces = [
            "/",
            "dashboard",
            "admin",
            "orgs",
            "org_1",
            "settings",
            "api",
            "me",
            ".",
            "..",
            "%2f",
            "%61",
            "\\",
            ";",
            "?",
            "#",
            "\0",
        ];
        let mut paths = vec![String::new()];
        let mut found = 0;
        for _ in 0..5 {
            let longer = |path: &String| pieces.map(|piece| format!("{path}{piece}"));
            // A string that does not start with `/` is never a path.
            paths = paths.iter().flat_map(longer).filter(|path| path.starts_with('/')).collect();
            for (path, route) in paths.iter().filter_map(|path| Some((path, find_route(path)?))) {
                found += 1;
                assert_eq!(path_of(&route), *path);
                assert!(!path.contains(['%', '\\', ';', '?', '#', '\0']), "{path:?}");
                assert!(!path.contains("//") && !path.contains("/./") && !path.contains("/../"));
            }
        }
        assert!(10 < found, "{found} paths were pages");
    }
}
