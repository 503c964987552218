//! The program in a terminal: how wide it writes, that nothing stored moves its cursor, and what is drawn meanwhile.

#![cfg(unix)]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use support::terminal::{Terminal, unpainted};
use support::{PROGRAM, Sandbox};
use unicode_width::UnicodeWidthStr;

/// What somebody might write to do harm: colours, a title, an old control, text turned around.
const HARM: &str = "\u{1b}[31mred\u{1b}]0;title\u{7} \u{9b}31m \u{202e}der \u{7f}";

/// A store with what is long, wide or harmful in it.
fn hostile() -> Sandbox {
    let sandbox = Sandbox::furnished("sqlite://store.db");
    let long = "the plan is good and all of us agree upon it ".repeat(9);
    let name = "a-name-of-a-session/".repeat(8);
    let tag = "計画".repeat(9);
    let state = format!("{{\"said\": {:?}, \"{HARM_JSON}\": 1}}", "good");
    let save = |args: &[&str]| sandbox.run_with(args, state.as_bytes()).good();
    save(&[
        "save",
        "nightly",
        "-m",
        HARM,
        "--title",
        HARM,
        "--metadata",
        &format!("k{HARM}={HARM}"),
    ]);
    save(&[
        "save",
        "計画合意セッション計画合意セッション",
        "-m",
        &long,
        "--tag",
        &tag,
    ]);
    save(&[
        "save",
        &name,
        "-m",
        &format!("{long}\n{HARM}\n\n計画、{long}"),
    ]);
    sandbox
        .run(&["annotate", "@1", HARM, "--author", HARM])
        .good();
    sandbox.run(&["annotate", "@1", &long]).good();
    for n in 0..20 {
        let branch = format!("branch-{n}");
        sandbox.run(&["fork", "@2", &branch]).good();
        sandbox
            .run_with(&["save", &branch, "-m", &long], b"1")
            .good();
    }
    let named = [
        "sessions",
        "nightly",
        "--name",
        HARM,
        "--metadata",
        "owner=ann",
    ];
    sandbox.run(&named).good();
    sandbox
}

/// The same in a state, where JSON allows it as it is.
const HARM_JSON: &str = "\u{9b}31m \u{202e}der \u{7f}";

fn command(sandbox: &Sandbox, args: &[&str]) -> Command {
    let mut command = sandbox.command(PROGRAM);
    command.args(args);
    command
}

/// What a person sees of a command that succeeds.
#[track_caller]
fn seen(sandbox: &Sandbox, args: &[&str], columns: u16) -> String {
    let (code, seen) = Terminal::start(command(sandbox, args), columns).end();
    assert_eq!(code, Some(0), "{args:?}: {seen}");
    unpainted(&seen)
}

#[test]
fn lines_are_no_longer_than_the_terminal_is_wide() {
    let sandbox = hostile();
    let verbs: &[&[&str]] = &[
        &["list"],
        &["log", "--graph"],
        &["log", "nightly"],
        &["show", "@1"],
        &["sessions"],
        &["stats"],
        &["verify"],
        &["doctor"],
        &["config"],
        &["annotate", "@1"],
        &[
            "keys",
            "list",
            "-s",
            "sqlite://vault.db",
            "--key-file",
            "vault.key",
        ],
        &["save", "--help"],
    ];
    for columns in [80, 200] {
        for verb in verbs {
            let seen = seen(&sandbox, verb, columns);
            for line in seen.lines() {
                assert!(
                    line.width() <= columns.into(),
                    "{columns}: {verb:?}: {line}"
                );
            }
        }
    }
    // What cannot be narrower is left out, or at the cost of others.
    for verb in [
        &["list"][..],
        &["log", "--graph"],
        &["sessions"],
        &["doctor"],
    ] {
        for line in seen(&sandbox, verb, 40).lines() {
            assert!(line.width() <= 40, "{verb:?}: {line}");
        }
    }
}

