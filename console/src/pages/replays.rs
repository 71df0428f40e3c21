//! `/replays`: plans and replays, the newest first.

use askama::Template;
use shared::operators::api::replays::ReplayPage;

use super::filter;
use super::frame::Frame;
use super::words;

#[derive(Template)]
#[template(path = "replays.html")]
struct ReplaysHtml<'a> {
    frame: &'a Frame<'a>,
    page: &'a ReplayPage,
    is_first: bool,
}

/// The page. `is_first`: the list begins here.
pub(crate) fn page(frame: &Frame<'_>, page: &ReplayPage, is_first: bool) -> askama::Result<String> {
    ReplaysHtml { frame, page, is_first }.render()
}

#[cfg(test)]
mod tests {
    use shared::operators::api::replays::{ReplayPage, ReplayState};

    use super::page;
    use crate::pages::testing::{frame, reader, replay};

    #[test]
    fn replays_are_listed_with_state_and_figures() {
        let replays = vec![replay(ReplayState::Running)];
        let list = ReplayPage { replays, next: Some("c 1".into()) };
        let html = page(&frame(&reader()), &list, true).unwrap();
        assert!(html.contains("<span class=\"badge busy\">running</span>"), "{html}");
        assert!(html.contains("reason shape"));
        assert!(html.contains("7 of 12"));
        assert!(html.contains("/replays?cursor=c%201"));
    }

    #[test]
    fn an_empty_list_says_where_to_begin() {
        let html = page(&frame(&reader()), &ReplayPage { replays: vec![], next: None }, true);
        assert!(html.unwrap().contains("Nothing was replayed yet"));
    }
}
