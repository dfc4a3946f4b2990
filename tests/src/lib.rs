//! What the tests share: the cases of all kernels, fixtures, random numbers, GPUs opened once.

pub mod cases;
pub mod checkpoint;
pub mod compare;
pub mod golden;
pub mod gpu;
pub mod random;
pub mod reference;
pub mod report;
pub mod rooms;
pub mod run;
