//! Validates the redirect target after sign-in: a path on this site.

use url::Url;

/// The most bytes of such a path.
pub const PATH_BYTES_MAX: usize = 2_048;

/// A base that cannot exist (RFC 6761), so that nothing outside can have its origin.
const BASE: &str = "https://this-site.invalid/";

/// The path and query of `raw` on this site, or `/` when it could lead anywhere else.
///
/// Browsers and this function parse URLs by the same standard (WHATWG), and the result is
/// serialized from the parsed URL. Backslashes, control characters and encoded slashes are
/// rejected, because browsers may treat `/\host` and similar as another host.
#[must_use]
pub fn local_path(raw: &str) -> String {
    parse(raw).unwrap_or_else(|| "/".to_owned())
}

fn parse(raw: &str) -> Option<String> {
    if PATH_BYTES_MAX < raw.len() || !raw.starts_with('/') {
        return None;
    }
    if raw.bytes().any(|b| b == b'\\' || b.is_ascii_control()) {
        return None;
    }
    // Protocol-relative URL.
    if raw.starts_with("//") {
        return None;
    }
    let base = Url::parse(BASE).ok()?;
    let url = base.join(raw).ok()?;
    if url.origin() != base.origin() || !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let path = url.path();
    let folded = path.to_ascii_lowercase();
    // `/.//host` is normalised to `//host`, which a browser reads as a host.
    if path.starts_with("//") || ["%2f", "%5c"].iter().any(|slash| folded.contains(slash)) {
        return None;
    }
    Some(match url.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::local_path;

    #[track_caller]
    fn check(raw: &str, want: &str) {
        assert_eq!(local_path(raw), want, "{raw:?}");
    }

    #[test]
    fn a_path_of_this_site_is_kept() {
        check("/", "/");
        check("/dashboard", "/dashboard");
        check("/orgs/org_1/settings?tab=2&x=%20y", "/orgs/org_1/settings?tab=2&x=%20y");
        check("/a/../dashboard", "/dashboard");
        check("/dashboard#part", "/dashboard");
        check("/a?next=//evil.example", "/a?next=//evil.example");
        check("/grüße", "/gr%C3%BC%C3%9Fe");
    }

    #[test]
    fn s_8_j_17_external_redirects_become_the_root() {
        for raw in [
            "",
            "//evil.example",
            "//AA\u{213}//a./d", // Found by the fuzz target `redirect_url`.
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "\\/evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/\r\nLocation: https://evil.example",
            "/%0d/\u{0}",
            "\t//evil.example",
            "/.//evil.example",
            "/./%2f/evil.example",
            "/%2f%2fevil.example",
            "/%5Cevil.example",
            "/..//evil.example",
            "https:evil.example",
            "https://evil.example",
            "https://this-site.invalid.evil.example/",
            "https://this-site.invalid@evil.example/",
            "http:/dashboard",
            "javascript:alert(1)",
            "data:text/html,x",
            "dashboard",
            "@evil.example",
        ] {
            check(raw, "/");
        }
        check(&format!("/{}", "a".repeat(super::PATH_BYTES_MAX)), "/");
    }
}
