//! A store in a directory, opened by URL.

#![cfg(feature = "file")]

use checkpoint::ErrorKind;
use checkpoint::blocking::{self, Wait};

#[test]
fn a_directory_is_opened_by_url_without_async_and_shared() {
    let directory = tempfile::tempdir().expect("a directory");
    let url = format!("file://{}/store", directory.path().display());
    let error = blocking::open(format!("{url}?create=false")).expect_err("none is there");
    assert_eq!(*error.kind(), ErrorKind::NotFound);
    let store = blocking::open(&url).expect("made");
    let session = store.session("s").wait().expect("a session");
    session.save(&vec![1, 2, 3]).wait().expect("saved");

    let other = blocking::open(format!("{url}?cache=1MiB&snapshot_after=1")).expect("a second");
    let again = other.session("s").existing().wait().expect("there");
    again.save(&vec![4]).wait().expect("saved by the second");
    let rows: Option<Vec<u32>> = session.latest_as().wait().expect("read by the first");
    assert_eq!(rows, Some(vec![4]));
    other.close().wait().expect("closed");
    store.close().wait().expect("closed");

    let store = blocking::open(format!("{url}?mode=ro&staleness=1s")).expect("there");
    let session = store.session("s").existing().wait().expect("there");
    let rows: Option<Vec<u32>> = session.latest_as().wait().expect("read");
    assert_eq!(rows, Some(vec![4]));
    let error = session.save(&1).wait().expect_err("nothing can be written");
    assert_eq!(*error.kind(), ErrorKind::Denied);
}
