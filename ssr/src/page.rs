//! The pages. What is under a guard is built from what the guard has opened, so there is no other
//! way to show it.
//!
//! Askama escapes whatever is put into a template.

use askama::Template;
use shared::roles::{Membership, UserStatus};

use crate::permitted_page::PermittedPage;
use crate::route::GuardedPage;
use crate::sign_out::SignOutForm;

/// The style sheet of every page.
pub(crate) const STYLE: &str = include_str!("../templates/style.css");

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage;

#[derive(Template)]
#[template(path = "sign-in.html")]
struct SignInPage<'a> {
    clerk: &'a str,
    back: &'a str,
}

#[derive(Template)]
#[template(path = "dashboard.html")]
struct DashboardPage<'a> {
    who: Viewer<'a>,
    roles: &'a [String],
    organizations: &'a [Membership],
    active: &'a str,
    is_known: bool,
}

#[derive(Template)]
#[template(path = "admin.html")]
struct AdminPage<'a> {
    who: Viewer<'a>,
}

#[derive(Template)]
#[template(path = "org.html")]
struct OrgPage<'a> {
    who: Viewer<'a>,
    id: &'a str,
    memberships: Vec<&'a Membership>,
    is_admin: bool,
}

#[derive(Template)]
#[template(path = "org-settings.html")]
struct OrgSettingsPage<'a> {
    who: Viewer<'a>,
    id: &'a str,
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage<'a> {
    status: u16,
    title: &'static str,
    text: &'static str,
    next: PageAction<'a>,
}

/// What its reader can do about it.
enum PageAction<'a> {
    /// Begin at the front page.
    GoHome,
    /// Open the same page again.
    Retry,
    /// See what they may do, or sign in as somebody else.
    SwitchAccount(Option<&'a SignOutForm>),
}

/// Who looks at a page, and how they leave.
struct Viewer<'a> {
    user: &'a str,
    actor: Option<&'a str>,
    sign_out: Option<&'a SignOutForm>,
}

/// The front page.
pub(crate) fn home() -> askama::Result<String> {
    HomePage.render()
}

/// Where to sign in: a link to Clerk's page at `clerk`, which leads back to `back`.
pub(crate) fn sign_in(clerk: &str, back: &str) -> askama::Result<String> {
    SignInPage { clerk, back }.render()
}

/// A page under a guard, as its guard has opened it.
pub(crate) fn guarded(
    opened: &PermittedPage<'_>,
    sign_out: Option<&SignOutForm>,
) -> askama::Result<String> {
    let (session, set) = (opened.permit().session(), opened.permit().set());
    let who = Viewer {
        user: session.user_id().as_str(),
        actor: session.actor().map(shared::session::Actor::as_str),
        sign_out,
    };
    match opened.page() {
        GuardedPage::Dashboard => DashboardPage {
            who,
            roles: &set.roles,
            organizations: &set.organizations,
            active: session.organization().map_or("", |active| active.id().as_str()),
            is_known: set.standing != UserStatus::Unknown,
        }
        .render(),
        GuardedPage::Admin => AdminPage { who }.render(),
        GuardedPage::Org(org) => {
            let memberships: Vec<_> = set.memberships_in(org).collect();
            let is_admin = memberships.iter().any(|membership| membership.role == "org:admin");
            OrgPage { who, id: org, memberships, is_admin }.render()
        }
        GuardedPage::OrgSettings(org) => OrgSettingsPage { who, id: org }.render(),
    }
}

/// 403: one page for every cause, so that it tells nothing about what exists.
pub(crate) fn forbidden(sign_out: Option<&SignOutForm>) -> askama::Result<String> {
    MessagePage {
        status: 403,
        title: "No access",
        text: "Your account may not see this page. If you think it should, ask an administrator \
               of your organization. A new role counts at once: open the page again.",
        next: PageAction::SwitchAccount(sign_out),
    }
    .render()
}

/// 404.
pub(crate) fn not_found() -> askama::Result<String> {
    MessagePage {
        status: 404,
        title: "Page not found",
        text: "There is no page at this address. It may be mistyped, or the link is incomplete.",
        next: PageAction::GoHome,
    }
    .render()
}

/// 405.
pub(crate) fn not_allowed() -> askama::Result<String> {
    MessagePage {
        status: 405,
        title: "Not possible",
        text: "This page can only be read. Nothing was changed.",
        next: PageAction::GoHome,
    }
    .render()
}

/// 503.
pub(crate) fn unavailable() -> askama::Result<String> {
    MessagePage {
        status: 503,
        title: "Try again in a moment",
        text: "We cannot check what your account may do right now, so this page stays closed. \
               Nothing of yours is lost.",
        next: PageAction::Retry,
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
