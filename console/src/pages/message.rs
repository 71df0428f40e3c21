//! Signing in, and the pages of what went wrong: each says what to do next.

use askama::Template;

use super::frame::Frame;

#[derive(Template)]
#[template(path = "sign-in.html")]
struct SignInHtml<'a> {
    frame: &'a Frame<'a>,
    back: &'a str,
    is_wrong: bool,
}

/// The form for an operator token. `back` is the page to go on to, `is_wrong` that the last one
/// did not fit.
pub(crate) fn sign_in(frame: &Frame<'_>, back: &str, is_wrong: bool) -> askama::Result<String> {
    SignInHtml { frame, back, is_wrong }.render()
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble<'a> {
    /// 400.
    Invalid(&'a str),
    /// 401.
    SignInNeeded,
    /// 403, for everything.
    NotLetIn,
    /// 403, for a change.
    MayOnlyLook,
    /// 403: the form is from another page or from an earlier session.
    StaleForm,
    /// 404.
    NotFound,
    /// 405.
    MethodNotAllowed,
    /// 409, with what differs.
    Conflict(&'a str),
    /// 503: nobody can sign in; with what is wrong.
    NotConfigured(&'a str),
    /// 503.
    Unavailable,
}

impl Trouble<'_> {
    /// The status code.
    pub(crate) const fn status(self) -> u16 {
        match self {
            Self::Invalid(_) => 400,
            Self::SignInNeeded => 401,
            Self::NotLetIn | Self::MayOnlyLook | Self::StaleForm => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict(_) => 409,
            Self::NotConfigured(_) | Self::Unavailable => 503,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Invalid(_) => "This address or form cannot be read",
            Self::SignInNeeded => "Sign in first",
            Self::NotLetIn => "No access",
            Self::MayOnlyLook => "You may look, but not change things",
            Self::StaleForm => "Send the form again",
            Self::NotFound => "Nothing here",
            Self::MethodNotAllowed => "Method not allowed",
            Self::Conflict(_) => "Nothing was changed",
            Self::NotConfigured(_) => "The console is closed",
            Self::Unavailable => "Try again in a moment",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Invalid(_) => "Correct it and try again. Nothing was changed.",
            Self::SignInNeeded => "The session has ended, or there was none. Nothing was changed.",
            Self::NotLetIn => {
                "You are known, but you have no access to this console. Whoever runs it can add \
                 you to the Access policy. The attempt was written to the audit trail."
            }
            Self::MayOnlyLook => {
                "Whoever is listed in OPERATORS may change things. The attempt was written to the \
                 audit trail, and nothing was changed."
            }
            Self::StaleForm => {
                "The form was opened before you signed in, or by another page. Nothing was \
                 changed. Go back, load the page again and send it once more."
            }
            Self::NotFound => {
                "There is nothing at this address. It may be mistyped, or what it named has been \
                 removed."
            }
            Self::MethodNotAllowed => "This address does not take such a request.",
            Self::Conflict(_) => "The world has changed since the page was made. Make a new plan.",
            Self::NotConfigured(_) => {
                "Nobody can sign in, because it is not said who may. Set one of these for the \
                 Worker rolecall-console, then deploy it:"
            }
            Self::Unavailable => {
                "The console cannot reach its database or the keys of Access. Webhooks are still \
                 received: nothing is lost."
            }
        }
    }

    /// More about this case, from where it was found.
    const fn detail(&self) -> Option<&str> {
        match self {
            Self::Invalid(text) | Self::Conflict(text) | Self::NotConfigured(text) => Some(text),
            Self::SignInNeeded
            | Self::NotLetIn
            | Self::MayOnlyLook
            | Self::StaleForm
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::Unavailable => None,
        }
    }
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessageHtml<'a> {
    frame: &'a Frame<'a>,
    trouble: Trouble<'a>,
}

/// The page of what went wrong.
pub(crate) fn message(frame: &Frame<'_>, trouble: Trouble<'_>) -> askama::Result<String> {
    MessageHtml { frame, trouble }.render()
}

#[cfg(test)]
mod tests {
    use super::{Trouble, message, sign_in};
    use crate::pages::frame::Frame;
    use crate::pages::testing::{NOW, frame, reader};

    const STRANGER: Frame<'static> =
        Frame { now: NOW, who: None, form_token: "", has_sign_out: false };

    #[test]
    fn each_page_has_its_status_and_a_next_step() {
        for (trouble, next) in [
            (Trouble::Invalid("<b>"), "Correct it"),
            (Trouble::SignInNeeded, "href=\"/sign-in\""),
            (Trouble::NotLetIn, "Access policy"),
            (Trouble::MayOnlyLook, "OPERATORS"),
            (Trouble::StaleForm, "Go back"),
            (Trouble::NotFound, "href=\"/\""),
            (Trouble::MethodNotAllowed, "href=\"/\""),
            (Trouble::Conflict("12 letters, 13 now"), "Make a new plan"),
            (Trouble::NotConfigured("ACCESS_AUD is missing"), "OPERATOR_TOKEN"),
            (Trouble::Unavailable, "Try again"),
        ] {
            let html = message(&frame(&reader()), trouble).unwrap();
            assert!(html.contains(next) && html.contains(trouble.title()), "{html}");
            assert!(html.contains(&format!(">{}<", trouble.status())), "{html}");
            assert!(!html.contains("<b>"), "{html}");
        }
    }

    #[test]
    fn a_stranger_sees_no_navigation() {
        let html = message(&STRANGER, Trouble::NotConfigured("")).unwrap();
        assert!(!html.contains("<nav") && !html.contains("/explain"), "{html}");
    }

    #[test]
    fn the_sign_in_form_takes_a_token() {
        let html = sign_in(&STRANGER, "/dead-letters?reason=a&b=\"", false).unwrap();
        assert!(html.contains("type=\"password\" name=\"token\""), "{html}");
        assert!(html.contains("value=\"/dead-letters?reason=a&#38;b=&#34;\""));
        assert!(!html.contains("role=\"alert\""));
        assert!(sign_in(&STRANGER, "/", true).unwrap().contains("role=\"alert\""));
    }
}
