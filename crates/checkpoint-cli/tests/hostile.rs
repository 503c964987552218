//! What nobody means to do, and somebody does.

#![cfg(unix)]

mod support;

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::process::Command;

use serde_json::Value;
use support::{PROGRAM, STORES, Sandbox};

/// A store with a session of one checkpoint, which is damaged and set aside.
fn set_aside() -> Sandbox {
    let sandbox = Sandbox::new("sqlite://store.db");
    let state = br#"{"step": 3, "rows": [1, 2, 3]}"#;
    sandbox.run_with(&["save", "s"], state).good();
    sandbox.damage("store.db", state);
    sandbox.run(&["verify", "--quarantine"]).bad(1);
    sandbox
}

#[test]
fn a_session_of_which_all_is_set_aside_is_not_one_that_begins() {
    let sandbox = set_aside();
    for verb in [
        &["restore", "s@latest"][..],
        &["restore", "s@latest", "--default", "0"],
        &["show", "s@2999-01-01"],
        &["run", "s", "--", "true"],
        &["run", "s", "--watch", "n.json", "--", "true"],
    ] {
        let told = sandbox.run(verb).bad(1);
        assert!(told.contains("set aside"), "{verb:?}: {told}");
    }
    sandbox.run(&["show", "s@2001-01-01"]).bad(13);
    sandbox.run_with(&["save", "s"], b"7").good();
    assert_eq!(sandbox.run(&["restore", "s@latest"]).good(), "7");
}

#[test]
fn a_start_that_several_ids_have_gives_no_default() {
    let sandbox = Sandbox::furnished("sqlite://store.db");
    let id = sandbox.json(&["show", "@1"])["id"].to_string();
    let told = sandbox.run(&["restore", &id[1..5]]).bad(13);
    assert!(told.contains("several checkpoints begin with"), "{told}");
    let told = sandbox
        .run(&["restore", &id[1..5], "--default", "0"])
        .bad(2);
    assert!(told.contains("SESSION@latest"), "{told}");
    assert_eq!(
        sandbox
            .run(&["restore", "t@latest", "--default", "-1"])
            .good(),
        "-1"
    );
}

#[test]
fn what_is_no_plain_file_is_written_to_and_not_replaced() {
    let sandbox = Sandbox::furnished("sqlite://store.db");
    let state = sandbox.run(&["restore", "@1"]).good();
    let pipe = sandbox.sh(
        "mkfifo pipe; timeout 20 cat pipe > got & timeout 20 checkpoint restore @1 -O pipe && wait",
    );
    pipe.good();
    assert_eq!(sandbox.read("got"), state);
    let kind = std::fs::metadata(sandbox.file("pipe")).expect("there");
    assert!(kind.file_type().is_fifo(), "{kind:?}");
    assert_eq!(sandbox.run(&["restore", "@1", "-O", "-"]).good(), state);
    let piped = sandbox.sh("checkpoint restore @1 -O /dev/stdout | cat");
    assert_eq!(piped.good(), state);
    sandbox.run(&["export", "pipe", "--overwrite"]).bad(1);
    let kind = std::fs::metadata(sandbox.file("pipe")).expect("there");
    assert!(kind.file_type().is_fifo(), "{kind:?}");
    assert!(!sandbox.file("-").exists());
}

#[test]
fn a_link_stays_one_and_leads_to_the_state() {
    let sandbox = Sandbox::furnished("sqlite://store.db");
    let state = sandbox.run(&["restore", "@1"]).good();
    sandbox.write("there", "old");
    for (link, to) in [("to-there", "there"), ("to-nowhere", "nowhere")] {
        symlink(to, sandbox.file(link)).expect("linked");
        sandbox.run(&["restore", "@1", "-O", link]).good();
        assert_eq!(sandbox.read(to), state);
        assert!(sandbox.file(link).is_symlink(), "{link}");
    }
    symlink("loop", sandbox.file("loop")).expect("linked");
    sandbox.run(&["restore", "@1", "-O", "loop"]).bad(1);
}

#[test]
fn a_new_file_is_for_whom_the_user_says() {
    let sandbox = Sandbox::furnished("sqlite://store.db");
    let mode = |name: &str| {
        let there = std::fs::metadata(sandbox.file(name)).expect(name);
        there.permissions().mode() & 0o777
    };
    sandbox
        .sh("umask 022; checkpoint restore @1 -O open")
        .good();
    sandbox
        .sh("umask 077; checkpoint restore @1 -O close")
        .good();
    sandbox
        .sh("umask 022; mkdir pages; checkpoint man --to pages")
        .good();
    assert_eq!((mode("open"), mode("close")), (0o644, 0o600));
    assert_eq!(mode("pages/checkpoint.1"), 0o644);
    assert!(sandbox.file("pages/checkpoint-keys-rewrap.1").exists());
    let before = std::fs::metadata(sandbox.file("open"))
        .expect("there")
        .uid();
    sandbox
        .sh("chmod 640 open; checkpoint restore @2 -O open")
        .good();
    let after = std::fs::metadata(sandbox.file("open")).expect("there");
    assert_eq!((mode("open"), after.uid()), (0o640, before));
}

