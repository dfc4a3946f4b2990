//! Every malformation gives its own error.
//!
//! The message names the file, the tensor or field, what was expected, and what was found.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;
mod malformed;

use common::{Files, MODEL};
use malformed::{CONFIG, Row, reheader, rows};
use orthrus_loader::{Checkpoint, LoadError};
use serde_json::json;

/// Opens a checkpoint and its text side. Returns the first error.
fn open_all(files: Files) -> Result<(), LoadError> {
    open_text(&common::open(files)?)
}

#[cfg(feature = "text")]
fn open_text(checkpoint: &Checkpoint) -> Result<(), LoadError> {
    checkpoint.tokenizer()?;
    checkpoint.chat_template()?;
    Ok(())
}

#[cfg(not(feature = "text"))]
fn open_text(_: &Checkpoint) -> Result<(), LoadError> {
    Ok(())
}

#[test]
fn every_malformation_has_its_error() {
    for base in [common::dual, common::ar_only, common::sharded] {
        open_all(base()).unwrap();
    }
    for Row { what, base, edit, is, says } in rows() {
        let mut files = base();
        edit(&mut files);
        let error = open_all(files).expect_err(what);
        assert!(is(&error), "{what}: {error:?}");
        let message = error.to_string();
        for part in says {
            assert!(message.contains(part), "{what}: `{part}` is not in: {message}");
        }
    }
}

#[test]
fn files_on_disk_give_the_same_errors() {
    for Row { what, base, edit, is, says } in rows() {
        let mut files = base();
        edit(&mut files);
        let dir = common::on_disk(&files);
        let opened = Checkpoint::open(dir.path()).and_then(|checkpoint| open_text(&checkpoint));
        let error = opened.expect_err(what);
        assert!(is(&error), "{what}: {error:?}");
        let message = error.to_string().replace(dir.path().to_str().unwrap(), "model");
        for part in says {
            assert!(message.contains(part), "{what}: `{part}` is not in: {message}");
        }
    }
}

#[test]
fn a_path_that_is_no_checkpoint_directory_is_an_error() {
    let dir = common::on_disk(&Files::new());
    let file = dir.path().join("x");
    std::fs::write(&file, "").unwrap();
    for (path, found) in [(file, "a file"), (dir.path().join("absent"), "nothing")] {
        let error = Checkpoint::open(&path).unwrap_err();
        assert!(matches!(error, LoadError::NotADirectory { .. }), "{error:?}");
        let message = error.to_string();
        assert!(message.contains(path.to_str().unwrap()) && message.contains(found), "{message}");
        assert!(message.contains("config.json"), "{message}");
    }
    std::fs::create_dir(dir.path().join("config.json")).unwrap();
    let error = Checkpoint::open(dir.path()).unwrap_err();
    assert!(matches!(error, LoadError::NotAFile { .. }), "{error:?}");
    assert!(error.to_string().contains("a directory"), "{error}");
}

#[test]
fn a_file_given_twice_is_refused() {
    let mut files: Vec<_> = common::dual().into_iter().collect();
    files.push((CONFIG.into(), b"{}"[..].into()));
    let error = Checkpoint::from_files("model", files).unwrap_err();
    assert!(matches!(error, LoadError::DuplicateFile { .. }), "{error:?}");
    assert!(error.to_string().contains("model/config.json"), "{error}");
}

#[test]
fn a_name_that_is_no_tensor_is_an_error() {
    let error = common::open(common::dual()).unwrap().tensor("model.embed").unwrap_err();
    assert!(matches!(error, LoadError::NoSuchTensor { .. }), "{error:?}");
    assert!(error.to_string().contains("model.embed"), "{error}");
}

/// A file's own text must not fill the terminal or control it.
#[test]
fn long_and_unprintable_names_are_cut_and_escaped() {
    let mut files = common::dual();
    let name = format!("\u{1b}[31m{}", "x".repeat(1 << 16));
    reheader(&mut files, MODEL, |header, _| {
        header.insert(name, json!({"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}));
    });
    let message = open_all(files).unwrap_err().to_string();
    assert!(
        message.len() < 500 && !message.contains('\u{1b}') && message.contains("\\u{1b}[31mxxx"),
        "{message}"
    );
}