#[test]
fn what_is_stored_moves_no_cursor() {
    let sandbox = hostile();
    let verbs: &[&[&str]] = &[
        &["list"],
        &["list", "-o", "json"],
        &["list", "-o", "jsonl"],
        &["log"],
        &["log", "--graph"],
        &["show", "nightly@latest", "--state"],
        &["show", "nightly@latest", "--state", "-o", "json"],
        &["sessions"],
        &["sessions", "-o", "json"],
        &["annotate", "@1"],
        &["annotate", "@1", "-o", "json"],
        &["diff", "@1", "nightly@latest"],
        &["diff", "@1", "nightly@latest", "--json-patch"],
    ];
    for verb in verbs {
        let (code, seen) = Terminal::start(command(&sandbox, verb), 80).end();
        assert_eq!(code, Some(0), "{verb:?}: {seen}");
        let text = unpainted(&seen);
        let harmful = |c: char| c == '\u{202e}' || c.is_control() && c != '\n';
        assert!(!text.contains(harmful), "{verb:?}: {text:?}");
    }
    // A state is given as it is, or not at all.
    for verb in [
        &["restore", "nightly@latest"][..],
        &["export", "--format", "lines", "-"],
    ] {
        let (code, seen) = Terminal::start(command(&sandbox, verb), 80).end();
        assert_eq!(code, Some(2), "{verb:?}: {seen}");
        assert!(seen.contains("this is a terminal"), "{seen}");
    }
    let state = sandbox.run(&["restore", "nightly@latest"]).good();
    assert!(state.contains(HARM_JSON), "a pipe gets it as it is");
}

#[test]
fn a_bar_is_drawn_beside_answers_that_go_elsewhere_and_taken_away() {
    let sandbox = Sandbox::new("sqlite://store.db");
    let saving = command(&sandbox, &["save", "--lines", "s"]);
    let (from, to) = (Some(Stdio::piped()), Some(Stdio::piped()));
    let mut terminal = Terminal::start_between(saving, 80, from, to);
    let mut input = terminal.child.stdin.take().expect("a pipe");
    let mut answers = BufReader::new(terminal.child.stdout.take().expect("a pipe"));
    for line in ["1", "no JSON"] {
        writeln!(input, "{line}").expect("written");
        answers.read_line(&mut String::new()).expect("answered");
    }
    // Also while nothing is saved it is said how far it is.
    terminal.until("1 states (");
    drop(input);
    let (code, seen) = terminal.end();
    assert_eq!(code, Some(1), "{seen}");
    assert!(seen.contains("saved"), "{seen:?}");
    // What is said last stands on lines of its own.
    let after = seen
        .rsplit("\u{1b}[2K")
        .next()
        .expect("the bar was taken away");
    assert!(
        after.starts_with("states that were saved: 1\n"),
        "{after:?}"
    );
    assert!(after.contains("lines that were not saved: 1"), "{after:?}");
}

#[test]
fn nothing_is_drawn_between_answers_on_the_terminal() {
    let sandbox = Sandbox::new("sqlite://store.db");
    let saving = command(&sandbox, &["save", "--lines", "s"]);
    let mut terminal = Terminal::start_between(saving, 80, Some(Stdio::piped()), None);
    let mut input = terminal.child.stdin.take().expect("a pipe");
    writeln!(input, "1").expect("written");
    terminal.until("}");
    terminal.look(Duration::from_millis(700));
    drop(input);
    let (code, seen) = terminal.end();
    assert_eq!(code, Some(0), "{seen}");
    assert!(
        seen.starts_with("{\"id\"") && !seen.contains('\u{1b}'),
        "{seen:?}"
    );
}

#[test]
fn colours_are_for_terminals_unless_somebody_says_otherwise() {
    let sandbox = Sandbox::furnished("sqlite://store.db");
    let verbs = [
        &["list"][..],
        &["log", "--graph"],
        &["verify"],
        &["sessions"],
        &["--help"],
    ];
    for verb in verbs {
        let piped = sandbox.run(verb).good();
        assert!(!piped.contains('\u{1b}'), "{verb:?}: {piped:?}");
        let mut plain = command(&sandbox, verb);
        plain.env("NO_COLOR", "1");
        let (_, seen) = Terminal::start(plain, 80).end();
        assert!(!seen.contains('\u{1b}'), "{verb:?}: {seen:?}");
    }
    for verb in [
        &["list"][..],
        &["log", "--graph"],
        &["sessions"],
        &["--help"],
    ] {
        let (_, seen) = Terminal::start(command(&sandbox, verb), 80).end();
        assert!(seen.contains("\u{1b}["), "{verb:?}: {seen:?}");
        let args: Vec<_> = [verb, &["--color", "always"]].concat();
        let piped = sandbox.run(&args).good();
        assert!(piped.contains("\u{1b}["), "{verb:?}: {piped:?}");
    }
}
