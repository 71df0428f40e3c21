//! `/explain?id=` and `/users/{id}`: what is known of an id; for a user why each role counts.

use askama::Template;
use shared::operators::api::explain::{CacheReport, DeliveryRow, Explanation};

use super::frame::{Frame, duration};
use super::words;

#[derive(Template)]
#[template(path = "explain.html")]
struct ExplainHtml<'a> {
    frame: &'a Frame<'a>,
    it: &'a Explanation,
    row: Option<String>,
    deliveries: &'a [DeliveryRow],
    cache: Option<CacheView<'a>>,
    is_user: bool,
    done: Option<&'a str>,
    wrong: Option<&'a str>,
}

/// The role cache against the database.
struct CacheView<'a> {
    report: &'a CacheReport,
    color: &'static str,
    word: &'static str,
    age: Option<String>,
}

#[derive(Template)]
#[template(path = "look-up.html")]
struct LookUpHtml<'a> {
    frame: &'a Frame<'a>,
    wrong: Option<&'a str>,
}

/// The page of an id. `done` says what a form has changed, `wrong` why it changed nothing.
pub(crate) fn page(
    frame: &Frame<'_>,
    it: &Explanation,
    done: Option<&str>,
    wrong: Option<&str>,
) -> askama::Result<String> {
    let entity = it.entity.as_ref();
    let pretty = |row| serde_json::to_string_pretty(row).unwrap_or_default();
    ExplainHtml {
        frame,
        it,
        row: entity.and_then(|entity| entity.row.as_ref()).map(pretty),
        deliveries: entity.map_or(&[], |entity| &entity.deliveries),
        cache: entity.and_then(|entity| entity.cache.as_ref()).map(cache_view),
        is_user: entity.is_some_and(|entity| entity.kind == "user"),
        done,
        wrong,
    }
    .render()
}

/// The page without an id, or with one that is none.
pub(crate) fn look_up(frame: &Frame<'_>, wrong: Option<&str>) -> askama::Result<String> {
    LookUpHtml { frame, wrong }.render()
}

fn cache_view(report: &CacheReport) -> CacheView<'_> {
    let is_same = report.version.is_some() && report.version == report.cached_version;
    let (color, word) = match (report.watched, report.hint_pending, is_same) {
        (false, ..) => ("still", "no cache"),
        (true, true, _) => ("warn", "a hint is owed"),
        (true, false, true) => ("good", "the same"),
        (true, false, false) => ("still", "not the same"),
    };
    CacheView { report, color, word, age: report.cached_age_ms.map(duration) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shared::operators::api::explain::{
        CacheReport, DeliveryRow, DeliveryStory, EntityStory, Explanation, MembershipReason,
        RoleReason, StoryLine,
    };

    use super::{look_up, page};
    use crate::pages::testing::{NOW, frame, operator, reader};

    fn delivery() -> DeliveryRow {
        DeliveryRow {
            svix_id: "msg_1".into(),
            event_type: "user.updated".into(),
            subject: Some("user_ada".into()),
            outcome: "applied".into(),
            event_at: Some(NOW.plus(-5000)),
            attempted_at: NOW.plus(-4000),
            received_at: NOW.plus(-3000),
            applied_at: NOW.plus(-2000),
            batch: "b7".into(),
            copies: 2,
            id_reused: false,
            note: String::new(),
        }
    }

    fn user() -> Explanation {
        let role = |role: &str, counts, because: &str| RoleReason {
            role: role.into(),
            counts,
            because: vec![because.into()],
        };
        Explanation {
            id: "user_ada".into(),
            delivery: None,
            entity: Some(EntityStory {
                kind: "user".into(),
                row: Some(json!({"id": "user_ada", "email": "<ada>"})),
                summary: "This user lives and is not banned.".into(),
                deliveries: vec![delivery()],
                letters: Vec::new(),
                roles: vec![
                    role("admin", true, "granted by token:1"),
                    role("editor", false, "revoked by token:1"),
                ],
                organizations: vec![MembershipReason {
                    id: "orgmem_1".into(),
                    org_id: "org_1".into(),
                    role: "org:admin".into(),
                    counts: true,
                    permissions: vec!["org:read".into()],
                    because: vec!["the membership is live".into()],
                }],
                more: false,
                cache: Some(CacheReport {
                    watched: true,
                    version: Some(7),
                    acked: Some(6),
                    hint_pending: true,
                    cached_version: Some(6),
                    cached_age_ms: Some(3000),
                    summary: "The cache is one version behind.".into(),
                }),
            }),
        }
    }

    #[test]
    fn a_users_page_says_why_each_role_counts() {
        let html = page(&frame(&operator()), &user(), None, None).unwrap();
        assert!(html.contains("granted by token:1"), "{html}");
        assert!(html.contains("<span class=\"badge good\">counts</span>"));
        assert!(html.contains("<span class=\"badge still\">does not count</span>"));
        assert!(html.contains("the membership is live"));
        assert!(html.contains("<span class=\"badge warn\">a hint is owed</span>"));
        assert!(html.contains("The cache is one version behind."));
        assert!(html.contains("&#34;&#60;ada&#62;&#34;"), "{html}");
        assert!(html.contains("action=\"/users/user_ada/roles\""));
        // It is a dry run: the next page asks.
        assert!(html.contains("name=\"step\" value=\"check\""));
    }

    #[test]
    fn a_reader_sees_no_form() {
        let html = page(&frame(&reader()), &user(), Some("done"), None).unwrap();
        assert!(!html.contains("method=\"post\"") && html.contains("done"), "{html}");
    }

    #[test]
    fn a_delivery_is_a_story() {
        let story = StoryLine { at: NOW, text: "It was committed in batch b7.".into() };
        let delivery =
            DeliveryStory { row: Some(delivery()), letters: Vec::new(), story: vec![story] };
        let it = Explanation { id: "msg_1".into(), delivery: Some(delivery), entity: None };
        let html = page(&frame(&reader()), &it, None, None).unwrap();
        assert!(html.contains("<h1>Delivery <code>msg_1</code></h1>"), "{html}");
        assert!(html.contains("It was committed in batch b7."));
        assert!(html.contains("committed 2 times"));
    }

    #[test]
    fn an_id_that_was_never_heard_of_is_said_to_be() {
        let mut it = user();
        it.entity.as_mut().unwrap().row = None;
        let html = page(&frame(&reader()), &it, None, None).unwrap();
        assert!(html.contains("was never heard of"), "{html}");
        let html = look_up(&frame(&reader()), Some("no such id")).unwrap();
        assert!(html.contains("<h1>Look up</h1>") && html.contains("no such id"), "{html}");
    }
}
