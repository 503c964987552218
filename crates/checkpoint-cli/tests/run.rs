//! `run` and `watch`: commands that go on where they were, and what happens as lines.

#![cfg(unix)]

mod support;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::{PROGRAM, STORES, Sandbox};

/// Counts to 12 in a file that it replaces as a whole; begins with what it is given, and kills itself at 4 and at 8 when
/// it has not been there before. Each number that it works on is noted.
const COUNTER: &str = r#"
n=0
if [ -n "$CHECKPOINT_RESTORED_FILE" ]; then n=$(sed 's/[^0-9]//g' "$CHECKPOINT_RESTORED_FILE"); fi
echo "begin $n" >> log
while [ "$n" -lt 12 ]; do
  n=$((n + 1))
  echo "work $n" >> log
  printf '{"n": %s}' "$n" > next && mv next n.json
  sleep 0.1
  case "$n" in 4|8) [ -e "killed.$n" ] || { : > "killed.$n"; kill -9 $$; } ;; esac
done
"#;

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::yield_now();
    }
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    let sent = Command::new("kill")
        .args([name, &id])
        .status()
        .expect("kill");
    assert!(sent.success());
}

#[test]
fn a_command_finds_the_store_and_the_key_that_run_was_told() {
    let sandbox = Sandbox::new("sqlite://store.db");
    let vault = ["-s", "sqlite://vault.db", "--key-file", "vault.key"];
    let told = |args: &[&str]| {
        let args: Vec<_> = args.iter().chain(&vault).copied().collect();
        sandbox.run(&args).good()
    };
    told(&["init", "--new-key"]);
    sandbox.write(
        "save.sh",
        "echo 7 | checkpoint save \"$CHECKPOINT_SESSION\"",
    );
    let mut args = vec!["run", "job"];
    args.extend(vault);
    args.extend(["--", "sh", "save.sh"]);
    let mut run = sandbox.command(PROGRAM);
    // What the environment says of a key is not of this store.
    let run = run.args(&args).env("CHECKPOINT_KEY_COMMAND", "false");
    assert!(run.status().expect("run").success());
    assert_eq!(told(&["restore", "job@latest"]), "7\n");
}

#[test]
fn a_script_that_is_killed_goes_on_where_it_was() {
    for store in STORES {
        let sandbox = Sandbox::new(store);
        sandbox.write("count.sh", COUNTER);
        let args = [
            "run",
            "counter",
            "--watch",
            "n.json",
            "--every",
            "10ms",
            "--restart",
            "5",
            "--backoff",
            "10ms",
        ];
        let args: Vec<_> = args
            .iter()
            .chain(&["--", "sh", "count.sh"])
            .copied()
            .collect();
        let answer = sandbox.run(&args);
        assert!(answer.err.contains("was killed by signal 9"), "{answer:?}");
        answer.good();
        assert_eq!(
            sandbox.run(&["restore", "counter@latest"]).good(),
            r#"{"n": 12}"#
        );
        let log = sandbox.read("log");
        let begun: Vec<_> = log
            .lines()
            .filter_map(|line| line.strip_prefix("begin "))
            .collect();
        assert_eq!(begun, ["0", "4", "8"], "{store}: {log}");
        let worked: Vec<u32> = log
            .lines()
            .filter_map(|line| line.strip_prefix("work ")?.parse().ok())
            .collect();
        assert_eq!(
            worked,
            (1..=12).collect::<Vec<_>>(),
            "{store}: nothing is done twice, nothing is left out"
        );
        assert_eq!(sandbox.json(&["verify"])["clean"], true);
    }
}

/// Saves by itself, and is killed with what runs it.
#[test]
fn a_python_program_goes_on_after_all_of_it_was_killed() {
    const PROGRAM_TEXT: &str = r#"
import json, os, time
path = os.environ.get("CHECKPOINT_RESTORED_FILE")
n = json.load(open(path))["n"] if path else 0
while n < 10:
    n += 1
    open("log", "a").write(f"{n}\n")
    with open("next", "w") as file:
        json.dump({"n": n}, file)
    os.replace("next", "place.json")
    time.sleep(0.05)
"#;
    let sandbox = Sandbox::new("sqlite://store.db");
    sandbox.write("job.py", PROGRAM_TEXT);
    let args = [
        "run",
        "job",
        "--watch",
        "place.json",
        "--every",
        "10ms",
        "--",
        "python3",
        "job.py",
    ];
    let mut run = sandbox.start(&args);
    let count = || {
        sandbox
            .json(&["list", "--all"])
            .as_array()
            .map_or(0, Vec::len)
    };
    wait_until("some states are saved", || count() >= 3);
    run.kill().expect("killed");
    run.wait().expect("over");
    // What it ran goes on unwatched for a while, since nobody told it.
    wait_until("it is over", || sandbox.read("log").lines().count() == 10);
    let latest: serde_json::Value =
        serde_json::from_str(&sandbox.run(&["restore", "job@latest"]).good()).expect("JSON");
    let reached = latest["n"].as_u64().expect("a number");
    assert!((1..10).contains(&reached), "{latest}");

    sandbox.run(&args).good();
    let log = sandbox.read("log");
    let second: Vec<u64> = log
        .lines()
        .skip(10)
        .map(|line| line.parse().expect("a number"))
        .collect();
    assert_eq!(second, (reached + 1..=10).collect::<Vec<_>>());
}

