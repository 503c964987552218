//! Files of a store, damaged in any way, then opened, read, verified, written to and maintained.

mod edits;
mod expected;
mod load;
pub(crate) mod pages;
mod redb_files;
mod sqlite;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use checkpoint_core::{
    Backend, Budget, CheckpointId, ErrorKind, Finding, Result, SeededIds, Store, VerifyReport,
};
use checkpoint_torture::Subject;
use tempfile::TempDir;

use self::expected::{Expected, SAVED_TO};
use crate::input::Input;
use crate::store::{clock, ok, shown, wait};

/// The backends whose files are damaged. This is the one list; an input begins with the number of one.
const SUBJECTS: &[&dyn Subject] = &[&sqlite::Sqlite, &redb_files::Redb];

/// A sound store: its files, and what it answers.
struct Sound {
    files: Vec<(String, Vec<u8>)>,
    expected: Expected,
}

pub(crate) fn body(data: &[u8]) {
    against(data, |_| {});
}

/// Damages the files as the input says, and compares what is answered with what is expected.
pub(crate) fn against(data: &[u8], edit: impl FnOnce(&mut Expected)) {
    let mut input = Input::new(data);
    let which = input.below(SUBJECTS.len());
    let (subject, sound) = (SUBJECTS[which], &sounds()[which]);
    let mut expected = sound.expected.clone();
    edit(&mut expected);
    let mut files = sound.files.clone();
    edits::apply(&mut files, &mut input);
    if files.iter().any(|(_, bytes)| bytes.is_empty()) {
        // An empty file is a place for a new store.
        return;
    }

    let place = directory();
    write(place.path(), &files);
    let Some(backend) = opened(subject, place.path()) else {
        return;
    };
    let store = handle(&backend);
    let first = expected.compare(&backend, &store);
    let report = wait(store.verify());
    assert!(
        first.missing.is_empty() || !clean(&report),
        "{:?} is not there, and verifying finds nothing wrong",
        first.missing
    );
    let saved = saves(&store, &report);
    maintained(&store);
    let second = expected.compare(&backend, &store);
    if !pages_damaged(&report) {
        kept(&first.whole, &second.whole, "saving and maintaining");
    }
    ok(wait(store.close()), "closing");
    drop((store, backend));
    if let Some(backend) = opened(subject, place.path()) {
        let store = handle(&backend);
        let third = expected.compare(&backend, &store);
        kept(&second.whole, &third.whole, "opening it again");
        for (id, state) in &saved {
            read(&store, id, state, &report);
        }
        shown_if(wait(store.close()));
    }
}

fn sounds() -> &'static [Sound] {
    static SOUNDS: OnceLock<Vec<Sound>> = OnceLock::new();
    SOUNDS.get_or_init(|| {
        let subjects = SUBJECTS.iter();
        subjects
            .map(|subject| sound(*subject, load::fill))
            .collect()
    })
}

fn sound(subject: &dyn Subject, fill: impl FnOnce(&Store)) -> Sound {
    let place = directory();
    let open = || ok(wait(subject.open(place.path())), "opening a sound store");
    let store = handle(&open());
    fill(&store);
    if subject.name() != "sqlite" {
        // So that a page is one that something stands on. The inputs for SQLite name places in a file as it grew.
        compacted(&store);
    }
    ok(wait(store.close()), "closing a sound store");
    drop(store);
    let backend = open();
    let store = handle(&backend);
    let expected = Expected::of(&backend, &store);
    assert!(ok(wait(store.verify()), "verifying a sound store").is_clean());
    ok(wait(store.close()), "closing a sound store");
    drop((store, backend));
    let entries = ok(fs::read_dir(place.path()), "listing files");
    let mut files: Vec<_> = entries
        .map(|entry| {
            let path = ok(entry, "listing files").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            (name.into_owned(), ok(fs::read(&path), "reading a file"))
        })
        .collect();
    files.sort();
    Sound { files, expected }
}

fn compacted(store: &Store) {
    let budget = Budget::default().with_compact(true);
    while ok(wait(store.maintain(&budget)), "maintaining").more {}
}

