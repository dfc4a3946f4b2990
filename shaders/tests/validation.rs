//! Checks every kernel with naga: it validates, keeps to its tier, and binds what it says.

use std::collections::HashSet;
use std::path::Path;

use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, StorageAccess};
use orthrus_shaders::{Access, Kernel, Tier};

fn capabilities(tier: Tier) -> Capabilities {
    match tier {
        // `unpack2x16float` is core WebGPU. GLES may lack it, so naga counts it as a capability.
        Tier::Baseline => Capabilities::SHADER_FLOAT16_IN_FLOAT32,
        Tier::Subgroup => Capabilities::SHADER_FLOAT16_IN_FLOAT32 | Capabilities::SUBGROUP,
        Tier::Coop => {
            Capabilities::SHADER_FLOAT16_IN_FLOAT32
                | Capabilities::SUBGROUP
                | Capabilities::SHADER_FLOAT16
                | Capabilities::COOPERATIVE_MATRIX
                | Capabilities::SUBGROUP_BARRIER
        }
    }
}

/// Core WebGPU's limits, which hold for tiers `baseline` and `subgroup`.
const STORAGE_BUFFERS: usize = 8;
const WORKGROUP_BYTES: u32 = 16 * 1024;
const INVOCATIONS: u32 = 256;

/// Limits of tier `coop`, which the engine asks of an adapter.
const COOP_WORKGROUP_BYTES: u32 = 32 * 1024;
const COOP_INVOCATIONS: u32 = 512;

fn parse(kernel: Kernel) -> naga::Module {
    let wgsl = kernel.wgsl();
    naga::front::wgsl::parse_str(&wgsl)
        .unwrap_or_else(|error| panic!("{kernel:?}: {}", error.emit_to_string(&wgsl)))
}

#[test]
fn every_kernel_validates_for_its_tier() {
    for kernel in Kernel::all() {
        let module = parse(kernel);
        let mut validator = Validator::new(ValidationFlags::all(), capabilities(kernel.spec().tier));
        if let Err(error) = validator.validate(&module) {
            panic!("{kernel:?}: {}", error.emit_to_string(&kernel.wgsl()));
        }
    }
}

#[test]
fn every_kernel_binds_what_it_describes() {
    for kernel in Kernel::all() {
        let module = parse(kernel);
        let mut found = Vec::new();
        for (_, variable) in module.global_variables.iter() {
            let Some(binding) = &variable.binding else { continue };
            assert_eq!(binding.group, 0, "{kernel:?}");
            let access = match variable.space {
                AddressSpace::Uniform => Access::Uniform,
                AddressSpace::Storage { access } if access.contains(StorageAccess::STORE) => {
                    Access::ReadWrite
                }
                AddressSpace::Storage { .. } => Access::Read,
                space => panic!("{kernel:?}: unexpected space {space:?}"),
            };
            found.push((binding.binding, variable.name.clone().unwrap(), access));
        }
        found.sort_by_key(|entry| entry.0);
        let described: Vec<_> =
            kernel.bindings().iter().map(|b| (b.index, b.name.to_string(), b.access)).collect();
        assert_eq!(found, described, "{kernel:?}");
    }
}

#[test]
fn every_kernel_keeps_to_its_tiers_limits() {
    for kernel in Kernel::all() {
        let mut module = parse(kernel);
        let info = Validator::new(ValidationFlags::all(), capabilities(kernel.spec().tier))
            .validate(&module)
            .unwrap();
        let constants = Default::default();
        let (resolved, _) =
            naga::back::pipeline_constants::process_overrides(&module, &info, None, &constants).unwrap();
        module = resolved.into_owned();
        let storage = kernel.bindings().iter().filter(|b| b.access != Access::Uniform).count();
        assert!(storage <= STORAGE_BUFFERS, "{kernel:?} binds {storage} storage buffers");
        let mut layouter = naga::proc::Layouter::default();
        layouter.update(module.to_ctx()).unwrap();
        let workgroup: u32 = module
            .global_variables
            .iter()
            .filter(|(_, variable)| variable.space == AddressSpace::WorkGroup)
            .map(|(_, variable)| layouter[variable.ty].size)
            .sum();
        let (most_bytes, most_invocations) = match kernel {
            Kernel::AttentionPaired => (orthrus_shaders::PAIRED_WORKGROUP_BYTES, COOP_INVOCATIONS),
            _ if kernel.spec().tier == Tier::Coop => (COOP_WORKGROUP_BYTES, COOP_INVOCATIONS),
            _ => (WORKGROUP_BYTES, INVOCATIONS),
        };
        assert!(workgroup <= most_bytes, "{kernel:?} takes {workgroup} bytes of workgroup memory");
        let invocations: u32 = module.entry_points[0].workgroup_size.iter().product();
        assert!(invocations <= most_invocations, "{kernel:?}: {invocations} invocations");
    }
}

/// Paths of the files below `folder`, without `.wgsl`.
fn wgsl_files(folder: &Path, prefix: &str) -> Vec<String> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = format!("{prefix}{}", entry.file_name().into_string().unwrap());
        match entry.path().is_dir() {
            true => files.extend(wgsl_files(&entry.path(), &format!("{name}/"))),
            false => files.extend(name.strip_suffix(".wgsl").map(str::to_string)),
        }
    }
    files
}

/// A kernel that the list lacks is not validated. Its file shows up here.
#[test]
fn every_file_belongs_to_a_listed_kernel() {
    let composed: String = Kernel::all().into_iter().map(Kernel::wgsl).collect();
    let used: HashSet<&str> = composed.lines().filter_map(|line| line.strip_prefix("// ---- ")).collect();
    for file in wgsl_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("wgsl"), "") {
        assert!(
            used.contains(format!("{file}.wgsl").as_str()),
            "no kernel of `Kernel::all()` has {file}.wgsl"
        );
    }
}

#[test]
fn kernels_are_listed_once() {
    let all = Kernel::all();
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
}