#[test]
fn keys_that_are_named_go_on_to_open_the_store() {
    let sandbox = Sandbox::empty("sqlite://v.db");
    let keys = |key: &str, more: &[&str]| {
        let args: Vec<_> = ["keys", more[0], "--key-file", key]
            .iter()
            .chain(&more[1..])
            .copied()
            .collect();
        sandbox.run(&args)
    };
    let opens = |key: &str| sandbox.run(&["list", "--key-file", key]).code == 0;
    sandbox
        .run(&["init", "--key-file", "a", "--new-key"])
        .good();
    keys("a", &["rewrap", "--new-key-file", "b", "--make", "--keep"]).good();
    let more = [
        "rewrap",
        "--new-key-file",
        "c",
        "--make",
        "--also-key-file",
        "b",
    ];
    keys("a", &more).good();
    assert_eq!((opens("a"), opens("b"), opens("c")), (false, true, true));

    // One that is named twice does not stand for another.
    let told = keys("c", &["rotate", "--also-key-file", "c"]).bad(1);
    assert!(told.contains("twice"), "{told}");
    assert!(opens("b") && opens("c"));
}

#[test]
fn a_key_that_is_not_there_is_not_taken_for_the_store() {
    let sandbox = Sandbox::furnished("sqlite://store.db");
    for flag in ["--from-key-file", "--to-key-file"] {
        let told = sandbox
            .run(&[
                "copy",
                "sqlite://store.db",
                "sqlite://other.db",
                flag,
                "no-key",
            ])
            .bad(13);
        assert!(told.contains("no-key") && told.contains(flag), "{told}");
        assert!(!told.contains("--store"), "{told}");
    }
    let told = sandbox.run(&["list", "-s", "sqlite://vault.db"]).bad(12);
    assert!(told.contains("--key-file"), "{told}");
}

#[test]
fn nothing_is_made_where_it_would_be_gone_at_once() {
    let sandbox = Sandbox::furnished("sqlite://store.db");
    sandbox.run(&["export", "all.archive"]).good();
    for verb in [
        &["init", "-s", "memory:"][..],
        &["init", "-s", "sqlite::memory:"],
        &["copy", "sqlite://store.db", "memory:"],
        &["import", "all.archive", "-s", "memory:"],
    ] {
        let told = sandbox.run(verb).bad(2);
        assert!(told.contains("gone with its program"), "{verb:?}: {told}");
    }
    let told = sandbox
        .run(&["init", "-s", "sqlite://no/such/a.db"])
        .bad(10);
    assert!(told.contains("make the directory"), "{told}");
}

#[test]
fn a_file_that_is_as_it_was_saved_is_not_told_as_unsaved() {
    let sandbox = Sandbox::new("sqlite://store.db");
    let line = "echo 1 > n.json; sleep 0.3; echo { > n.json; sleep 0.3; echo 1 > n.json; sleep 0.3";
    let args = [
        "run", "s", "--watch", "n.json", "--every", "10ms", "--", "sh", "-c", line,
    ];
    let answer = sandbox.run(&args);
    assert!(answer.err.contains("n.json is no JSON"), "{answer:?}");
    assert_eq!(answer.code, 0, "{answer:?}");
    assert_eq!(sandbox.run(&["restore", "s@latest"]).good(), "1\n");
}

#[test]
fn a_signal_that_ends_nothing_ends_no_wait() {
    let sandbox = Sandbox::new("sqlite://store.db");
    let args = [
        "run",
        "s",
        "--restart",
        "1",
        "--backoff",
        "2s",
        "--",
        "sh",
        "-c",
        "echo x >> tries; exit 3",
    ];
    let mut run = sandbox.start(&args);
    let mut told = BufReader::new(run.stderr.take().expect("a pipe")).lines();
    let waits = told.next().expect("a line").expect("text");
    assert!(waits.contains("starts again"), "{waits}");
    let id = run.id().to_string();
    let sent = Command::new("kill").args(["-USR1", &id]).status();
    assert!(sent.expect("kill").success());
    assert_eq!(run.wait_with_output().expect("over").status.code(), Some(3));
    assert_eq!(sandbox.read("tries").lines().count(), 2);
}

#[test]
fn every_change_is_answered_to_programs() {
    for store in STORES {
        let sandbox = Sandbox::furnished(store);
        let pinned = sandbox.json(&["pin", "@1", "@2"]);
        assert_eq!(pinned[1]["sequence"], 2, "{pinned}");
        assert_eq!(pinned[1]["pinned"], true, "{pinned}");
        let notes = sandbox.json(&["annotate", "@1", "a note"]);
        assert_eq!(notes[0]["note"], "a note", "{notes}");
        assert_eq!(sandbox.run(&["pin", "@1"]).good(), "");
        assert_eq!(sandbox.run(&["annotate", "@1", "more"]).good(), "");
        let deleted = sandbox.json(&["delete", "@1", "@1", "--yes"]);
        let deleted = deleted["checkpoints"].as_array().map(Vec::len);
        assert_eq!(deleted, Some(1));
    }
}

