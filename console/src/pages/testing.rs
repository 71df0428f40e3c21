//! A frame and viewers for the tests of pages.

use shared::operators::api::Whoami;
use shared::time::UnixMillis;

use super::frame::Frame;

/// 2025-11-29 03:07:00 UTC.
pub(crate) const NOW: UnixMillis = UnixMillis(1_764_385_620_000);

/// Somebody who may only look.
pub(crate) fn reader() -> Whoami {
    Whoami {
        actor: "access:1".into(),
        name: "ada@example.com".into(),
        may_change: false,
        version: "0.1.0".into(),
    }
}

/// Somebody who may change things.
pub(crate) fn operator() -> Whoami {
    Whoami { may_change: true, ..reader() }
}

/// The frame of somebody's page.
pub(crate) fn frame(who: &Whoami) -> Frame<'_> {
    Frame { now: NOW, who: Some(who), form_token: "form-token", has_sign_out: false }
}
