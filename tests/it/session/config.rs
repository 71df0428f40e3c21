//! What is not in the configuration, and must not come into it.

use std::fs;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The sources of a folder, as one text.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            text.push_str(&sources(&path));
        } else {
            text.push_str(&fs::read_to_string(&path).expect("a text"));
        }
    }
    text
}

/// The platform's cache knows answers by their address alone, not by who asked: with cookies, one
/// person's page would be the next one's.
#[test]
fn s_2_the_cache_of_the_platform_is_neither_on_nor_asked() {
    let wrangler = fs::read_to_string(root().join("wrangler.toml")).expect("wrangler.toml");
    assert!(wrangler.contains("\n[env.ssr]\n"), "there is something to look at");
    for line in wrangler.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let name = line.split('=').next().unwrap_or_default();
        assert!(!name.to_ascii_lowercase().contains("cache"), "{line}");
    }
    for folder in ["ssr", "edge"] {
        let text = sources(&root().join(folder).join("src"));
        assert!(text.contains("no-store"), "{folder} says that nothing is to be kept");
        for call in ["caches", "worker::Cache", " Cache::default", " Cache::open", "cf_properties"]
        {
            assert!(!text.contains(call), "{folder} holds {call}");
        }
    }
}
