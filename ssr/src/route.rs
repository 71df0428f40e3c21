//! Which page a path names. What no line below names does not exist.

use std::sync::LazyLock;

use matchit::{InsertError, Router};
use shared::guard::Need;

/// A page, a question or a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// The front page, for everybody.
    Home,
    /// Where to sign in, for everybody.
    SignIn,
    /// Whether the Worker runs.
    Health,
    /// The style sheet.
    Style,
    /// A page under a guard.
    Guarded(Guarded),
    /// Who am I, as JSON.
    Me,
    /// May I do that, as JSON.
    Check,
}

/// A page that is rendered from a permit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Guarded {
    /// The user's own page.
    Dashboard,
    /// For the app role `admin`.
    Admin,
    /// For members of the organization.
    Org(String),
    /// For the organization's `org:admin`.
    OrgSettings(String),
}

impl Guarded {
    /// What the page asks of whoever wants to see it.
    pub(crate) fn need(&self) -> Need {
        match self {
            Self::Dashboard => Need::Session,
            Self::Admin => Need::Role("admin".to_owned()),
            Self::Org(org) => Need::Member { org: org.clone() },
            Self::OrgSettings(org) => {
                Need::OrgRole { org: org.clone(), role: "org:admin".to_owned() }
            }
        }
    }
}

impl Route {
    /// The route's name in the log: never the path, which anybody can write.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::SignIn => "sign-in",
            Self::Health => "healthz",
            Self::Style => "style",
            Self::Me => "me",
            Self::Check => "check",
            Self::Guarded(Guarded::Dashboard) => "dashboard",
            Self::Guarded(Guarded::Admin) => "admin",
            Self::Guarded(Guarded::Org(_)) => "org",
            Self::Guarded(Guarded::OrgSettings(_)) => "org-settings",
        }
    }

    /// Whether programs, not people, ask here.
    pub(crate) fn is_data(&self) -> bool {
        match self {
            Self::Health | Self::Me | Self::Check => true,
            Self::Home | Self::SignIn | Self::Style | Self::Guarded(_) => false,
        }
    }
}

/// Bytes in a path: the longest one here has about 150.
const PATH_BYTES_MAX: usize = 512;

/// The route that `path` names, if it names one.
///
/// The path is judged as it was sent, once: no route here needs a `%`, so a path that holds one,
/// or a backslash, an empty segment or a dot segment, is no path of ours.
pub(crate) fn find(path: &str) -> Option<Route> {
    if !is_plain(path) {
        return None;
    }
    let router = ROUTER.as_ref().ok()?;
    let matched = router.at(path).ok()?;
    let org = || matched.params.get("org_id").map(str::to_owned);
    Some(match matched.value {
        Leaf::Home => Route::Home,
        Leaf::SignIn => Route::SignIn,
        Leaf::Health => Route::Health,
        Leaf::Style => Route::Style,
        Leaf::Me => Route::Me,
        Leaf::Check => Route::Check,
        Leaf::Dashboard => Route::Guarded(Guarded::Dashboard),
        Leaf::Admin => Route::Guarded(Guarded::Admin),
        Leaf::Org => Route::Guarded(Guarded::Org(org()?)),
        Leaf::OrgSettings => Route::Guarded(Guarded::OrgSettings(org()?)),
    })
}

fn is_plain(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else { return false };
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_' | b'.');
    let whole = |segment: &str| !matches!(segment, "" | "." | "..");
    path.len() <= PATH_BYTES_MAX
        && rest.bytes().all(allowed)
        && (rest.is_empty() || rest.split('/').all(whole))
}

#[derive(Clone, Copy)]
enum Leaf {
    Home,
    SignIn,
    Health,
    Style,
    Dashboard,
    Admin,
    Org,
    OrgSettings,
    Me,
    Check,
}

static ROUTER: LazyLock<Result<Router<Leaf>, InsertError>> = LazyLock::new(|| {
    let mut router = Router::new();
    router.insert("/", Leaf::Home)?;
    router.insert("/sign-in", Leaf::SignIn)?;
    router.insert("/healthz", Leaf::Health)?;
    router.insert("/assets/style.css", Leaf::Style)?;
    router.insert("/dashboard", Leaf::Dashboard)?;
    router.insert("/admin", Leaf::Admin)?;
    router.insert("/orgs/{org_id}", Leaf::Org)?;
    router.insert("/orgs/{org_id}/settings", Leaf::OrgSettings)?;
    router.insert("/api/me", Leaf::Me)?;
    router.insert("/api/check", Leaf::Check)?;
    Ok(router)
});

#[cfg(test)]
mod tests {
    use super::{Guarded, Route, find};

    #[test]
    fn every_page_has_its_path() {
        let org = || "org_2A".to_owned();
        for (path, want) in [
            ("/", Route::Home),
            ("/sign-in", Route::SignIn),
            ("/healthz", Route::Health),
            ("/assets/style.css", Route::Style),
            ("/dashboard", Route::Guarded(Guarded::Dashboard)),
            ("/admin", Route::Guarded(Guarded::Admin)),
            ("/orgs/org_2A", Route::Guarded(Guarded::Org(org()))),
            ("/orgs/org_2A/settings", Route::Guarded(Guarded::OrgSettings(org()))),
            ("/api/me", Route::Me),
            ("/api/check", Route::Check),
        ] {
            assert_eq!(find(path), Some(want), "{path}");
        }
    }

    #[test]
    fn s_4_s_7_every_other_spelling_is_no_page() {
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
            assert_eq!(find(path), None, "{path:?}");
        }
        assert_eq!(find(&format!("/orgs/{}", "a".repeat(512))), None);
    }
}
