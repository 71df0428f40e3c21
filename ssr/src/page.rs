//! The pages. What is under a guard is built from what the guard has opened, so there is no other
//! way to show it.
//!
//! Askama escapes whatever is put into a template.

use askama::Template;
use shared::roles::{Membership, Standing};

use crate::opened::Opened;
use crate::route::Guarded;
use crate::sign_out::SignOut;

/// The style sheet of every page.
pub(crate) const STYLE: &str = include_str!("../templates/style.css");

#[derive(Template)]
#[template(path = "home.html")]
struct Home;

#[derive(Template)]
#[template(path = "sign-in.html")]
struct SignIn<'a> {
    clerk: &'a str,
    back: &'a str,
}

#[derive(Template)]
#[template(path = "dashboard.html")]
struct Dashboard<'a> {
    who: Who<'a>,
    roles: &'a [String],
    organizations: &'a [Membership],
    active: &'a str,
    is_known: bool,
}

#[derive(Template)]
#[template(path = "admin.html")]
struct Admin<'a> {
    who: Who<'a>,
}

#[derive(Template)]
#[template(path = "org.html")]
struct Org<'a> {
    who: Who<'a>,
    id: &'a str,
    memberships: Vec<&'a Membership>,
    is_admin: bool,
}

#[derive(Template)]
#[template(path = "org-settings.html")]
struct OrgSettings<'a> {
    who: Who<'a>,
    id: &'a str,
}

#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    status: u16,
    title: &'static str,
    text: &'static str,
    next: Next<'a>,
}

/// What its reader can do about it.
enum Next<'a> {
    /// Begin at the front page.
    Start,
    /// Open the same page again.
    Again,
    /// See what they may do, or sign in as somebody else.
    Elsewhere(Option<&'a SignOut>),
}

/// Who looks at a page, and how they leave.
struct Who<'a> {
    user: &'a str,
    actor: Option<&'a str>,
    sign_out: Option<&'a SignOut>,
}

/// The front page.
pub(crate) fn home() -> askama::Result<String> {
    Home.render()
}

/// Where to sign in: a link to Clerk's page at `clerk`, which leads back to `back`.
pub(crate) fn sign_in(clerk: &str, back: &str) -> askama::Result<String> {
    SignIn { clerk, back }.render()
}

/// A page under a guard, as its guard has opened it.
pub(crate) fn guarded(opened: &Opened<'_>, sign_out: Option<&SignOut>) -> askama::Result<String> {
    let (session, set) = (opened.permit().session(), opened.permit().set());
    let who = Who {
        user: session.user_id().as_str(),
        actor: session.actor().map(shared::session::Actor::as_str),
        sign_out,
    };
    match opened.page() {
        Guarded::Dashboard => Dashboard {
            who,
            roles: &set.roles,
            organizations: &set.organizations,
            active: session.organization().map_or("", |active| active.id().as_str()),
            is_known: set.standing != Standing::Unknown,
        }
        .render(),
        Guarded::Admin => Admin { who }.render(),
        Guarded::Org(org) => {
            let memberships: Vec<_> = set.memberships_in(org).collect();
            let is_admin = memberships.iter().any(|membership| membership.role == "org:admin");
            Org { who, id: org, memberships, is_admin }.render()
        }
        Guarded::OrgSettings(org) => OrgSettings { who, id: org }.render(),
    }
}

/// 403: one page for every cause, so that it tells nothing about what exists.
pub(crate) fn forbidden(sign_out: Option<&SignOut>) -> askama::Result<String> {
    Message {
        status: 403,
        title: "No access",
        text: "Your account may not see this page. If you think it should, ask an administrator \
               of your organization. A new role counts at once: open the page again.",
        next: Next::Elsewhere(sign_out),
    }
    .render()
}

/// 404.
pub(crate) fn not_found() -> askama::Result<String> {
    Message {
        status: 404,
        title: "Page not found",
        text: "There is no page at this address. It may be mistyped, or the link is incomplete.",
        next: Next::Start,
    }
    .render()
}

/// 405.
pub(crate) fn not_allowed() -> askama::Result<String> {
    Message {
        status: 405,
        title: "Not possible",
        text: "This page can only be read. Nothing was changed.",
        next: Next::Start,
    }
    .render()
}

/// 503.
pub(crate) fn unavailable() -> askama::Result<String> {
    Message {
        status: 503,
        title: "Try again in a moment",
        text: "We cannot check what your account may do right now, so this page stays closed. \
               Nothing of yours is lost.",
        next: Next::Again,
    }
    .render()
}

#[cfg(test)]
mod tests {
    use super::sign_in;

    #[test]
    fn s_13_what_comes_from_outside_is_escaped() {
        let page = sign_in("https://x.example/?a=\"><script>", "/<b>&'").expect("a page");
        assert!(!page.contains("<script>") && !page.contains("<b>"), "{page}");
    }
}
