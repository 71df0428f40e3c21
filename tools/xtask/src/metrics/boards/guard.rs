//! Guards, sessions and role caches: what users notice.

use shared::metrics::labels as label;
use shared::metrics::table;

use super::{QUANTILES, WHOLE, WINDOW};
use crate::metrics::board::{Board, Form, Row, Shown, panel, row};
use crate::metrics::figures::unavailable_share;
use crate::metrics::promql::{buckets, counter};

const ALERT: &str = "RolecallGuardUnavailable";

pub(super) fn board() -> Board {
    Board {
        name: "guard",
        title: "Rolecall: guard and cache",
        description: "What guards answer, how fast, and from which roles. Guards in TypeScript \
            apps count only where role cache objects answer them.",
        rows: vec![guard(), cache(), sessions()],
    }
}

fn guard() -> Row {
    let answers = || counter(&table::GUARD_ANSWERS).rate(WINDOW);
    let share = panel(Form::Stat, "Without an answer", Shown::Share, "/")
        .says("Share of the answers in the time shown that were 503.")
        .query("", unavailable_share(WHOLE))
        .bounds(0.001, 0.05)
        .alert(ALERT);
    let outcomes = panel(Form::Stack, "Answers by outcome", Shown::PerSecond, "/")
        .says("Allowed, forbidden (403), signed out (401 or the sign-in page), unavailable (503).")
        .query("{{outcome}}", answers().sum_by(&[&label::GUARD_OUTCOME]))
        .alert(ALERT);
    let reasons = panel(Form::Stack, "Answers by reason", Shown::PerSecond, "/explain")
        .says("Why the guard answered so. The console explains one user's case.")
        .query("{{reason}}", answers().sum_by(&[&label::GUARD_REASON]))
        .alert(ALERT);
    let mut seconds = panel(Form::Lines, "Time to an answer", Shown::Seconds, "/")
        .says("Time from a request's arrival to the guard's answer, of all outcomes.")
        .alert(ALERT);
    for (quantile, name) in QUANTILES {
        let rates = buckets(&table::GUARD_SECONDS).rate(WINDOW);
        seconds = seconds.query(name, rates.quantile(quantile, &[]));
    }
    let each = panel(Form::Lines, "Time to an answer, 99 %", Shown::Seconds, "/")
        .says("The same by outcome. An answer that is none comes late where a timeout is behind.")
        .query(
            "{{outcome}}",
            buckets(&table::GUARD_SECONDS).rate(WINDOW).quantile(0.99, &[&label::GUARD_OUTCOME]),
        )
        .alert(ALERT);
    row("Guard of the Worker ssr", vec![share, outcomes, reasons, seconds, each])
}

fn cache() -> Row {
    let used = counter(&table::CACHE_ANSWERS).rate(WINDOW);
    let sources = panel(Form::Stack, "Role sets by source", Shown::PerSecond, "/")
        .says("Where the guard's roles came from: its isolate, the object, or a read of D1.")
        .query("{{source}}", used.sum_by(&[&label::CACHE_SOURCE]))
        .alert(ALERT);
    let ages = buckets(&table::CACHE_AGE_SECONDS).rate(WINDOW);
    let age = panel(Form::Lines, "Age of role sets, 99 %", Shown::Seconds, "/")
        .says("How old the roles were that the guard used. None is older than ROLES_HARD_MS.")
        .query("{{source}}", ages.quantile(0.99, &[&label::AGE_SOURCE]))
        .bounds(30.0, 60.0)
        .alert(ALERT);
    let objects = counter(&table::OBJECT_ANSWERS).rate(WINDOW);
    let objects = panel(Form::Stack, "Answers of role cache objects", Shown::PerSecond, "/")
        .says("To guards of all apps, also those in TypeScript.")
        .query("{{answer}}", objects.sum_by(&[&label::OBJECT_ANSWER]))
        .alert("RolecallCachesUnavailable");
    let fills = counter(&table::FILLS).rate(WINDOW);
    let fills = panel(Form::Stack, "Reads from D1", Shown::PerSecond, "/")
        .says("Reads of a user's roles from D1 by role cache objects. They grow with active users.")
        .query("{{result}}", fills.sum_by(&[&label::FILL_RESULT]))
        .alert("RolecallD1QueriesHigh");
    let mut seconds = panel(Form::Lines, "Time of a read from D1", Shown::Seconds, "/")
        .says("A user whose roles are not cached waits for it.")
        .alert("RolecallD1QueriesHigh");
    for (quantile, name) in QUANTILES {
        let rates = buckets(&table::FILL_SECONDS).rate(WINDOW);
        seconds = seconds.query(name, rates.quantile(quantile, &[]));
    }
    row("Role caches", vec![sources, age, objects, fills, seconds])
}

fn sessions() -> Row {
    let refusals = counter(&table::SESSION_REFUSALS).rate(WINDOW);
    let refused = panel(Form::Stack, "Refused session tokens", Shown::PerSecond, "/")
        .says("Why the Worker ssr refused a token. Expired ones are normal: they live 60 s.")
        .query("{{reason}}", refusals.sum_by(&[&label::SESSION_REFUSAL]))
        .alert(ALERT);
    let handshakes = counter(&table::HANDSHAKES).rate(WINDOW);
    let handshakes = panel(Form::Lines, "Handshakes", Shown::PerSecond, "/")
        .says("Renewals of expired sessions with Clerk. Far more started than completed is a loop.")
        .query("{{event}}", handshakes.sum_by(&[&label::HANDSHAKE]))
        .alert(ALERT);
    let fetches = counter(&table::JWKS_FETCHES).rate(WINDOW);
    let keys = panel(Form::Lines, "Fetches of public keys", Shown::PerSecond, "/")
        .says("Without Clerk's keys no session can be checked: the guard answers 503, no-keys.")
        .query("{{worker}} {{result}}", fetches.sum_by(&[&label::WORKER, &label::RESULT]))
        .alert(ALERT);
    row("Sessions", vec![refused, handshakes, keys])
}
