//! `orthrus bench`: what a model costs on this machine.

mod acceptance;
mod date;
mod measure;
mod results;
mod run;
mod spread;
mod suite;
mod svg;
mod table;

pub(crate) use run::run;