/// In memory where the system has such a place: a run makes thousands of stores.
fn directory() -> TempDir {
    let memory = tempfile::tempdir_in("/dev/shm");
    ok(
        memory.or_else(|_| tempfile::tempdir()),
        "making a directory",
    )
}

fn write(place: &Path, files: &[(String, Vec<u8>)]) {
    for (name, bytes) in files {
        ok(fs::write(place.join(name), bytes), "writing a file");
    }
}

fn handle(backend: &Arc<dyn Backend>) -> Store {
    Store::builder(Arc::clone(backend))
        .clock(clock())
        .ids(SeededIds::new(7))
        .build()
}

/// Opens what is left. What is refused names where it lies.
fn opened(subject: &dyn Subject, place: &Path) -> Option<Arc<dyn Backend>> {
    match wait(subject.open(place)) {
        Ok(backend) => Some(backend),
        Err(error) => {
            let text = shown(&error);
            assert!(
                text.contains(&place.display().to_string()),
                "which file? {text}"
            );
            let told = matches!(
                error.kind(),
                ErrorKind::Corrupt | ErrorKind::Unsupported | ErrorKind::Storage
            );
            assert!(told, "{text} [{:?}]", error.kind());
            None
        }
    }
}

fn clean(report: &Result<VerifyReport>) -> bool {
    report.as_ref().is_ok_and(VerifyReport::is_clean)
}

/// Whether the engine finds its pages themselves damaged. Of rows that share bytes of a page, or share them with what it
/// takes for free, writing one destroys the other: no more can be asked of it than to say so when the store is verified.
fn pages_damaged(report: &Result<VerifyReport>) -> bool {
    let of_pages = |finding: &Finding| {
        let text = finding.error.to_string();
        let found = text.contains("engine") && text.to_lowercase().contains("page ");
        // So damaged that the engine does not come to the end of its own check.
        found || text.contains("the file is damaged")
    };
    !report
        .as_ref()
        .is_ok_and(|report| !report.findings.iter().any(of_pages))
}

fn shown_if<T>(answer: Result<T>) -> Option<T> {
    answer.map_err(|error| shown(&error)).ok()
}

/// What a damaged store still takes it gives back.
fn saves(store: &Store, report: &Result<VerifyReport>) -> Vec<(CheckpointId, Vec<u8>)> {
    let mut saved = Vec::new();
    let Some(session) = shown_if(wait(store.session(SAVED_TO))) else {
        return saved;
    };
    for size in [40, 20_000] {
        let state: Vec<u8> = (0..size).map(|n: u32| (n * n / 7) as u8).collect();
        let id = format!("new-{size}");
        let save = session.save_bytes("application/octet-stream", state.clone());
        if let Some(done) = shown_if(wait(save.id(id).tag("new"))) {
            read(store, &done.id, &state, report);
            saved.push((done.id, state));
        }
    }
    saved
}

fn read(store: &Store, id: &CheckpointId, state: &[u8], report: &Result<VerifyReport>) {
    match wait(store.get(id)) {
        Ok(Some(checkpoint)) => {
            if let Some(bytes) = shown_if(wait(checkpoint.bytes())) {
                assert!(bytes == state, "{id} was saved and is another");
            }
        }
        Ok(None) => assert!(
            !clean(report),
            "{id} was saved to a clean store and is gone"
        ),
        Err(error) => drop(shown(&error)),
    }
}

/// Purges, trims and sweeps all that may go, in steps that come to an end.
fn maintained(store: &Store) {
    let budget = Budget::default().with_rows(50);
    let budget = budget
        .with_grace(Default::default())
        .with_window(Default::default());
    for _ in 0..200 {
        match shown_if(wait(store.maintain(&budget))) {
            Some(step) if step.more => {}
            _ => return,
        }
    }
    panic!("maintaining does not come to an end");
}

fn kept(before: &BTreeSet<CheckpointId>, after: &BTreeSet<CheckpointId>, doing: &str) {
    let lost: Vec<_> = before.difference(after).collect();
    assert!(lost.is_empty(), "{lost:?} could be read before {doing}");
}
