//! What the benchmarks share: states to save, the bare engine to compare with, stores on a disk, filling them, measuring in
//! turn, counting instructions, and what a measurement tells `cargo xtask bench`.
//!
//! Set `CHECKPOINT_BENCH_DIR` to measure on another disk than that of the temporary directory.

pub mod baseline;
pub mod callgrind;
pub mod figure;
pub mod fill;
pub mod paired;
pub mod place;
pub mod process;
pub mod report;
pub mod state;
