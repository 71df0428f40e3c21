//! The Worker's settings, read once per isolate. A mistake closes what depends on it: with any of
//! those that sessions need, every page under a guard is answered 503.

use std::cell::OnceCell;
use std::rc::Rc;

use shared::settings::ssr::Ssr;
use worker::Env;

/// The isolate's settings.
pub(crate) fn of(env: &Env) -> Rc<Ssr> {
    thread_local! {
        static READ: OnceCell<Rc<Ssr>> = const { OnceCell::new() };
    }
    // A change of a variable is a deployment, and a deployment is a new isolate.
    READ.with(|read| {
        Rc::clone(read.get_or_init(|| {
            let settings = Ssr::read(&|name| edge::settings::raw(env, name));
            edge::settings::tell(&settings.mistakes);
            Rc::new(settings)
        }))
    })
}
