//! The way out: a form that ends the session where it was begun.

use url::Url;

use crate::config::Config;
use crate::incoming::Incoming;

/// A form that signs its reader out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignOut {
    /// Where it is posted to.
    pub(crate) action: String,
    /// Where the reader is sent afterwards: the front page of this site.
    pub(crate) back: String,
    /// What a page with the form must let forms reach.
    pub(crate) origin: String,
}

/// The form, where the configuration knows where to post it.
///
/// A wrong address is logged and leaves the form out. The page stays: its reader was let in, and
/// can leave by Clerk's own pages.
pub(crate) fn of(config: &Config, incoming: &Incoming) -> Option<SignOut> {
    match &config.sign_out_url {
        Ok(url) => form(url.as_ref()?, config, incoming),
        Err(mistake) => {
            tracing::error!(%mistake, "nobody can sign out here");
            None
        }
    }
}

fn form(url: &Url, config: &Config, incoming: &Incoming) -> Option<SignOut> {
    let sessions = config.sessions.as_ref().ok()?;
    Some(SignOut {
        action: url.to_string(),
        back: format!("{}/", sessions.own_origin(&incoming.origin)),
        origin: url.origin().ascii_serialization(),
    })
}
