//! Where to go after signing in: a path of this site, whatever the address line says.

use url::Url;

/// Bytes in such a path.
pub const PATH_BYTES_MAX: usize = 2_048;

/// A base that cannot exist (RFC 6761), so that nothing outside can have its origin.
const BASE: &str = "https://this-site.invalid/";

/// The path and query of `raw` on this site, or `/` when it could lead anywhere else.
///
/// A browser and this function read URLs by one standard (WHATWG), and the answer is rebuilt from
/// what was understood, never copied. Backslashes, control characters and encoded slashes are
/// refused before: they are how `/\host` and its kin become another site.
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
    // A host would follow; it is refused before anything reads it.
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
    // `/.//host` is normalised to `//host`, which a browser takes for a host.
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
    fn s_8_j_17_what_could_lead_elsewhere_becomes_the_front_page() {
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
