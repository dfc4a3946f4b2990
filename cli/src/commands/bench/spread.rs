//! The median of repeated measurements, with the least and the most.

use serde::Serialize;

/// The median of some values, with the least and the most.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// The spread of `values`. Without values, everything is 0.
    pub(crate) fn of(mut values: Vec<f64>) -> Spread {
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(0.0);
        let middle = values.len() / 2;
        let median = if values.len().is_multiple_of(2) {
            (at(middle.saturating_sub(1)) + at(middle)) / 2.0
        } else {
            at(middle)
        };
        Spread { median, least: at(0), most: values.last().copied().unwrap_or(0.0) }
    }

    /// The spread of `f` of the values. `f` must be monotonic.
    pub(crate) fn map(self, f: impl Fn(f64) -> f64) -> Spread {
        let (a, b) = (f(self.least), f(self.most));
        Spread { median: f(self.median), least: a.min(b), most: a.max(b) }
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn a_spread_is_of_all_values() {
        let spread = Spread::of(vec![3.0, 1.0, 2.0]);
        assert_eq!(spread, Spread { median: 2.0, least: 1.0, most: 3.0 });
        assert_eq!(Spread::of(vec![4.0, 1.0]).median, 2.5);
        assert_eq!(spread.map(|x| 6.0 / x), Spread { median: 3.0, least: 2.0, most: 6.0 });
        assert_eq!(Spread::of(Vec::new()), Spread { median: 0.0, least: 0.0, most: 0.0 });
    }
}
