//! The URL of a request, split without parsing it: parsing would resolve `..` and turn `\` into
//! `/`, so a path would be guarded that differs from the path that was sent.

/// Origin, path and query of an absolute URL.
#[must_use]
pub fn split(url: &str) -> (&str, &str, Option<&str>) {
    let url = url.split_once('#').map_or(url, |(before, _)| before);
    let after_scheme = url.find("://").map_or(0, |at| at.saturating_add(3));
    let host_end = url
        .get(after_scheme..)
        .and_then(|rest| rest.find(['/', '?', '\\']))
        .map_or(url.len(), |at| after_scheme.saturating_add(at));
    let (origin, rest) = url.split_at_checked(host_end).unwrap_or((url, ""));
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    (origin, if path.is_empty() { "/" } else { path }, query)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_url_is_split_without_parsing() {
        let cases = [
            ("https://a.example", ("https://a.example", "/", None)),
            ("https://a.example/", ("https://a.example", "/", None)),
            ("http://127.0.0.1:8787/x?y=1?2", ("http://127.0.0.1:8787", "/x", Some("y=1?2"))),
            ("https://a.example?y", ("https://a.example", "/", Some("y"))),
            ("https://a.example//b/../c", ("https://a.example", "//b/../c", None)),
            ("https://a.example/a%2Fb#c?d", ("https://a.example", "/a%2Fb", None)),
            ("https://a.example\\b", ("https://a.example", "\\b", None)),
        ];
        for (url, want) in cases {
            assert_eq!(split(url), want, "{url}");
        }
    }
}
