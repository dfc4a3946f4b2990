//! Writes the WGSL of every kernel of a tier, one file each: to read, or to try in other compilers.
//!
//! `cargo run -p orthrus-gpu-shaders --example write_kernels -- baseline FOLDER`

use std::path::Path;

use orthrus_shaders::{Kernel, Tier};

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [tier, folder] = &arguments[..] else { panic!("give a tier and a folder") };
    let tier =
        Tier::ALL.into_iter().find(|known| known.name() == tier).unwrap_or_else(|| panic!("no tier {tier}"));
    std::fs::create_dir_all(folder)?;
    for kernel in Kernel::all().into_iter().filter(|kernel| kernel.spec().tier <= tier) {
        let words: Vec<String> = format!("{kernel:?}")
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        std::fs::write(Path::new(folder).join(words.join("_") + ".wgsl"), kernel.wgsl())?;
    }
    Ok(())
}
