//! SPIR-V of kernels with cooperative matrices, with what naga 30 cannot say in it.
//!
//! Cooperative matrices come with Vulkan's memory model, in which what one invocation writes to workgroup memory is its
//! own unless the write says otherwise. naga 30 does not say so (wgpu issue 8805): a driver may let a write pass the
//! barrier after it. So these kernels are compiled here, and every access to workgroup memory, and every barrier, is
//! marked. To be removed with the naga that does it (wgpu pull request 10016). Storage that a kernel writes as a
//! cooperative matrix and reads again as one is marked too, since which lane has which value is the driver's business.
//!
//! And every operation on numbers is to be done as written: else a driver may make one of two, or add in another order,
//! and may do so in the kernel for one row and not in the one for a block (row-invariance). WGSL has no word for it, nor
//! for a loop that is to stay one.

use std::collections::{HashMap, HashSet};

use naga::back::spv;
use naga::valid::{Capabilities, ValidationFlags, Validator};

/// Opcodes.
const TYPE_VOID: u32 = 19;
const TYPE_FORWARD_POINTER: u32 = 39;
const TYPE_POINTER: u32 = 32;
const CONSTANT: u32 = 43;
const VARIABLE: u32 = 59;
const LOAD: u32 = 61;
const STORE: u32 = 62;
const ACCESS_CHAIN: u32 = 65;
const IN_BOUNDS_ACCESS_CHAIN: u32 = 66;
const DECORATE: u32 = 71;
/// Negation, sum, difference, product, quotient of floating-point numbers, and a vector times a number.
const ARITHMETIC: [u32; 6] = [127, 129, 131, 133, 136, 142];
const CONTROL_BARRIER: u32 = 224;
const LOOP_MERGE: u32 = 246;
const COOPERATIVE_LOAD: u32 = 4457;
const COOPERATIVE_STORE: u32 = 4458;

/// Storage classes: workgroup memory, storage buffers.
const WORKGROUP: u32 = 4;
const STORAGE_BUFFER: u32 = 12;

/// Decoration: an operation is neither made one with another nor put elsewhere.
const NO_CONTRACTION: u32 = 42;

/// Loop control.
const DONT_UNROLL: u32 = 2;

/// Memory operand: other invocations may access this too.
const NON_PRIVATE_POINTER: u32 = 0x20;

/// Memory semantics: of storage buffers, of workgroup memory, and of what naga's `subgroupBarrier` says instead; and that
/// writes are made available, and become visible.
const UNIFORM_MEMORY: u32 = 0x40;
const WORKGROUP_MEMORY: u32 = 0x100;
const SUBGROUP_MEMORY: u32 = 0x80;
const MAKE_AVAILABLE_AND_VISIBLE: u32 = 0x2000 | 0x4000;

/// Words before the first instruction; one of them is one more than the largest id.
const HEADER: usize = 5;
const BOUND: usize = 3;

/// Compiles a kernel with cooperative matrices whose bindings are numbered from 0, without run-time checks. `None` for
/// any other, and if naga refuses it.
pub(crate) fn compile(wgsl: &str) -> Option<Vec<u32>> {
    if !wgsl.contains("enable wgpu_cooperative_matrix;") {
        return None;
    }
    let module = naga::front::wgsl::parse_str(wgsl).ok()?;
    let info = Validator::new(ValidationFlags::all(), Capabilities::all()).validate(&module).ok()?;
    let options = spv::Options {
        lang_version: (1, 5),
        flags: spv::WriterFlags::empty(),
        bounds_check_policies: naga::proc::BoundsCheckPolicies::default(),
        zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
        force_loop_bounding: false,
        emit_int_div_checks: false,
        ..spv::Options::default()
    };
    let entry = spv::PipelineOptions { shader_stage: naga::ShaderStage::Compute, entry_point: "main".into() };
    let words = spv::write_vec(&module, &info, &options, Some(&entry)).ok()?;
    Some(not_unrolled(&as_written(&with_shared_memory(&words))))
}

/// Tells the driver to leave loops as they are: kernels unroll what they want unrolled, and have no registers for more.
fn not_unrolled(words: &[u32]) -> Vec<u32> {
    let mut out = words[..HEADER].to_vec();
    for (opcode, instruction) in instructions(words) {
        let mut instruction = instruction.to_vec();
        if opcode == LOOP_MERGE {
            instruction[3] = DONT_UNROLL;
        }
        out.extend(instruction);
    }
    out
}

