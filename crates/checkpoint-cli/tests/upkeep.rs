//! Looking after a store, and bringing it elsewhere, on each kind of store.

mod support;

use serde_json::Value;
use support::{STORES, Sandbox};

/// A sandbox for each kind of store.
fn each() -> impl Iterator<Item = Sandbox> {
    STORES.iter().map(|store| Sandbox::furnished(store))
}

fn state(sandbox: &Sandbox, store: &str, reference: &str, key: &[&str]) -> String {
    let args = ["restore", "--no-record", "-s", store, reference];
    let args: Vec<_> = args.iter().chain(key).copied().collect();
    sandbox.run(&args).good()
}

#[test]
fn what_is_sound_is_told_and_counted() {
    for sandbox in each() {
        let report = sandbox.json(&["verify"]);
        assert_eq!(report["clean"], true, "{report}");
        assert_eq!(report["valid"], 4);
        assert_eq!(report["newest_good"]["sequence"], 4);
        let report = sandbox.json(&["verify", "--session", "nightly", "--newest", "1"]);
        assert_eq!(report["valid"], 1);
        let error = sandbox.run(&["verify", "--session", "nigthly"]).bad(13);
        assert!(error.contains("did you mean nightly?"), "{error}");

        let stats = sandbox.json(&["stats"]);
        assert_eq!(
            (&stats["sessions"], &stats["checkpoints"]),
            (&2.into(), &4.into())
        );
        let (stored, free) = (stats["stored_bytes"].as_u64(), stats["free_bytes"].as_u64());
        let live = stored.zip(free).map(|(stored, free)| stored - free);
        assert_eq!(stats["live_bytes"].as_u64(), live);
        let text = sandbox.run(&["stats"]).good();
        assert!(
            text.lines()
                .any(|line| line.split_whitespace().eq(["checkpoints", "4"])),
            "{text}"
        );
    }
}

