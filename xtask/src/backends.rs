//! The backends that are tried, in one list.

use std::sync::Arc;

use checkpoint_conformance::{Harness, Memory};
use checkpoint_torture::Subject;
use checkpoint_torture::requests::ObjectSubject;

/// The harness of a backend lives with the tests of its crate.
#[path = "../../crates/checkpoint-crypto/tests/harness/mod.rs"]
mod crypto;
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

/// Those that keep their data in an object store, each with a way to open a store in one.
pub(crate) fn object_subjects() -> Vec<Arc<dyn ObjectSubject>> {
    vec![Arc::new(objects_requests::RequestSubject::default())]
}
