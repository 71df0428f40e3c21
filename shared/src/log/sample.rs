//! Which ordinary lines are kept.

/// The share of ordinary lines that are kept, from 0 to 1. Warnings and errors are always kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleRate(f64);

/// The number of values of a [`u32`].
const DRAWS: f64 = 4_294_967_296.0;

impl SampleRate {
    /// Keeps every line.
    pub const ALL: Self = Self(1.0);

    /// Parses a number from 0 to 1.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // `f64` would also take `inf`, `nan` and `1e-3`.
        let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let share = text.parse().ok().filter(|share| is_decimal && (0.0..=1.0).contains(share))?;
        Some(Self(share))
    }

    /// Returns whether the lines of a trace are kept. Every Worker with the same rate decides
    /// alike, so a trace is whole or absent.
    #[must_use]
    pub fn keeps_trace(self, trace_id: &str) -> bool {
        self.keeps(hash(trace_id))
    }

    /// Returns whether a line is kept that belongs to no trace. `draw` is random.
    #[must_use]
    pub fn keeps(self, draw: u32) -> bool {
        f64::from(draw) / DRAWS < self.0
    }
}

/// FNV-1a, and the last mix of `MurmurHash3`: all bits of the id decide, with little code.
fn hash(text: &str) -> u32 {
    let fnv = text
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let mixed = (fnv ^ (fnv >> 16)).wrapping_mul(0x85eb_ca6b);
    let mixed = (mixed ^ (mixed >> 13)).wrapping_mul(0xc2b2_ae35);
    mixed ^ (mixed >> 16)
}

#[cfg(test)]
mod tests {
    use super::SampleRate;

    #[test]
    fn a_rate_is_a_number_from_0_to_1() {
        assert_eq!(SampleRate::parse("1"), Some(SampleRate::ALL));
        assert_eq!(SampleRate::parse("0.25"), Some(SampleRate(0.25)));
        assert_eq!(SampleRate::parse(".5"), Some(SampleRate(0.5)));
        for wrong in ["", "-1", "1.01", "10", "ten", "nan", "inf", "1e-3", "10%", "0,5", "0x1"] {
            assert_eq!(SampleRate::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_share_of_kept_traces_is_the_rate() {
        let ids: Vec<String> = (0..20_000).map(|n| format!("msg_2vX11zP5ojq7cTRY{n}")).collect();
        for (rate, least, most) in
            [("0", 0, 0), ("0.01", 150, 250), ("0.5", 9_700, 10_300), ("1", 20_000, 20_000)]
        {
            let rate = SampleRate::parse(rate).unwrap();
            let kept = ids.iter().filter(|id| rate.keeps_trace(id)).count();
            assert!((least..=most).contains(&kept), "{rate:?}: {kept}");
        }
    }

    #[test]
    fn a_trace_that_a_low_rate_keeps_a_higher_one_keeps_too() {
        let (low, high) = (SampleRate(0.1), SampleRate(0.4));
        let ids = (0..1_000).map(|n| format!("msg_{n}"));
        assert!(ids.into_iter().all(|id| !low.keeps_trace(&id) || high.keeps_trace(&id)));
    }

    #[test]
    fn a_line_without_a_trace_is_kept_by_chance() {
        assert!(SampleRate::ALL.keeps(u32::MAX));
        assert!(!SampleRate(0.0).keeps(0));
        assert!(SampleRate(0.5).keeps(u32::MAX / 2));
        assert!(!SampleRate(0.5).keeps(u32::MAX / 2 + 1));
    }
}
