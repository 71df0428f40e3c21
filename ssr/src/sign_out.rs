//! The way out: a form that ends the session where it was begun.

use shared::settings::ssr::SsrSettings;

use crate::incoming::IncomingRequest;

/// A form that signs its reader out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignOutForm {
    /// Where it is posted to.
    pub(crate) action: String,
    /// Where the reader is sent afterwards: the front page of this site.
    pub(crate) back: String,
    /// What a page with the form must let forms reach.
    pub(crate) origin: String,
}

/// The form, where the configuration knows where to post it.
///
/// A wrong address leaves the form out. The page stays: its reader was let in, and can leave by
/// Clerk's own pages.
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
