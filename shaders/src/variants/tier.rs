//! Tiers: the abilities of an adapter.

/// The abilities that an adapter must have for a kernel. Each tier includes the tiers before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tier {
    /// Core WebGPU limits and no features: every browser.
    Baseline,
    /// Subgroup operations, of any subgroup size.
    Subgroup,
    /// Cooperative matrices of 16 by 16, f16 in and f32 out, and subgroups of 8 to 32 lanes with barriers.
    ///
    /// Cooperative matrices multiply f16 weights. A model in f32 runs as on [`Tier::Subgroup`].
    Coop,
}

impl Tier {
    /// Every tier, the most demanding last.
    pub const ALL: [Tier; 3] = [Tier::Baseline, Tier::Subgroup, Tier::Coop];

    /// The name that users give and see.
    pub fn name(self) -> &'static str {
        match self {
            Tier::Baseline => "baseline",
            Tier::Subgroup => "subgroup",
            Tier::Coop => "coop",
        }
    }
}
