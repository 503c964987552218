//! The backends that are tried, in one list.

use std::sync::Arc;

use checkpoint_conformance::{Harness, Memory};
use checkpoint_torture::Subject;
use checkpoint_torture::requests::ObjectSubject;

/// The harness of a backend lives with the tests of its crate.
#[path = "../../crates/checkpoint-crypto/tests/harness/mod.rs"]
mod crypto;
#[path = "../../crates/checkpoint-crypto/tests/harness/subject.rs"]
mod crypto_subject;
#[path = "../../crates/checkpoint-s3/tests/harness/mod.rs"]
mod objects;
#[path = "../../crates/checkpoint-s3/tests/harness/requests.rs"]
mod objects_requests;
#[path = "../../crates/checkpoint-s3/tests/harness/subject.rs"]
mod objects_subject;
#[path = "../../crates/checkpoint-redb/tests/harness/mod.rs"]
mod redb;
#[path = "../../crates/checkpoint-redb/tests/harness/subject.rs"]
mod redb_subject;
#[path = "../../crates/checkpoint-sqlite/tests/harness/mod.rs"]
mod sqlite;
#[path = "../../crates/checkpoint-sqlite/tests/harness/subject.rs"]
mod sqlite_subject;

pub(crate) use self::objects::Buckets;
use crate::options::Options;

/// Tells a command to try backends with everything in them sealed.
pub(crate) const ENCRYPTED: &str = "--encrypted";

/// Every backend that this workspace has, each with a way to make stores.
pub(crate) fn all() -> Vec<Arc<dyn Harness>> {
    vec![
        Arc::new(Memory),
        Arc::new(sqlite::Sqlite),
        Arc::new(self::redb::Redb),
        Arc::new(objects::Objects::default()),
        Arc::new(objects::Directories),
    ]
}

/// Those that a command was told to try, by `--backend` and `--encrypted`.
pub(crate) fn asked_harnesses(options: &Options<'_>) -> Result<Vec<Arc<dyn Harness>>, String> {
    let asked = options.named("--backend", all(), |harness| harness.name())?;
    Ok(match options.has(ENCRYPTED) {
        true => asked.into_iter().map(encrypted).collect(),
        false => asked,
    })
}

/// A backend again, with everything in it sealed.
pub(crate) fn encrypted(below: Arc<dyn Harness>) -> Arc<dyn Harness> {
    Arc::new(crypto::Sealed::new(below))
}

/// Those that outlive their process, each with a way to open a store in a directory.
pub(crate) fn subjects() -> Vec<Arc<dyn Subject>> {
    vec![
        Arc::new(sqlite_subject::SqliteSubject::default()),
        Arc::new(redb_subject::RedbSubject::default()),
        Arc::new(objects_subject::DirectorySubject::default()),
    ]
}

/// Those that a command was told to try, by `--backend` and `--encrypted`.
pub(crate) fn asked_subjects(options: &Options<'_>) -> Result<Vec<Arc<dyn Subject>>, String> {
    let asked = options.named("--backend", subjects(), |subject| subject.name())?;
    Ok(as_asked(options, asked))
}

/// These, sealed if a command was told so.
pub(crate) fn as_asked(
    options: &Options<'_>,
    subjects: Vec<Arc<dyn Subject>>,
) -> Vec<Arc<dyn Subject>> {
    match options.has(ENCRYPTED) {
        true => subjects.into_iter().map(encrypted_subject).collect(),
        false => subjects,
    }
}

/// These and the same sealed: all that a process may be told to open.
pub(crate) fn either(subjects: Vec<Arc<dyn Subject>>) -> Vec<Arc<dyn Subject>> {
    let sealed = subjects.iter().cloned().map(encrypted_subject);
    let sealed: Vec<_> = sealed.collect();
    [subjects, sealed].concat()
}

/// The options that ask for a backend of this name again.
pub(crate) fn again(name: &str) -> String {
    match name.strip_suffix("-encrypted") {
        Some(below) => format!("--backend {below} {ENCRYPTED}"),
        None => format!("--backend {name}"),
    }
}

/// A backend that outlives its process again, with everything in it sealed.
pub(crate) fn encrypted_subject(below: Arc<dyn Subject>) -> Arc<dyn Subject> {
    Arc::new(crypto_subject::SealedSubject::new(below))
}

/// One that keeps its data in an object store again, with everything in it sealed.
pub(crate) fn encrypted_objects(below: Arc<dyn ObjectSubject>) -> Arc<dyn ObjectSubject> {
    Arc::new(crypto_subject::SealedObjects::new(below))
}

/// Those that keep their data in an object store, each with a way to open a store in one.
pub(crate) fn object_subjects() -> Vec<Arc<dyn ObjectSubject>> {
    vec![Arc::new(objects_requests::RequestSubject::default())]
}
