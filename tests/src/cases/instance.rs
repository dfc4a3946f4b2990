//! One run of a kernel: its operands and grid, and what it must leave behind.

use bytemuck::Pod;
use orthrus::Gpu;
use orthrus::lab::Operand;
use orthrus::shaders::params::Grid;
use orthrus::shaders::{Access, Kernel};

use super::Expected;
use super::expected::POISON;

/// Poisoned words after each operand that is written.
const GUARD: usize = 64;

/// A kernel with operands and grid, perhaps with kernels after it that make its result comparable.
pub struct Instance {
    /// The shape, for messages.
    pub what: String,
    operands: Vec<(String, Vec<u8>)>,
    steps: Vec<Step>,
    moved: Option<u64>,
    expected: Box<dyn FnOnce() -> Vec<(String, Expected)>>,
}

/// A dispatch.
struct Step {
    kernel: Kernel,
    grid: Grid,
    /// Operands by other names than the binding's.
    renamed: Vec<(&'static str, String)>,
}

impl Instance {
    /// A dispatch of `kernel`. Operands and expectations are still missing.
    pub fn new(kernel: Kernel, grid: Grid, what: impl Into<String>) -> Instance {
        let steps = vec![Step { kernel, grid, renamed: Vec::new() }];
        Instance { what: what.into(), operands: Vec::new(), steps, moved: None, expected: Box::new(Vec::new) }
    }

    /// Adds an operand, under the name of the binding that takes it.
    pub fn with<T: Pod>(mut self, name: impl Into<String>, contents: &[T]) -> Instance {
        self.operands.push((name.into(), bytemuck::cast_slice(contents).to_vec()));
        self
    }

