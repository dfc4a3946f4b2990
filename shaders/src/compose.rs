//! A kernel's WGSL: its files end to end, after the constants that it shares with the host; and what it binds, read
//! from there.

use std::fmt::Write;

use crate::constants;
use crate::kernel::{Kernel, KernelSpec};

/// A file of `wgsl/`.
#[derive(Clone, Copy)]
pub(crate) struct File {
    /// Its path without `.wgsl`.
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

/// The file of `wgsl/` with this path.
macro_rules! wgsl {
    ($file:literal) => {
        $crate::compose::File { name: $file, text: include_str!(concat!("../wgsl/", $file, ".wgsl")) }
    };
}

pub(crate) use wgsl;

/// How a kernel uses a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A uniform buffer.
    Uniform,
    /// A storage buffer that is only read.
    Read,
    /// A storage buffer that is written.
    ReadWrite,
}

/// One binding of group 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Its number.
    pub index: u32,
    /// The variable's name in the WGSL.
    pub name: &'static str,
    /// How it is used.
    pub access: Access,
}

impl Kernel {
    /// The kernel's WGSL. `enable` lines stand first, as WGSL wants them; each constant and file once.
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
        wgsl += &constants::prelude(&body);
        for (name, value) in constants {
            let _ = writeln!(wgsl, "const {name}: {value};");
        }
        wgsl + &body
    }

    /// What the kernel binds in group 0, in the order of the numbers. Read from its files, where a binding is one line.
    pub fn bindings(self) -> Vec<Binding> {
        let files = self.spec().files;
        let mut bindings: Vec<Binding> =
            files.iter().flat_map(|file| file.text.lines()).filter_map(binding).collect();
        bindings.sort_by_key(|binding| binding.index);
        bindings.dedup();
        bindings
    }
}

/// The binding that a line like `@group(0) @binding(2) var<storage, read> x: array<f32>;` declares.
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
