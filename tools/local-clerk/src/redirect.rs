//! Where the browser goes after signing in: a page of the application, never another site.

use url::Url;

use crate::config::AppUrl;

/// Longer than any page's address has reason to be.
const PATH_BYTES_MAX: usize = 2_048;

/// The page of the application that was asked for, else `fallback`.
///
/// What is asked for must be a path, or an address of the application as an application sends it
/// to Clerk. `//evil.example` and, to browsers, `/\evil.example` name
/// another host, and browsers drop tabs and line ends before they look: what begins so, or
/// holds a backslash or a control character, is not taken. The result has the application's
/// origin; that is compared, not assumed.
#[must_use]
pub fn target(app: &AppUrl, asked: Option<&str>, fallback: &str) -> Url {
    asked.and_then(|asked| page_of(app, asked)).unwrap_or_else(|| {
        let mut url = app.as_url().clone();
        url.set_path(fallback);
        url
    })
}

/// The page of the application that was asked for, if it is one.
#[must_use]
pub fn page_of(app: &AppUrl, asked: &str) -> Option<Url> {
    let origin = app.as_url().origin().ascii_serialization();
    let asked = asked.strip_prefix(&origin).unwrap_or(asked);
    let path = asked.starts_with('/') && !asked.starts_with("//");
    if !path || PATH_BYTES_MAX < asked.len() {
        return None;
    }
    if asked.chars().any(|c| c == '\\' || c.is_control()) {
        return None;
    }
    let mut url = app.as_url().join(asked).ok()?;
    url.set_fragment(None);
    // A path that collapses to `//…` (`/.//evil.example`) stays on this host, but whoever reads
    // it as an address of its own would leave.
    let stays = url.origin() == app.as_url().origin() && !url.path().starts_with("//");
    stays.then_some(url)
}

#[cfg(test)]
mod tests {
    use super::target;
    use crate::config::AppUrl;

    #[track_caller]
    fn check(asked: &str, want: &str) {
        let app = AppUrl::parse("http://127.0.0.1:8787").unwrap();
        let got = target(&app, Some(asked), "/dashboard");
        assert_eq!(got.as_str(), format!("http://127.0.0.1:8787{want}"), "{asked:?}");
    }

    #[test]
    fn a_page_of_the_application_is_kept_with_its_query() {
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
    fn anything_else_becomes_the_dashboard() {
        for asked in [
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
            check(asked, "/dashboard");
        }
        check(&format!("/{}", "a".repeat(2_048)), "/dashboard");
    }

    #[test]
    fn nothing_asked_is_the_fallback() {
        let app = AppUrl::parse("http://127.0.0.1:8787").unwrap();
        assert_eq!(target(&app, None, "/").as_str(), "http://127.0.0.1:8787/");
    }
}
