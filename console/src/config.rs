//! The Worker's settings, read once per isolate.

use std::cell::OnceCell;
use std::rc::Rc;

use shared::settings::console::ConsoleSettings;
use worker::Env;

/// The isolate's settings.
pub(crate) fn settings(env: &Env) -> Rc<ConsoleSettings> {
    thread_local! {
        static SETTINGS: OnceCell<Rc<ConsoleSettings>> = const { OnceCell::new() };
    }
    // A changed variable is a new deployment, and so a new isolate.
    SETTINGS.with(|settings| {
        Rc::clone(settings.get_or_init(|| {
            let settings = ConsoleSettings::from_env(&|name| edge::settings::raw(env, name));
            edge::settings::log_errors(&settings.errors);
            Rc::new(settings)
        }))
    })
}
