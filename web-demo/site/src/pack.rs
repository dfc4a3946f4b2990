//! Assembling the folder that any static host can serve: page, engine, model.

use std::fs;
use std::path::Path;

use wasm_bindgen_cli_support::Bindgen;

/// The files of a checkpoint that the page loads.
const MODEL_FILES: [&str; 7] = [
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "demo_prompts.txt",
];

/// Writes `out` anew: the files of `page`, the WebAssembly program in `engine/`, the bundled model in `model/`.
pub(crate) fn pack(wasm: &Path, page: &Path, model: &Path, out: &Path) -> Result<(), String> {
    if out.exists() {
        fs::remove_dir_all(out).map_err(|error| format!("{}: {error}", out.display()))?;
    }
    copy_folder(page, out)?;
    let engine = out.join("engine");
    let mut bindgen = Bindgen::new();
    bindgen.input_path(wasm).typescript(false).remove_name_section(true).remove_producers_section(true);
    bindgen
        .web(true)
        .and_then(|bindgen| bindgen.omit_default_module_path(false).generate(&engine))
        .map_err(|error| format!("wasm-bindgen on {}: {error:#}", wasm.display()))?;
    let target = out.join("model");
    make_folder(&target)?;
    MODEL_FILES.into_iter().try_for_each(|name| copy(&model.join(name), &target.join(name)))
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), String> {
    make_folder(to)?;
    let unreadable = |error: std::io::Error| format!("{}: {error}", from.display());
    for entry in fs::read_dir(from).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let target = to.join(entry.file_name());
        if entry.file_type().map_err(unreadable)?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            copy(&entry.path(), &target)?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::copy(from, to).map(drop).map_err(|error| format!("{} to {}: {error}", from.display(), to.display()))
}

fn make_folder(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}
