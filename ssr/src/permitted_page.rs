//! A page with the permit for its own need.

use shared::guard::{Denied, Permit};

use crate::caller::Caller;
use crate::route::GuardedPage;

/// A page whose need was met. Only [`permit_page`] makes one. A permit does not say which need it
/// proves: if pages were rendered from permits alone, one for the dashboard could show any page.
#[derive(Debug)]
pub(crate) struct PermittedPage<'a> {
    page: &'a GuardedPage,
    permit: Permit<'a>,
}

/// Asks the guard for what `page` needs.
pub(crate) fn permit_page<'a>(
    page: &'a GuardedPage,
    caller: &'a Caller,
) -> Result<PermittedPage<'a>, Denied> {
    Ok(PermittedPage { page, permit: caller.permit(&page.need())? })
}

impl<'a> PermittedPage<'a> {
    /// The page.
    pub(crate) fn page(&self) -> &'a GuardedPage {
        self.page
    }

    /// The permit.
    pub(crate) fn permit(&self) -> &Permit<'a> {
        &self.permit
    }
}
