//! A kernel's WGSL, put together from files; and its bindings, read from them.

use std::fmt::Write;

use super::file::File;
use super::kernel::Kernel;
use super::prelude::prelude;
use super::spec::KernelSpec;

/// How a kernel uses a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A uniform buffer.
    Uniform,
    /// A storage buffer that the kernel reads.
    Read,
    /// A storage buffer that the kernel writes, and may read.
    ReadWrite,
}

/// One binding of group 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The binding's number.
    pub index: u32,
    /// The variable's name in the WGSL.
    pub name: &'static str,
    /// How the kernel uses it.
    pub access: Access,
}

impl Kernel {
    /// The kernel's WGSL: `enable` lines, shared constants, then each file once.
    pub fn wgsl(self) -> String {
        let KernelSpec { files, constants, .. } = self.spec();
        let mut extensions: Vec<&str> = Vec::new();
        let mut body = String::new();
        for (i, File { name, text }) in files.iter().enumerate() {
            if files[..i].iter().any(|earlier| earlier.name == *name) {
                continue;
            }
            let _ = writeln!(body, "// ---- {name}.wgsl");
            for line in text.lines() {
                match line.strip_prefix("enable ") {
                    None => {
                        let _ = writeln!(body, "{line}");
                    }
                    Some(extension) if extensions.contains(&extension) => {}
                    Some(extension) => extensions.push(extension),
                }
            }
        }
        let mut wgsl: String = extensions.iter().map(|extension| format!("enable {extension}\n")).collect();
        wgsl += &prelude(&body);
        for (name, value) in constants {
            let _ = writeln!(wgsl, "const {name}: {value};");
        }
        wgsl + &body
    }

    /// The bindings of group 0, ordered by number. They are read from the kernel's files, where a binding is one line.
    pub fn bindings(self) -> Vec<Binding> {
        let files = self.spec().files;
        let mut bindings: Vec<Binding> =
            files.iter().flat_map(|file| file.text.lines()).filter_map(binding).collect();
        bindings.sort_by_key(|binding| binding.index);
        bindings.dedup();
        bindings
    }
}

/// Reads a line like `@group(0) @binding(2) var<storage, read> x: array<f32>;`. `None`: the line is no binding.
fn binding(line: &'static str) -> Option<Binding> {
    let (index, rest) = line.strip_prefix("@group(0) @binding(")?.split_once(") var<")?;
    let (space, rest) = rest.split_once("> ")?;
    let access = match space {
        "uniform" => Access::Uniform,
        "storage, read" => Access::Read,
        "storage, read_write" => Access::ReadWrite,
        _ => return None,
    };
    Some(Binding { index: index.parse().ok()?, name: rest.split_once(':')?.0, access })
}
