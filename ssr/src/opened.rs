//! A page that may be shown: the page and the permit for its own need, held together.

use shared::guard::Permit;

use crate::asker::{Asker, Refusal};
use crate::roles::Roles;
use crate::route::Guarded;

/// A page whose need was met. Only [`open`] makes one. A permit does not say which need it proves,
/// so one for the dashboard could show any page, if pages were rendered from permits alone.
#[derive(Debug)]
pub(crate) struct Opened<'a> {
    page: &'a Guarded,
    permit: Permit<'a>,
}

/// Asks the guard for what `page` needs.
pub(crate) fn open<'a>(
    page: &'a Guarded,
    asker: &'a Asker,
    roles: &'a Roles,
) -> Result<Opened<'a>, Refusal> {
    Ok(Opened { page, permit: asker.permit(roles, &page.need())? })
}

impl<'a> Opened<'a> {
    /// Which page it is.
    pub(crate) fn page(&self) -> &'a Guarded {
        self.page
    }

    /// For whom it is opened, and by which roles.
    pub(crate) fn permit(&self) -> &Permit<'a> {
        &self.permit
    }
}
