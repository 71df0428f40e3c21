//! Which of the two formats a client wants, by `Accept`.
//!
//! <https://prometheus.io/docs/instrumenting/content_negotiation/>

/// A format of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// The text format of Prometheus.
    Classic,
    /// `OpenMetrics` 1.0.0.
    OpenMetrics,
}

/// A weight in thousandths.
type Weight = u16;

/// How exactly a range names a format: not by `*/*`, by its type, or in full.
type Precision = u8;

impl Format {
    /// The format that an `Accept` header prefers. Of two that it likes as well, the one that it
    /// names more exactly, then `OpenMetrics` if it is named at all. A client that wants neither
    /// gets the classic one.
    pub(super) fn preferred(accept: &str) -> Self {
        let classic = weight(accept, "text", "plain", &["0.0.4"]);
        let open = weight(accept, "application", "openmetrics-text", &["1.0.0"]);
        let (open_weight, open_precision) = open.unwrap_or_default();
        let is_open = 0 < open_weight
            && 0 < open_precision
            && classic.unwrap_or_default() <= (open_weight, open_precision);
        if is_open { Self::OpenMetrics } else { Self::Classic }
    }

    /// The media type of an answer.
    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Self::Classic => prometheus_client::encoding::prometheus_text::CONTENT_TYPE,
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The weight of a media type: that of the range that names it most exactly.
fn weight(
    accept: &str,
    kind: &str,
    subtype: &str,
    versions: &[&str],
) -> Option<(Weight, Precision)> {
    let ranges = accept.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let (of_kind, of_subtype) = parts.next()?.split_once('/')?;
        let precision = match (of_kind, of_subtype) {
            ("*", "*") => 0,
            (_, "*") if of_kind.eq_ignore_ascii_case(kind) => 1,
            _ if of_kind.eq_ignore_ascii_case(kind) && of_subtype.eq_ignore_ascii_case(subtype) => {
                2
            }
            _ => return None,
        };
        let (mut weight, mut precision) = (Some(1_000), precision);
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "q" => weight = thousandths(value),
                "version" if versions.contains(&value) => precision += 1,
                "version" => return None,
                _ => (),
            }
        }
        Some((precision, weight?))
    });
    ranges.max().map(|(precision, weight)| (weight, precision))
}

/// A weight: `0`, `1`, or with up to three decimals.
fn thousandths(text: &str) -> Option<Weight> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if 3 < decimals.len() || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value = whole.parse::<Weight>().ok()?.checked_mul(1_000)?;
    let value = value.checked_add(format!("{decimals:0<3}").parse().ok()?)?;
    (value <= 1_000).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::Format::{self, Classic, OpenMetrics};

    #[test]
    fn a_client_gets_what_it_prefers() {
        for (accept, format) in [
            // Prometheus 2.42.
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;\
                 version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                OpenMetrics,
            ),
            // Prometheus 3.
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                 application/openmetrics-text;version=0.0.1;q=0.5,\
                 text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
                 text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                OpenMetrics,
            ),
            // Prometheus 1, vmagent, curl, a browser, nothing.
            ("text/plain;version=0.0.4;q=1,*/*;q=0.1", Classic),
            ("text/plain; version=0.0.4, application/openmetrics-text; q=0.9", Classic),
            ("*/*", Classic),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Classic),
            ("", Classic),
            // The order does not count, nor does the case.
            (
                "text/plain;q=0.5, Application/OpenMetrics-Text; Version=\"1.0.0\"; Q=0.9",
                OpenMetrics,
            ),
            ("text/plain, application/openmetrics-text", OpenMetrics),
            ("application/openmetrics-text, */*", OpenMetrics),
            ("application/*, text/plain;q=0.1", OpenMetrics),
            // Refused, of another version, or not to be read.
            ("application/openmetrics-text;q=0, */*", Classic),
            ("application/openmetrics-text;version=0.0.1", Classic),
            ("application/openmetrics-text;q=2, text/plain;q=0.1", Classic),
            ("application/openmetrics-text;q=0.0001, text/plain;q=0.1", Classic),
            ("application/openmetrics-texts", Classic),
            ("application/json", Classic),
        ] {
            assert_eq!(Format::preferred(accept), format, "{accept}");
        }
    }
}
