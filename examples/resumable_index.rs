//! Indexes a directory of files, and keeps its place through any kill.
//!
//! ```text
//! cargo run --release --example resumable_index -- [DIR] [--store URL] [--out FILE] [--every N] [--die-after N]
//! ```
//!
//! For each file: size, SHA-256, number of words; for all: totals and the words used most. The state, which is the
//! index so far, is saved every N files. Stop the program in any way, `kill -9` too, and start it again: it says where
//! it resumes, skips what is done, and writes the same bytes that a run without interruption writes.

#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a program speaks to its terminal"
)]

#[path = "resumable_index/args.rs"]
mod args;
#[path = "resumable_index/index.rs"]
mod index;
#[path = "resumable_index/progress.rs"]
mod progress;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use checkpoint::blocking::{self, Wait};
use checkpoint::{CheckpointId, Session, Status};
use checkpoint_examples::{Found, walk, write_atomically};

use args::{Args, Request};
use index::Index;
use progress::Progress;

/// What `?` takes up on the way out.
type Failure = Box<dyn Error>;

fn main() -> ExitCode {
    let args = match args::parse(std::env::args_os().skip(1)) {
        Ok(Request::Help) => {
            println!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Ok(Request::Run(args)) => args,
        Err(problem) => {
            eprintln!("error: {problem}\n\nFor what there is, ask with --help.");
            return ExitCode::from(2);
        }
    };
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("  because {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), Failure> {
    let root = fs::canonicalize(&args.dir)
        .map_err(|error| format!("cannot read the directory {:?}: {error}", args.dir))?;
    let out = absolute(&args.out)?;
    let own = own_files(&out, &args.store);
    let found = walk(&root, |path| is_skipped(path, &own))
        .map_err(|error| format!("cannot read the directory {root:?}: {error}"))?;
    for (name, why) in &found.unreadable {
        eprintln!("cannot read the directory {name}, which is left out: {why}");
    }

    let store = blocking::open(&args.store)?;
    // Whoever claims the session last owns it: a run that was thought dead cannot save into this one's work.
    let session = store.session("resumable_index").wait()?.claim().wait()?;
    let (mut index, mut newest) = resume(&session, &root, &args.store)?;
    work(args, &session, &found, &mut index, &mut newest)?;

    write_atomically(&out, |out| index.write(&found, out))
        .map_err(|error| format!("cannot write {out:?}: {error}"))?;
    // Only now: a kill before this line has the next run write the file again.
    if let Some(id) = newest {
        session.update(id).status(Status::Completed).wait()?;
    }
    store.close().wait()?;
    eprintln!("{}", index.summary());
    eprintln!("wrote {}", out.display());
    Ok(())
}

/// The state to go on from: that of the newest checkpoint, unless its work is done.
fn resume(
    session: &Session,
    root: &Path,
    store: &str,
) -> Result<(Index, Option<CheckpointId>), Failure> {
    let fresh = Index::new(root);
    let Some(checkpoint) = session.latest().wait()? else {
        eprintln!("indexing {}, saving to {store}", root.display());
        return Ok((fresh, None));
    };
    if checkpoint.status() == Status::Completed {
        let place = root.display();
        eprintln!("the last index was finished; indexing {place} anew, saving to {store}");
        return Ok((fresh, None));
    }
    let index: Index = checkpoint.state().wait()?;
    if index.directory() != fresh.directory() {
        return Err(format!(
            "{store} holds an unfinished index of {}, not of {}; finish that one first, or give another --store",
            index.directory(),
            fresh.directory(),
        )
        .into());
    }
    eprintln!(
        "resuming at checkpoint {} ({}) of {store}",
        checkpoint.sequence(),
        checkpoint.message(),
    );
    Ok((index, Some(checkpoint.id().clone())))
}

/// Indexes what is not indexed yet, and saves on the way.
fn work(
    args: &Args,
    session: &Session,
    found: &Found,
    index: &mut Index,
    newest: &mut Option<CheckpointId>,
) -> Result<(), Failure> {
    let done = index.names();
    let left: Vec<_> = found
        .files
        .iter()
        .filter(|(name, _)| !done.contains(name))
        .collect();
    let total = index.len() + left.len();
    if !done.is_empty() {
        eprintln!(
            "skipping {} files that are done, {} are left",
            done.len(),
            left.len()
        );
    }
    let mut progress = Progress::new(total);
    let mut saves = 0;
    for files in left.chunks(args.every) {
        for (name, path) in files {
            if let Some(problem) = index.add(name, path) {
                progress.note(&format!("{name}: {problem}"));
            }
        }
        let message = format!("{} of {total} files", index.len());
        let save = session
            .save(&*index)
            .status(Status::Active)
            .message(message);
        *newest = Some(save.wait()?.id);
        saves += 1;
        progress.at(index.len());
        if args.die_after == Some(saves) {
            progress.note(&format!("dying after {saves} saves, as told"));
            std::process::abort();
        }
    }
    if newest.is_none() {
        let save = session.save(&*index).status(Status::Active);
        *newest = Some(save.message("no files").wait()?.id);
    }
    progress.end();
    Ok(())
}

/// Where a file lies or will lie, links resolved, as the listing of a directory shows it.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    let name = path
        .file_name()
        .ok_or_else(|| format!("{path:?} names no file"))?;
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    let parent = fs::canonicalize(parent)
        .map_err(|error| format!("cannot write to the directory {parent:?}: {error}"))?;
    Ok(parent.join(name))
}

/// The files that this program writes, which would make an index of themselves.
fn own_files(out: &Path, store: &str) -> Vec<PathBuf> {
    let path = store
        .split_once("://")
        .map(|(_, rest)| rest.split('?').next().unwrap_or(rest));
    let store = path.and_then(|path| absolute(Path::new(path)).ok());
    [Some(out.to_owned()), store]
        .into_iter()
        .flatten()
        .collect()
}

/// Leaves out version control, what was built, and the program's own files with what lies beside them while they are
/// made and written: `.name.tmp`, `name-wal`, `name.new-…`.
fn is_skipped(path: &Path, own: &[PathBuf]) -> bool {
    let Some(name) = path.file_name() else {
        return false;
    };
    let is_own = |own: &PathBuf| {
        let (Some(own_name), true) = (own.file_name(), own.parent() == path.parent()) else {
            return false;
        };
        let (name, own_name) = (name.to_string_lossy(), own_name.to_string_lossy());
        let beside = name.strip_prefix(&*own_name);
        beside.is_some_and(|rest| {
            rest.is_empty() || rest.starts_with('-') || rest.starts_with(".new-")
        }) || name == format!(".{own_name}.tmp")
    };
    name == ".git" || name == "target" || own.iter().any(is_own)
}
