//! What a save in a directory asks of the system, call by call, as `strace` sees it: the file is written and synced before
//! it has its name, and the name is synced before the save is acknowledged.
//!
//! The power cuts of the harnesses are made up from calls that the library says it makes. Here they are seen from outside.

#![cfg(target_os = "linux")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says why")]

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use checkpoint_core::Store;
use checkpoint_core::files::{Files, SystemFiles};
use checkpoint_s3::{DirectoryOptions, ObjectBackend};

const DIRECTORY: &str = "CHECKPOINT_TEST_DIRECTORY";
const FILES: &str = "CHECKPOINT_TEST_FILES";
const CALLS: &str =
    "trace=openat,write,pwrite64,fsync,fdatasync,link,linkat,rename,renameat,renameat2";
const SAVES: usize = 4;

/// Forgets what a disk needs.
#[derive(Debug)]
struct NoDirectories;

impl Files for NoDirectories {
    fn sync_directory(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct NoFiles;

impl Files for NoFiles {
    fn sync(&self, _: &File, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

/// One call of the system, with the lines on which it began and was over.
#[derive(Debug)]
struct Call {
    text: String,
    began: usize,
    ended: usize,
}

impl Call {
    fn is(&self, names: &[&str]) -> bool {
        let name = self.text.split('(').next().unwrap_or_default();
        names.contains(&name) && !self.text.contains(" = -1 ")
    }

    /// The path of the file that a call was given open.
    fn of(&self, path: &str) -> bool {
        self.text.contains(&format!("<{path}>"))
    }

    /// The paths that a call was given.
    fn paths(&self) -> Vec<&str> {
        self.text.split('"').skip(1).step_by(2).collect()
    }

    fn marks(&self, what: &str) -> bool {
        self.text.starts_with("openat(") && self.text.contains(what)
    }
}

/// What `strace` wrote. A call during which another thread was seen stands there in two parts.
fn calls(trace: &str) -> Vec<Call> {
    let (mut calls, mut begun) = (Vec::new(), HashMap::new());
    for (number, line) in trace.lines().enumerate() {
        let Some((thread, text)) = line.split_once(' ') else {
            continue;
        };
        let text = text.trim();
        if let Some(first) = text.strip_suffix("<unfinished ...>") {
            begun.insert(thread, (number, first.trim()));
        } else if let Some((_, rest)) = text.split_once(" resumed>") {
            let (began, first) = begun.remove(thread).unwrap_or((number, ""));
            calls.push(Call {
                text: format!("{first}{rest}"),
                began,
                ended: number,
            });
        } else {
            calls.push(Call {
                text: text.to_owned(),
                began: number,
                ended: number,
            });
        }
    }
    calls
}

/// Looks at each file that got its name while a save was under way; answers how many.
fn judge(calls: &[Call]) -> Result<usize, String> {
    let first = calls.iter().find(|call| call.marks("mark-begin"));
    let first = first.ok_or("no save began")?.began;
    let put = |call: &&Call| call.began > first && call.is(NAMES);
    let puts: Vec<&Call> = calls.iter().filter(put).collect();
    for call in &puts {
        let paths = call.paths();
        let [from, to] = paths[..] else {
            return Err(format!("a name without two paths: {}", call.text));
        };
        let synced_before = |path: &str, after: usize, before: usize| {
            let mut all = calls.iter();
            all.any(|it| it.is(SYNCS) && it.of(path) && it.began > after && it.ended < before)
        };
        let wrote = |it: &&Call| it.is(WRITES) && it.of(from) && it.ended < call.began;
        let written = calls.iter().filter(wrote).map(|it| it.ended).max();
        let written = written.ok_or_else(|| format!("nothing was written to {to}"))?;
        if !synced_before(from, written, call.began) {
            return Err(format!("{to} has its name before its bytes are synced"));
        }
        // What relies on the name: the acknowledgement, and of a pack the entry that names it.
        let is_entry = |it: &&Call| it.is(NAMES) && it.text.contains("/log/");
        let relies = |it: &&Call| it.marks("mark-end") || is_entry(it);
        let after = calls.iter().filter(|it| it.began > call.ended).find(relies);
        let after = after.ok_or_else(|| format!("{to} was put and not acknowledged"))?;
        let (directory, _) = to.rsplit_once('/').unwrap_or_default();
        if !synced_before(directory, call.ended, after.began) {
            return Err(format!("{to} is relied on before its directory is synced"));
        }
    }
    Ok(puts.len())
}

const NAMES: &[&str] = &["link", "linkat", "rename", "renameat", "renameat2"];
const SYNCS: &[&str] = &["fsync", "fdatasync"];
const WRITES: &[&str] = &["write", "pwrite64"];

/// What a child's saves ask of the system; none, with a word, where they cannot be watched.
fn trace(files: &str) -> Option<Vec<Call>> {
    let directory = tempfile::tempdir().expect("a directory");
    let real = directory.path().canonicalize().expect("a path");
    let log = real.join("trace");
    let traced = Command::new("strace")
        .args(["-f", "-y", "-s", "0", "-e", CALLS, "-o"])
        .arg(&log)
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env(DIRECTORY, real.join("store"))
        .env(FILES, files)
        .output();
    let output = match traced {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            eprintln!("skipped: there is no `strace`");
            return None;
        }
        output => output.expect("a child"),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("ptrace") || said.contains("PTRACE") {
        eprintln!("skipped: nothing may be traced here: {said}");
        return None;
    }
    assert!(output.status.success(), "{said}");
    let trace = std::fs::read_to_string(log).expect("a trace");
    Some(calls(&trace))
}

#[test]
fn each_file_is_synced_and_so_is_its_name_before_a_save_is_acknowledged() {
    let Some(calls) = trace("system") else { return };
    // An entry each, and one pack.
    assert_eq!(judge(&calls), Ok(SAVES + 1));
}

#[test]
fn who_forgets_a_sync_is_caught() {
    for (files, expected) in [
        (
            "no directories",
            "is relied on before its directory is synced",
        ),
        ("no files", "has its name before its bytes are synced"),
    ] {
        let Some(calls) = trace(files) else { return };
        let why = judge(&calls).expect_err(files);
        assert!(why.contains(expected), "{why}");
    }
}

#[test]
fn a_call_in_two_parts_is_one() {
    let trace = "7 fsync(3</d/log> <unfinished ...>\n8 openat(AT_FDCWD, \"/d/mark-end-0\", 0) = -1 ENOENT\n\
                 7 <... fsync resumed>) = 0\n";
    let calls = calls(trace);
    assert!(calls[0].marks("mark-end"));
    assert!(calls[1].is(SYNCS) && calls[1].of("/d/log"));
    assert_eq!((calls[1].began, calls[1].ended), (0, 2));
}

#[ignore = "run by the other tests, and watched"]
#[test]
fn child() {
    let asked = |name| std::env::var(name).unwrap();
    let (directory, files) = (asked(DIRECTORY), asked(FILES));
    let files: Arc<dyn Files> = match files.as_str() {
        "no directories" => Arc::new(NoDirectories),
        "no files" => Arc::new(NoFiles),
        _ => Arc::new(SystemFiles),
    };
    // A call that fails, and can be seen: it tells where a save begins and ends.
    let mark = |name: String| drop(File::open(Path::new(&directory).join(name)));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let options = DirectoryOptions::at(&directory).with_files(files);
        let options = options.find().await.unwrap();
        // A snapshot is made after a save was acknowledged, and belongs to none.
        let options = options.with_snapshot_after(10_000);
        let store = Store::new(Arc::new(ObjectBackend::open(options).await.unwrap()));
        let session = store.session("s").await.unwrap();
        let mut noise = 1_u64;
        for save in 0..SAVES {
            // The last is too large for an entry.
            let numbers = if save + 1 == SAVES { 50_000 } else { 10 };
            let mut next = || {
                noise ^= noise << 13;
                noise ^= noise >> 7;
                noise ^= noise << 17;
                noise
            };
            let state: Vec<u64> = (0..numbers).map(|_| next()).collect();
            mark(format!("mark-begin-{save}"));
            session.save(&state).await.unwrap();
            mark(format!("mark-end-{save}"));
        }
    });
}
