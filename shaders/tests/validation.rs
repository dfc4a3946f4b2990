//! Every composed kernel validates in naga with no more than its tier offers, and binds what it says it binds.

use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, StorageAccess};
use orthrus_shaders::{Access, Kernel, Tier};

fn capabilities(tier: Tier) -> Capabilities {
    match tier {
        // `unpack2x16float`: core WebGPU, though naga has a name for it (GLES may lack it).
        Tier::Baseline => Capabilities::SHADER_FLOAT16_IN_FLOAT32,
        Tier::Subgroup => Capabilities::SHADER_FLOAT16_IN_FLOAT32 | Capabilities::SUBGROUP,
    }
}

/// Core WebGPU's limits, the baseline's.
const STORAGE_BUFFERS: usize = 8;
const WORKGROUP_BYTES: u32 = 16 * 1024;
const INVOCATIONS: u32 = 256;

fn parse(kernel: Kernel, tier: Tier) -> naga::Module {
    let wgsl = kernel.wgsl(tier);
    naga::front::wgsl::parse_str(&wgsl)
        .unwrap_or_else(|error| panic!("{kernel:?} {tier:?}: {}", error.emit_to_string(&wgsl)))
}

#[test]
fn every_kernel_validates_for_its_tier() {
    for tier in Tier::ALL {
        for kernel in Kernel::all() {
            let module = parse(kernel, tier);
            let mut validator = Validator::new(ValidationFlags::all(), capabilities(tier));
            if let Err(error) = validator.validate(&module) {
                panic!("{kernel:?} {tier:?}: {}", error.emit_to_string(&kernel.wgsl(tier)));
            }
        }
    }
}

#[test]
fn every_kernel_binds_what_it_describes() {
    for tier in Tier::ALL {
        for kernel in Kernel::all() {
            let module = parse(kernel, tier);
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
            assert_eq!(found, described, "{kernel:?} {tier:?}");
        }
    }
}

#[test]
fn every_kernel_keeps_to_core_limits() {
    for tier in Tier::ALL {
        for kernel in Kernel::all() {
            let mut module = parse(kernel, tier);
            let info = Validator::new(ValidationFlags::all(), capabilities(tier)).validate(&module).unwrap();
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
            assert!(
                workgroup <= WORKGROUP_BYTES,
                "{kernel:?} {tier:?} takes {workgroup} bytes of workgroup memory"
            );
            let invocations: u32 = module.entry_points[0].workgroup_size.iter().product();
            assert!(invocations <= INVOCATIONS, "{kernel:?}: {invocations} invocations");
        }
    }
}

#[test]
fn every_file_opens_with_its_contract() {
    for kernel in Kernel::all() {
        let wgsl = kernel.wgsl(Tier::Baseline);
        let opening = format!("// {}: ", kernel.name());
        assert!(wgsl.lines().any(|line| line.starts_with(&opening)), "{kernel:?} lacks its header");
        assert!(wgsl.contains("// Grid: ") || wgsl.contains(" Grid: "), "{kernel:?} does not say its grid");
    }
}
