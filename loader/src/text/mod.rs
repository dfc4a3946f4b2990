//! The text side of a checkpoint: tokenizer and chat template.

pub(crate) mod clock;
pub(crate) mod python;
pub(crate) mod stream;
pub(crate) mod template;
pub(crate) mod tokenizer;
