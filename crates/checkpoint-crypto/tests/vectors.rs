//! The vectors of the sealed form, held against a second implementation that knows docs/encryption.md alone. That ours
//! seals and opens them is tested beside it, in `src/envelope/tests.rs`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says why")]

use std::process::Command;

#[test]
fn a_second_implementation_seals_the_same_bytes() {
    let has = Command::new("python3")
        .args(["-c", "import cryptography"])
        .output();
    if !has.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: there is no Python with the package `cryptography`");
        return;
    }
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors");
    let output = Command::new("python3")
        .current_dir(directory)
        .args(["envelope.py", "check", "envelope.json"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{error}");
    assert!(said.contains("vectors hold"), "{said}");
}