#[test]
fn a_position_that_never_was_is_told() {
    for store in STORES {
        let sandbox = Sandbox::furnished(store);
        for position in ["1000", "18446744073709551615.18446744073709551615"] {
            let args = ["watch", "--after", position, "--no-follow"];
            let told = sandbox.run(&args).bad(14);
            assert!(told.contains("newest change"), "{told}");
        }
        let changes = sandbox.run(&["watch", "--after", "start", "--no-follow", "-o", "jsonl"]);
        let last = changes.good().lines().last().map(str::to_owned);
        let last: Value = serde_json::from_str(&last.expect("a change")).expect("JSON");
        let last = last["position"].as_str().expect("a position");
        let rest = sandbox.run(&["watch", "--after", last, "--no-follow"]);
        assert_eq!(rest.good(), "");
    }
}

#[test]
fn nothing_is_said_of_what_was_not_asked_for() {
    let sandbox = Sandbox::furnished("sqlite://store.db");
    let none = sandbox.run(&["list", "--limit", "0"]);
    assert!(!none.err.contains("there is none"), "{none:?}");
    sandbox.run(&["verify", "--newest", "0"]).bad(2);
}

#[test]
fn states_that_are_compared_in_part_are_told_so() {
    let sandbox = Sandbox::new("sqlite://store.db");
    for state in ["12345678901234567890123", "12345678901234567890124"] {
        sandbox.run_with(&["save", "s"], state.as_bytes()).good();
    }
    let same = sandbox.run(&["diff", "@1", "@2"]);
    assert!(same.err.contains("the bytes differ"), "{same:?}");
    let same = sandbox.run(&["diff", "@1", "@1"]);
    assert_eq!((same.code, same.err.as_str()), (0, ""));
    sandbox.run_with(&["save", "s", "--raw"], b"\0").good();
    let told = sandbox.run(&["diff", "@1", "@3", "--stat"]).bad(1);
    assert!(told.contains("checkpoint restore"), "{told}");
}

#[test]
fn a_message_may_begin_as_it_likes() {
    let sandbox = Sandbox::new("sqlite://store.db");
    sandbox
        .run_with(&["save", "s", "-m", "-x is gone"], b"1")
        .good();
    assert_eq!(sandbox.json(&["show", "@1"])["message"], "-x is gone");
}

#[test]
fn help_that_cannot_be_written_is_told() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let Ok(full) = full else { return };
    let sandbox = Sandbox::empty("sqlite://store.db");
    for flag in ["--help", "--version"] {
        let mut command = sandbox.command(PROGRAM);
        let command = command
            .arg(flag)
            .stdout(full.try_clone().expect("a handle"));
        let output = command.output().expect("run");
        assert_eq!(output.status.code(), Some(1), "{flag}");
    }
}

#[test]
fn where_nothing_can_be_written_it_is_said_what_helps() {
    let sandbox = Sandbox::furnished("sqlite://store.db");
    let told = sandbox.run(&["export", "no/such/file"]).bad(13);
    assert!(told.contains("no/such"), "{told}");
    // Root is refused nothing.
    let mode = |mode| PermissionsExt::from_mode(mode);
    std::fs::set_permissions(sandbox.file("store.db"), mode(0o444)).expect("set");
    std::fs::set_permissions(sandbox.path(), mode(0o555)).expect("set");
    let restored = sandbox.run(&["restore", "@1"]);
    std::fs::set_permissions(sandbox.path(), mode(0o755)).expect("set");
    if restored.code != 0 {
        let told = restored.bad(12);
        assert!(told.contains("--no-record"), "{told}");
        assert!(!told.contains("--key-file"), "{told}");
    }
}

#[test]
fn a_watch_that_nobody_reads_ends() {
    let sandbox = Sandbox::furnished("sqlite://store.db");
    let line = "{ timeout 20 checkpoint watch --after start; echo $? > code; } | head -n 1";
    assert_eq!(sandbox.sh(line).good().lines().count(), 1);
    assert_eq!(sandbox.read("code"), "0\n");
}

#[test]
fn a_damaged_file_is_not_taken_for_a_damaged_store() {
    let sandbox = Sandbox::furnished("sqlite://store.db");
    sandbox.run(&["export", "all.archive"]).good();
    let mut bytes = std::fs::read(sandbox.file("all.archive")).expect("read");
    bytes.truncate(bytes.len() / 2);
    std::fs::write(sandbox.file("half.archive"), bytes).expect("written");
    let told = sandbox.run(&["import", "half.archive", "-s", "sqlite://new.db"]);
    let told = told.bad(1);
    assert!(told.contains("import --check"), "{told}");
    assert!(!told.contains("checkpoint verify"), "{told}");
}
