//! The program beside others: pipes, locks, signals, a caller that keeps it open.

mod support;

use std::io::{BufRead, BufReader, Read, Write};

use serde_json::Value;
use support::{STORES, Sandbox};

#[test]
fn a_locked_store_is_told_by_whom() {
    let sandbox = Sandbox::new("redb://store.redb");
    let mut holder = sandbox.start(&["save", "--lines", "s"]);
    let mut input = holder.stdin.take().expect("a pipe");
    let mut answers = BufReader::new(holder.stdout.take().expect("a pipe"));
    writeln!(input, "1").expect("written");
    let mut answer = String::new();
    answers.read_line(&mut answer).expect("answered");
    let told = sandbox.run(&["list"]).bad(11);
    if cfg!(target_os = "linux") {
        assert!(told.contains(&format!("process {}", holder.id())), "{told}");
    }
    drop(input);
    assert!(holder.wait().expect("over").success());
    sandbox.run(&["list"]).good();
}

#[test]
fn each_line_is_answered_in_order_once_it_is_saved() {
    for store in STORES {
        let sandbox = Sandbox::new(store);
        let mut child = sandbox.start(&["save", "--lines", "s", "--tag", "t"]);
        let mut input = child.stdin.take().expect("a pipe");
        let mut answers = BufReader::new(child.stdout.take().expect("a pipe"));
        for n in 1..=20 {
            // The next line is written when the answer was read: nothing waits for more.
            writeln!(input, "{{\"n\": {n}}}").expect("written");
            let mut answer = String::new();
            answers.read_line(&mut answer).expect("answered");
            let answer: Value = serde_json::from_str(&answer).expect("JSON");
            assert_eq!(answer["sequence"], n);
            assert_eq!(answer["durability"], "disk");
        }
        writeln!(input, "no JSON\n\n21").expect("written");
        drop(input);
        let mut rest = String::new();
        answers.read_to_string(&mut rest).expect("read");
        let rest: Vec<Value> = rest
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_eq!(rest.len(), 3);
        assert_eq!(rest[0]["error"]["kind"], "failed");
        assert_eq!(rest[1]["error"]["code"], 1);
        assert_eq!(rest[2]["sequence"], 21);
        assert_eq!(child.wait().expect("over").code(), Some(1));
        assert_eq!(sandbox.run(&["restore", "s@latest"]).good(), "21");
    }
}

#[test]
fn a_pipe_that_is_closed_early_is_silent() {
    let sandbox = Sandbox::new("sqlite://store.db");
    let states: String = (0..3_000).map(|n| format!("{n}\n")).collect();
    sandbox
        .run_with(&["save", "--lines", "s"], states.as_bytes())
        .good();
    for verb in [
        "list --all",
        "log --all",
        "list --all -o json",
        "log --graph --all",
        "completions bash",
        "man",
        "--help",
    ] {
        let answer = sandbox.sh(&format!("checkpoint {verb} | head -n 1"));
        assert_eq!((answer.code, answer.err.as_str()), (0, ""), "{verb}");
    }
    let closed = sandbox.sh("checkpoint list --all >&-");
    assert_ne!(closed.code, 101);
    // Whoever saves and reads no answers is told: states that were not saved are no success.
    let mut child = sandbox.start(&["save", "--lines", "s"]);
    drop(child.stdout.take());
    let mut input = child.stdin.take().expect("a pipe");
    let _ = writeln!(input, "1");
    drop(input);
    let output = child.wait_with_output().expect("over");
    assert_eq!(output.status.code(), Some(1));
}

#[cfg(unix)]
#[test]
fn who_interrupts_is_told_what_was_done() {
    let sandbox = Sandbox::new("sqlite://store.db");
    let mut child = sandbox.start(&["save", "--lines", "s"]);
    let mut input = child.stdin.take().expect("a pipe");
    let mut answers = BufReader::new(child.stdout.take().expect("a pipe"));
    writeln!(input, "1").expect("written");
    let mut answer = String::new();
    answers.read_line(&mut answer).expect("answered");
    sandbox.sh(&format!("kill -INT {}", child.id())).good();
    let mut told = String::new();
    child
        .stderr
        .take()
        .expect("a pipe")
        .read_to_string(&mut told)
        .expect("read");
    assert_eq!(child.wait().expect("over").code(), Some(130));
    let said = "error: interrupted; done so far: saved: 1 states\n";
    assert!(told.starts_with(said), "{told}");
    drop(input);
    assert_eq!(sandbox.run(&["restore", "s@latest"]).good(), "1");
}
