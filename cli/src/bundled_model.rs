//! The bundled model, compiled into the program: an installed program needs no repository around it.

use std::borrow::Cow;

use orthrus_loader::{Checkpoint, LoadError};

macro_rules! file {
    ($name:literal) => {
        ($name, include_bytes!(concat!("../../models/tiny/", $name)) as &[u8])
    };
}

/// The files of `models/tiny`, without its documents.
const FILES: [(&str, &[u8]); 6] = [
    file!("config.json"),
    file!("generation_config.json"),
    file!("model.safetensors"),
    file!("tokenizer.json"),
    file!("tokenizer_config.json"),
    file!("chat_template.jinja"),
];

/// Opens the bundled model.
pub(crate) fn checkpoint() -> Result<Checkpoint, LoadError> {
    let files = FILES.map(|(name, contents)| (name.to_owned(), Cow::Borrowed(contents)));
    Checkpoint::from_files("tiny (bundled)", files.into())
}
