//! The confirmation of a grant or a revocation: before and after, then one more button.

use askama::Template;
use shared::operators::api::roles::{RoleChange, RoleChangeRequest};
use url::form_urlencoded::parse;

use super::filter::{FilterError, time, time_text};
use super::frame::Frame;

/// The form of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoleForm(pub(crate) RoleChangeRequest);

impl RoleForm {
    /// Reads the form. Its first step is a dry run.
    ///
    /// # Errors
    /// When the end is no time.
    pub(crate) fn parse(form: &str) -> Result<Self, FilterError> {
        let mut request = RoleChangeRequest {
            role: String::new(),
            granted: false,
            reason: String::new(),
            ends_at: None,
            dry_run: true,
        };
        for (name, value) in parse(form.as_bytes()) {
            let value = value.trim();
            match &*name {
                "role" => value.clone_into(&mut request.role),
                "granted" => request.granted = value == "true",
                "why" => value.clone_into(&mut request.reason),
                "ends_at" if !value.is_empty() => request.ends_at = Some(time(value)?),
                "step" => request.dry_run = value != "do",
                _ => {}
            }
        }
        Ok(Self(request))
    }
}

#[derive(Template)]
#[template(path = "role-change.html")]
struct RoleChangeHtml<'a> {
    frame: &'a Frame<'a>,
    change: &'a RoleChange,
    reason: &'a str,
    ends_at: String,
    is_same: bool,
    lost: Vec<&'a String>,
    won: Vec<&'a String>,
}

/// The page after a dry run.
pub(crate) fn page(frame: &Frame<'_>, change: &RoleChange, reason: &str) -> askama::Result<String> {
    let RoleChange { before, after, .. } = change;
    RoleChangeHtml {
        frame,
        change,
        reason,
        ends_at: change.ends_at.map(time_text).unwrap_or_default(),
        is_same: before == after,
        lost: before.iter().filter(|role| !after.contains(role)).collect(),
        won: after.iter().filter(|role| !before.contains(role)).collect(),
    }
    .render()
}

#[cfg(test)]
mod tests {
    use shared::operators::api::roles::RoleChange;
    use shared::time::UnixMillis;

    use super::{RoleForm, page};
    use crate::pages::testing::{frame, operator};

    fn change() -> RoleChange {
        RoleChange {
            user_id: "user_ada".into(),
            role: "admin".into(),
            granted: true,
            ends_at: Some(UnixMillis(1_764_374_400_000)),
            done: false,
            before: vec!["member".into()],
            after: vec!["admin".into(), "member".into()],
        }
    }

    #[test]
    fn before_and_after_are_shown_before_anything_changes() {
        let html = page(&frame(&operator()), &change(), "on call").unwrap();
        assert!(html.contains("<h1>Grant <code>admin</code>?</h1>"), "{html}");
        assert!(html.contains("gains <code>admin</code>"));
        assert!(html.contains("name=\"step\" value=\"do\""));
        assert!(html.contains("name=\"why\" value=\"on call\""));
        assert!(html.contains("name=\"ends_at\" value=\"2025-11-29\""));
    }

    #[test]
    fn a_change_without_effect_says_so() {
        let same = RoleChange { after: change().before, ..change() };
        let html = page(&frame(&operator()), &same, "x").unwrap();
        assert!(html.contains("would not change which roles count"), "{html}");
    }

    #[test]
    fn a_form_is_a_dry_run_until_it_is_confirmed() {
        let form = "role=+admin&granted=true&why=x&ends_at=2025-11-29T00%3A00&step=check";
        let RoleForm(request) = RoleForm::parse(form).unwrap();
        assert!(request.dry_run && request.granted);
        assert_eq!((request.role.as_str(), request.ends_at), ("admin", change().ends_at));
        assert!(!RoleForm::parse("role=a&step=do").unwrap().0.dry_run);
        assert!(RoleForm::parse("role=a&ends_at=soon").is_err());
    }
}
