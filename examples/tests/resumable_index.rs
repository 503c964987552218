//! The example, killed and resumed: its output is that of a run without interruption, byte for byte.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// The example as cargo built it beside this test.
fn example() -> Command {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let name = format!("resumable_index{}", std::env::consts::EXE_SUFFIX);
    let path = profile.join("examples").join(name);
    assert!(
        path.exists(),
        "build it first: cargo build -p checkpoint-examples --examples"
    );
    Command::new(path)
}

/// A place with a directory of files to index; store and output lie in that directory too.
struct Place {
    directory: TempDir,
    /// Of the backend that is used.
    scheme: &'static str,
}

impl Place {
    fn new(files: usize) -> Self {
        Self::on("sqlite", files)
    }

    fn on(scheme: &'static str, files: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let place = Self { directory, scheme };
        for n in 0..files {
            let path = place.files().join(format!("d{}/f{n}.txt", n % 7));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("the file number {n}, ").repeat(n % 50)).unwrap();
        }
        fs::write(place.files().join("binary"), [0xff, 0, 1]).unwrap();
        place
    }

    fn files(&self) -> PathBuf {
        self.directory.path().join("files")
    }

    fn out(&self) -> PathBuf {
        self.files().join("index.json")
    }

    fn store(&self) -> String {
        format!(
            "{}://{}",
            self.scheme,
            self.files().join("store.db").display()
        )
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut command = example();
        command.arg(self.files()).args(["--store", &self.store()]);
        command.arg("--out").arg(self.out()).args(more);
        command.stdin(Stdio::null());
        command
    }

    fn run(&self, more: &[&str]) -> Output {
        self.command(more).output().unwrap()
    }

    fn index(&self) -> Vec<u8> {
        fs::read(self.out()).unwrap()
    }

    /// The output of a run that nobody interrupts; leaves no trace of it.
    fn uninterrupted(&self) -> Vec<u8> {
        let output = self.run(&["--every", "10"]);
        assert!(output.status.success(), "{}", said(&output));
        let index = self.index();
        self.clear();
        index
    }

    /// Removes the store and the output.
    fn clear(&self) {
        for entry in fs::read_dir(self.files()).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if name.starts_with("store.db") || name == "index.json" {
                if path.is_dir() {
                    fs::remove_dir_all(path).unwrap();
                } else {
                    fs::remove_file(path).unwrap();
                }
            }
        }
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_run_that_dies_after_its_saves_is_resumed_to_the_same_bytes_on_every_backend() {
    let forms = checkpoint::available().iter();
    let schemes: Vec<_> = forms
        .filter_map(|form| form.strip_suffix("://path"))
        .collect();
    assert!(schemes.contains(&"sqlite"), "{schemes:?}");
    for scheme in schemes {
        dies_after_its_saves(&Place::on(scheme, 60));
    }
}

fn dies_after_its_saves(place: &Place) {
    let expected = place.uninterrupted();
    for saves in ["1", "2", "3"] {
        let died = place.run(&["--every", "10", "--die-after", saves]);
        assert!(
            !died.status.success() && !place.out().exists(),
            "{}",
            said(&died)
        );
        let resumed = place.run(&["--every", "10"]);
        assert!(resumed.status.success(), "{}", said(&resumed));
        assert!(
            said(&resumed).contains(&format!("({saves}0 of 61 files)")),
            "{}",
            said(&resumed)
        );
        assert!(said(&resumed).contains(&format!("skipping {saves}0 files")));
        assert!(place.index() == expected, "the index differs");
        place.clear();
    }
}

#[test]
fn a_run_that_dies_again_and_again_arrives() {
    let place = Place::new(20);
    let expected = place.uninterrupted();
    let mut deaths = 0;
    while !place
        .run(&["--every", "1", "--die-after", "3"])
        .status
        .success()
    {
        deaths += 1;
        assert!(deaths < 9, "it makes no progress");
    }
    assert_eq!(deaths, 7);
    assert!(place.index() == expected, "the index differs");
}

