//! `orthrus bench`: what a model costs on this machine.

mod acceptance;
mod measure;
mod results;
mod run;
mod svg;
mod table;

pub(crate) use run::run;
