//! The example, in a directory; and in a bucket, where the environment names one.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::process::{Command, Stdio};

/// The example as cargo built it beside this test.
fn example() -> Command {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let name = format!("cloud{}", std::env::consts::EXE_SUFFIX);
    let path = profile.join("examples").join(name);
    assert!(
        path.exists(),
        "build it first: cargo build -p checkpoint-examples --examples"
    );
    Command::new(path)
}

fn assert_plays(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complaint}");
    for expected in [
        "Bob claims south",
        "(Bob is killed)",
        "Ann hears nothing of south",
        "Ann claims south",
        "(Bob's machine wakes)",
        "Bob must not save step 5 of west",
        "expected epoch 1",
    ] {
        assert!(said.contains(expected), "{expected}?\n{said}");
    }
    let resumed = said
        .lines()
        .find(|line| line.starts_with("Ann claims west"));
    assert!(resumed.unwrap().ends_with("behind step 4"), "{said}");
    assert_eq!(said.matches("is done, each step once").count(), 4, "{said}");
}

#[test]
fn what_a_killed_worker_left_is_finished_and_a_late_one_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("file://{}/store", directory.path().display());
    assert_plays(example().args(["--store", &url]));
    // Once more, where the jobs of the first run lie.
    assert_plays(example().env("CHECKPOINT_STORE", &url));
}

#[ignore = "wants `cargo xtask services run s3 -- cargo test --all-features --test cloud -- --ignored`"]
#[test]
fn it_plays_in_the_bucket_that_the_environment_names() {
    let url = std::env::var("CHECKPOINT_STORE").unwrap();
    assert!(url.contains("://") && !url.starts_with("file:"), "{url}");
    assert_plays(&mut example());
}

#[test]
fn a_mistake_is_named() {
    let output = example().args(["--stroe", "a"]).output().unwrap();
    assert!(!output.status.success());
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(complaint.contains("--store URL"), "{complaint}");
}