/// Marks arithmetic, before the types: that is where decorations stand.
fn as_written(words: &[u32]) -> Vec<u32> {
    let arithmetic = instructions(words).filter(|(opcode, _)| ARITHMETIC.contains(opcode));
    let marks = arithmetic.flat_map(|(_, instruction)| [3 << 16 | DECORATE, instruction[2], NO_CONTRACTION]);
    let is_type = |opcode: &u32| (TYPE_VOID..=TYPE_FORWARD_POINTER).contains(opcode);
    let before = instructions(words).take_while(|(opcode, _)| !is_type(opcode));
    let at = HEADER + before.map(|(_, instruction)| instruction.len()).sum::<usize>();
    words[..at].iter().copied().chain(marks).chain(words[at..].iter().copied()).collect()
}

/// Marks accesses to memory that invocations share, and barriers.
fn with_shared_memory(words: &[u32]) -> Vec<u32> {
    let barriers = instructions(words).filter(|(opcode, _)| *opcode == CONTROL_BARRIER);
    let semantics: HashSet<u32> = barriers.map(|(_, instruction)| instruction[3]).collect();
    let mut out = words[..HEADER].to_vec();
    let mut marked = HashMap::new(); // semantics by the id of those without marks
    let storage = shared_storage(words);
    let of_storage = if storage.is_empty() { 0 } else { UNIFORM_MEMORY };
    let mut pointers = SharedPointers { types: storage, ids: HashSet::new() };
    for (opcode, instruction) in instructions(words) {
        pointers.note(opcode, instruction);
        let mut instruction = instruction.to_vec();
        if pointers.accessed_by(opcode, &instruction) && Some(instruction.len()) == bare_length(opcode) {
            instruction.push(NON_PRIVATE_POINTER);
        }
        if opcode == CONTROL_BARRIER {
            instruction[3] = marked.get(&instruction[3]).copied().unwrap_or(instruction[3]);
        }
        instruction[0] = (instruction.len() as u32) << 16 | opcode;
        out.extend(&instruction);
        // Beside each constant that barriers of workgroup memory have for semantics, one with the marks.
        let of_workgroup = |bits: u32| bits & (WORKGROUP_MEMORY | SUBGROUP_MEMORY) != 0;
        if opcode == CONSTANT && semantics.contains(&instruction[2]) && of_workgroup(instruction[3]) {
            let id = out[BOUND];
            out[BOUND] += 1;
            marked.insert(instruction[2], id);
            let of_memory = WORKGROUP_MEMORY | of_storage;
            let bits = instruction[3] & !SUBGROUP_MEMORY | of_memory | MAKE_AVAILABLE_AND_VISIBLE;
            out.extend([instruction[0], instruction[1], id, bits]);
        }
    }
    out
}

/// Words of an access without memory operands.
fn bare_length(opcode: u32) -> Option<usize> {
    match opcode {
        STORE => Some(3),
        LOAD => Some(4),
        COOPERATIVE_STORE => Some(5),
        COOPERATIVE_LOAD => Some(6),
        _ => None,
    }
}

/// Types of the pointers to storage through which the kernel both reads and writes cooperative matrices.
fn shared_storage(words: &[u32]) -> HashSet<u32> {
    let of_storage = |(opcode, i): &(u32, &[u32])| *opcode == TYPE_POINTER && i[2] == STORAGE_BUFFER;
    let storage: HashSet<u32> = instructions(words).filter(of_storage).map(|(_, i)| i[1]).collect();
    let mut types = HashMap::new();
    let (mut read, mut written) = (HashSet::new(), HashSet::new());
    for (opcode, instruction) in instructions(words) {
        match opcode {
            ACCESS_CHAIN | IN_BOUNDS_ACCESS_CHAIN if storage.contains(&instruction[1]) => {
                _ = types.insert(instruction[2], instruction[1]);
            }
            COOPERATIVE_LOAD => read.extend(types.get(&instruction[3])),
            COOPERATIVE_STORE => written.extend(types.get(&instruction[1])),
            _ => {}
        }
    }
    read.intersection(&written).copied().collect()
}

/// The pointers to memory that invocations share among the instructions so far.
struct SharedPointers {
    types: HashSet<u32>,
    ids: HashSet<u32>,
}

impl SharedPointers {
    fn note(&mut self, opcode: u32, instruction: &[u32]) {
        match opcode {
            TYPE_POINTER if instruction[2] == WORKGROUP => _ = self.types.insert(instruction[1]),
            VARIABLE | ACCESS_CHAIN | IN_BOUNDS_ACCESS_CHAIN if self.types.contains(&instruction[1]) => {
                _ = self.ids.insert(instruction[2]);
            }
            _ => {}
        }
    }

    /// Whether the instruction reads or writes through one of them.
    fn accessed_by(&self, opcode: u32, instruction: &[u32]) -> bool {
        let pointer = match opcode {
            LOAD | COOPERATIVE_LOAD => instruction[3],
            STORE | COOPERATIVE_STORE => instruction[1],
            _ => return false,
        };
        self.ids.contains(&pointer)
    }
}

