//! The sign-out form, which is posted to Clerk.

use shared::settings::ssr::SsrSettings;

use crate::incoming::IncomingRequest;

/// A form that signs the user out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignOutForm {
    /// The URL it is posted to.
    pub(crate) action: String,
    /// Where Clerk redirects to afterwards: the front page of this site.
    pub(crate) back: String,
    /// The origin for the CSP's `form-action`.
    pub(crate) origin: String,
}

/// The form, if its URL is configured. With an invalid URL the page is shown without the form.
pub(crate) fn sign_out_form(
    settings: &SsrSettings,
    incoming: &IncomingRequest,
) -> Option<SignOutForm> {
    let (url, sessions) = (settings.sign_out_url.as_ref()?, settings.sessions.as_ref()?);
    Some(SignOutForm {
        action: url.to_string(),
        back: format!("{}/", sessions.site_origin(&incoming.origin)),
        origin: url.origin().ascii_serialization(),
    })
}
