//! One list of cases, one for each kernel: what the twin test, the row-invariance test and the benchmark of kernels are
//! made from. A kernel without a case fails `every_kernel_has_a_case`.
//!
//! A family is a file here with a function `cases`. It makes a [`Case`] for each of its kernels in [`Kernel::all`], so
//! that a new choice of a kernel has a case at once.

mod expected;
pub mod heads;
mod instance;
pub mod operands;

use orthrus::Gpu;
use orthrus::shaders::{Kernel, PAIRED_WORKGROUP_BYTES};

use crate::random::Random;

pub use expected::Expected;
pub use instance::{Instance, Loaded};

/// Calls the macro `$each` with the names of all families.
#[macro_export]
macro_rules! families {
    ($each:ident) => {
        $each! { attention attention_coop decode matmul matmul_coop matmul_row per_row sampling synthetic }
    };
}

/// Declares the families and lists them.
macro_rules! declare {
    ($($family:ident)*) => {
        $(pub mod $family;)*

        /// Every family: its name and its cases.
        pub fn families() -> Vec<(&'static str, Vec<Case>)> {
            vec![$((stringify!($family), $family::cases())),*]
        }
    };
}

families!(declare);

/// Every case.
pub fn all() -> Vec<Case> {
    families().into_iter().flat_map(|(_, cases)| cases).collect()
}

/// Makes a run from random numbers.
pub type Run = Box<dyn Fn(&mut Random) -> Instance + Send + Sync>;

/// Makes a run with a row at a place.
pub type RowRun = Box<dyn Fn(&mut Random, Place) -> RowInstance + Send + Sync>;

/// Reads everything that a kernel gave a row.
pub type ReadRow = Box<dyn Fn(&Loaded<'_>) -> Vec<f32>>;

/// How one kernel is tested and measured.
pub struct Case {
    /// The kernel.
    pub kernel: Kernel,
    /// Number of random shapes in the twin test. A third as many go through the row-invariance test.
    pub seeds: u64,
    needs: Option<Need>,
    twin: Run,
    rows: Rows,
    bench: Run,
}

/// What an adapter must have for a kernel, besides the tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Every subgroup has 32 lanes.
    SubgroupsOf32,
    /// Every subgroup has 32 lanes, and workgroups have 48 KiB of memory.
    PairedWorkgroupBytes,
}

/// How a kernel treats the rows of a pass.
pub enum Rows {
    /// A row has the same bits at each of these places.
    Invariant(&'static [Place], RowRun),
    /// The kernel has no rows that could change each other. This is why.
    None(&'static str),
}

/// The place of a row in a pass.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Number of the row.
    pub at: usize,
    /// Rows of the pass.
    pub rows: usize,
}

const fn at(at: usize, rows: usize) -> Place {
    Place { at, rows }
}

/// Alone, then first, last and in the middle of a block.
pub const PLACES: &[Place] = &[at(0, 1), at(0, 32), at(31, 32), at(13, 32), at(6, 7), at(8, 9), at(2, 5)];

/// Also places in passes of more rows than a block has.
pub const PREFILL_PLACES: &[Place] = &[
    at(0, 1),
    at(0, 32),
    at(31, 32),
    at(13, 32),
    at(15, 16),
    at(6, 7),
    at(40, 64),
    at(77, 128),
    at(131, 140),
];

/// A run in which one row is looked at. What the row holds depends on the random numbers alone, and all else on its
/// place too.
pub struct RowInstance {
    /// Kernels with the same key give the row the same bits.
    pub key: String,
    /// The run.
    pub instance: Instance,
    /// Reads everything that the kernel gives the row.
    pub row: ReadRow,
}

impl Case {
    /// A case of `kernel`: `twin` makes a random run with what the CPU twin says of it, `bench` one of realistic size.
    pub fn new(
        kernel: Kernel,
        seeds: u64,
        twin: impl Fn(&mut Random) -> Instance + Send + Sync + 'static,
        rows: Rows,
        bench: impl Fn(&mut Random) -> Instance + Send + Sync + 'static,
    ) -> Case {
        Case { kernel, seeds, needs: None, twin: Box::new(twin), rows, bench: Box::new(bench) }
    }

    /// The case of a kernel that needs more than its tier.
    pub fn needs(self, need: Need) -> Case {
        Case { needs: Some(need), ..self }
    }

    /// The kernel's name and its choices, such as `matmul/F16-All-Eight-One-Store`.
    pub fn name(&self) -> String {
        let debug = format!("{:?}", self.kernel);
        let choices = debug.split_once(['(', ' ']).map_or("", |(_, choices)| choices);
        let words = choices.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
        let values: Vec<&str> = words.filter(|word| !word.is_empty() && !word.ends_with(':')).collect();
        match values[..] {
            [] => self.kernel.name().to_string(),
            _ => format!("{}/{}", self.kernel.name(), values.join("-")),
        }
    }

    /// Why `gpu` cannot run the kernel, if it cannot.
    pub fn missing(&self, gpu: &Gpu) -> Option<&'static str> {
        let adapter = gpu.adapter();
        let has_subgroups_of_32 = adapter.subgroup_sizes == Some((32, 32));
        match self.needs? {
            _ if !has_subgroups_of_32 => Some("needs subgroups of 32 lanes"),
            Need::PairedWorkgroupBytes if adapter.workgroup_memory < PAIRED_WORKGROUP_BYTES => {
                Some("needs 48 KiB of workgroup memory")
            }
            _ => None,
        }
    }

    /// A random run with what the CPU twin says of it.
    pub fn twin(&self, random: &mut Random) -> Instance {
        (self.twin)(random)
    }

    /// How the kernel treats rows.
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// A run of realistic size.
    pub fn bench(&self) -> Instance {
        (self.bench)(&mut Random::new(1))
    }
}

impl Rows {
    /// A row has the same bits at all `places`.
    pub fn invariant(
        places: &'static [Place],
        run: impl Fn(&mut Random, Place) -> RowInstance + Send + Sync + 'static,
    ) -> Rows {
        Rows::Invariant(places, Box::new(run))
    }
}
