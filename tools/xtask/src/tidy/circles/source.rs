//! Reads a Rust file as far as the rule needs it: its top-level items and the paths in them.
//!
//! The files are formatted by rustfmt, so each top-level item begins in the first column.

use std::collections::BTreeSet;

/// A path as it is written: `["super", "World"]`.
pub(super) type Path = Vec<String>;

/// A top-level item. Those under `#[cfg(test)]` are left out.
#[derive(Debug, Default)]
pub(super) struct Item {
    /// Its name; for an `impl`, the name of the type. Empty for a `use`.
    pub(super) name: String,
    /// The paths that it imports, each with the name that it has here.
    pub(super) imports: Vec<(Path, String)>,
    /// The other paths that begin with a module.
    pub(super) paths: Vec<Path>,
    /// The names in it that may be items of the same file or imports.
    pub(super) words: BTreeSet<String>,
    /// Whether it is `mod name;`.
    pub(super) is_module: bool,
}

/// The items of a file.
pub(super) fn items(text: &str) -> Vec<Item> {
    let code = without_comments(text);
    let mut chunks: Vec<String> = Vec::new();
    let mut attributes = String::new();
    for line in code.lines() {
        let first = line.chars().next().unwrap_or(' ');
        let starts = first.is_ascii_alphabetic() && !line.starts_with("where");
        match chunks.last_mut() {
            _ if starts => {
                let attributes = std::mem::take(&mut attributes);
                chunks.push(format!("{attributes}{line}\n"));
            }
            _ if first == '#' => attributes.push_str(line),
            // The end of an attribute of several lines, or the inside of an item.
            Some(chunk) if attributes.is_empty() => chunk.extend([line, "\n"]),
            _ => attributes.push_str(line),
        }
    }
    let shipped = chunks.iter().filter(|chunk| !chunk.contains("#[cfg(test)]"));
    shipped.map(|chunk| item(&tokens(chunk))).collect()
}

fn item(tokens: &[String]) -> Item {
    let mut item = Item::default();
    let mut variables = BTreeSet::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let (before, after) = (before(tokens, at), at_or_empty(tokens, at + 1));
        // `use<'a>` is no import but a bound.
        if token == "use" && after != "<" {
            at = imports(tokens, at + 1, &[], &mut item.imports);
        } else if after == ":" || (is_lower(token) && ["let", "mut", "|"].contains(&before)) {
            variables.insert(token.clone());
        } else if is_word(token) && before != "::" && before != "." {
            let path = path(tokens, at);
            item.words.extend(path.first().cloned());
            if 1 < path.len() {
                at += 2 * (path.len() - 1);
                item.paths.push(path);
            }
        }
        at += 1;
    }
    item.words.retain(|word| !(is_lower(word) && variables.contains(word)));
    let start = without_attributes(tokens);
    item.name = name(start);
    item.is_module = start.iter().take_while(|it| *it != ";").any(|it| it == "mod")
        && start.last().is_some_and(|it| it == ";");
    item
}

fn without_attributes(tokens: &[String]) -> &[String] {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "[" => depth += 1,
            "]" => depth -= 1,
            "#" => {}
            _ if depth == 0 => return &tokens[at..],
            _ => {}
        }
    }
    &[]
}

/// The name that a declaration gives, or that an `impl` is for.
fn name(tokens: &[String]) -> String {
    const KINDS: [&str; 9] =
        ["fn", "struct", "enum", "trait", "type", "static", "union", "mod", "const"];
    if tokens.iter().take(2).any(|it| it == "impl") {
        let head: Vec<&String> = tokens.iter().take_while(|it| *it != "{").collect();
        let from = head.iter().rposition(|it| *it == "for").map_or(1, |at| at + 1);
        let mut depth = 0;
        for (at, token) in head.iter().enumerate().skip(from) {
            match token.as_str() {
                "<" => depth += 1,
                ">" => depth -= 1,
                it if depth == 0
                    && is_word(it)
                    && head.get(at + 1).is_none_or(|it| *it != "::") =>
                {
                    return it.to_owned();
                }
                _ => {}
            }
        }
    }
    let is_kind = |it: &String| KINDS.contains(&it.as_str());
    // `const fn` has two such words; `pub(crate)` before them has none.
    let at =
        tokens.iter().take(9).position(is_kind).map(|at| {
            at + tokens[at..].iter().take_while(|it| is_kind(it) || *it == "mut").count()
        });
    at.and_then(|at| tokens.get(at)).cloned().unwrap_or_default()
}

