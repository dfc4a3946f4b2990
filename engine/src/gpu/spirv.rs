//! SPIR-V for kernels with cooperative matrices, with guarantees that naga 30 does not write.
//!
//! Cooperative matrices require Vulkan's memory model. In that model, a write to workgroup memory is private to its
//! invocation unless the write says otherwise. naga 30 does not say so (wgpu issue 8805), so a driver may move a
//! write past the barrier after it. This file compiles these kernels itself, and marks every barrier and every
//! access to workgroup memory. Remove the marks once naga writes them (wgpu pull request 10016).
//!
//! Some kernels write storage as cooperative matrices and read it back as such. That storage is marked too, because
//! the driver decides which lane holds which value.
//!
//! Arithmetic is marked as well: a driver must neither fuse nor reorder it. It could do so in the kernel for one
//! row and not in the kernel for a block, which would break row-invariance. WGSL has no word for this, and none for
//! a loop that must not be unrolled.

use std::collections::{HashMap, HashSet};

use naga::back::spv;
use naga::valid::{Capabilities, ValidationFlags, Validator};

/// Opcodes of the SPIR-V specification.
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
/// Floating-point negation, sum, difference, product and quotient, and a vector times a scalar.
const ARITHMETIC: [u32; 6] = [127, 129, 131, 133, 136, 142];
const CONTROL_BARRIER: u32 = 224;
const LOOP_MERGE: u32 = 246;
const COOPERATIVE_LOAD: u32 = 4457;
const COOPERATIVE_STORE: u32 = 4458;

/// Storage classes.
const WORKGROUP: u32 = 4;
const STORAGE_BUFFER: u32 = 12;

/// Decoration: the operation is neither fused with another one nor reassociated.
const NO_CONTRACTION: u32 = 42;

/// Loop control: the loop is not unrolled.
const DONT_UNROLL: u32 = 2;

/// Memory operand: other invocations may access this memory too.
const NON_PRIVATE_POINTER: u32 = 0x20;

/// Memory semantics. `UNIFORM_MEMORY` is storage buffers. `SUBGROUP_MEMORY` is what naga writes for
/// `subgroupBarrier`, and `WORKGROUP_MEMORY` replaces it. The last constant makes writes available to other
/// invocations and visible to this one.
const UNIFORM_MEMORY: u32 = 0x40;
const WORKGROUP_MEMORY: u32 = 0x100;
const SUBGROUP_MEMORY: u32 = 0x80;
const MAKE_AVAILABLE_AND_VISIBLE: u32 = 0x2000 | 0x4000;

/// Number of words before the first instruction. Word `BOUND` of them is one more than the largest id.
const HEADER: usize = 5;
const BOUND: usize = 3;

/// Compiles a kernel with cooperative matrices, without run-time checks. Its bindings must be numbered from 0.
///
/// `None`: the kernel has no cooperative matrices, or naga refuses it.
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

/// Marks every loop as not to be unrolled. Kernels unroll by hand, and have no registers for more.
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

/// Marks every arithmetic operation. Decorations stand before the types.
fn as_written(words: &[u32]) -> Vec<u32> {
    let arithmetic = instructions(words).filter(|(opcode, _)| ARITHMETIC.contains(opcode));
    let marks = arithmetic.flat_map(|(_, instruction)| [3 << 16 | DECORATE, instruction[2], NO_CONTRACTION]);
    let is_type = |opcode: &u32| (TYPE_VOID..=TYPE_FORWARD_POINTER).contains(opcode);
    let before = instructions(words).take_while(|(opcode, _)| !is_type(opcode));
    let at = HEADER + before.map(|(_, instruction)| instruction.len()).sum::<usize>();
    words[..at].iter().copied().chain(marks).chain(words[at..].iter().copied()).collect()
}

/// Marks every barrier, and every access to memory that invocations share.
fn with_shared_memory(words: &[u32]) -> Vec<u32> {
    let barriers = instructions(words).filter(|(opcode, _)| *opcode == CONTROL_BARRIER);
    let semantics: HashSet<u32> = barriers.map(|(_, instruction)| instruction[3]).collect();
    let mut out = words[..HEADER].to_vec();
    let mut marked = HashMap::new(); // id of a semantics constant: id of its marked one
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
        // A constant that barriers use as semantics gets a second constant beside it, with the marks.
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

/// Number of words of an access without memory operands. `None`: the opcode is no access.
fn bare_length(opcode: u32) -> Option<usize> {
    match opcode {
        STORE => Some(3),
        LOAD => Some(4),
        COOPERATIVE_STORE => Some(5),
        COOPERATIVE_LOAD => Some(6),
        _ => None,
    }
}

/// Types of pointers to storage that the kernel both reads and writes as cooperative matrices.
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

/// Pointers, among the instructions so far, to memory that invocations share.
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

    /// Whether the instruction reads or writes through one of the pointers.
    fn accessed_by(&self, opcode: u32, instruction: &[u32]) -> bool {
        let pointer = match opcode {
            LOAD | COOPERATIVE_LOAD => instruction[3],
            STORE | COOPERATIVE_STORE => instruction[1],
            _ => return false,
        };
        self.ids.contains(&pointer)
    }
}

/// Iterates over the instructions: each opcode, with all words of its instruction.
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

    /// SPIR-V of a kernel that accesses workgroup memory with every opcode.
    fn compiled() -> Vec<u32> {
        compile(&Kernel::AttentionCoop.wgsl()).unwrap()
    }

    /// SPIR-V of a kernel with subgroup barriers.
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

    /// `matmul_prefill` writes its totals to storage as cooperative matrices and reads them back.
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
