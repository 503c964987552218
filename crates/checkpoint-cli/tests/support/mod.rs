//! A directory of its own, with a store in it, in which commands are run as a person would run them.

#![allow(dead_code, reason = "each test file uses what it needs")]

pub(crate) mod manual;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

#[cfg(unix)]
pub(crate) mod terminal;

/// The program that is tested.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_checkpoint");

/// The stores that everything is tried on.
pub(crate) const STORES: &[&str] = &["sqlite://store.db", "redb://store.redb", "file://store"];

/// Variables by which a bucket is reached; a store in a directory is not given them.
const CREDENTIALS: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "GOOGLE_BEARER_TOKEN",
];

/// A checkpoint of an older system.
const TASK: &str = include_str!(
    "../../../checkpoint-core/tests/foreign/tasks/active/checkpoint_cp_task_1_2_1700000060.json"
);

/// A directory of its own.
#[derive(Debug)]
pub(crate) struct Sandbox {
    directory: TempDir,
    store: String,
    /// The file of its key, where it is encrypted.
    key: Option<&'static str>,
}

/// What a command answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Answer {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let answer = Self {
            code: output.status.code().unwrap_or(-1),
            out: text(&output.stdout),
            err: text(&output.stderr),
        };
        assert!(!answer.err.contains("panicked"), "{answer:?}");
        answer
    }

    /// What it answered, when it must have succeeded.
    #[track_caller]
    pub(crate) fn good(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    /// What it said, when it must have ended so.
    #[track_caller]
    pub(crate) fn bad(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        assert!(!self.err.is_empty(), "a failure says why: {self:?}");
        self.err
    }
}

impl Sandbox {
    /// Nothing in it.
    pub(crate) fn empty(store: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Self {
            directory,
            store: store.to_owned(),
            key: None,
        }
    }

    /// A store in it that holds nothing.
    pub(crate) fn new(store: &str) -> Self {
        let sandbox = Self::empty(store);
        sandbox.run(&["init"]).good();
        sandbox
    }

    /// A store with two sessions, and files, as the examples of all verbs have them.
    pub(crate) fn furnished(store: &str) -> Self {
        Self::new(store).furnish()
    }

    /// The same, encrypted.
    pub(crate) fn sealed(store: &str) -> Self {
        let sandbox = Self {
            key: Some("store.key"),
            ..Self::empty(store)
        };
        sandbox.run(&["init", "--new-key"]).good();
        sandbox.furnish()
    }

    /// A key in it, under which stores are made, and no store of its own yet.
    pub(crate) fn keyed(store: &str) -> Self {
        let sandbox = Self {
            key: Some("store.key"),
            ..Self::empty(store)
        };
        let made = ["init", "-s", "sqlite://first.db", "--new-key"];
        sandbox.run(&made).good();
        sandbox
    }

    fn furnish(self) -> Self {
        self.write("state.json", r#"{"step": 4, "rows": [1, 2, 3, 4]}"#);
        let save = |state: &str, more: &[&str]| {
            let args: Vec<_> = ["save", "nightly"].iter().chain(more).copied().collect();
            self.run_with(&args, state.as_bytes()).good();
        };
        save(
            r#"{"step": 1, "rows": [1]}"#,
            &["-m", "first row", "--tag", "good"],
        );
        save(
            r#"{"step": 2, "rows": [1, 2]}"#,
            &["-m", "second row", "--status", "active"],
        );
        save(
            r#"{"step": 3, "rows": [1, 2, 3]}"#,
            &["--worker", "w1", "--step", "3"],
        );
        self.run(&["fork", "@2", "trial"]).good();
        // An encrypted store, and a file of an older system, for those who look after stores.
        let vault = [
            "init",
            "-s",
            "sqlite://vault.db",
            "--key-file",
            "vault.key",
            "--new-key",
        ];
        self.run(&vault).good();
        self.write("task.json", TASK);
        self
    }

    /// Another one with the same in it.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self {
            key: self.key,
            ..Self::empty(&self.store)
        };
        let mut files = Command::new("cp");
        let files = files.arg("-a").arg(self.path().join(".")).arg(copy.path());
        assert!(files.status().expect("run").success());
        copy
    }

    /// Another one with the same in it; the store, which lies in a bucket, is copied to this place there.
    pub(crate) fn copy_at(&self, store: &str) -> Self {
        let mut copy = self.copy();
        copy.store = store.to_owned();
        copy.run(&["copy", &self.store, store]).good();
        copy
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.file(name), text).expect("written");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).expect(name)
    }

    /// Changes a byte of a state, wherever it lies in a file of the store.
    pub(crate) fn damage(&self, name: &str, state: &[u8]) {
        let mut bytes = std::fs::read(self.file(name)).expect("a database");
        let places: Vec<_> = bytes
            .windows(state.len())
            .enumerate()
            .filter(|(_, part)| *part == state)
            .map(|(at, _)| at)
            .collect();
        assert!(!places.is_empty(), "the state lies open in the file");
        for at in places {
            bytes[at + 9] = b'4';
        }
        std::fs::write(self.file(name), bytes).expect("written");
    }

    /// A command in the directory, with nothing in its environment that the machine has.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let bin = Path::new(PROGRAM).parent().expect("a directory");
        command
            .current_dir(self.path())
            .env_clear()
            .env(
                "PATH",
                format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display()),
            )
            .env("HOME", self.path())
            .env("CHECKPOINT_STORE", &self.store)
            .stdin(Stdio::null());
        if let Some(key) = self.key {
            command.env("CHECKPOINT_KEY_FILE", key);
        }
        if ["s3://", "gs://", "az://"]
            .iter()
            .any(|scheme| self.store.starts_with(scheme))
        {
            let said = |name: &&'static str| Some((*name, std::env::var_os(name)?));
            command.envs(CREDENTIALS.iter().filter_map(said));
        }
        command
    }

    /// Runs the program.
    pub(crate) fn run(&self, args: &[&str]) -> Answer {
        Answer::of(&self.command(PROGRAM).args(args).output().expect("run"))
    }

    /// Runs the program with something to read.
    pub(crate) fn run_with(&self, args: &[&str], input: &[u8]) -> Answer {
        let mut child = self.start(args);
        // One that does not want it is over, and its pipe is closed.
        let _ = child.stdin.take().expect("a pipe").write_all(input);
        Answer::of(&child.wait_with_output().expect("run"))
    }

    /// Starts the program, with pipes.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        self.command(PROGRAM)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started")
    }

    /// Runs a line in a shell.
    pub(crate) fn sh(&self, line: &str) -> Answer {
        Answer::of(&self.command("sh").args(["-c", line]).output().expect("run"))
    }

    /// A value that the program answered as JSON.
    #[track_caller]
    pub(crate) fn json(&self, args: &[&str]) -> serde_json::Value {
        let args: Vec<_> = args.iter().chain(&["-o", "json"]).copied().collect();
        serde_json::from_str(&self.run(&args).good()).expect("JSON")
    }
}
