//! A page that may be shown: the page and the permit for its own need, held together.

use shared::guard::Permit;

use crate::caller::{AccessDenied, Caller};
use crate::roles::UserRoles;
use crate::route::GuardedPage;

/// A page whose need was met. Only [`permit_page`] makes one. A permit does not say which need it
/// proves, so one for the dashboard could show any page, if pages were rendered from permits alone.
#[derive(Debug)]
pub(crate) struct PermittedPage<'a> {
    page: &'a GuardedPage,
    permit: Permit<'a>,
}

/// Asks the guard for what `page` needs.
pub(crate) fn permit_page<'a>(
    page: &'a GuardedPage,
    asker: &'a Caller,
    roles: &'a UserRoles,
) -> Result<PermittedPage<'a>, AccessDenied> {
    Ok(PermittedPage { page, permit: asker.permit(roles, &page.need())? })
}

impl<'a> PermittedPage<'a> {
    /// Which page it is.
    pub(crate) fn page(&self) -> &'a GuardedPage {
        self.page
    }

    /// For whom it is opened, and by which roles.
    pub(crate) fn permit(&self) -> &Permit<'a> {
        &self.permit
    }
}
