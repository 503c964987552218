//! Every example in the help of every verb, in docs/cli.md and in README.md is run, on each kind of store.

mod support;

use std::process::Stdio;
use std::time::{Duration, Instant};

use support::manual::{examples_work, manual_holds};
use support::{STORES, Sandbox};

#[test]
fn every_example_of_every_verb_works_on_each_kind_of_store() {
    for store in STORES {
        let furnished = Sandbox::furnished(store);
        examples_work(|| furnished.copy());
    }
}

#[test]
fn every_example_of_every_verb_works_on_each_kind_of_store_and_encrypted() {
    for store in STORES {
        let furnished = Sandbox::sealed(store);
        examples_work(|| furnished.copy());
    }
}

#[test]
fn every_command_of_the_manual_ends_as_it_says() {
    for store in STORES {
        manual_holds(&Sandbox::empty(store));
        manual_holds(&Sandbox::keyed(store));
    }
}

/// The script of the README.
fn script() -> &'static str {
    let text = include_str!("../../../README.md");
    let (_, after) = text.split_once("```sh\n").expect("a script");
    after.split_once("```").expect("its end").0
}

#[test]
fn the_script_of_the_readme_goes_on_where_it_was_killed() {
    let sandbox = Sandbox::empty("sqlite://checkpoints.db");
    assert!(script().lines().count() <= 5, "five lines");
    let rows = || std::fs::read_to_string(sandbox.file("imported.txt")).unwrap_or_default();
    for least in [3, 8] {
        let mut run = sandbox.command("sh");
        let mut run = run
            .args(["-c", script()])
            .stdout(Stdio::null())
            .spawn()
            .expect("started");
        let begun = Instant::now();
        while rows().lines().count() < least && begun.elapsed() < Duration::from_secs(60) {
            std::thread::yield_now();
        }
        run.kill().expect("killed");
        run.wait().expect("over");
    }
    // What the shell had started may still be saving; a save that is under way is over soon.
    let settled = Instant::now();
    while settled.elapsed() < Duration::from_secs(1) {
        std::thread::yield_now();
    }
    sandbox.sh(script()).good();
    let rows = rows();
    let numbers: Vec<u32> = rows
        .lines()
        .map(|row| row.trim_start_matches("row ").parse().expect("a number"))
        .collect();
    // A row may be there twice where the script was killed between the work and the save; none is left out.
    let mut once = numbers.clone();
    once.dedup();
    assert_eq!(once, (1..=100).collect::<Vec<_>>());
    assert!(numbers.len() <= once.len() + 2, "{numbers:?}");
}
