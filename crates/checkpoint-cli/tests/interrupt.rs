//! Who ends the program at any moment finds everything whole.

#![cfg(unix)]

mod support;

use std::io::Read;
use std::process::Child;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use support::Sandbox;

/// How long it may take, on a machine that is busy.
const LONGEST: Duration = Duration::from_secs(20);

/// A store in which work takes long enough to be interrupted.
fn large() -> Sandbox {
    let sandbox = Sandbox::new("sqlite://store.db?durability=os");
    let state = |n: u32| {
        format!(
            "{{\"n\": {n}, \"text\": {:?}}}\n",
            format!("{n} ").repeat(400)
        )
    };
    let states: String = (0..3_000).map(state).collect();
    sandbox.write("states", &states);
    sandbox
        .sh("checkpoint save --lines s <states >answers")
        .good();
    sandbox
}

/// Sends a signal, after so many milliseconds.
fn signal(child: &Child, name: &str, after: u32, sandbox: &Sandbox) {
    // It may be over already.
    let line = format!("sleep 0.{after:03}; kill -{name} {} 2>&1", child.id());
    sandbox.sh(&line);
}

/// The signals that ask to end. Where the tests run below `nohup` a closed terminal ends nothing.
fn signals() -> Vec<&'static str> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let mut signals = vec!["INT", "TERM"];
    if ignored.is_some_and(|mask| mask & 1 == 0) {
        signals.push("HUP");
    }
    signals
}

/// What lies in the directory, but for what stands beside an open database.
fn names(sandbox: &Sandbox) -> Vec<String> {
    let entries = std::fs::read_dir(sandbox.path()).expect("listed");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let names = names.map(|name| name.into_string().expect("text"));
    let mut names: Vec<_> = names
        .filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm"))
        .collect();
    names.sort();
    names
}

#[test]
fn an_export_into_a_pipe_that_nobody_reads_ends_at_once() {
    let sandbox = large();
    for name in signals() {
        let mut child = sandbox.start(&["export", "--format", "lines", "-"]);
        // It is in the midst of it, and waits for somebody to read: there is more than a pipe holds.
        let mut begun = vec![0; 1 << 20];
        let mut out = child.stdout.take().expect("a pipe");
        out.read_exact(&mut begun).expect("read");
        signal(&child, name, 300, &sandbox);
        let output = child.wait_with_output().expect("over");
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(130), "{name}: {told}");
        assert!(told.contains("done so far: exported: "), "{name}: {told}");
    }
}

/// It waits in a call of the system, and takes notice of nothing.
#[test]
fn who_waits_for_a_reader_ends_soon_after_it_is_asked_to() {
    let sandbox = large();
    let verbs: &[&[&str]] = &[
        &["list", "--all", "-o", "jsonl"],
        // More than a pipe holds, and what is left is written when all else is done.
        &["list", "--limit", "300", "-o", "jsonl"],
        &["watch", "--after", "0.0", "-o", "jsonl"],
    ];
    for verb in verbs {
        let (tell, told) = mpsc::channel();
        for name in signals() {
            let mut child = sandbox.start(verb);
            signal(&child, name, 900, &sandbox);
            let tell = tell.clone();
            thread::spawn(move || tell.send((name, child.wait().map(|status| status.code()))));
        }
        for _ in signals() {
            let over = told.recv_timeout(LONGEST);
            let (name, code) = over.unwrap_or_else(|_| panic!("{verb:?} goes on"));
            assert_eq!(code.expect("over"), Some(130), "{verb:?} {name}");
        }
    }
}

#[test]
fn files_are_whole_or_not_there_whenever_it_ends() {
    let sandbox = large();
    let before = names(&sandbox);
    let verbs: &[(&[&str], &str)] = &[
        (&["export", "made"], "made"),
        (&["backup", "made"], "made"),
        (&["verify", "--make-witness", "made"], "made"),
        (&["verify"], ""),
        (
            &["restore", "s@latest", "-O", "made", "--no-record"],
            "made",
        ),
    ];
    for (verb, made) in verbs {
        for (n, name) in signals().iter().enumerate() {
            let child = sandbox.start(verb);
            signal(&child, name, 20 << n, &sandbox);
            let output = child.wait_with_output().expect("over");
            let mut after = names(&sandbox);
            // One that has not yet begun to listen is ended by the system.
            if output.status.code() == Some(0) && !made.is_empty() {
                after.retain(|name| name != made);
                std::fs::remove_file(sandbox.file(made)).expect("removed");
            } else if output.status.code() != Some(0) {
                let told = String::from_utf8_lossy(&output.stderr);
                assert!(
                    matches!(output.status.code(), None | Some(130)),
                    "{verb:?}: {told}"
                );
            }
            assert_eq!(after, before, "{verb:?} {name}");
        }
        sandbox.run(verb).good();
        if !made.is_empty() {
            std::fs::remove_file(sandbox.file(made)).expect("removed");
        }
    }
    sandbox.run(&["verify"]).good();
}

#[test]
fn what_is_copied_goes_on_where_it_was_ended() {
    let sandbox = large();
    let to = "sqlite://copy.db?durability=os";
    let copy = ["copy", "sqlite://store.db", to];
    for (n, name) in signals().iter().enumerate() {
        let child = sandbox.start(&copy);
        signal(&child, name, 20 << n, &sandbox);
        child.wait_with_output().expect("over");
        if sandbox.file("copy.db").exists() {
            sandbox.run(&["verify", "-s", "sqlite://copy.db"]).good();
        }
    }
    sandbox.run(&copy).good();
    let count = |store| sandbox.json(&["stats", "-s", store])["checkpoints"].clone();
    assert_eq!(count("sqlite://copy.db"), count("sqlite://store.db"));
    sandbox.run(&["verify", "-s", "sqlite://copy.db"]).good();
}
