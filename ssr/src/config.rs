//! The Worker's settings, read once per isolate. A mistake closes what depends on it: with any of
//! those that sessions need, every page under a guard is answered 503.

use std::cell::OnceCell;
use std::rc::Rc;

use shared::settings::ssr::SsrSettings;
use worker::Env;

/// The isolate's settings.
pub(crate) fn settings(env: &Env) -> Rc<SsrSettings> {
    thread_local! {
        static READ: OnceCell<Rc<SsrSettings>> = const { OnceCell::new() };
    }
    // A change of a variable is a deployment, and a deployment is a new isolate.
    READ.with(|read| {
        Rc::clone(read.get_or_init(|| {
            let settings = SsrSettings::from_env(&|name| edge::settings::raw(env, name));
            edge::settings::log_errors(&settings.mistakes);
            Rc::new(settings)
        }))
    })
}
