//! `cargo xtask bench`: the benchmarks, with whatever `cargo bench` is to be told.

use crate::{Outcome, Verdict, process};

pub(crate) fn run(args: &[&str]) -> Outcome {
    let mut command = process::cargo();
    command
        .args(["bench", "--package", "checkpoint-benches"])
        .args(args);
    process::run(&mut command).map(Verdict::from_success)
}