/// Opcodes with their instructions' words, the opcode's own included.
fn instructions(words: &[u32]) -> impl Iterator<Item = (u32, &[u32])> {
    let mut at = HEADER;
    std::iter::from_fn(move || {
        let first = words.get(at)?;
        let length = (first >> 16) as usize;
        let instruction = words.get(at..at + length).filter(|_| length > 0)?;
        at += length;
        Some((first & 0xffff, instruction))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use orthrus_shaders::{CoopTiling, Epilogue, Kernel, MTiles, Rows, SplitK, WeightStaging};

    /// Words of a kernel that touches workgroup memory in every way there is.
    fn compiled() -> Vec<u32> {
        compile(&Kernel::AttentionCoop.wgsl()).unwrap()
    }

    /// And of one whose subgroups have barriers of their own.
    fn compiled_with_subgroup_barriers() -> Vec<u32> {
        let kernel = Kernel::MatmulCoop {
            rows: Rows::All,
            m_tiles: MTiles::Two,
            tiling: CoopTiling::N32K8,
            staging: WeightStaging::Staged,
            epilogue: Epilogue::Store,
        };
        compile(&kernel.wgsl()).unwrap()
    }

    #[test]
    fn all_of_workgroup_memory_is_shared() {
        check_all_is_shared(&compiled());
        check_all_is_shared(&compiled_with_subgroup_barriers());
    }

    /// A kernel that finds again in storage what it put there.
    #[test]
    fn storage_of_cooperative_matrices_is_shared() {
        let kernel = Kernel::MatmulPrefill { split_k: SplitK::Eight, epilogue: Epilogue::Store };
        let words = compile(&kernel.wgsl()).unwrap();
        assert_eq!(shared_storage(&words).len(), 1);
        assert!(shared_storage(&compiled()).is_empty());
        check_all_is_shared(&words);
        let constants: HashMap<u32, u32> = instructions(&words)
            .filter(|(opcode, _)| *opcode == CONSTANT)
            .map(|(_, instruction)| (instruction[2], instruction[3]))
            .collect();
        let barriers = instructions(&words).filter(|(opcode, _)| *opcode == CONTROL_BARRIER);
        assert!(barriers.map(|(_, i)| constants[&i[3]]).all(|bits| bits & UNIFORM_MEMORY != 0));
    }

    fn check_all_is_shared(words: &[u32]) {
        let mut pointers = SharedPointers { types: shared_storage(words), ids: HashSet::new() };
        let mut constants = HashMap::new();
        let mut seen = HashSet::new();
        for (opcode, instruction) in instructions(words) {
            pointers.note(opcode, instruction);
            if opcode == CONSTANT {
                constants.insert(instruction[2], instruction[3]);
            } else if opcode == CONTROL_BARRIER {
                let semantics = constants[&instruction[3]];
                assert_eq!(semantics & MAKE_AVAILABLE_AND_VISIBLE, MAKE_AVAILABLE_AND_VISIBLE);
                assert_ne!(semantics & WORKGROUP_MEMORY, 0);
                seen.insert(opcode);
            } else if pointers.accessed_by(opcode, instruction) {
                let operands = &instruction[bare_length(opcode).unwrap()..];
                assert_eq!(operands, [NON_PRIVATE_POINTER], "{opcode}");
                seen.insert(opcode);
            }
        }
        assert_eq!(seen, HashSet::from([LOAD, STORE, COOPERATIVE_LOAD, COOPERATIVE_STORE, CONTROL_BARRIER]));
    }

    #[test]
    fn all_arithmetic_is_done_as_written() {
        let words = compiled();
        let marks = instructions(&words).filter(|(opcode, i)| *opcode == DECORATE && i[2] == NO_CONTRACTION);
        let marked: HashSet<u32> = marks.map(|(_, instruction)| instruction[1]).collect();
        let arithmetic = instructions(&words).filter(|(opcode, _)| ARITHMETIC.contains(opcode));
        let results: HashSet<u32> = arithmetic.map(|(_, instruction)| instruction[2]).collect();
        assert!(!results.is_empty());
        assert_eq!(marked, results);
    }

    #[test]
    fn no_loop_is_unrolled() {
        let words = compiled();
        let loops: Vec<u32> = instructions(&words)
            .filter(|(opcode, _)| *opcode == LOOP_MERGE)
            .map(|(_, instruction)| instruction[3])
            .collect();
        assert!(!loops.is_empty());
        assert!(loops.iter().all(|control| *control == DONT_UNROLL), "{loops:?}");
    }

    #[test]
    fn the_bound_is_above_every_id() {
        let words = compiled();
        let constants = instructions(&words).filter(|(opcode, _)| *opcode == CONSTANT);
        let largest = constants.map(|(_, instruction)| instruction[2]).max();
        assert!(largest < Some(words[BOUND]));
        let length: usize = instructions(&words).map(|(_, instruction)| instruction.len()).sum();
        assert_eq!(HEADER + length, words.len());
    }
}
