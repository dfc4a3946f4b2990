//! The machine's adapters, the tiers that run on them, and the choice of one.

use orthrus_shaders::{PAIRED_WORKGROUP_BYTES, TILE, Tier};
use wgpu::{DeviceType, Features, Limits};

use crate::{Error, Result};

/// The kind of hardware behind an adapter, in order of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AdapterKind {
    /// A graphics card with its own memory.
    Discrete,
    /// A GPU in the processor, which shares the processor's memory.
    Integrated,
    /// A share of a graphics card, in a virtual machine.
    Virtual,
    /// Unknown: the driver does not say. Browsers never do.
    Other,
    /// The processor itself: correct, and slow.
    Software,
}

impl AdapterKind {
    /// The name that users see.
    pub fn name(self) -> &'static str {
        match self {
            AdapterKind::Discrete => "discrete",
            AdapterKind::Integrated => "integrated",
            AdapterKind::Virtual => "virtual",
            AdapterKind::Other => "other",
            AdapterKind::Software => "software",
        }
    }
}

/// An adapter, and the tiers that run on it.
#[derive(Clone, Debug)]
pub struct AdapterReport {
    /// Number of the adapter, by which [`GpuOptions::adapter`](crate::GpuOptions::adapter) can select it.
    pub index: usize,
    /// Name that the driver gives.
    pub name: String,
    /// wgpu's name of the backend: `Vulkan`, `Metal`, `Dx12` or `BrowserWebGpu`.
    pub backend: String,
    /// Kind of hardware.
    pub kind: AdapterKind,
    /// Name and version of the driver.
    pub driver: String,
    /// Each tier, with the limits and features that the adapter lacks for it. `None`: the tier runs.
    pub tiers: Vec<(Tier, Option<String>)>,
    /// Largest buffer that a kernel can bind, in bytes.
    pub max_binding: u64,
    /// Largest buffer, in bytes.
    pub max_buffer: u64,
    /// Largest workgroup memory of a kernel, in bytes.
    pub workgroup_memory: u32,
    /// Smallest and largest subgroup, in lanes. `None`: no subgroup operations.
    pub subgroup_sizes: Option<(u32, u32)>,
    /// The limits and features that the adapter lacks for tier `baseline`. `None`: at least one tier runs.
    pub unsuitable: Option<String>,
}

impl AdapterReport {
    /// Whether the adapter is software: correct, and slow.
    pub fn is_software(&self) -> bool {
        self.kind == AdapterKind::Software
    }

    /// The most demanding tier that runs on the adapter.
    pub fn best_tier(&self) -> Option<Tier> {
        self.tiers.iter().rev().find(|(_, missing)| missing.is_none()).map(|(tier, _)| *tier)
    }

    fn line(&self) -> String {
        match &self.unsuitable {
            Some(reason) => format!("{} {} ({}): {reason}", self.index, self.name, self.backend),
            None => format!("{} {} ({})", self.index, self.name, self.backend),
        }
    }
}

/// Name of an adapter whose driver or browser gives none.
pub(crate) const UNNAMED: &str = "a GPU without a name";

/// Every adapter of the machine. A browser shows one.
pub async fn adapters() -> Vec<AdapterReport> {
    enumerate().await.iter().enumerate().map(|(index, adapter)| report(index, adapter)).collect()
}

/// [`adapters`] for programs that are not async.
#[cfg(not(target_arch = "wasm32"))]
pub fn adapters_blocking() -> Vec<AdapterReport> {
    pollster::block_on(adapters())
}

async fn enumerate() -> Vec<wgpu::Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    // A browser shows one adapter. It may be the low-power one unless the page asks for the other.
    #[cfg(target_arch = "wasm32")]
    return {
        let power_preference = wgpu::PowerPreference::HighPerformance;
        let options = wgpu::RequestAdapterOptions { power_preference, ..Default::default() };
        instance.request_adapter(&options).await.into_iter().collect()
    };
    #[cfg(not(target_arch = "wasm32"))]
    instance.enumerate_adapters(wgpu::Backends::all()).await
}

pub(crate) fn report(index: usize, adapter: &wgpu::Adapter) -> AdapterReport {
    let info = adapter.get_info();
    let limits = adapter.limits();
    let tiers: Vec<_> = Tier::ALL.into_iter().map(|tier| (tier, missing(adapter, tier, false))).collect();
    let kind = match info.device_type {
        DeviceType::DiscreteGpu => AdapterKind::Discrete,
        DeviceType::IntegratedGpu => AdapterKind::Integrated,
        DeviceType::VirtualGpu => AdapterKind::Virtual,
        DeviceType::Cpu => AdapterKind::Software,
        DeviceType::Other => AdapterKind::Other,
    };
    let subgroups = adapter.features().contains(Features::SUBGROUP);
    AdapterReport {
        index,
        name: if info.name.is_empty() { UNNAMED.to_string() } else { info.name.clone() },
        backend: format!("{:?}", info.backend),
        kind,
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_string(),
        max_binding: max_binding(&limits),
        max_buffer: limits.max_buffer_size,
        workgroup_memory: limits.max_compute_workgroup_storage_size,
        subgroup_sizes: subgroups.then_some((info.subgroup_min_size, info.subgroup_max_size)),
        unsuitable: tiers.iter().all(|(_, missing)| missing.is_some()).then(|| tiers[0].1.clone()).flatten(),
        tiers,
    }
}

/// Largest buffer that a kernel can bind whole, in bytes.
pub(crate) fn max_binding(limits: &Limits) -> u64 {
    limits.max_storage_buffer_binding_size.min(limits.max_buffer_size)
}

