//! What the tests share: fixtures, random numbers, GPUs opened once.

pub mod checkpoint;
pub mod coop;
pub mod golden;
pub mod gpu;
pub mod kernel;
pub mod random;
pub mod reference;
pub mod rooms;
