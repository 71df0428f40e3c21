//! Where to go after signing in, asked for by an address line that anybody can write.
//!
//! The answer, put into `Location`, leads to a path of this site, however a browser reads it.

use shared::session::redirect::{PATH_BYTES_MAX, local_path};
use url::Url;

use crate::Target;

/// See the module.
pub const TARGET: Target =
    Target { name: "redirect_url", run, met: &["kept", "rewritten", "the front page"] };

/// Sites of other forms than the one that the answer was made with.
const SITES: [&str; 3] =
    ["https://app.example.com/sign-in?x=1", "http://127.0.0.1:8787/sign-in/", "https://[::1]/a/b"];

/// Asks for one path.
///
/// # Panics
/// When the answer could lead elsewhere, or is not a header's text.
#[must_use]
pub fn run(data: &[u8]) -> &'static str {
    let Ok(raw) = str::from_utf8(data) else { return "not text" };
    let path = local_path(raw);
    assert!(path.bytes().all(|byte| byte.is_ascii_graphic()), "{raw:?} became {path:?}");
    assert!(path.starts_with('/') && !path.contains('\\'), "{raw:?} became {path:?}");
    assert!(!path.starts_with("//"), "{raw:?} became {path:?}");
    for site in SITES {
        let site = Url::parse(site).expect("a site");
        let led = site.join(&path).expect("a path of a site");
        assert_eq!(led.origin(), site.origin(), "{raw:?} became {path:?}");
        assert!(led.username().is_empty() && led.password().is_none());
        // Nothing is left to be understood otherwise by the next reader.
        let query = led.query().map_or(String::new(), |query| format!("?{query}"));
        assert_eq!(format!("{}{query}", led.path()), path, "{raw:?}");
    }
    if path.len() <= PATH_BYTES_MAX {
        assert_eq!(local_path(&path), path, "{raw:?}");
    }
    match path.as_str() {
        _ if path == raw => "kept",
        "/" => "the front page",
        _ => "rewritten",
    }
}
