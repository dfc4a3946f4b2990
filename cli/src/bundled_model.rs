//! The model that comes with this program, in it: an installed program answers without a repository around it.

use std::borrow::Cow;

use orthrus_loader::{Checkpoint, LoadError};

macro_rules! file {
    ($name:literal) => {
        ($name, include_bytes!(concat!("../../models/tiny/", $name)) as &[u8])
    };
}

/// `models/tiny`, but for what people read.
const FILES: [(&str, &[u8]); 6] = [
    file!("config.json"),
    file!("generation_config.json"),
    file!("model.safetensors"),
    file!("tokenizer.json"),
    file!("tokenizer_config.json"),
    file!("chat_template.jinja"),
];

/// Opens it.
pub(crate) fn checkpoint() -> Result<Checkpoint, LoadError> {
    let files = FILES.map(|(name, contents)| (name.to_owned(), Cow::Borrowed(contents)));
    Checkpoint::from_files("tiny (bundled)", files.into())
}
