//! How a GPU is opened.

use orthrus_shaders::Tier;

/// Options for opening a GPU.
#[derive(Clone, Debug, Default)]
pub struct GpuOptions {
    /// Number of an adapter, or part of its name. `None`: the most capable adapter.
    pub adapter: Option<String>,
    /// Tier of the kernels. `None`: the most demanding tier that runs on the adapter.
    pub tier: Option<Tier>,
    /// For tests: open the device with the limits that the tier needs, whatever the adapter allows. On tiers
    /// `baseline` and `subgroup` they are core WebGPU's defaults, which the least capable browser has.
    #[cfg(feature = "lab")]
    pub core_limits: bool,
    /// For tests: run tier `coop` on an adapter that does not list 16 by 16 cooperative matrices. Mesa's software
    /// adapter (version 26) lists 8 by 8, and runs 16 by 16 too.
    #[cfg(feature = "lab")]
    pub any_matrix_size: bool,
    /// Name for an adapter whose driver or browser gives none.
    pub unnamed: Option<String>,
}

impl GpuOptions {
    pub(super) fn core_limits(&self) -> bool {
        #[cfg(feature = "lab")]
        return self.core_limits;
        #[cfg(not(feature = "lab"))]
        return false;
    }

    pub(super) fn any_matrix_size(&self) -> bool {
        #[cfg(feature = "lab")]
        return self.any_matrix_size;
        #[cfg(not(feature = "lab"))]
        return false;
    }
}
