//! The commands, one module each.

pub(crate) mod adapters;
pub(crate) mod bench;
pub(crate) mod chat;
pub(crate) mod generate;
pub(crate) mod info;
pub(crate) mod verify;
