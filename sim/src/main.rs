//! x
use sim::check::{self, CACHE};
use sim::variant::{Half, Variant};
fn main() {
    let which = std::env::args().nth(1).unwrap_or_default();
    if which == "check" {
        let f = std::env::args().nth(2).unwrap_or_default();
        for b in CACHE.into_iter().filter(|b| b.name.contains(&f)) {
            let t = std::time::Instant::now();
            let r = check::cache(b, Variant::Right, 2);
            println!("{} {} states depth {} {:?}", r.name, r.states, r.depth, t.elapsed());
            for v in r.verdicts { println!("  {} {} {}", v.holds, v.property, v.steps.len()); if !v.holds { println!("    {:?}", v.steps) } }
        }
        for b in check::LINE.into_iter().filter(|b| b.name.contains(&f)) {
            let t = std::time::Instant::now();
            let r = check::line(b, Variant::Right, 2);
            println!("{} {} states depth {} {:?}", r.name, r.states, r.depth, t.elapsed());
            for v in r.verdicts { println!("  {} {} {}", v.holds, v.property, v.steps.len()); if !v.holds { println!("    {:?}", v.steps) } }
        }
    } else {
        for v in Variant::WRONG.iter().filter(|v| v.half() == Half::Cache) {
            let mut best: Option<(usize,String)> = None;
            for b in CACHE {
                let t = std::time::Instant::now();
                let r = check::cache(b, *v, 1);
                eprintln!("{v:?} {} {} {:?}", b.name, r.states, t.elapsed());
                if let Some(x) = r.verdicts.iter().find(|v| !v.holds && !v.steps.is_empty()) {
                    if best.as_ref().is_none_or(|b| b.0 > x.steps.len()) { best = Some((x.steps.len(), format!("{} {} {:?}", b.name, x.property, x.steps))); }
                    break;
                }
            }
            println!("{v:?}: {best:?}");
        }
    }
}
