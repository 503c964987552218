//! What verbs answer, and how they end.

mod support;

use serde_json::{Value, json};
use support::{STORES, Sandbox};

#[test]
fn only_init_makes_a_store() {
    for store in STORES {
        let sandbox = Sandbox::empty(store);
        let verbs: &[&[&str]] = &[
            &["list"],
            &["log"],
            &["sessions"],
            &["show", "@1"],
            &["restore", "@1"],
            &["restore", "s@latest", "--default", "0"],
            &["diff", "@1", "@2"],
            &["fork", "@1", "x"],
            &["tag", "@1", "x"],
            &["annotate", "@1", "x"],
            &["pin", "@1"],
            &["delete", "@1", "--yes"],
            &["claim", "s"],
            &["save", "s", "-"],
        ];
        for verb in verbs {
            let told = sandbox.run_with(verb, b"1").bad(10);
            assert!(
                told.contains(&format!("checkpoint init --store {store}")),
                "{told}"
            );
        }
        let left = std::fs::read_dir(sandbox.path()).expect("listed").count();
        assert_eq!(left, 0, "{store}: nothing was made");
        sandbox.run(&["init"]).good();
        assert_eq!(sandbox.run(&["list", "-o", "json"]).good(), "[]\n");
        assert!(sandbox.run(&["init"]).bad(14).contains("already"));
        let again = sandbox.json(&["init", "--if-missing"]);
        assert_eq!(again["created"], false);
    }
}

#[test]
fn a_store_in_memory_is_no_store_for_the_next_command() {
    let sandbox = Sandbox::empty("memory:");
    sandbox.run(&["init"]).bad(2);
    assert!(
        sandbox
            .run(&["list"])
            .bad(10)
            .contains("gone with its program")
    );
}

#[test]
fn what_was_saved_is_restored_byte_by_byte() {
    let states: &[&[u8]] = &[
        b" {\"b\":1,\n\"a\": 1.0}\n",
        b"12345678901234567890123",
        b"null",
        b"\"\\u00e9\"",
    ];
    for store in STORES {
        let sandbox = Sandbox::new(store);
        for state in states {
            sandbox.run_with(&["save", "s"], state).good();
            let restored = sandbox.run(&["restore", "s@latest"]).good();
            assert_eq!(restored.as_bytes(), *state);
        }
        let bytes = [0, 159, 146, 150];
        let args = [
            "save",
            "s",
            "--raw",
            "--content-type",
            "application/x-bytes",
        ];
        sandbox.run_with(&args, &bytes).good();
        sandbox.run(&["restore", "s@latest", "-O", "out"]).good();
        assert_eq!(std::fs::read(sandbox.file("out")).expect("written"), bytes);
        assert_eq!(
            sandbox.json(&["show", "s@latest"])["content_type"],
            "application/x-bytes"
        );
    }
}

#[test]
fn a_large_state_comes_back_whole() {
    let sandbox = Sandbox::new("sqlite://store.db");
    let state = serde_json::to_vec(&(0..200_000).collect::<Vec<u32>>()).expect("JSON");
    sandbox.run_with(&["save", "s"], &state).good();
    assert_eq!(
        sandbox.run(&["restore", "s@latest"]).good().into_bytes(),
        state
    );
    let too_large = vec![b'1'; (10 << 20) + 1];
    let told = sandbox.run_with(&["save", "s"], &too_large).bad(1);
    assert!(told.contains("more than 10485760 bytes"), "{told}");
}

#[test]
fn everything_that_is_said_of_a_save_is_kept() {
    let sandbox = Sandbox::new("sqlite://store.db");
    let args = [
        "save",
        "s",
        "-m",
        "plan",
        "--tag",
        "b",
        "--tag",
        "a",
        "--status",
        "active",
        "--step",
        "3",
        "--total",
        "9",
        "--worker",
        "w",
        "--title",
        "t",
        "--trigger",
        "tool_call",
        "--metadata",
        "k=[1]",
        "--metadata",
        "l=x",
        "--pin",
        "--id",
        "the-id",
        "--parent",
        "none",
    ];
    assert_eq!(sandbox.run_with(&args, b"1").good(), "the-id\n");
    assert_eq!(
        sandbox.run_with(&args, b"1").good(),
        "the-id\n",
        "saved once"
    );
    assert_eq!(sandbox.run_with(&args, b"2").bad(14).lines().count(), 1);
    let found = sandbox.json(&["list"]);
    assert_eq!(found.as_array().map(Vec::len), Some(1));
    let expected = json!({
        "message": "plan", "tags": ["a", "b"], "status": "active", "step": 3, "worker": "w", "title": "t",
        "trigger": "tool_call", "pinned": true, "id": "the-id", "session": "s", "sequence": 1, "parent": null,
        "metadata": {"k": [1], "l": "x", "total_steps": 9}, "length": 1, "revision": 1,
    });
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(&found[0][name], value, "{name}");
    }
}