/// Reads a tree of imports from `at` on, and gives the place of its last token.
fn imports(
    tokens: &[String],
    at: usize,
    base: &[String],
    found: &mut Vec<(Path, String)>,
) -> usize {
    let mut path = base.to_vec();
    let mut alias = None;
    let mut at = at;
    let mut is_group = false;
    while let Some(token) = tokens.get(at) {
        match token.as_str() {
            "{" => {
                is_group = true;
                at += 1;
                while tokens.get(at).is_some_and(|it| !["}", ";"].contains(&it.as_str())) {
                    at = imports(tokens, at, &path, found);
                    at += usize::from(tokens.get(at).is_some_and(|it| it == ","));
                }
            }
            "," | "}" | ";" => break,
            "as" => alias = tokens.get(at + 1).cloned(),
            "::" => {}
            "self" if !path.is_empty() => {}
            _ if alias.is_some() => {}
            word => path.push(word.to_owned()),
        }
        at += 1;
    }
    if !is_group && !path.is_empty() {
        let name = alias.or_else(|| path.last().cloned()).unwrap_or_default();
        found.push((path, name));
    }
    at
}

fn path(tokens: &[String], at: usize) -> Path {
    let mut path = vec![tokens[at].clone()];
    let mut at = at;
    while at_or_empty(tokens, at + 1) == "::" && is_word(at_or_empty(tokens, at + 2)) {
        path.push(tokens[at + 2].clone());
        at += 2;
    }
    path
}

fn before(tokens: &[String], at: usize) -> &str {
    at.checked_sub(1).map_or("", |at| at_or_empty(tokens, at))
}

fn at_or_empty(tokens: &[String], at: usize) -> &str {
    tokens.get(at).map_or("", String::as_str)
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn is_lower(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_lowercase())
}

fn tokens(code: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut chars = code.chars().peekable();
    while let Some(c) = chars.next() {
        let mut token = String::from(c);
        if c.is_alphanumeric() || c == '_' {
            while let Some(c) = chars.next_if(|c| c.is_alphanumeric() || *c == '_') {
                token.push(c);
            }
        } else if c == ':' {
            token.extend(chars.next_if_eq(&':'));
        } else if c.is_whitespace() {
            continue;
        }
        tokens.push(token);
    }
    tokens
}

/// The code without its comments, and with empty strings.
fn without_comments(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |at| at + 2)
        } else if let Some(length) = raw_string(rest) {
            length
        } else if c == '"' {
            string(rest)
        } else if c == '\'' {
            character(rest)
        } else {
            0
        };
        let shown = if skipped == 0 { c.len_utf8() } else { 0 };
        code.push_str(&rest[..shown]);
        rest = &rest[skipped.max(shown)..];
    }
    code
}

fn raw_string(rest: &str) -> Option<usize> {
    let hashes = rest.strip_prefix('r')?.chars().take_while(|c| *c == '#').count();
    let inside = rest[1 + hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    inside.find(&end).map(|at| 2 + hashes + at + end.len())
}

fn string(rest: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a character in quotes; 0 where the quote begins a lifetime.
fn character(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => rest[3..].find('\'').map_or(rest.len(), |at| at + 4),
        _ => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 0,
        },
    }
}

#[test]
fn items_have_names_imports_and_paths() {
    let text = "//! Doc.\nuse crate::a::{self, B, c::D as E};\nmod child;\n\n/// It's \"x\".\n\
                #[derive(A)]\npub(crate) struct S<'a> {\n    x: &'a B,\n}\n\
                impl<T: Foo> fmt::Debug for S<'_, T> {\n\
                \x20   fn f() { super::go::<E>(); 'x'; \"crate::no\"; }\n}\n\
                const fn go<T>(s: S) -> T\nwhere\n    T: B,\n{\n    child::run(s.field)\n}\n\
                #[cfg(test)]\nmod tests {\n    use super::S;\n}\n";
    let items = items(text);
    let names: Vec<&str> = items.iter().map(|item| item.name.as_str()).collect();
    assert_eq!(names, ["", "child", "S", "S", "go"]);
    let imports: Vec<String> =
        items[0].imports.iter().map(|(path, name)| format!("{}={name}", path.join("::"))).collect();
    assert_eq!(imports, ["crate::a=a", "crate::a::B=B", "crate::a::c::D=E"]);
    assert!(items[1].is_module && !items[2].is_module);
    assert!(items[2].words.contains("B") && !items[2].words.contains("x"));
    let paths: Vec<String> = items[3].paths.iter().map(|path| path.join("::")).collect();
    assert_eq!(paths, ["fmt::Debug", "super::go"]);
    assert!(items[3].words.contains("E") && !items[4].words.contains("field"));
    assert_eq!(items[4].paths, [["child", "run"]]);
}
