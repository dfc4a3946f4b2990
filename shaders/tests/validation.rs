//! Every composed kernel validates in naga with no more than its tier offers, and binds what it says it binds.

use std::collections::HashSet;

use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, StorageAccess};
use orthrus_shaders::twin::random::Purpose;
use orthrus_shaders::{
    Access, Columns, INPUT_ROOM_OF_SLICE, Kernel, Product, Record, RowQueries, RowSlices, RowTiles, State,
    Tier, Tile, Visible, params,
};

fn capabilities(tier: Tier) -> Capabilities {
    match tier {
        // `unpack2x16float`: core WebGPU, though naga has a name for it (GLES may lack it).
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

/// Core WebGPU's limits, the baseline's.
const STORAGE_BUFFERS: usize = 8;
const WORKGROUP_BYTES: u32 = 16 * 1024;
const INVOCATIONS: u32 = 256;

/// What tier `coop` asks of an adapter beyond them (`engine/src/adapter.rs`).
const COOP_WORKGROUP_BYTES: u32 = 32 * 1024;
const COOP_INVOCATIONS: u32 = 512;

/// Every kernel on every tier that it runs on.
fn kernels() -> impl Iterator<Item = (Kernel, Tier)> {
    let tiers = |kernel: Kernel| Tier::ALL.into_iter().filter(move |tier| *tier >= kernel.least_tier());
    Kernel::all().into_iter().flat_map(move |kernel| tiers(kernel).map(move |tier| (kernel, tier)))
}

fn parse(kernel: Kernel, tier: Tier) -> naga::Module {
    let wgsl = kernel.wgsl(tier);
    naga::front::wgsl::parse_str(&wgsl)
        .unwrap_or_else(|error| panic!("{kernel:?} {tier:?}: {}", error.emit_to_string(&wgsl)))
}

#[test]
fn every_kernel_validates_for_its_tier() {
    for (kernel, tier) in kernels() {
        let module = parse(kernel, tier);
        let mut validator = Validator::new(ValidationFlags::all(), capabilities(tier));
        if let Err(error) = validator.validate(&module) {
            panic!("{kernel:?} {tier:?}: {}", error.emit_to_string(&kernel.wgsl(tier)));
        }
    }
}

#[test]
fn every_kernel_binds_what_it_describes() {
    for (kernel, tier) in kernels() {
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

#[test]
fn every_kernel_keeps_to_its_tiers_limits() {
    for (kernel, tier) in kernels() {
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
        let (most_bytes, most_invocations) = match kernel {
            Kernel::AttentionPaired => (orthrus_shaders::PAIRED_WORKGROUP_BYTES, COOP_INVOCATIONS),
            _ if tier == Tier::Coop => (COOP_WORKGROUP_BYTES, COOP_INVOCATIONS),
            _ => (WORKGROUP_BYTES, INVOCATIONS),
        };
        assert!(workgroup <= most_bytes, "{kernel:?} {tier:?} takes {workgroup} bytes of workgroup memory");
        let invocations: u32 = module.entry_points[0].workgroup_size.iter().product();
        assert!(invocations <= most_invocations, "{kernel:?}: {invocations} invocations");
    }
}

#[test]
fn every_kernel_opens_with_its_contract() {
    for kernel in Kernel::all() {
        let wgsl = kernel.wgsl(Tier::Coop);
        let body = wgsl.lines().skip_while(|line| line.starts_with("enable "));
        let header: Vec<&str> = body.skip(1).take_while(|line| line.starts_with("//")).collect();
        let opening = format!("// {}: ", kernel.name());
        assert!(
            header.first().is_some_and(|line| line.starts_with(&opening)),
            "{kernel:?} does not open with its name"
        );
        assert!(header.iter().any(|line| line.contains("Grid: ")), "{kernel:?} does not say its grid");
    }
}

/// Bytes of the uniform that the host writes for a kernel, if it has one.
fn bytes_of_params(kernel: Kernel) -> Option<usize> {
    Some(match kernel {
        Kernel::Embed(_) => size_of::<params::Embed>(),
        Kernel::RmsNorm { .. } => size_of::<params::RmsNorm>(),
        Kernel::Matmul { .. } => size_of::<params::Matmul>(),
        Kernel::MatmulCoop { .. } | Kernel::MatmulPrompt { .. } => size_of::<params::MatmulCoop>(),
        Kernel::MatmulRow { .. } => size_of::<params::MatmulRow>(),
        Kernel::QkNormRope(_) => size_of::<params::QkNormRope>(),
        Kernel::Attention
        | Kernel::AttentionCoop
        | Kernel::AttentionStaged
        | Kernel::AttentionPaired
        | Kernel::AttentionRow { .. } => size_of::<params::Attention>(),
        Kernel::AttentionMerge(_) => size_of::<params::AttentionMerge>(),
        Kernel::Swiglu => size_of::<params::Swiglu>(),
        Kernel::Argmax(_) => size_of::<params::Argmax>(),
        Kernel::Survey | Kernel::Distribution | Kernel::Sample => size_of::<params::Choice>(),
        Kernel::Reject => size_of::<params::Reject>(),
        Kernel::FillRandom(_) => size_of::<params::FillRandom>(),
        Kernel::Copy => size_of::<params::Copied>(),
        Kernel::Accept | Kernel::Replay => return None,
    })
}

/// Structs that the host writes or reads are as long there as in the kernels, up to the padding of uniforms.
#[test]
fn structs_are_as_long_as_the_hosts() {
    let mut compared = HashSet::new();
    for (kernel, tier) in kernels() {
        let module = parse(kernel, tier);
        let bytes = |name: &str| {
            let found = module.types.iter().find(|(_, ty)| ty.name.as_deref() == Some(name));
            found.map(|(_, ty)| match ty.inner {
                naga::TypeInner::Struct { span, .. } => span as usize,
                _ => panic!("{name} is no struct"),
            })
        };
        let padded = |name| bytes(name).map(|bytes| bytes.next_multiple_of(16));
        assert_eq!(padded("Params"), bytes_of_params(kernel), "{kernel:?}");
        for (name, expected) in [
            ("State", size_of::<State>()),
            ("Part", size_of::<params::Part>()),
            ("Distribution", size_of::<params::Distribution>()),
            ("Candidate", size_of::<params::Candidate>()),
        ] {
            if let Some(bytes) = bytes(name) {
                assert_eq!(bytes, expected, "{kernel:?}: {name}");
                compared.insert(name);
            }
        }
    }
    assert_eq!(compared.len(), 4, "{compared:?}");
}

/// What host and kernels both know is written down twice: here is where they meet.
#[test]
fn constants_agree() {
    let all: String = Kernel::all().into_iter().map(|kernel| kernel.wgsl(Tier::Coop)).collect();
    let expect = |name: &str, value: &str| {
        let declaration = format!("const {name}: u32 = ");
        let mut found = 0;
        for line in all.lines().filter(|line| line.starts_with(&declaration)) {
            assert!(line.starts_with(&format!("{declaration}{value};")), "{line}, should be {value}");
            found += 1;
        }
        assert!(found > 0, "no kernel declares {name}");
    };
    expect("SPLIT", &format!("{}u", orthrus_shaders::SPLIT));
    expect("SHORT_SPLIT", &format!("{}u", orthrus_shaders::SHORT_SPLIT));
    expect("SHORT_SPLITS", &format!("{}u", orthrus_shaders::SHORT_SPLITS));
    expect("MIDDLE_SPLIT", &format!("{}u", orthrus_shaders::MIDDLE_SPLIT));
    expect("MIDDLE_SPLITS", &format!("{}u", orthrus_shaders::MIDDLE_SPLITS));
    expect("LONG_SPLIT", &format!("{}u", orthrus_shaders::LONG_SPLIT));
    expect("HEAD", &format!("{}u", orthrus_shaders::STAGED_HEAD));
    expect("DEALT_TILES", &format!("{}u", orthrus_shaders::DEALT_TILES));
    expect("DEALT_SPLITS", &format!("{}u", orthrus_shaders::DEALT_SPLITS));
    expect("HEAD_TILES", &format!("{}u", orthrus_shaders::STAGED_HEAD / orthrus_shaders::TILE));
    for queries in [orthrus_shaders::STAGED_QUERIES, orthrus_shaders::PAIRED_QUERIES] {
        let tiles = queries / orthrus_shaders::TILE;
        assert!(all.contains(&format!("const QUERY_TILES: u32 = {tiles}u;")));
    }
    for row_queries in RowQueries::ALL {
        assert!(all.contains(&format!("const QUERIES: u32 = {}u;", row_queries.queries())));
    }
    expect("TILE_QUERIES", &format!("{}u", orthrus_shaders::TILE_QUERIES));
    expect("PART", &format!("{}u", orthrus_shaders::params::Choice::PART));
    expect("MAX_BLOCK", &format!("{}u", orthrus_shaders::MAX_BLOCK));
    expect("RECORD_PICKS", &format!("{}u", std::mem::offset_of!(Record, picks) / 4));
    assert!(all.contains(&format!("i < {}u; i++", orthrus_shaders::MAX_VOCABULARY.ilog2())));
    expect("NO_ID", "0xffffffffu");
    assert_eq!(orthrus_shaders::NO_ID, 0xffff_ffff);
    let ends = [State::RUNNING, State::STOP, State::LENGTH, State::INVALID];
    for (name, value) in ["RUNNING", "STOP", "LENGTH", "INVALID"].into_iter().zip(ends) {
        expect(name, &format!("{value}u"));
    }
    for (name, value) in [("CAUSAL", Visible::Causal as u32), ("BLOCK", Visible::Block as u32)] {
        expect(name, &format!("{value}u"));
    }
    let rules = [State::GREEDY, State::COUPLED, State::REJECTION];
    for (name, value) in ["GREEDY", "COUPLED", "REJECTION"].into_iter().zip(rules) {
        expect(name, &format!("{value}u"));
    }
    for (name, purpose) in [
        ("FOR_TEXT", Purpose::Text),
        ("FOR_DRAFT", Purpose::Draft),
        ("FOR_ACCEPT", Purpose::Accept),
        ("FOR_RESIDUAL", Purpose::Residual),
    ] {
        expect(name, &format!("{}u", purpose as u32));
    }
    for (tile, rows) in [(Tile::One, 1), (Tile::Eight, 8)] {
        assert_eq!(tile.rows(), rows);
        assert!(all.contains(&format!("const TILE_ROWS: u32 = {rows}u;")));
    }
    let end_ids = format!("end_ids: array<u32, {}>", orthrus_shaders::MAX_END_IDS);
    assert!(all.contains(&end_ids));
    assert!(all.contains(&format!(
        "(row / {0}u * (chunks / 2u) + chunk / 2u) * {1}u + row % {0}u * 2u + chunk % 2u",
        orthrus_shaders::TILE,
        2 * orthrus_shaders::TILE
    )));
    expect("TILE", &format!("{}u", orthrus_shaders::TILE));
    for row_tiles in RowTiles::ALL {
        assert!(
            all.contains(&format!("const ROW_TILES: u32 = {}u;", row_tiles.rows() / orthrus_shaders::TILE))
        );
    }
    assert!(all.contains(&format!("const INPUT_ROOM: u32 = SLICES * {INPUT_ROOM_OF_SLICE}u;")));
    for slices in RowSlices::ALL {
        let kernel = Kernel::MatmulPrompt { slices, product: Product::Value };
        assert!(kernel.wgsl(Tier::Coop).contains(&format!("const SLICES: u32 = {}u;", slices.count())));
    }
    // A head's logits are summed alike, written or not.
    for outputs in (1..2000).map(|tiles| tiles * orthrus_shaders::TILE) {
        let [value, best] = [Product::Value, Product::Best].map(|product| Columns::of(outputs, product));
        assert_eq!(value.slices(), best.slices(), "{outputs}");
    }
    for name in ["ROW_TILES", "COLUMN_TILES"] {
        let tiles = orthrus_shaders::PROMPT_TILE / orthrus_shaders::TILE;
        assert!(all.contains(&format!("const {name}: u32 = {tiles}u;")));
    }
    assert!(all.contains(&format!("const GATED_SCALE: f32 = {};", orthrus_shaders::GATED_SCALE)));
}