#[test]
fn damage_is_told_with_what_to_go_on_from_and_set_aside() {
    let sandbox = Sandbox::furnished("sqlite://store.db");
    // The newest state of the session.
    sandbox.damage("store.db", br#"{"step": 3, "rows": [1, 2, 3]}"#);

    let answer = sandbox.run(&["verify", "-o", "json"]);
    assert_eq!(answer.code, 1, "{answer:?}");
    let report: Value = serde_json::from_str(&answer.out).expect("JSON");
    assert_eq!(
        (&report["clean"], &report["invalid"], &report["valid"]),
        (&false.into(), &1.into(), &3.into())
    );
    assert_eq!(report["findings"].as_array().map(Vec::len), Some(1));
    let recovery = &report["recovery"][0];
    assert_eq!(
        (&recovery["session"], &recovery["damaged_since"]),
        (&"nightly".into(), &1.into())
    );
    assert_eq!(recovery["newest_good"]["sequence"], 2);
    assert!(answer.err.contains("verify --quarantine"), "{answer:?}");
    let text = sandbox.run(&["verify"]);
    assert!(
        text.out.contains("3 good, 1 damaged") && text.out.contains("@2"),
        "{text:?}"
    );

    sandbox.run(&["restore", "nightly@latest"]).bad(1);
    sandbox.run(&["verify", "--quarantine"]).bad(1);
    let restored = sandbox.run(&["restore", "nightly@latest"]).good();
    assert_eq!(restored, r#"{"step": 2, "rows": [1, 2]}"#);
    let answer = sandbox.run(&["verify", "--quarantine"]);
    assert!(
        answer.out.contains("set aside:") && answer.code == 1,
        "{answer:?}"
    );
}

#[test]
fn a_witness_tells_what_the_store_does_not() {
    for sandbox in each() {
        sandbox.run(&["verify", "--make-witness", "w"]).good();
        let witnessed = sandbox.read("w");
        let report = sandbox.json(&["verify", "--witness", "w"]);
        assert_eq!(
            (
                &report["clean"],
                report["findings"].as_array().map(Vec::len)
            ),
            (&true.into(), Some(0))
        );
        sandbox.run_with(&["save", "nightly"], b"1").good();
        sandbox.run(&["verify", "--witness", "w"]).good();
        // A store that is another one, or was put back, is none that the witness tells of.
        sandbox.write("not", &witnessed[..witnessed.len() / 2]);
        sandbox.run(&["verify", "--witness", "not"]).bad(1);
        sandbox.run(&["verify", "--witness", "none"]).bad(13);
    }
}

#[test]
fn a_store_that_was_put_back_is_not_what_its_witness_tells() {
    let sandbox = Sandbox::furnished("sqlite://store.db");
    let before = std::fs::read(sandbox.file("store.db")).expect("read");
    sandbox.run_with(&["save", "nightly"], b"5").good();
    sandbox.run(&["verify", "--make-witness", "w"]).good();
    std::fs::write(sandbox.file("store.db"), before).expect("put back");
    let answer = sandbox.run(&["verify", "--witness", "w"]);
    assert_eq!(answer.code, 1, "{answer:?}");
    assert!(answer.out.contains("put back to 4"), "{answer:?}");
}

#[test]
fn space_is_given_back() {
    for sandbox in each() {
        let large: Vec<_> = (0..60_000).map(|n| n.to_string()).collect();
        let large = format!("[{}]", large.join(","));
        sandbox
            .run_with(&["save", "large"], large.as_bytes())
            .good();
        sandbox
            .run(&["delete", "--session", "large", "--yes"])
            .good();
        let done = sandbox.json(&["maintain", "--grace", "0s", "--window", "0s"]);
        assert!(
            done["swept"].as_u64().is_some_and(|swept| swept > 0),
            "{done}"
        );
        assert!(
            done["purged"].as_u64().is_some_and(|purged| purged > 0),
            "{done}"
        );
        assert_eq!(
            (&done["unswept"], &done["unpurged"]),
            (&false.into(), &false.into())
        );
        assert_eq!(sandbox.json(&["verify"])["valid"], 4);
        sandbox.run(&["maintain", "--rows", "0"]).bad(2);
    }
}

fn out_of(sandbox: &Sandbox, plain: &str) {
    // And out of it. The key that all verbs take goes for both sides, so that nothing is written openly by oversight.
    sandbox
        .run(&[
            "copy",
            "sqlite://closed.db",
            "file://open",
            "--from-key-file",
            "k",
        ])
        .good();
    assert_eq!(state(sandbox, "file://open", "@3", &[]), plain);
    sandbox
        .run(&[
            "copy",
            "sqlite://closed.db",
            "file://sealed",
            "--key-file",
            "k",
        ])
        .good();
    let error = sandbox.run(&["verify", "-s", "file://sealed"]).bad(12);
    assert!(error.contains("encrypted"), "{error}");
    let error = sandbox
        .run(&["copy", "sqlite://closed.db", "file://other"])
        .bad(12);
    assert!(
        error.contains("--from-key-file") && !sandbox.file("other").exists(),
        "{error}"
    );
}

#[test]
fn a_copy_has_all_and_takes_its_keys_by_side() {
    for (sandbox, store) in each().zip(STORES) {
        sandbox
            .run(&[
                "init",
                "-s",
                "sqlite://closed.db",
                "--key-file",
                "k",
                "--new-key",
            ])
            .good();
        let answer = sandbox.json(&["copy", store, "sqlite://closed.db", "--to-key-file", "k"]);
        assert_eq!(
            (&answer["checkpoints"], &answer["refused"]),
            (&4.into(), &0.into())
        );
        let plain = state(&sandbox, store, "@3", &[]);
        assert_eq!(
            state(&sandbox, "sqlite://closed.db", "@3", &["--key-file", "k"]),
            plain
        );
        let again = sandbox.json(&["copy", store, "sqlite://closed.db", "--to-key-file", "k"]);
        assert_eq!(
            (&again["checkpoints"], &again["skipped"]),
            (&0.into(), &4.into())
        );

        out_of(&sandbox, &plain);
        sandbox
            .run(&["copy", "sqlite://none.db", "file://other"])
            .bad(10);
        sandbox
            .run(&["copy", store, "file://other", "--session", "none"])
            .bad(13);
        assert!(
            !sandbox.file("other").exists(),
            "nothing is made for what is not there"
        );
        // Where one handle alone may open a store, the second is what is refused.
        let itself = sandbox.run(&["copy", store, store]);
        assert!(matches!(itself.code, 1 | 11), "{itself:?}");
    }
}

#[test]
fn what_is_exported_comes_back() {
    for sandbox in each() {
        sandbox.run(&["export", "all.archive"]).good();
        sandbox.run(&["export", "all.archive"]).bad(14);
        sandbox
            .run(&["export", "all.archive", "--overwrite"])
            .good();
        sandbox
            .run(&["export", "n.jsonl", "--session", "nightly"])
            .good();
        assert!(sandbox.read("n.jsonl").starts_with("{\"kind\":\"header\""));
        let report = sandbox.json(&["import", "all.archive", "-s", "sqlite://in.db"]);
        assert_eq!(
            (&report["format"], &report["received"]["checkpoints"]),
            (&"archive".into(), &4.into())
        );
        let report = sandbox.json(&["import", "n.jsonl", "-s", "sqlite://in.db"]);
        assert_eq!(
            (&report["format"], &report["received"]["skipped"]),
            (&"lines".into(), &3.into())
        );
        let line =
            "checkpoint export --format lines - | checkpoint import - -s redb://piped.redb -o json";
        let report: Value = serde_json::from_str(&sandbox.sh(line).good()).expect("JSON");
        assert_eq!(report["received"]["checkpoints"], 4);
        // More than a pipe holds.
        let large = format!("[{}0]", "10,".repeat(200_000));
        sandbox
            .run_with(&["save", "large"], large.as_bytes())
            .good();
        // A pipe that is closed early is no failure, and has nothing to say.
        let answer =
            sandbox.sh("{ checkpoint export --format lines - 2>err; echo $? >code; } | head -c 1");
        assert_eq!(answer.good(), "{");
        assert_eq!(
            (sandbox.read("err").as_str(), sandbox.read("code").trim()),
            ("", "0")
        );
    }
}

#[test]
fn a_file_that_is_not_as_it_must_be_brings_nothing() {
    let sandbox = Sandbox::furnished("sqlite://store.db");
    sandbox.run(&["export", "n.jsonl"]).good();
    let text = sandbox.read("n.jsonl").replace("first row", "other row");
    sandbox.write("bad.jsonl", &text);
    let error = sandbox
        .run(&["import", "bad.jsonl", "-s", "sqlite://in.db"])
        .bad(1);
    assert!(
        error.contains("line 4") || error.contains("line: 4"),
        "{error}"
    );
    assert!(error.contains("import --check"), "{error}");
    assert_eq!(
        sandbox.json(&["stats", "-s", "sqlite://in.db"])["checkpoints"],
        0
    );
    let answer = sandbox.run(&["import", "bad.jsonl", "--check", "-s", "sqlite://new.db"]);
    assert!(
        answer.code == 1 && !sandbox.file("new.db").exists(),
        "{answer:?}"
    );
    sandbox
        .run(&["import", "none", "-s", "sqlite://new.db"])
        .bad(13);
    assert!(
        !sandbox.file("new.db").exists(),
        "no store is made for a file that is not there"
    );
}

#[test]
fn older_systems_are_read() {
    let sandbox = Sandbox::furnished("sqlite://store.db");
    let report = sandbox.json(&[
        "import",
        "--from",
        "orchestrator",
        "task.json",
        "-s",
        "redb://in.redb",
    ]);
    assert_eq!(
        (&report["format"], &report["received"]["checkpoints"]),
        (&"orchestrator".into(), &1.into())
    );
    let told = sandbox.json(&["import", "task.json", "--check"]);
    assert_eq!(told["format"], "orchestrator");
    sandbox
        .run(&["import", "--from", "temporal", "task.json"])
        .bad(1);
}

#[test]
fn a_backup_is_a_store_that_was_checked() {
    for store in ["sqlite://store.db", "redb://store.redb"] {
        let sandbox = Sandbox::furnished(store);
        let scheme = store.split_once("://").map_or("", |(scheme, _)| scheme);
        let answer = sandbox.run(&["backup", "copy", "-o", "json"]);
        if answer.code != 0 {
            // Not every engine copies a live file; it says what does.
            assert!(
                scheme == "redb" && answer.err.contains("copy what is in it"),
                "{answer:?}"
            );
            continue;
        }
        let made: Value = serde_json::from_str(&answer.out).expect("JSON");
        assert_eq!((&made["valid"], &made["clean"]), (&4.into(), &true.into()));
        let copy = format!("{scheme}://copy");
        assert_eq!(
            state(&sandbox, &copy, "@3", &[]),
            state(&sandbox, store, "@3", &[])
        );
        sandbox.run(&["backup", "copy"]).bad(14);
    }
    let sandbox = Sandbox::furnished("file://store");
    let error = sandbox.run(&["backup", "copy"]).bad(1);
    assert!(
        error.contains("copy what is in it to another store"),
        "{error}"
    );
}

/// What is old is sealed anew, and the old key dropped.
fn renewed(sandbox: &Sandbox) {
    let error = sandbox
        .run(&["keys", "drop-old", "--key-file", "new", "--drop-others"])
        .bad(1);
    assert!(error.contains("keys reseal"), "{error}");
    let resealed = sandbox.json(&["keys", "reseal", "--key-file", "new"]);
    assert_eq!(resealed["unreadable"], 0);
    assert!(
        resealed["sealed"].as_u64().is_some_and(|sealed| sealed > 0),
        "{resealed}"
    );
    let usage = sandbox.json(&["keys", "list", "--key-file", "new", "--usage"]);
    let objects: Vec<_> = usage
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(|row| row["objects"].as_u64())
        .collect();
    assert!(matches!(objects[..], [0, some] if some > 0), "{usage}");
    let dropped = sandbox.json(&["keys", "drop-old", "--key-file", "new", "--drop-others"]);
    assert_eq!(dropped["dropped"], serde_json::json!([1]));
}

/// An encrypted store with a secret in it.
fn vault(store: &str) -> Sandbox {
    let sandbox = Sandbox::empty(store);
    sandbox
        .run(&["init", "--key-file", "old", "--new-key"])
        .good();
    sandbox
        .run_with(&["save", "s", "--key-file", "old"], b"{\"secret\": 1}")
        .good();
    sandbox
}

/// Nobody opens it any more, but only once somebody said yes.
fn shredded(sandbox: &Sandbox) {
    sandbox.run(&["keys", "shred", "--key-file", "new"]).bad(2);
    sandbox.run(&["list", "--key-file", "new"]).good();
    sandbox
        .run(&["keys", "shred", "--key-file", "new", "--yes"])
        .good();
    sandbox.run(&["list", "--key-file", "new"]).bad(12);
    sandbox.run(&["keys", "list"]).bad(2);
}

#[test]
fn keys_live_and_end() {
    for store in ["sqlite://v.db", "redb://v.redb", "file://v"] {
        let sandbox = vault(store);
        let list = |key: &str, more: &[&str]| {
            let args: Vec<_> = ["keys", "list", "--key-file", key]
                .iter()
                .chain(more)
                .copied()
                .collect();
            sandbox.json(&args)
        };
        let count = |rows: &Value, what: &str| {
            let rows = rows.as_array().expect("rows");
            rows.iter().filter(|row| row["what"] == what).count()
        };
        assert_eq!(
            (
                count(&list("old", &[]), "opens"),
                count(&list("old", &[]), "seals")
            ),
            (1, 1)
        );

        sandbox
            .run(&[
                "keys",
                "rewrap",
                "--key-file",
                "old",
                "--new-key-file",
                "new",
                "--make",
                "--keep",
            ])
            .good();
        assert_eq!(count(&list("new", &[]), "opens"), 2);
        let error = sandbox.run(&["keys", "rotate", "--key-file", "new"]).bad(2);
        assert!(error.contains("--also-key-file"), "{error}");
        let rotated = sandbox.json(&[
            "keys",
            "rotate",
            "--key-file",
            "new",
            "--also-key-file",
            "old",
        ]);
        assert_eq!(rotated["data_key"], 2);
        renewed(&sandbox);
        sandbox.run(&["list", "--key-file", "old"]).bad(12);
        assert_eq!(
            state(&sandbox, store, "s@latest", &["--key-file", "new"]),
            "{\"secret\": 1}"
        );

        shredded(&sandbox);
    }
}

#[test]
fn the_doctor_says_what_to_do() {
    for (sandbox, store) in each().zip(STORES) {
        let checks = sandbox.json(&["doctor"]);
        let find = |checks: &Value, what: &str| {
            let all = checks.as_array().expect("checks").clone();
            all.into_iter()
                .find(|check| check["what"] == what)
                .unwrap_or_default()
        };
        for what in ["program", "store", "format", "durability", "clock", "space"] {
            assert_eq!(find(&checks, what)["verdict"], "good", "{store}: {checks}");
        }
        assert!(!find(&checks, "permissions").is_null(), "{checks}");
    }
    let sandbox = Sandbox::furnished("sqlite://store.db");
    let checks = sandbox.json(&["doctor", "-s", "sqlite://store.db?durability=os"]);
    let weak = checks
        .as_array()
        .expect("checks")
        .iter()
        .find(|check| check["what"] == "durability");
    assert_eq!(weak.expect("durability")["verdict"], "look", "{checks}");
    let answer = sandbox.run(&["doctor", "-s", "sqlite://none.db"]);
    assert!(
        answer.code == 10 && answer.out.contains("checkpoint init"),
        "{answer:?}"
    );
    sandbox.run(&["doctor", "-s", "sqlite://vault.db"]).bad(12);
}