#[test]
fn a_run_that_is_killed_at_any_moment_is_resumed_to_the_same_bytes() {
    let place = Place::new(300);
    let expected = place.uninterrupted();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..6 {
        for _ in 0..4 {
            let mut child = place
                .command(&["--every", "1"])
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            thread::park_timeout(Duration::from_millis(random % 100));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let last = place.run(&["--every", "50"]);
        assert!(last.status.success(), "{}", said(&last));
        assert!(place.index() == expected, "the index differs");
        place.clear();
    }
}

#[test]
fn a_finished_run_is_followed_by_a_new_one() {
    let place = Place::new(10);
    let first = place.run(&[]);
    assert!(first.status.success(), "{}", said(&first));
    fs::write(place.files().join("new.txt"), "news").unwrap();
    let second = place.run(&[]);
    assert!(
        second.status.success() && said(&second).contains("anew"),
        "{}",
        said(&second)
    );
    assert!(said(&second).contains("12 files"), "{}", said(&second));
}

#[test]
fn the_state_of_another_directory_is_refused() {
    let (place, other) = (Place::new(30), Place::new(3));
    place.run(&["--every", "5", "--die-after", "1"]);
    let mut command = example();
    command.arg(other.files()).args(["--store", &place.store()]);
    let refused = command.arg("--out").arg(other.out()).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        said(&refused).contains("unfinished index of"),
        "{}",
        said(&refused)
    );
    assert!(!other.out().exists());
}

#[test]
fn a_mistake_in_the_arguments_is_named() {
    for (args, expected) in [
        (&["--evry", "3"][..], "there is no flag \"--evry\""),
        (&["--every", "0"], "--every is a whole number from 1 on"),
        (&["--every", "ten"], "\"ten\" is none"),
        (&["--every=-1"], "--every is a whole number from 1 on"),
        (&["--every"], "--every needs a value"),
        (&["--every", "1", "--every", "2"], "--every is given twice"),
        (
            &["--die-after", "99999999999999999999"],
            "--die-after is a whole number",
        ),
        (&["--store="], "--store needs a value"),
        (&["a", "b"], "DIR is given twice"),
    ] {
        let output = example().args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(
            said(&output).contains(expected),
            "{args:?}: {}",
            said(&output)
        );
    }
    let help = example().arg("--help").output().unwrap();
    assert!(help.status.success() && String::from_utf8_lossy(&help.stdout).contains("--die-after"));
}

#[test]
fn what_cannot_be_opened_is_named() {
    let place = Place::new(1);
    let none = place.files().join("none");
    let output = example().arg(&none).output().unwrap();
    assert!(
        said(&output).contains("cannot read the directory"),
        "{}",
        said(&output)
    );
    for store in ["store.db", "s3://a", "sqlite://", "sqlite://a.db?x=1"] {
        let mut command = example();
        command.arg(place.files()).args(["--store", store]);
        let output = command.arg("--out").arg(place.out()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{store}");
        assert!(
            said(&output).contains("error: "),
            "{store}: {}",
            said(&output)
        );
    }
    let nowhere = Path::new("/nowhere/at/all.json");
    let mut command = example();
    command.arg(place.files()).args(["--store", "memory:"]);
    let output = command.arg("--out").arg(nowhere).output().unwrap();
    assert!(
        said(&output).contains("cannot write to the directory"),
        "{}",
        said(&output)
    );
}

#[cfg(unix)]
#[test]
fn links_are_counted_and_not_followed() {
    let place = Place::new(3);
    std::os::unix::fs::symlink("/", place.files().join("root")).unwrap();
    std::os::unix::fs::symlink("nowhere", place.files().join("dangling")).unwrap();
    assert!(place.run(&[]).status.success());
    let index = String::from_utf8(place.index()).unwrap();
    assert!(
        index.contains("\"not_followed\": 2") && index.contains("\"files\": 4,"),
        "{index}"
    );
}
