//! The forms of pages: read once, with the token of the page.

use shared::operators::authentication::{FORM_FIELD, check_form_token};
use url::form_urlencoded;

use crate::audit_log;
use crate::context::CallerContext;
use crate::reply::Failure;

/// The text of a form whose token is that of the page. `route` is for the audit trail.
pub(crate) async fn own_form(
    cx: &CallerContext<'_>,
    route: &'static str,
) -> Result<String, Failure> {
    let form = cx.request.body("application/x-www-form-urlencoded").await?;
    let token = field(&form, FORM_FIELD);
    if let Err(refusal) = check_form_token(cx.request.incoming.cookie(), token.as_deref()) {
        audit_log::record_refusal(cx.request.env, Some(&cx.caller.actor), route, refusal).await;
        return Err(refusal.into());
    }
    Ok(form)
}

/// The value of a field that is there once.
pub(crate) fn field(form: &str, name: &str) -> Option<String> {
    let mut values = form_urlencoded::parse(form.as_bytes()).filter(|(known, _)| known == name);
    let (_, first) = values.next()?;
    values.next().is_none().then(|| first.into_owned())
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn a_field_that_is_there_twice_has_no_value() {
        assert_eq!(field("a=1+2&b=3", "a").as_deref(), Some("1 2"));
        assert_eq!(field("a=1&a=1", "a"), None);
        assert_eq!(field("b=1", "a"), None);
    }
}
