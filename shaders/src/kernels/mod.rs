//! The kernels as data: description, files, WGSL, and the list of all.

mod choice_files;
mod compose;
mod file;
mod kernel;
mod list;
mod prelude;
mod spec;

pub use compose::{Access, Binding};
pub use kernel::Kernel;
pub use spec::KernelSpec;
