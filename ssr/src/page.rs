//! The pages. Guarded pages are rendered from a `PermittedPage`, so they cannot be rendered without
//! a permit. Askama escapes all values.

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
    viewer: Viewer<'a>,
    roles: &'a [String],
    organizations: &'a [Membership],
    active: &'a str,
    is_known: bool,
}

#[derive(Template)]
#[template(path = "admin.html")]
struct AdminPage<'a> {
    viewer: Viewer<'a>,
}

#[derive(Template)]
#[template(path = "org.html")]
struct OrgPage<'a> {
    viewer: Viewer<'a>,
    id: &'a str,
    memberships: Vec<&'a Membership>,
    is_admin: bool,
}

#[derive(Template)]
#[template(path = "org-settings.html")]
struct OrgSettingsPage<'a> {
    viewer: Viewer<'a>,
    id: &'a str,
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage<'a> {
    status: u16,
    title: &'static str,
    text: &'static str,
    action: PageAction<'a>,
}

/// The suggested action.
enum PageAction<'a> {
    /// Go to the front page.
    GoHome,
    /// Open the same page again.
    Retry,
    /// Open the dashboard, or sign in with another account.
    SwitchAccount(Option<&'a SignOutForm>),
}

/// The viewer and the sign-out form.
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

/// A guarded page.
pub(crate) fn guarded(
    permitted: &PermittedPage<'_>,
    sign_out: Option<&SignOutForm>,
) -> askama::Result<String> {
    let (session, set) = (permitted.permit().session(), permitted.permit().set());
    let viewer = Viewer {
        user: session.user_id().as_str(),
        actor: session.actor().map(shared::session::Actor::as_str),
        sign_out,
    };
    match permitted.page() {
        GuardedPage::Dashboard => DashboardPage {
            viewer,
            roles: &set.roles,
            organizations: &set.organizations,
            active: session.organization().map_or("", |active| active.id().as_str()),
            is_known: set.status != UserStatus::Unknown,
        }
        .render(),
        GuardedPage::Admin => AdminPage { viewer }.render(),
        GuardedPage::Org(org) => {
            let memberships: Vec<_> = set.memberships_in(org).collect();
            let is_admin = memberships.iter().any(|membership| membership.role == "org:admin");
            OrgPage { viewer, id: org, memberships, is_admin }.render()
        }
        GuardedPage::OrgSettings(org) => OrgSettingsPage { viewer, id: org }.render(),
    }
}

/// 403: the same page for every reason, to reveal nothing.
pub(crate) fn forbidden(sign_out: Option<&SignOutForm>) -> askama::Result<String> {
    MessagePage {
        status: 403,
        title: "No access",
        text: "Your account has no access to this page. If you need it, ask an administrator. New \
               roles take effect at once: reload the page.",
        action: PageAction::SwitchAccount(sign_out),
    }
    .render()
}

/// 404.
pub(crate) fn not_found() -> askama::Result<String> {
    MessagePage {
        status: 404,
        title: "Page not found",
        text: "There is no page at this address. It may be mistyped, or the link is incomplete.",
        action: PageAction::GoHome,
    }
    .render()
}

/// 405.
pub(crate) fn method_not_allowed() -> askama::Result<String> {
    MessagePage {
        status: 405,
        title: "Method not allowed",
        text: "This page is read-only. Nothing was changed.",
        action: PageAction::GoHome,
    }
    .render()
}

/// 503.
pub(crate) fn unavailable() -> askama::Result<String> {
    MessagePage {
        status: 503,
        title: "Try again in a moment",
        text: "We cannot check your permissions right now. No data is lost.",
        action: PageAction::Retry,
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
