//! `orthrus bench`: how fast a model runs on this machine.

mod acceptance;
mod bench_session;
mod date;
mod results;
mod run;
mod spread;
mod suite;
mod svg;
mod table;

pub(crate) use run::run;
