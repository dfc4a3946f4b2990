//! Arrows between files point one way: no two files of a crate import each other, and the engine's rooms have an order.

use std::path::PathBuf;

use orthrus_tests::rooms::Rooms;

/// Every crate of the workspace.
const CRATES: [&str; 9] =
    ["shaders", "loader", "engine", "cli", "web-demo", "web-demo/site", "benches", "tests", "xtask"];

/// The rooms of the engine, the lowest first. A room may use those before it.
const ENGINE: [&str; 7] = ["error.rs", "gpu", "model", "forward", "decode", "lab", "lib.rs"];

fn rooms(name: &str) -> Rooms {
    Rooms::read(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(name).join("src"))
}

#[test]
fn no_two_files_import_each_other() {
    let mut circles = Vec::new();
    for name in CRATES {
        circles
            .extend(rooms(name).circles().into_iter().map(|files| format!("{name}: {}", files.join(", "))));
    }
    assert!(circles.is_empty(), "files that import each other:\n{}", circles.join("\n"));
}

#[test]
fn the_engines_rooms_use_lower_ones_only() {
    let floor = |file: &str| {
        let room = file.split('/').next().unwrap_or(file);
        ENGINE.iter().position(|known| *known == room).unwrap_or_else(|| panic!("{file} is in no known room"))
    };
    let imports = rooms("engine").imports();
    assert!(imports.len() > 50, "{} imports: the sources were not read", imports.len());
    for import in imports {
        assert!(floor(&import.from) >= floor(&import.to), "{} uses {}", import.from, import.to);
    }
}

/// A reader that finds nothing would pass.
#[test]
fn imports_are_found_through_reexports() {
    let imports = rooms("engine").imports();
    let has = |from: &str, to: &str| imports.iter().any(|import| import.from == from && import.to == to);
    assert!(has("decode/session.rs", "gpu/device.rs") || has("decode/session.rs", "forward/plan.rs"));
    assert!(has("forward/buffers.rs", "gpu/buffer.rs"));
    assert!(has("forward/mod.rs", "forward/builder.rs"));
}