#[test]
fn without_a_file_the_command_saves_by_itself_on_every_kind_of_store() {
    for store in STORES {
        let sandbox = Sandbox::furnished(store);
        let line = r#"checkpoint save "$CHECKPOINT_SESSION" "$CHECKPOINT_RESTORED_FILE" -m again"#;
        sandbox
            .run(&["run", "nightly", "--", "sh", "-c", line])
            .good();
        let restored = sandbox.run(&["restore", "nightly@latest"]).good();
        assert_eq!(restored, r#"{"step": 3, "rows": [1, 2, 3]}"#);
        let line = r#"[ -z "${CHECKPOINT_RESTORED_FILE+set}" ]"#;
        sandbox.run(&["run", "new", "--", "sh", "-c", line]).good();
    }
}

#[test]
fn it_ends_as_the_command_does() {
    let sandbox = Sandbox::furnished("sqlite://store.db");
    let code = |line: &str| {
        sandbox
            .run(&["run", "nightly", "--", "sh", "-c", line])
            .code
    };
    assert_eq!(
        (code("exit 0"), code("exit 7"), code("kill -9 $$")),
        (0, 7, 137)
    );
    assert_eq!(
        sandbox
            .run(&["run", "nightly", "--", "no-such-program"])
            .code,
        127
    );
    sandbox.run(&["run", "nightly"]).bad(2);
    sandbox
        .run(&["run", "nightly", "--raw", "--", "true"])
        .bad(2);
    sandbox
        .run(&["run", "nightly", "-s", "sqlite://none.db", "--", "true"])
        .bad(10);
    let again = [
        "run",
        "nightly",
        "--restart",
        "2",
        "--backoff",
        "1ms",
        "--",
        "sh",
        "-c",
        "echo x >> tries; exit 3",
    ];
    assert_eq!(sandbox.run(&again).code, 3);
    assert_eq!(sandbox.read("tries").lines().count(), 3);
}

#[test]
fn half_a_file_is_never_saved_and_what_is_no_json_is_told() {
    let sandbox = Sandbox::new("sqlite://store.db");
    let line = r#"printf '{"n": 1}' > n.json; sleep 0.3; printf '{"n": ' > n.json; sleep 0.3; printf '{"n": 2}' > n.json; sleep 0.3; printf '{"' > n.json"#;
    let args = [
        "run", "s", "--watch", "n.json", "--every", "10ms", "--", "sh", "-c", line,
    ];
    let error = sandbox.run(&args).bad(1);
    assert!(error.contains("n.json is no JSON"), "{error}");
    let listed = sandbox.json(&["list", "--all"]);
    assert_eq!(listed.as_array().map(Vec::len), Some(2), "{listed}");
    assert_eq!(sandbox.run(&["restore", "s@latest"]).good(), r#"{"n": 2}"#);
    let put_back = [
        "run",
        "s",
        "--watch",
        "n.json",
        "--put-back",
        "--",
        "grep",
        "-q",
        "2",
        "n.json",
    ];
    sandbox.run(&put_back).good();
    let raw = [
        "run",
        "raw",
        "--watch",
        "n.txt",
        "--raw",
        "--",
        "sh",
        "-c",
        "printf 'no json' > n.txt",
    ];
    sandbox.run(&raw).good();
    assert_eq!(sandbox.run(&["restore", "raw@latest"]).good(), "no json");
}

#[test]
fn signals_reach_the_command_and_its_last_state_is_saved() {
    let sandbox = Sandbox::new("sqlite://store.db");
    let line =
        r#"trap 'echo "\"ended\"" > n.json; exit 5' TERM; : > ready; while :; do sleep 0.05; done"#;
    let args = [
        "run",
        "s",
        "--watch",
        "n.json",
        "--restart",
        "9",
        "--",
        "sh",
        "-c",
        line,
    ];
    let mut run = sandbox.start(&args);
    wait_until("it runs", || sandbox.file("ready").exists());
    signal(&run, "-TERM");
    assert_eq!(
        run.wait().expect("over").code(),
        Some(5),
        "and it is not started again"
    );
    assert_eq!(sandbox.run(&["restore", "s@latest"]).good(), "\"ended\"\n");
}

#[test]
fn who_lost_the_session_ends_its_command() {
    let sandbox = Sandbox::new("sqlite://store.db");
    let line = r#": > ready; n=0; while :; do n=$((n + 1)); echo $n > next; mv next n.json; sleep 0.05; done"#;
    let mut run = sandbox.start(&[
        "run", "s", "--watch", "n.json", "--every", "10ms", "--", "sh", "-c", line,
    ]);
    wait_until("it runs", || sandbox.file("ready").exists());
    sandbox.run(&["claim", "s"]).good();
    assert_eq!(run.wait().expect("over").code(), Some(14));
}

#[test]
fn what_happens_is_told_as_it_happens() {
    let sandbox = Sandbox::new("sqlite://store.db");
    let mut watch = sandbox.command(PROGRAM);
    let mut watch = watch
        .args(["watch", "--after", "start", "--session", "s", "-o", "jsonl"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    let mut lines = BufReader::new(watch.stdout.take().expect("a pipe")).lines();
    let mut next = || -> serde_json::Value {
        let line = lines.next().expect("a line").expect("read");
        serde_json::from_str(&line).expect("JSON")
    };
    sandbox.run_with(&["save", "other"], b"1").good();
    sandbox.run_with(&["save", "s"], b"1").good();
    assert_eq!(next()["kind"], "session_created");
    let created = next();
    assert_eq!(
        (&created["kind"], &created["session"]),
        (&"created".into(), &"s".into())
    );
    sandbox.run(&["tag", "s@latest", "good"]).good();
    assert_eq!(next()["kind"], "updated");
    signal(&watch, "-INT");
    let over = watch.wait_with_output().expect("over");
    assert_eq!(over.status.code(), Some(130));
    let said = String::from_utf8_lossy(&over.stderr).into_owned();
    assert!(said.contains("watch --after 2."), "{said}");
}

#[test]
fn what_happened_is_told_from_any_position_on_every_kind_of_store() {
    for store in STORES {
        let sandbox = Sandbox::furnished(store);
        let all = sandbox
            .run(&["watch", "--after", "start", "--no-follow", "-o", "jsonl"])
            .good();
        let positions: Vec<String> = all
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
            .map(|line| line["position"].as_str().expect("text").to_owned())
            .collect();
        assert!(positions.len() >= 6, "{all}");
        for (at, position) in positions.iter().enumerate() {
            let rest = sandbox
                .run(&["watch", "--after", position, "--no-follow", "-o", "jsonl"])
                .good();
            assert_eq!(rest.lines().count(), positions.len() - at - 1, "{position}");
        }
        let two = sandbox
            .run(&["watch", "--after", "start", "-n", "2"])
            .good();
        assert_eq!(two.lines().count(), 2, "{two}");
        assert_eq!(sandbox.run(&["watch", "--no-follow"]).good(), "");
        sandbox.run(&["watch", "--after", "soon"]).bad(2);
    }
}

/// Whoever may not read the store may not read what was restored from it either.
#[test]
fn what_a_command_begins_with_is_for_its_user_alone() {
    let sandbox = Sandbox::new("sqlite://store.db");
    sandbox.run_with(&["save", "s"], b"1").good();
    let mode = "stat -c %a \"$(dirname \"$CHECKPOINT_RESTORED_FILE\")\"";
    let told = sandbox.run(&["run", "s", "--", "sh", "-c", mode]).good();
    assert_eq!(told, "700\n");
}

#[test]
fn a_command_finds_the_store_from_any_directory() {
    for store in STORES {
        let sandbox = Sandbox::new(store);
        let line = "mkdir -p sub && cd sub && echo 50 | checkpoint save \"$CHECKPOINT_SESSION\"";
        sandbox.run(&["run", "s", "--", "sh", "-c", line]).good();
        assert_eq!(sandbox.run(&["restore", "s@latest"]).good(), "50\n");
    }
}

#[test]
fn a_file_that_is_there_before_is_the_first_state_and_no_later_one() {
    let sandbox = Sandbox::new("sqlite://store.db");
    sandbox.write("n.json", "42");
    let run = || sandbox.run(&["run", "job", "--watch", "n.json", "--", "true"]);
    run().good();
    let latest = || sandbox.run(&["restore", "job@latest"]).good();
    assert_eq!(latest(), "42");
    // It may be older than what was saved.
    sandbox.write("n.json", "7");
    let told = run();
    assert!(
        told.code == 0 && told.err.contains("--put-back"),
        "{told:?}"
    );
    assert_eq!(latest(), "42");
}

#[test]
fn a_file_that_cannot_be_a_place_or_never_was_there_is_told() {
    let sandbox = Sandbox::new("sqlite://store.db");
    let run = |file: &str| sandbox.run(&["run", "job", "--watch", file, "--", "true"]);
    let told = run("missing/place.json");
    assert!(
        told.code == 0 && told.err.contains("is not there"),
        "{told:?}"
    );
    assert!(run("/").bad(2).contains("is a directory"));
}

/// Of bytes nobody can tell half of a file from the whole of one.
#[test]
fn what_a_killed_command_left_half_written_is_no_first_state() {
    let sandbox = Sandbox::new("sqlite://store.db");
    let script =
        "if [ -e there ]; then sleep 1; exit 0; fi; : > there; printf half > f; kill -9 $$";
    let args = [
        "run",
        "job",
        "--watch",
        "f",
        "--raw",
        "--every",
        "10s",
        "--restart",
        "1",
        "--backoff",
        "10ms",
        "--",
        "sh",
        "-c",
        script,
    ];
    sandbox.run(&args).good();
    sandbox.run(&["restore", "job@latest"]).bad(13);
    sandbox.write("empty.json", "");
    sandbox
        .run(&["run", "job", "--watch", "empty.json", "--", "true"])
        .good();
}
