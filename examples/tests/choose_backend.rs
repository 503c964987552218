//! The example, on each backend that this build has.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::path::Path;
use std::process::{Command, Output};

/// The example as cargo built it beside this test, with nothing said from outside.
fn run(directory: &Path, args: &[&str]) -> Output {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let name = format!("choose_backend{}", std::env::consts::EXE_SUFFIX);
    let mut command = Command::new(profile.join("examples").join(name));
    command.env_remove("CHECKPOINT_STORE");
    command.current_dir(directory).args(args).output().unwrap()
}

fn found(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn two_runs_find_what_one_does_whatever_the_backend() {
    let directory = tempfile::tempdir().unwrap();
    let at_once = found(&run(directory.path(), &["memory:", "--rounds", "2"]));
    let persistent = checkpoint::available()
        .iter()
        .filter_map(|form| form.strip_suffix("://path"));
    for scheme in persistent {
        let url = format!("{scheme}://{scheme}.store");
        let first = found(&run(directory.path(), &[&url, "--rounds", "1"]));
        let second = found(&run(directory.path(), &[&url, "--rounds", "1"]));
        assert_ne!(first, at_once);
        assert_eq!(second, at_once, "{url}");
    }
}

#[test]
fn a_backend_that_is_not_there_is_told_with_those_that_are() {
    let directory = tempfile::tempdir().unwrap();
    let output = run(directory.path(), &["mysql://host"]);
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("mysql") && said.contains("memory:"),
        "what is there? {said}"
    );
}
