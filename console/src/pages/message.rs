//! Signing in, and the pages of what went wrong: each says what to do next.

use askama::Template;

use super::frame::Frame;
use super::words;

#[derive(Template)]
#[template(path = "sign-in.html")]
struct SignInHtml<'a> {
    frame: &'a Frame<'a>,
    back: &'a str,
    wrong: Option<&'a str>,
}

/// The form for an operator token. `back` is the page to go on to, `wrong` says why there was no
/// signing in.
pub(crate) fn sign_in(
    frame: &Frame<'_>,
    back: &str,
    wrong: Option<&str>,
) -> askama::Result<String> {
    SignInHtml { frame, back, wrong }.render()
}

/// What went wrong, in the words of the API's error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'a> {
    /// The status code.
    pub(crate) status: u16,
    /// What is wrong.
    pub(crate) text: &'a str,
    /// What to do next.
    pub(crate) next: &'a str,
    /// Whether nobody can sign in: the page says what to set.
    pub(crate) is_closed: bool,
}

impl Message<'_> {
    const fn title(&self) -> &'static str {
        match self.status {
            400 | 413 | 415 => "This cannot be read",
            401 => "Sign in first",
            403 => "No access",
            404 => "Nothing here",
            405 => "Method not allowed",
            409 => "Nothing was changed",
            503 if self.is_closed => "The console is closed",
            503 => "Try again in a moment",
            _ => "Something went wrong",
        }
    }
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessageHtml<'a> {
    frame: &'a Frame<'a>,
    it: Message<'a>,
}

/// The page of what went wrong.
pub(crate) fn message(frame: &Frame<'_>, it: Message<'_>) -> askama::Result<String> {
    MessageHtml { frame, it }.render()
}

#[cfg(test)]
mod tests {
    use super::{Message, message, sign_in};
    use crate::pages::frame::Frame;
    use crate::pages::testing::{NOW, frame, reader};

    const STRANGER: Frame<'static> =
        Frame { now: NOW, who: None, form_token: "", has_sign_out: false };

    fn of_status(status: u16) -> Message<'static> {
        Message { status, text: "<b>wrong", next: "Do this.", is_closed: false }
    }

    #[test]
    fn each_page_has_its_status_and_a_next_step() {
        for status in [400, 401, 403, 404, 405, 409, 413, 415, 500, 503] {
            let it = of_status(status);
            let html = message(&frame(&reader()), it).unwrap();
            assert!(html.contains("Do this.") && html.contains(it.title()), "{html}");
            assert!(html.contains(&format!(">{status}<")), "{html}");
            assert!(html.contains("&#60;b&#62;wrong") && !html.contains("<b>"), "{html}");
        }
    }

    #[test]
    fn a_closed_console_says_what_to_set() {
        let closed = Message { is_closed: true, ..of_status(503) };
        let html = message(&STRANGER, closed).unwrap();
        assert!(html.contains("<h1>The console is closed</h1>"), "{html}");
        for name in ["ACCESS_TEAM_DOMAIN", "ACCESS_AUD", "OPERATORS", "OPERATOR_TOKEN"] {
            assert!(html.contains(name), "{name}");
        }
    }

    #[test]
    fn a_stranger_sees_no_navigation() {
        let html = message(&STRANGER, of_status(404)).unwrap();
        assert!(!html.contains("<nav") && !html.contains("/explain"), "{html}");
    }

    #[test]
    fn the_sign_in_form_takes_a_token() {
        let html = sign_in(&STRANGER, "/dead-letters?reason=a&b=\"", None).unwrap();
        assert!(html.contains("type=\"password\" name=\"token\""), "{html}");
        assert!(html.contains("value=\"/dead-letters?reason=a&#38;b=&#34;\""));
        assert!(!html.contains("role=\"alert\""));
        let html = sign_in(&STRANGER, "/", Some("It is not valid.")).unwrap();
        assert!(html.contains("role=\"alert\">It is not valid."), "{html}");
    }
}
