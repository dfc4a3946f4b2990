//! SPIR-V of kernels with cooperative matrices, as Vulkan's memory model wants it.
//!
//! Cooperative matrices come with that memory model, in which what one invocation writes to workgroup memory is its own
//! unless the write says otherwise. naga 30 does not say so (wgpu issue 8805): a driver may let a write pass the barrier
//! after it. So these kernels are compiled here, and every access to workgroup memory, and every barrier, is marked. To
//! be removed with the naga that does it (wgpu pull request 10016).

use std::collections::HashMap;

use naga::back::spv;
use naga::valid::{Capabilities, ValidationFlags, Validator};

/// Opcodes.
const TYPE_POINTER: u32 = 32;
const CONSTANT: u32 = 43;
const VARIABLE: u32 = 59;
const LOAD: u32 = 61;
const STORE: u32 = 62;
const ACCESS_CHAIN: u32 = 65;
const IN_BOUNDS_ACCESS_CHAIN: u32 = 66;
const CONTROL_BARRIER: u32 = 224;
const COOPERATIVE_LOAD: u32 = 4457;
const COOPERATIVE_STORE: u32 = 4458;

/// The storage class of workgroup memory.
const WORKGROUP: u32 = 4;

/// Memory operand: other invocations may access this too.
const NON_PRIVATE_POINTER: u32 = 0x20;

/// Memory semantics: of workgroup memory; and its writes are made available, and become visible.
const WORKGROUP_MEMORY: u32 = 0x100;
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
    Some(with_shared_workgroup_memory(&words))
}

/// Marks accesses to workgroup memory, and barriers.
fn with_shared_workgroup_memory(words: &[u32]) -> Vec<u32> {
    let mut out = words[..HEADER].to_vec();
    let mut constants = HashMap::new(); // value by id
    let mut marked = HashMap::new(); // semantics by the id of those without marks
    for (opcode, instruction) in instructions(words) {
        if let (CONSTANT, [_, _, id, value]) = (opcode, instruction) {
            constants.insert(*id, *value);
        }
    }
    let mut pointer_types = Vec::new();
    let mut pointers = Vec::new();
    for (opcode, instruction) in instructions(words) {
        let mut instruction = instruction.to_vec();
        match opcode {
            TYPE_POINTER if instruction[2] == WORKGROUP => pointer_types.push(instruction[1]),
            VARIABLE | ACCESS_CHAIN | IN_BOUNDS_ACCESS_CHAIN if pointer_types.contains(&instruction[1]) => {
                pointers.push(instruction[2]);
            }
            // Without memory operands so far.
            LOAD if instruction.len() == 4 && pointers.contains(&instruction[3]) => {
                instruction.push(NON_PRIVATE_POINTER);
            }
            STORE if instruction.len() == 3 && pointers.contains(&instruction[1]) => {
                instruction.push(NON_PRIVATE_POINTER);
            }
            COOPERATIVE_LOAD if instruction.len() == 6 && pointers.contains(&instruction[3]) => {
                instruction.push(NON_PRIVATE_POINTER);
            }
            COOPERATIVE_STORE if instruction.len() == 5 && pointers.contains(&instruction[1]) => {
                instruction.push(NON_PRIVATE_POINTER);
            }
            CONTROL_BARRIER => {
                if let Some(id) = marked.get(&instruction[3]) {
                    instruction[3] = *id;
                }
            }
            _ => {}
        }
        instruction[0] = (instruction.len() as u32) << 16 | opcode;
        out.extend(&instruction);
        // Beside each constant that barriers may use as semantics, one with the marks.
        if opcode == CONSTANT && is_barrier_semantics(instruction[2], &constants, words) {
            let id = out[BOUND];
            out[BOUND] += 1;
            marked.insert(instruction[2], id);
            out.extend([instruction[0], instruction[1], id, instruction[3] | MAKE_AVAILABLE_AND_VISIBLE]);
        }
    }
    out
}

/// Whether a barrier has this constant for its semantics, and they are of workgroup memory.
fn is_barrier_semantics(id: u32, constants: &HashMap<u32, u32>, words: &[u32]) -> bool {
    constants.get(&id).is_some_and(|value| value & WORKGROUP_MEMORY != 0)
        && instructions(words).any(|(opcode, instruction)| opcode == CONTROL_BARRIER && instruction[3] == id)
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
    use orthrus_shaders::{Kernel, Queries, Tier};

    /// Words of a kernel that touches workgroup memory in every way there is.
    fn compiled() -> Vec<u32> {
        compile(&Kernel::AttentionCoop(Queries::Two).wgsl(Tier::Coop)).unwrap()
    }

    #[test]
    fn all_of_workgroup_memory_is_shared() {
        let words = compiled();
        let mut pointer_types = Vec::new();
        let mut pointers = Vec::new();
        let mut constants = HashMap::new();
        let mut seen = HashMap::new();
        for (opcode, instruction) in instructions(&words) {
            let pointer = match opcode {
                TYPE_POINTER if instruction[2] == WORKGROUP => {
                    pointer_types.push(instruction[1]);
                    continue;
                }
                CONSTANT => {
                    constants.insert(instruction[2], instruction[3]);
                    continue;
                }
                VARIABLE | ACCESS_CHAIN | IN_BOUNDS_ACCESS_CHAIN => {
                    if pointer_types.contains(&instruction[1]) {
                        pointers.push(instruction[2]);
                    }
                    continue;
                }
                CONTROL_BARRIER => {
                    let semantics = constants[&instruction[3]];
                    assert_eq!(semantics & MAKE_AVAILABLE_AND_VISIBLE, MAKE_AVAILABLE_AND_VISIBLE);
                    assert_ne!(semantics & WORKGROUP_MEMORY, 0);
                    *seen.entry(opcode).or_insert(0) += 1;
                    continue;
                }
                LOAD | COOPERATIVE_LOAD => instruction[3],
                STORE | COOPERATIVE_STORE => instruction[1],
                _ => continue,
            };
            if pointers.contains(&pointer) {
                assert_eq!(instruction.last(), Some(&NON_PRIVATE_POINTER), "{opcode}");
                *seen.entry(opcode).or_insert(0) += 1;
            }
        }
        for opcode in [LOAD, STORE, COOPERATIVE_LOAD, COOPERATIVE_STORE, CONTROL_BARRIER] {
            assert!(seen.contains_key(&opcode), "{opcode}");
        }
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
