//! `/audit`: what operators did, the newest first, and the head of the chain.

use askama::Template;
use shared::operators::api::AuditPage;
use shared::operators::audit::AuditEntry;
use url::form_urlencoded::Serializer;

use super::frame::Frame;
use super::words;

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditHtml<'a> {
    frame: &'a Frame<'a>,
    page: &'a AuditPage,
    target: &'a str,
    is_first: bool,
    rows: Vec<AuditRow<'a>>,
    next: Option<String>,
}

/// An entry for people.
struct AuditRow<'a> {
    entry: &'a AuditEntry,
    name: Option<&'a str>,
    is_refused: bool,
    details: Vec<(String, String)>,
    href: Option<String>,
}

/// The page. An empty `target` is every target.
pub(crate) fn page(
    frame: &Frame<'_>,
    page: &AuditPage,
    target: &str,
    is_first: bool,
) -> askama::Result<String> {
    let row = |entry| AuditRow {
        entry,
        name: name_of(page, &entry.actor),
        is_refused: entry.action.starts_with("refused:"),
        details: details(&entry.detail),
        href: target_href(&entry.target),
    };
    let next = page.next.as_ref().map(|next| {
        let mut query = Serializer::new(String::new());
        if !target.is_empty() {
            query.append_pair("target", target);
        }
        format!("/audit?{}", query.append_pair("cursor", next).finish())
    });
    AuditHtml { frame, page, target, is_first, rows: page.entries.iter().map(row).collect(), next }
        .render()
}

fn name_of<'a>(page: &'a AuditPage, actor: &str) -> Option<&'a str> {
    page.names.iter().find(|it| it.actor == actor).map(|it| it.name.as_str())
}

/// The members of the detail, which is a JSON object; a text that is none stays whole.
fn details(detail: &str) -> Vec<(String, String)> {
    let Ok(serde_json::Value::Object(members)) = serde_json::from_str(detail) else {
        return vec![("detail".to_owned(), detail.to_owned())];
    };
    let text = |value: serde_json::Value| match value.as_str() {
        Some(text) => text.to_owned(),
        None => value.to_string(),
    };
    members.into_iter().map(|(name, value)| (name, text(value))).collect()
}

/// The page of a target, if it has one.
fn target_href(target: &str) -> Option<String> {
    let id: String = url::form_urlencoded::byte_serialize(target.as_bytes()).collect();
    let (kind, _) = target.split_once('_')?;
    match kind {
        "replay" => Some(format!("/replays/{id}")),
        "user" | "org" | "orgmem" | "msg" => Some(format!("/explain?id={id}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use shared::operators::api::{ActorName, AuditPage};
    use shared::operators::audit::{AuditAct, AuditEntry, AuditHead};

    use super::page;
    use crate::pages::testing::{NOW, frame, reader};

    fn trail() -> AuditPage {
        let act = |action: &str, target: &str| AuditAct {
            at: NOW,
            actor: "access:1".into(),
            action: action.into(),
            target: target.into(),
            detail: r#"{"reason":"<b>on call","letters":12}"#.into(),
        };
        let first = AuditEntry::after(&AuditHead::default(), act("roles.granted", "user_ada"));
        let second = AuditEntry::after(&first.head(), act("refused:replays.apply", "replay_1"));
        AuditPage {
            head: second.head(),
            entries: vec![second, first],
            names: vec![ActorName { actor: "access:1".into(), name: "ada@example.com".into() }],
            next: Some("1".into()),
        }
    }

    #[test]
    fn entries_have_names_targets_and_details() {
        let trail = trail();
        let html = page(&frame(&reader()), &trail, "user_ada", true).unwrap();
        assert!(html.contains("ada@example.com"), "{html}");
        assert!(html.contains("href=\"/replays/replay_1\""));
        assert!(html.contains("href=\"/explain?id=user_ada\""));
        assert!(html.contains("&#60;b&#62;on call") && !html.contains("<b>on call"));
        assert!(html.contains("<span class=\"badge bad\">refused</span>"));
        assert!(html.contains(&trail.head.hash));
        assert!(html.contains("/audit?target=user_ada&#38;cursor=1"));
        assert!(html.contains("name=\"target\" type=\"text\" value=\"user_ada\""));
    }

    #[test]
    fn an_empty_trail_says_so() {
        let none = AuditPage {
            entries: Vec::new(),
            names: Vec::new(),
            head: AuditHead::default(),
            next: None,
        };
        let html = page(&frame(&reader()), &none, "", true).unwrap();
        assert!(html.contains("Nobody has done anything yet"), "{html}");
    }
}