    /// Adds a dispatch after those there are. It takes the same operands, except that a binding in `renamed` takes the
    /// operand named beside it.
    pub fn then(mut self, kernel: Kernel, grid: Grid, renamed: &[(&'static str, &str)]) -> Instance {
        let renamed = renamed.iter().map(|(binding, operand)| (*binding, (*operand).to_string())).collect();
        self.steps.push(Step { kernel, grid, renamed });
        self
    }

    /// Says what becomes of each operand that is written. `expected` runs only where that is compared.
    pub fn expect(self, expected: impl FnOnce() -> Vec<(&'static str, Expected)> + 'static) -> Instance {
        self.expect_named(|| expected().into_iter().map(|(name, it)| (name.to_string(), it)).collect())
    }

    /// [`Instance::expect`] for operands whose names are made.
    pub fn expect_named(self, expected: impl FnOnce() -> Vec<(String, Expected)> + 'static) -> Instance {
        Instance { expected: Box::new(expected), ..self }
    }

    /// Bytes that the kernel moves, where that is not all of its operands.
    pub fn moves(self, bytes: usize) -> Instance {
        Instance { moved: Some(bytes as u64), ..self }
    }

    /// Bytes that the kernel moves: by default, of its storage operands.
    pub fn bytes(&self) -> u64 {
        self.moved.unwrap_or_else(|| {
            let names: Vec<&str> = self.bound().map(|(_, _, operand)| operand).collect();
            let bound = self.operands.iter().filter(|(name, _)| names.contains(&&**name));
            bound.map(|(_, contents)| contents.len() as u64).sum()
        })
    }

    /// Each binding: its kernel, how it is used, and the operand that it takes.
    fn bound(&self) -> impl Iterator<Item = (Kernel, Access, &str)> {
        self.steps.iter().flat_map(|step| {
            step.kernel.bindings().into_iter().map(|binding| {
                let renamed = step.renamed.iter().find(|(name, _)| *name == binding.name);
                let operand = renamed.map_or(binding.name, |(_, operand)| operand);
                (step.kernel, binding.access, operand)
            })
        })
    }

    fn is_written(&self, operand: &str) -> bool {
        self.bound().any(|(_, access, name)| name == operand && access == Access::ReadWrite)
    }

    /// Uploads the operands.
    ///
    /// # Errors
    /// One is too large, or the GPU failed.
    pub fn load<'a>(&self, gpu: &'a Gpu) -> Result<Loaded<'a>, String> {
        let mut operands = Vec::new();
        for (name, contents) in &self.operands {
            let is_uniform =
                self.bound().any(|(_, access, operand)| operand == name && access == Access::Uniform);
            let operand = if is_uniform {
                uniform(gpu, contents)
            } else {
                let mut contents = contents.clone();
                contents.resize(contents.len().next_multiple_of(4), 0);
                if self.is_written(name) {
                    contents.extend(bytemuck::cast_slice(&[POISON; GUARD]));
                }
                gpu.operand(&contents).map_err(|error| error.to_string())?
            };
            operands.push((name.clone(), operand, contents.len()));
        }
        let mut steps = Vec::new();
        for step in &self.steps {
            let mut bound = Vec::new();
            for binding in step.kernel.bindings() {
                let renamed = step.renamed.iter().find(|(name, _)| *name == binding.name);
                let name = renamed.map_or(binding.name, |(_, operand)| operand);
                let found = operands.iter().position(|(operand, _, _)| operand == name);
                let place = found.ok_or_else(|| format!("no operand `{name}` for {:?}", step.kernel))?;
                bound.push((binding.name, place));
            }
            steps.push(LoadedStep { kernel: step.kernel, grid: step.grid, bound });
        }
        Ok(Loaded { gpu, operands, steps })
    }

    /// Runs the kernel once and compares what it leaves.
    ///
    /// # Errors
    /// What it wrote is not what is expected, or it wrote elsewhere; or the GPU failed.
    pub fn check(self, gpu: &Gpu) -> Result<(), String> {
        let loaded = self.load(gpu)?;
        loaded.run(1)?;
        let written: Vec<String> = self.operands.iter().map(|(name, _)| name.clone()).collect();
        let written: Vec<String> = written.into_iter().filter(|name| self.is_written(name)).collect();
        let expected = (self.expected)();
        for name in written {
            let (_, expected) = expected
                .iter()
                .find(|(expected, _)| *expected == name)
                .ok_or_else(|| format!("the case does not say what becomes of `{name}`"))?;
            let outcome = loaded.guarded(&name).and_then(|found| expected.check(&found));
            outcome.map_err(|fault| format!("`{name}`: {fault} ({})", self.what))?;
        }
        Ok(())
    }
}

/// A uniform of any length: the engine makes one of a type.
fn uniform(gpu: &Gpu, contents: &[u8]) -> Operand {
    match contents.len() {
        16 => gpu.params(&bytemuck::pod_read_unaligned::<[u32; 4]>(contents)),
        32 => gpu.params(&bytemuck::pod_read_unaligned::<[u32; 8]>(contents)),
        48 => gpu.params(&bytemuck::pod_read_unaligned::<[u32; 12]>(contents)),
        64 => gpu.params(&bytemuck::pod_read_unaligned::<[u32; 16]>(contents)),
        bytes => panic!("parameters of {bytes} bytes"),
    }
}

/// An instance whose operands are on the GPU.
pub struct Loaded<'a> {
    gpu: &'a Gpu,
    operands: Vec<(String, Operand, usize)>,
    steps: Vec<LoadedStep>,
}

struct LoadedStep {
    kernel: Kernel,
    grid: Grid,
    /// Each binding, and the place of its operand.
    bound: Vec<(&'static str, usize)>,
}

impl Loaded<'_> {
    /// Runs each kernel `times` times.
    ///
    /// # Errors
    /// The GPU failed.
    pub fn run(&self, times: usize) -> Result<(), String> {
        for LoadedStep { kernel, grid, bound } in &self.steps {
            let operands: Vec<(&str, &Operand)> =
                bound.iter().map(|(binding, place)| (*binding, &self.operands[*place].1)).collect();
            // SAFETY: the cases give every kernel what its contract says. Where one does not, that is what they find.
            let ran = unsafe { self.gpu.dispatch(*kernel, &operands, *grid, times) };
            pollster::block_on(ran).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Reads an operand.
    ///
    /// # Panics
    /// If there is none of that name, or the GPU failed.
    pub fn read<T: Pod>(&self, name: &str) -> Vec<T> {
        let found = self.operands.iter().find(|(operand, _, _)| operand == name);
        let (_, operand, bytes) = found.unwrap_or_else(|| panic!("no operand `{name}`"));
        pollster::block_on(self.gpu.contents(operand, bytes / size_of::<T>()))
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Reads an operand after which nothing may be written.
    fn guarded(&self, name: &str) -> Result<Vec<u8>, String> {
        let found = self.operands.iter().find(|(operand, _, _)| operand == name);
        let (_, operand, bytes) = found.ok_or_else(|| format!("no operand `{name}`"))?;
        let guard = bytes.next_multiple_of(4);
        let mut all: Vec<u8> = pollster::block_on(self.gpu.contents(operand, guard + 4 * GUARD))
            .map_err(|error| error.to_string())?;
        if all[guard..] != *bytemuck::cast_slice::<u32, u8>(&[POISON; GUARD]) {
            return Err("something was written beyond the end".to_string());
        }
        all.truncate(*bytes);
        Ok(all)
    }
}
