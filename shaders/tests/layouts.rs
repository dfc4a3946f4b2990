//! Checks that structs of the host have the fields of the kernels' structs, at the same offsets.

use std::collections::{BTreeMap, HashSet};

use naga::TypeInner;
use orthrus_shaders::params::{Candidate, Fields, LogitPart, SamplingCut};
use orthrus_shaders::{Kernel, State};

/// A struct of a kernel: bytes, and offset of each field. Padding fields are left out.
struct Layout {
    bytes: usize,
    fields: BTreeMap<String, usize>,
}

fn is_padding(name: &str) -> bool {
    name.starts_with("pad")
}

/// The structs of a kernel by name.
fn structs(kernel: Kernel) -> BTreeMap<String, Layout> {
    let module = naga::front::wgsl::parse_str(&kernel.wgsl()).unwrap();
    let mut structs = BTreeMap::new();
    for (_, ty) in module.types.iter() {
        let (Some(name), TypeInner::Struct { members, span }) = (&ty.name, &ty.inner) else { continue };
        let fields = members
            .iter()
            .map(|member| (member.name.clone().unwrap(), member.offset as usize))
            .filter(|(name, _)| !is_padding(name))
            .collect();
        structs.insert(name.clone(), Layout { bytes: *span as usize, fields });
    }
    structs
}

/// The host's fields that lie within the kernel's struct: a uniform may have more than a kernel reads.
fn host_fields(fields: &[(&str, usize)], bytes: usize) -> BTreeMap<String, usize> {
    let within = fields.iter().filter(|(name, offset)| !is_padding(name) && *offset < bytes);
    within.map(|&(name, offset)| (name.to_string(), offset)).collect()
}

#[test]
fn uniforms_agree() {
    for kernel in Kernel::all() {
        let spec = kernel.spec();
        let Some(params) = structs(kernel).remove("Params") else {
            assert_eq!(spec.params_bytes, None, "{kernel:?}");
            continue;
        };
        assert_eq!(Some(params.bytes.next_multiple_of(16)), spec.params_bytes, "{kernel:?}");
        assert_eq!(params.fields, host_fields(spec.params_fields, params.bytes), "{kernel:?}");
    }
}

#[test]
fn structs_in_storage_agree() {
    let host = [
        ("State", size_of::<State>(), State::FIELDS),
        ("Candidate", size_of::<Candidate>(), Candidate::FIELDS),
        ("LogitPart", size_of::<LogitPart>(), LogitPart::FIELDS),
        ("SamplingCut", size_of::<SamplingCut>(), SamplingCut::FIELDS),
    ];
    let mut compared = HashSet::new();
    for kernel in Kernel::all() {
        let mut structs = structs(kernel);
        for (name, bytes, fields) in host {
            let Some(mut layout) = structs.remove(name) else { continue };
            assert_eq!(layout.bytes, bytes, "{kernel:?}: {name}");
            // The host has both words of the seed in one field.
            if let Some(high) = layout.fields.remove("seed_high") {
                assert_eq!(high, layout.fields["seed"] + 4);
            }
            assert_eq!(layout.fields, host_fields(fields, bytes), "{kernel:?}: {name}");
            compared.insert(name);
        }
    }
    assert_eq!(compared.len(), host.len(), "{compared:?}");
}
