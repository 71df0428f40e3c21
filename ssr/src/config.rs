//! The Worker's settings, read once per isolate. Invalid settings disable what depends on
//! them: without valid session settings, every guarded route is answered 503.

use std::cell::OnceCell;
use std::rc::Rc;

use shared::settings::ssr::SsrSettings;
use worker::Env;

/// The isolate's settings.
pub(crate) fn settings(env: &Env) -> Rc<SsrSettings> {
    thread_local! {
        static SETTINGS: OnceCell<Rc<SsrSettings>> = const { OnceCell::new() };
    }
    // A changed variable is a new deployment, and so a new isolate.
    SETTINGS.with(|settings| {
        Rc::clone(settings.get_or_init(|| {
            let settings = SsrSettings::from_env(&|name| edge::settings::raw(env, name));
            edge::settings::log_errors(&settings.errors);
            Rc::new(settings)
        }))
    })
}
