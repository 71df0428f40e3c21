//! `/dead-letters/{id}`: why it was parked, what a replay would do now, its event, its replays.

use askama::Template;
use shared::operators::api::letters::LetterDetail;
use shared::operators::letter::LetterState;

use super::frame::Frame;
use super::reasons::{REASONS, ReasonWords, reason_words};
use super::words;

#[derive(Template)]
#[template(path = "letter.html")]
struct LetterHtml<'a> {
    frame: &'a Frame<'a>,
    detail: &'a LetterDetail,
    why: ReasonWords,
    reasons: &'a [ReasonWords],
    event: Option<String>,
    can_change: bool,
}

/// The page.
pub(crate) fn page(frame: &Frame<'_>, detail: &LetterDetail) -> askama::Result<String> {
    let pretty = |event| serde_json::to_string_pretty(event).unwrap_or_default();
    LetterHtml {
        frame,
        detail,
        why: reason_words(&detail.letter.reason),
        reasons: &REASONS,
        event: detail.event.as_ref().map(pretty),
        can_change: frame.may_change() && detail.letter.state == LetterState::Parked,
    }
    .render()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shared::operators::api::letters::{LetterDetail, LetterReplay, LetterSummary};
    use shared::operators::letter::{LetterClass, LetterState};

    use super::page;
    use crate::pages::testing::{NOW, frame, operator, reader};

    fn detail() -> LetterDetail {
        LetterDetail {
            letter: LetterSummary {
                id: "m/1".into(),
                state: LetterState::Parked,
                reason: "retries-exhausted".into(),
                detail: "D1_ERROR: Network connection lost.".into(),
                event_type: Some("user.updated".into()),
                subject: Some("user_ada".into()),
                svix_id: Some("msg_1".into()),
                attempts: 9,
                generation: 1,
                first_seen_at: NOW.plus(-7_200_000),
                last_seen_at: NOW.plus(-3_600_000),
                replay_id: Some("replay_1".into()),
            },
            class: LetterClass::Superseded,
            class_detail: "the row is newer".into(),
            digest_matches: Some(true),
            queue: "rolecall-events".into(),
            event: Some(json!({"type": "user.updated", "email": "<ada>"})),
            raw: None,
            replays: vec![LetterReplay {
                replay_id: "replay_1".into(),
                planned: LetterClass::Applied,
                became: "parked".into(),
                became_at: Some(NOW),
            }],
        }
    }

    #[test]
    fn a_letter_says_why_and_what_to_do() {
        let html = page(&frame(&operator()), &detail()).unwrap();
        assert!(html.contains("did not answer for so long"), "{html}");
        assert!(html.contains("superseded: a later change has replaced it"));
        assert!(html.contains("the row is newer"));
        assert!(html.contains("&#34;email&#34;: &#34;&#60;ada&#62;&#34;"));
        assert!(html.contains("href=\"/explain?id=msg_1\""));
        assert!(html.contains("/replays/new?action=replay&amp;id=m%2F1\""));
        assert!(html.contains("href=\"/replays/replay_1\""));
        assert!(html.contains("parked again"));
        // The table of every reason.
        assert!(html.contains("<th scope=\"row\"><code>newer-envelope</code></th>"));
    }

    #[test]
    fn bytes_that_no_build_can_read_are_shown_as_text() {
        let mut unreadable = detail();
        (unreadable.event, unreadable.raw) = (None, Some("<script>".into()));
        (unreadable.class, unreadable.digest_matches) = (LetterClass::Unreadable, Some(false));
        let html = page(&frame(&reader()), &unreadable).unwrap();
        assert!(html.contains("<pre>&#60;script&#62;</pre>"), "{html}");
        assert!(html.contains("Its bytes have changed"), "{html}");
        assert!(!html.contains("/replays/new"), "a reader plans nothing");
    }

    #[test]
    fn a_closed_letter_has_no_actions() {
        let mut closed = detail();
        closed.letter.state = LetterState::Discarded;
        let html = page(&frame(&operator()), &closed).unwrap();
        assert!(!html.contains("/replays/new"), "{html}");
    }
}