#[test]
fn references_find_what_they_say() {
    for store in STORES {
        let sandbox = Sandbox::furnished(store);
        let sequence = |reference: &str| sandbox.json(&["show", reference])["sequence"].as_u64();
        for (reference, expected) in [
            ("@2", 2),
            ("nightly@latest", 3),
            ("nightly@latest~2", 1),
            ("trial@latest", 4),
            ("trial@latest~1", 2),
            ("trial@latest~", 2),
            ("@4~2", 1),
            ("nightly@2099-01-01", 3),
        ] {
            assert_eq!(sequence(reference), Some(expected), "{store}: {reference}");
        }
        let id = sandbox.json(&["show", "@2"])["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        assert_eq!(sequence(&id), Some(2));
        // The last character alone makes a UUID unique for certain.
        assert_eq!(sequence(&id[..id.len() - 1]), Some(2));
        assert_eq!(sequence(&format!("{id}~1")), Some(1));
        let told = sandbox.run(&["show", &id[..4]]).bad(13);
        assert!(
            told.contains("several checkpoints begin with") && told.contains(&id),
            "{told}"
        );
        assert!(
            sandbox
                .run(&["show", "nightly@-1h"])
                .bad(13)
                .contains("had no checkpoint yet")
        );
        assert!(
            sandbox
                .run(&["show", "@99"])
                .bad(13)
                .contains("the sequence 99")
        );
        assert!(
            sandbox
                .run(&["show", "@1~1"])
                .bad(13)
                .contains("goes back too far")
        );
        assert!(
            sandbox
                .run(&["show", "nigthly@latest"])
                .bad(13)
                .contains("did you mean nightly?")
        );
    }
}

#[test]
fn ids_of_ones_own_are_found_whatever_they_look_like() {
    let sandbox = Sandbox::new("sqlite://store.db");
    for id in ["a", "run~2", "ann@host", "plain-id-1", "plain-id-2"] {
        sandbox.run_with(&["save", "s@1", "--id", id], b"1").good();
    }
    let id = |reference: &str| sandbox.json(&["show", reference])["id"].clone();
    assert_eq!(id("a"), "a");
    assert_eq!(id("run~2"), "run~2");
    assert_eq!(id("ann@host"), "ann@host");
    assert_eq!(id("s@1@latest"), "plain-id-2");
    assert_eq!(id("plain-id-2~"), "plain-id-1");
    // It says a session, and no id takes its place.
    sandbox
        .run_with(&["save", "s@1", "--id", "x@latest"], b"1")
        .bad(2);
    sandbox.run(&["show", "x@latest"]).bad(13);
    let told = sandbox.run(&["show", "plai"]).bad(13);
    assert!(
        told.contains("plain-id-1") && told.contains("plain-id-2"),
        "{told}"
    );
    assert!(
        sandbox
            .run(&["show", "pla"])
            .bad(13)
            .contains("4 or more characters")
    );
}

#[test]
fn lists_are_narrowed_and_gone_on_with() {
    for store in STORES {
        let sandbox = Sandbox::furnished(store);
        let sequences = |args: &[&str]| -> Vec<u64> {
            let args: Vec<_> = ["list"].iter().chain(args).copied().collect();
            let found = sandbox.json(&args);
            let found = found.as_array().expect("an array");
            found
                .iter()
                .map(|it| it["sequence"].as_u64().expect("a number"))
                .collect()
        };
        assert_eq!(sequences(&[]), [4, 3, 2, 1]);
        assert_eq!(sequences(&["nightly"]), [3, 2, 1]);
        assert_eq!(sequences(&["--tag", "good"]), [1]);
        assert_eq!(
            sequences(&["--tag", "good", "--all-tags", "bad"]),
            [0_u64; 0]
        );
        assert_eq!(sequences(&["--status", "active"]), [2]);
        assert_eq!(sequences(&["--worker", "w1"]), [3]);
        assert_eq!(sequences(&["--trigger", "branch_switch"]), [4]);
        assert_eq!(
            sequences(&["--sequences", "2..3", "--oldest-first"]),
            [2, 3]
        );
        assert_eq!(sequences(&["--since", "-1h"]), [4, 3, 2, 1]);
        assert_eq!(sequences(&["--until", "-1h"]), [0_u64; 0]);
        assert_eq!(sequences(&["--all"]), [4, 3, 2, 1]);
        assert_eq!(sequences(&["--limit", "0"]), [0_u64; 0]);
        let page = sandbox.run(&["list", "-n", "3", "-o", "jsonl"]);
        assert_eq!(page.out.lines().count(), 3);
        let (_, cursor) = page.err.split_once("--after ").expect("the rest");
        let cursor = cursor.split(',').next().expect("a cursor");
        assert_eq!(sequences(&["--after", cursor]), [1]);
    }
}

#[test]
fn output_for_programs_is_json_and_nothing_else() {
    let sandbox = Sandbox::furnished("sqlite://store.db");
    for verb in [
        &["list"][..],
        &["log"],
        &["sessions"],
        &["config"],
        &["annotate", "@1"],
    ] {
        assert!(sandbox.json(verb).is_array(), "{verb:?}");
        let args: Vec<_> = verb.iter().chain(&["-o", "jsonl"]).copied().collect();
        for line in sandbox.run(&args).good().lines() {
            let value: Value = serde_json::from_str(line).expect("JSON");
            assert!(value.is_object(), "{verb:?}");
        }
    }
    for verb in [
        &["show", "@1"][..],
        &["tag", "@1"],
        &["sessions", "trial"],
        &["claim", "trial"],
    ] {
        assert!(sandbox.json(verb).is_object(), "{verb:?}");
    }
    let patch = sandbox.json(&["diff", "@1", "@2", "--json-patch"]);
    assert_eq!(patch[0]["op"], "add");
    assert_eq!(sandbox.json(&["diff", "@1", "@2", "--stat"])["added"], 1);
}

#[test]
fn no_colour_and_no_foreign_escape_reaches_a_pipe() {
    let sandbox = Sandbox::furnished("sqlite://store.db");
    sandbox
        .run_with(
            &["save", "s", "-m", "\u{1b}[2Jgone", "--tag", "\u{202e}x"],
            b"1",
        )
        .good();
    for verb in [
        &["list"][..],
        &["log"],
        &["log", "--graph"],
        &["show", "s@latest"],
        &["diff", "@1", "@2"],
    ] {
        let plain = sandbox.run(verb).good();
        assert!(
            !plain.contains('\u{1b}') && !plain.contains('\u{202e}'),
            "{verb:?}: {plain:?}"
        );
        let painted: Vec<_> = verb.iter().chain(&["--color", "always"]).copied().collect();
        let painted = sandbox.run(&painted).good();
        assert!(painted.contains("\u{1b}["), "{verb:?}");
        assert!(!painted.contains("\u{1b}[2J"), "{verb:?}");
    }
}

#[test]
fn two_states_are_compared() {
    let sandbox = Sandbox::furnished("sqlite://store.db");
    let text = sandbox.run(&["diff", "@1", "@2"]).good();
    assert!(text.ends_with("+ /rows/1: 2\n~ /step: 1 → 2\n"), "{text}");
    assert_eq!(sandbox.run(&["diff", "@1", "@2", "--exit-code"]).code, 1);
    assert_eq!(sandbox.run(&["diff", "@1", "@1", "--exit-code"]).good(), "");
    for state in [b"\0one", b"\0two", b"\0two"] {
        sandbox.run_with(&["save", "raw", "--raw"], state).good();
    }
    let (one, two, same) = ("raw@latest~2", "raw@latest~1", "raw@latest");
    let text = sandbox.run(&["diff", one, two]).good();
    assert!(text.contains("from byte 1 on"), "{text}");
    assert_eq!(sandbox.run(&["diff", one, two, "--exit-code"]).code, 1);
    assert_eq!(sandbox.run(&["diff", two, same, "--exit-code"]).good(), "");
    assert_eq!(sandbox.json(&["diff", two, same])["bytes_differ"], false);
    sandbox.run(&["diff", one, two, "--json-patch"]).bad(1);
}

#[test]
fn what_is_changed_is_changed() {
    for store in STORES {
        let sandbox = Sandbox::furnished(store);
        assert_eq!(
            sandbox
                .run(&["tag", "@1", "b", "a", "--remove", "good"])
                .good(),
            "a\nb\n"
        );
        sandbox
            .run(&[
                "annotate",
                "@1",
                "a note",
                "--severity",
                "critical",
                "--author",
                "ann",
            ])
            .good();
        let notes = sandbox.json(&["annotate", "@1"]);
        assert_eq!(
            (&notes[0]["note"], &notes[0]["author"]),
            (&json!("a note"), &json!("ann"))
        );
        sandbox.run(&["pin", "@1", "@2"]).good();
        assert_eq!(
            sandbox.json(&["list", "--pinned"]).as_array().map(Vec::len),
            Some(2)
        );
        sandbox.run(&["pin", "@9", "@3"]).bad(13);
        assert_eq!(
            sandbox.json(&["show", "@3"])["pinned"],
            false,
            "all are found first"
        );
        let session = [
            "sessions",
            "trial",
            "--name",
            "A trial",
            "--metadata",
            "k=1",
        ];
        assert_eq!(sandbox.json(&session)["metadata"]["k"], 1);
        assert_eq!(sandbox.json(&session)["name"], "A trial");
    }
}

#[test]
fn what_is_deleted_is_gone_and_what_came_from_it_stays() {
    for store in STORES {
        let sandbox = Sandbox::furnished(store);
        assert!(sandbox.run(&["delete", "@1"]).bad(2).contains("--yes"));
        sandbox.run(&["delete", "@1", "--dry-run"]).good();
        sandbox.run(&["show", "@1"]).good();
        sandbox.run(&["delete", "@1", "--yes"]).good();
        sandbox.run(&["show", "@1"]).bad(13);
        assert!(
            sandbox
                .run(&["show", "@2~1"])
                .bad(13)
                .contains("whose parent was deleted")
        );
        sandbox
            .run(&["delete", "--session", "nightly", "--yes"])
            .good();
        let left = sandbox.json(&["list"]);
        assert_eq!(left.as_array().map(Vec::len), Some(1), "the fork stays");
    }
}

#[test]
fn lines_go_on_from_the_parent_of_the_first() {
    let sandbox = Sandbox::furnished("sqlite://store.db");
    let args = ["save", "nightly", "--lines", "--parent", "@1"];
    sandbox.run_with(&args, b"no JSON\n1\n2\n").bad(1);
    let parent = |reference: &str| sandbox.json(&["show", reference])["parent"].clone();
    let id = |reference: &str| sandbox.json(&["show", reference])["id"].clone();
    assert_eq!(parent("nightly@latest"), id("nightly@latest~1"));
    assert_eq!(parent("nightly@latest~1"), id("@1"));
}

#[test]
fn conflicts_end_with_their_code_and_change_nothing() {
    let sandbox = Sandbox::furnished("sqlite://store.db");
    let refused: &[&[&str]] = &[
        &["save", "nightly", "--expect-head", "@1"],
        &["save", "nightly", "--expect-head", "none"],
        &["save", "nightly", "--epoch", "7"],
        &["save", "nightly", "--expect-head", "none", "--epoch", "0"],
        &["fork", "@1", "trial"],
    ];
    for args in refused {
        sandbox.run_with(args, b"1").bad(14);
    }
    assert_eq!(sandbox.json(&["list"]).as_array().map(Vec::len), Some(4));
    // Nor is a session made for what is refused.
    for option in ["--epoch=1", "--expect-head=@1", "--parent=@99"] {
        sandbox.run_with(&["save", "new", option], b"1").bad(13);
        let lines = sandbox.run_with(&["save", "new", "--lines", option], b"1");
        assert_ne!(lines.code, 0, "{option}: {lines:?}");
    }
    assert_eq!(
        sandbox.json(&["sessions"]).as_array().map(Vec::len),
        Some(2)
    );
    let first = sandbox.run(&["claim", "nightly"]).good();
    sandbox
        .run_with(&["save", "nightly", "--epoch", first.trim()], b"1")
        .good();
    sandbox.run(&["claim", "nightly"]).good();
    let told = sandbox
        .run_with(&["save", "nightly", "--epoch", first.trim()], b"1")
        .bad(14);
    assert!(told.contains("somebody else claimed"), "{told}");
}

#[test]
fn no_key_is_made_for_a_store_that_has_nothing_to_lie_in() {
    let sandbox = Sandbox::empty("sqlite://not/there/store.db");
    let init = ["init", "--key-file", "k", "--new-key"];
    let told = sandbox.run(&init).bad(10);
    assert!(told.contains("make the directory"), "{told}");
    std::fs::create_dir_all(sandbox.file("not/there")).expect("made");
    sandbox.run(&init).good();
}

#[test]
fn a_wrong_key_and_a_missing_one_are_refused() {
    for store in STORES {
        let sandbox = Sandbox::empty(store);
        sandbox
            .run(&["init", "--key-file", "k", "--new-key"])
            .good();
        sandbox.run(&["init", "--new-key"]).bad(2);
        sandbox
            .run_with(&["save", "s", "--key-file", "k", "--tag", "t"], b"1")
            .good();
        let found = sandbox.json(&["list", "--key-file", "k", "--tag", "t"]);
        assert_eq!(found[0]["tags"][0], "t");
        assert!(sandbox.run(&["list"]).bad(12).contains("encrypted"));
        let other = [
            "init",
            "-s",
            "sqlite://other.db",
            "--key-file",
            "k2",
            "--new-key",
        ];
        sandbox.run(&other).good();
        sandbox.run(&["list", "--key-file", "k2"]).bad(12);
        sandbox
            .run(&["list", "-s", "sqlite://other.db", "--key-file", "k"])
            .bad(12);
        let told = sandbox.run(&["list", "--key-file", "gone"]).bad(13);
        assert!(told.contains("cannot read the key"), "{told}");
        sandbox
            .run(&["init", "-s", "sqlite://x.db", "--key-file", "gone"])
            .bad(13);
        // A key is never made over another.
        let again = [
            "init",
            "-s",
            "sqlite://third.db",
            "--key-file",
            "k2",
            "--new-key",
        ];
        sandbox.run(&again).bad(14);
        let output = sandbox
            .command(support::PROGRAM)
            .arg("list")
            .env("CHECKPOINT_KEY_FILE", "k")
            .output();
        assert!(output.expect("run").status.success());
    }
}

#[test]
fn a_default_is_given_at_the_first_run_alone() {
    let sandbox = Sandbox::new("sqlite://store.db");
    let restore = |args: &[&str]| {
        let args: Vec<_> = ["restore", "s@latest", "--default", "0"]
            .iter()
            .chain(args)
            .copied()
            .collect();
        sandbox.run(&args)
    };
    assert_eq!(restore(&[]).good(), "0");
    restore(&["-O", "out"]).good();
    assert_eq!(sandbox.read("out"), "0");
    sandbox.run_with(&["save", "s"], b"7").good();
    assert_eq!(restore(&[]).good(), "7");
    // A failure is no first run.
    sandbox
        .run(&[
            "restore",
            "s@latest",
            "--default",
            "0",
            "-s",
            "sqlite://gone.db",
        ])
        .bad(10);
}

#[test]
fn settings_are_told_with_where_they_were_said() {
    let sandbox = Sandbox::empty("sqlite://env.db");
    std::fs::create_dir_all(sandbox.file(".config/checkpoint")).expect("made");
    let text = "store = 'sqlite://file.db'\nkey_command = 'echo hunter2'\noutput = 'json'\n";
    sandbox.write(".config/checkpoint/config.toml", text);
    let answer = sandbox
        .run(&["config", "-s", "s3://b/p?endpoint=http://u:hunter2@h"])
        .good();
    assert!(!answer.contains("hunter2"), "{answer}");
    let rows: Value = serde_json::from_str(&answer).expect("the output of the file");
    assert_eq!(rows[0]["from"], "--store");
    assert_eq!(rows[0]["value"], "s3://b/p?endpoint=***");
    assert_eq!(
        (&rows[1]["setting"], &rows[1]["value"]),
        (&json!("key_command"), &json!("***"))
    );
    let rows: Value = serde_json::from_str(&sandbox.run(&["config"]).good()).expect("JSON");
    assert_eq!(
        (&rows[0]["value"], &rows[0]["from"]),
        (&json!("sqlite://env.db"), &json!("CHECKPOINT_STORE"))
    );
    sandbox.write("wrong.toml", "stor = 'a'");
    assert!(
        sandbox
            .run(&["config", "--config", "wrong.toml"])
            .bad(2)
            .contains("unknown field")
    );
}
