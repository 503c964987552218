//! `cargo xtask tamper`: the tests that change what an encrypted store keeps, and kill who changes its keys, in their long
//! form: every byte, and many kills.

use crate::options::Options;
use crate::{Outcome, Verdict, process};

/// Kills on each engine, unless told.
const KILLS: u64 = 200;
/// The tests that have a long form.
const TESTS: [&str; 3] = ["tamper", "raw", "killed"];

pub(crate) fn run_command(args: &[&str]) -> Outcome {
    let options = Options::parse("tamper", args, &["--kills"], &[])?;
    let kills = options.number("--kills")?.unwrap_or(KILLS);
    let mut cargo = process::cargo();
    cargo.args(["test", "-p", "checkpoint-crypto"]);
    for test in TESTS {
        cargo.args(["--test", test]);
    }
    cargo
        .args(["--", "--nocapture"])
        .env("CHECKPOINT_TAMPER", "all")
        .env("CHECKPOINT_KILLS", kills.to_string());
    Ok(Verdict::from_success(process::run(&mut cargo)?))
}
