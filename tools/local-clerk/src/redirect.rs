//! The redirect after signing in: to a page of the application, never to another site.

use url::Url;

use crate::config::AppUrl;

/// Longer than any address of a page should be.
const PAGE_BYTES_MAX: usize = 2_048;

/// The requested page of the application, else `fallback`.
///
/// The request must name a path, or an address of the application, as applications send it to
/// Clerk. For browsers `//evil.example` and `/\evil.example` name another host, and they ignore
/// tabs and line ends. So a request that begins with `//`, or contains a backslash or a control
/// character, is refused. The origin of the result is compared with the application's.
#[must_use]
pub fn redirect_target(app: &AppUrl, requested: Option<&str>, fallback: &str) -> Url {
    requested.and_then(|requested| app_page(app, requested)).unwrap_or_else(|| {
        let mut url = app.as_url().clone();
        url.set_path(fallback);
        url
    })
}

/// The requested page, if it is one of the application.
#[must_use]
pub fn app_page(app: &AppUrl, requested: &str) -> Option<Url> {
    let origin = app.as_url().origin().ascii_serialization();
    let requested = requested.strip_prefix(&origin).unwrap_or(requested);
    let path = requested.starts_with('/') && !requested.starts_with("//");
    if !path || PAGE_BYTES_MAX < requested.len() {
        return None;
    }
    if requested.chars().any(|c| c == '\\' || c.is_control()) {
        return None;
    }
    let mut url = app.as_url().join(requested).ok()?;
    url.set_fragment(None);
    // `/.//evil.example` becomes `//evil.example`: still a path on this host, but as an address of
    // its own it would name another host.
    let stays = url.origin() == app.as_url().origin() && !url.path().starts_with("//");
    stays.then_some(url)
}

#[cfg(test)]
mod tests {
    use super::redirect_target;
    use crate::config::AppUrl;

    #[track_caller]
    fn check(requested: &str, want: &str) {
        let app = AppUrl::parse("http://127.0.0.1:8787").unwrap();
        let got = redirect_target(&app, Some(requested), "/dashboard");
        assert_eq!(got.as_str(), format!("http://127.0.0.1:8787{want}"), "{requested:?}");
    }

    #[test]
    fn a_app_page_the_application_is_kept_with_its_query() {
        check("/", "/");
        check("/admin", "/admin");
        check("/orgs/org_1/settings?tab=2&x=%2F%2Fevil", "/orgs/org_1/settings?tab=2&x=%2F%2Fevil");
        check("/admin#part", "/admin");
        check("/a/../admin", "/admin");
        check("/@evil.example", "/@evil.example");
        check("/?next=http://evil.example", "/?next=http://evil.example");
        check("/über", "/%C3%BCber");
        check("http://127.0.0.1:8787/admin?tab=2", "/admin?tab=2");
    }

    #[test]
    fn anything_else_leads_to_the_fallback() {
        for requested in [
            "",
            "admin",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "\t//evil.example",
            " //evil.example",
            "/a\u{0}b",
            "/a\u{85}b",
            "/.//evil.example",
            "/a/..//evil.example",
            "http://evil.example/",
            "http://127.0.0.1:8787@evil.example/",
            "http://127.0.0.1:8787",
            "http://127.0.0.1:8787//evil.example",
            "http://127.0.0.1:87870/admin",
            "javascript:alert(1)",
            "data:text/html,x",
        ] {
            check(requested, "/dashboard");
        }
        check(&format!("/{}", "a".repeat(2_048)), "/dashboard");
    }

    #[test]
    fn without_a_requested_page_it_is_the_fallback() {
        let app = AppUrl::parse("http://127.0.0.1:8787").unwrap();
        assert_eq!(redirect_target(&app, None, "/").as_str(), "http://127.0.0.1:8787/");
    }
}
