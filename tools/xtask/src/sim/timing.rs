//! `cargo xtask sim timing`: whether the response time of ingest reveals anything about a
//! signature. `verify/timing/src/main.rs` says what is measured, and what that shows.

use anyhow::{Result, bail};

use crate::call::Call;
use crate::place::Place;
use crate::show::{self, Step};

/// Below this two classes cannot be distinguished, by the paper behind `dudect`.
const T_MAX: f64 = 5.0;

/// Measures, and says for each pair of classes whether it can be distinguished.
///
/// # Errors
/// When a pair can be distinguished that must not be, or the control cannot.
pub(super) fn run(place: &Place, filter: Option<&str>) -> Result<()> {
    let step = Step::begin("time ingest, a million deliveries for each bench");
    let ran = Call::new("cargo")
        .args(["run", "--locked", "--quiet", "--profile", "sim", "-p", "timing", "--"])
        .args(filter)
        .dir(&place.root)
        .run(|line| step.say(line))?
        .ok("Fix what it names.")?;
    step.done("");
    let measured: Vec<(&str, f64)> =
        ran.lines.iter().filter_map(|(_, line)| parse_line(line)).collect();
    if measured.is_empty() {
        bail!("nothing was measured; check the filter");
    }
    let mut failed = false;
    for (name, t) in measured {
        let (is_right, verdict) = judge(name, t);
        failed |= !is_right;
        show::line(format!("timing: {name} t={t:+.2} {verdict}"));
    }
    if failed {
        bail!(
            "run what failed again, alone, on a quiet machine; verify/timing/src/main.rs says why"
        );
    }
    Ok(())
}

/// The name and `max t` in a line of results.
fn parse_line(line: &str) -> Option<(&str, f64)> {
    let (name, result) = line.strip_prefix("bench ")?.split_once(" ... :")?;
    let t = result.split_once("max t = ")?.1.split(',').next()?;
    Some((name.trim(), t.parse().ok()?))
}

/// Whether the result is right, and a text that says so. A `t` that is no number was not measured.
fn judge(name: &str, t: f64) -> (bool, &'static str) {
    let (is_apart, is_alike) = (T_MAX <= t.abs(), t.abs() < T_MAX);
    match () {
        () if name.starts_with("control-") && is_apart => (true, "distinguishable, as it must be"),
        () if name.starts_with("control-") => {
            (false, "NOT DISTINGUISHABLE: this bench detects nothing")
        }
        () if name.starts_with("public-") && is_apart => {
            (true, "distinguishable; the sender knows it")
        }
        () if is_alike => (true, "not distinguishable"),
        () => (false, "DISTINGUISHABLE"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_results_is_read() {
        let line = "bench a-b   ... : n == +0.046M, max t = -61.61472, max tau = +0.28863";
        assert_eq!(parse_line(line), Some(("a-b", -61.61472)));
        assert_eq!(parse_line("bench a-b   seeded with 0x01"), None);
        assert_eq!(parse_line("running 3 benches"), None);
    }

    #[test]
    fn only_the_control_must_be_told_apart() {
        assert!(judge("a", 4.9).0 && judge("a", -4.9).0);
        assert!(!judge("a", 5.0).0 && !judge("a", -5.0).0 && !judge("a", f64::NAN).0);
        assert!(judge("control-a", -90.0).0 && !judge("control-a", 2.0).0);
        assert!(!judge("control-a", f64::NAN).0);
        assert!(judge("public-a", 2.0).0 && judge("public-a", 90.0).0);
    }
}