/// The limits and features that `adapter` lacks for `tier`. `None`: the tier runs.
///
/// `any_matrix_size`: the adapter need not list the size of cooperative matrices that the kernels use.
pub(crate) fn missing(adapter: &wgpu::Adapter, tier: Tier, any_matrix_size: bool) -> Option<String> {
    let mut lacks = Vec::new();
    tier_limits(tier).check_limits_with_fail_fn(&adapter.limits(), false, |name, wanted, allowed| {
        lacks.push(format!("limit {name} is {allowed}, needed is {wanted}"));
    });
    let flags = adapter.get_downlevel_capabilities().flags;
    if !flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS) {
        lacks.push("it has no compute shaders".to_string());
    }
    if !adapter.features().contains(features(tier)) {
        lacks.push(format!("it lacks {}", features(tier) - adapter.features()));
    }
    if tier == Tier::Coop {
        lacks.extend(missing_of_coop(adapter, any_matrix_size));
    }
    (!lacks.is_empty()).then(|| lacks.join(", "))
}

/// The requirements of tier `coop`, beyond features and limits, that `adapter` does not meet.
fn missing_of_coop(adapter: &wgpu::Adapter, any_matrix_size: bool) -> Vec<String> {
    let mut lacks = Vec::new();
    let wanted = |listed: &wgpu::CooperativeMatrixProperties| {
        [listed.m_size, listed.n_size, listed.k_size] == [TILE as u32; 3]
            && listed.ab_type == wgpu::CooperativeScalarType::F16
            && listed.cr_type == wgpu::CooperativeScalarType::F32
    };
    if !any_matrix_size && !adapter.cooperative_matrix_properties().iter().any(wanted) {
        lacks.push("it lists no cooperative matrices of 16x16x16, f16 to f32".to_string());
    }
    let info = adapter.get_info();
    let (least, most) = (info.subgroup_min_size, info.subgroup_max_size);
    if least < 8 || most > 32 {
        lacks.push(format!("its subgroups have {least} to {most} lanes, needed are 8 to 32"));
    }
    lacks
}

/// The features that a device of `tier` is opened with.
pub(crate) fn features(tier: Tier) -> Features {
    match tier {
        Tier::Baseline => Features::empty(),
        Tier::Subgroup => Features::SUBGROUP,
        Tier::Coop => {
            Features::SUBGROUP
                | Features::SUBGROUP_BARRIER
                | Features::SHADER_F16
                | Features::EXPERIMENTAL_COOPERATIVE_MATRIX
        }
    }
}

/// The limits that the kernels of `tier` need.
pub(crate) fn tier_limits(tier: Tier) -> Limits {
    match tier {
        Tier::Baseline | Tier::Subgroup => core_limits(),
        Tier::Coop => Limits {
            max_compute_workgroup_storage_size: 32 << 10,
            max_compute_invocations_per_workgroup: 512,
            max_compute_workgroup_size_x: 512,
            ..core_limits()
        },
    }
}

/// Workgroup memory that a device of `tier` is opened with, in bytes.
///
/// Tier `coop` has one kernel that needs more than the tier requires, and takes as much if the adapter allows it.
pub(crate) fn workgroup_memory(tier: Tier, allowed: &Limits) -> u32 {
    let needed = tier_limits(tier).max_compute_workgroup_storage_size;
    match tier {
        Tier::Baseline | Tier::Subgroup => needed,
        Tier::Coop => allowed.max_compute_workgroup_storage_size.clamp(needed, PAIRED_WORKGROUP_BYTES),
    }
}

/// The limits that core WebGPU guarantees.
pub(crate) fn core_limits() -> Limits {
    Limits::default()
}

/// Chooses an adapter: the one that `wanted` gives by number or by part of its name, else the first of the best
/// kind.
///
/// # Errors
/// No adapter matches, or no tier runs on it.
pub(crate) async fn choose(wanted: Option<&str>) -> Result<(wgpu::Adapter, AdapterReport)> {
    let mut all: Vec<_> = enumerate()
        .await
        .into_iter()
        .enumerate()
        .map(|(index, adapter)| {
            let report = report(index, &adapter);
            (adapter, report)
        })
        .collect();
    let chosen = match wanted {
        Some(wanted) => {
            let number = wanted.parse::<usize>().ok();
            let lowercase = wanted.to_lowercase();
            let by_name = |report: &AdapterReport| report.name.to_lowercase().contains(&lowercase);
            let found = all
                .iter()
                .position(|(_, report)| Some(report.index) == number)
                .or_else(|| all.iter().position(|(_, report)| by_name(report)));
            found.ok_or_else(|| Error::AdapterNotFound {
                wanted: wanted.to_string(),
                available: all.iter().map(|(_, report)| report.line()).collect(),
            })?
        }
        None => {
            let suitable = all.iter().enumerate().filter(|(_, (_, report))| report.unsuitable.is_none());
            suitable.min_by_key(|(_, (_, report))| report.kind).map(|(place, _)| place).ok_or_else(|| {
                Error::NoAdapter { unsuitable: all.iter().map(|(_, report)| report.line()).collect() }
            })?
        }
    };
    let (adapter, report) = all.swap_remove(chosen);
    match &report.unsuitable {
        Some(reason) => {
            Err(Error::AdapterUnsuitable { adapter: report.name.clone(), reason: reason.clone() })
        }
        None => Ok((adapter, report)),
    }
}
