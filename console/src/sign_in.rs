//! `POST /sign-in` and `POST /sign-out`: the cookie for a browser without Access.

use shared::operators::authentication::{FORM_FIELD, Refusal, check_form_token, check_origin};
use shared::operators::sign_in_cookie;
use url::form_urlencoded;
use worker::Response;

use crate::context::RequestContext;
use crate::incoming::{IncomingRequest, RequestMethod};
use crate::reply::{self, AnswerForm, Failure};
use crate::route::{Handler, RouteRow};
use crate::{audit_log, config};

pub(crate) const ROUTES: &[RouteRow] = &[
    form("/sign-in", Handler::Open(|cx| Box::pin(sign_in(cx)))),
    form("/sign-out", Handler::Open(|cx| Box::pin(sign_out(cx)))),
];

const fn form(path: &'static str, handler: Handler) -> RouteRow {
    RouteRow { method: RequestMethod::Post, path, form: AnswerForm::Page, handler }
}

/// The form's fields: `token`, `form_token` and `back`, the page to go on to. The token itself is
/// not kept by the browser.
async fn sign_in(cx: &RequestContext<'_>) -> Result<Response, Failure> {
    let fields = own_form(cx, "/sign-in").await?;
    let settings = config::settings(cx.env);
    if settings.operator_tokens.is_empty() {
        return Err(Refusal::NotConfigured.into());
    }
    let token = field(&fields, "token").unwrap_or_default();
    let Some(token) = settings.operator_tokens.find(token.trim()) else {
        let refusal = Refusal::InvalidToken;
        audit_log::record_refusal(cx.env, None, "/sign-in", refusal).await;
        return Err(refusal.into());
    };
    tracing::info!(actor = format!("token:{}", token.name()), "signed in");
    let back = field(&fields, "back").filter(|back| is_own_path(back)).unwrap_or("/");
    go_to(back, &sign_in_cookie::sign_in(token, edge::clock::now()))
}

async fn sign_out(cx: &RequestContext<'_>) -> Result<Response, Failure> {
    own_form(cx, "/sign-out").await?;
    go_to("/", &sign_in_cookie::sign_out())
}

/// The fields of a form of this site.
async fn own_form(
    cx: &RequestContext<'_>,
    route: &'static str,
) -> Result<Vec<(String, String)>, Failure> {
    let IncomingRequest { origin, .. } = cx.incoming;
    let from_here = check_origin(None, cx.incoming.origin_headers(), origin);
    let body = cx.body("application/x-www-form-urlencoded").await?;
    let fields: Vec<_> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let is_own =
        from_here.and_then(|()| check_form_token(cx.incoming.cookie(), field(&fields, FORM_FIELD)));
    if let Err(refusal) = is_own {
        audit_log::record_refusal(cx.env, None, route, refusal).await;
        return Err(refusal.into());
    }
    Ok(fields)
}

/// The value of a field that is there once.
fn field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut values = fields.iter().filter(|(known, _)| known == name);
    let (_, first) = values.next()?;
    values.next().is_none().then_some(first.as_str())
}

/// Whether a browser takes it for a path of this site: `//` and `/\\` begin another host.
fn is_own_path(back: &str) -> bool {
    let is_plain = back.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    is_plain && back.starts_with('/') && !back.starts_with("//")
}

/// 303 to a page of this site, with a cookie.
fn go_to(location: &str, cookie: &str) -> Result<Response, Failure> {
    reply::see_other(location, &[cookie])
}

#[cfg(test)]
mod tests {
    use super::is_own_path;

    #[test]
    fn signing_in_leads_only_to_this_site() {
        assert!(is_own_path("/dead-letters?reason=shape&cursor=1~a"));
        for wrong in [
            "",
            "dead-letters",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a b",
        ] {
            assert!(!is_own_path(wrong), "{wrong}");
        }
    }
}
