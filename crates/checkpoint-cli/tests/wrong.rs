//! Command lines that make no sense: each is refused as wrong usage, says why, and does nothing.

mod support;

use support::Sandbox;

/// What every verb takes, wrongly; each is tried with every verb.
const EVERYWHERE: &[&str] = &[
    "--no-such-flag",
    "--store",
    "-s",
    "--output xml",
    "--output",
    "-o JSON",
    "--color sometimes",
    "--color",
    "--key-file",
    "--config",
    "--config no-such-file.toml",
    "--quiet=yes",
    "-Z",
    "-s agent.db",
    "-s nosuch://a",
];

/// Verbs as they are rightly used.
const RIGHT: &[&str] = &[
    "init",
    "save s",
    "list",
    "log",
    "show @1",
    "restore @1",
    "diff @1 @2",
    "fork @1 t",
    "tag @1 x",
    "annotate @1 x",
    "pin @1",
    "delete @1 --yes",
    "sessions",
    "claim s",
];

/// Each verb, wrongly.
const WRONG: &[&str] = &[
    "",
    "nosuch",
    "lst",
    "--version=1",
    "init extra",
    "init --new-key",
    "init --if-missing=1",
    "save",
    "save ''",
    "save s a b",
    "save s --tag",
    "save s --tag ''",
    "save s --status done",
    "save s --status",
    "save s --step x",
    "save s --step -1",
    "save s --step 1.5",
    "save s --step 99999999999999999999",
    "save s --total x",
    "save s --worker ''",
    "save s --trigger whim",
    "save s --metadata k",
    "save s --metadata =v",
    "save s --parent ''",
    "save s --parent @latest",
    "save s --expect-head ''",
    "save s --epoch x",
    "save s --epoch -1",
    "save s --id ''",
    "save s --content-type text/plain",
    "save s --lines --raw",
    "save s --lines --id a",
    "save s --lines --expect-head none",
    "save s file --lines",
    "save s -m a -m b",
    "save s --pin=1",
    "list a b",
    "list --limit x",
    "list --limit -1",
    "list -n",
    "list --all --limit 3",
    "list --status done",
    "list --trigger whim",
    "list --tag ''",
    "list --all-tags ''",
    "list --worker ''",
    "list --since yesterday",
    "list --since -90",
    "list --since",
    "list --until 2026-13-01",
    "list --sequences 5..3",
    "list --sequences x",
    "list --sequences ''",
    "list --sequences 1..2..3",
    "list --after nonsense",
    "list --after ''",
    "list --pinned=yes",
    "list --graph",
    "log a b",
    "log --graph --oldest-first",
    "log --limit x",
    "log --since tomorrow",
    "show",
    "show ''",
    "show @latest",
    "show @1 @2",
    "show s@-90",
    "show s@latest~99999999",
    "show @99999999999999999999",
    "show @1 --state=yes",
    "restore",
    "restore ''",
    "restore @1 @2",
    "restore @1 -O",
    "restore @1 --section",
    "restore @1 --section a --default 0",
    "restore @1 --default",
    "restore s@-",
    "diff",
    "diff @1",
    "diff @1 @2 @3",
    "diff '' @1",
    "diff @1 ''",
    "diff @1 @2 --stat --json-patch",
    "diff @1 @2 --exit-code=1",
    "fork",
    "fork @1",
    "fork @1 ''",
    "fork @1 a b",
    "fork '' a",
    "tag",
    "tag ''",
    "tag @1 ''",
    "tag @1 --remove",
    "tag @1 --remove ''",
    "annotate",
    "annotate ''",
    "annotate @1 a b",
    "annotate @1 a --severity fatal",
    "annotate @1 a --severity",
    "annotate @1 a --author",
    "pin",
    "pin ''",
    "pin @1 ''",
    "pin --remove",
    "delete",
    "delete --yes",
    "delete ''",
    "delete @1 --session s",
    "delete --session",
    "delete @1",
    "delete --session s",
    "sessions a b",
    "sessions --name x",
    "sessions --metadata k=v",
    "sessions s --metadata k",
    "sessions s --name",
    "sessions --limit x",
    "sessions --all --limit 3",
    "sessions --after nonsense",
    "claim",
    "claim a b",
    "claim s --epoch 1",
    "config extra",
    "completions",
    "completions cmd.exe",
    "completions bash zsh",
    "man extra",
    "man --to",
];

#[test]
fn every_wrong_command_line_is_refused_and_does_nothing() {
    let sandbox = Sandbox::new("sqlite://store.db");
    sandbox.run_with(&["save", "s"], b"1").good();
    let before = sandbox.run(&["list", "-o", "json"]).good();
    let everywhere = RIGHT.iter().flat_map(|verb| {
        EVERYWHERE
            .iter()
            .map(move |wrong| format!("{verb} {wrong}"))
    });
    let wrong: Vec<_> = WRONG
        .iter()
        .map(|line| (*line).to_owned())
        .chain(everywhere)
        .collect();
    assert!(wrong.len() >= 300, "{}", wrong.len());
    for line in &wrong {
        let answer = sandbox.run(&words(line));
        assert_eq!(answer.code, 2, "{line}: {answer:?}");
        assert!(answer.out.is_empty(), "{line}: {answer:?}");
        assert!(!answer.err.trim().is_empty(), "{line} says why");
    }
    assert_eq!(sandbox.run(&["list", "-o", "json"]).good(), before);
    let left = std::fs::read_dir(sandbox.path()).expect("listed");
    let left = left.filter(|entry| {
        !entry
            .as_ref()
            .is_ok_and(|it| it.file_name().to_string_lossy().starts_with("store.db"))
    });
    assert_eq!(left.count(), 0, "nothing was made");
}

/// The words of a line; `''` is an empty one.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace()
        .map(|word| if word == "''" { "" } else { word })
        .collect()
}

#[test]
fn names_that_no_store_takes_are_wrong_usage() {
    let sandbox = Sandbox::new("sqlite://store.db");
    let long = "x".repeat(257);
    for args in [
        &["save", &long][..],
        &["save", "a\nb"],
        &["fork", "@1", &long],
        &["tag", "@1", "a\tb"],
        &["show", &long],
        &["claim", &long],
        &["list", &long],
    ] {
        sandbox.run(args).bad(2);
    }
}

#[test]
fn a_word_that_is_nearly_right_is_guessed() {
    let sandbox = Sandbox::new("sqlite://store.db");
    assert!(sandbox.run(&["lst"]).bad(2).contains("'list'"));
    assert!(
        sandbox
            .run(&["list", "--limt", "3"])
            .bad(2)
            .contains("'--limit'")
    );
    assert!(
        sandbox
            .run(&["list", "-s", "agent.db"])
            .bad(2)
            .contains("did you mean `sqlite://agent.db`?")
    );
    assert!(
        sandbox
            .run(&["list", "-s", "sqllite://a.db"])
            .bad(2)
            .contains("there is: memory:")
    );
}
