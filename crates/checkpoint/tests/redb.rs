//! A store of the redb backend, opened by URL.

#![cfg(feature = "redb")]

use checkpoint::ErrorKind;
use checkpoint::blocking::{self, Wait};

#[test]
fn a_store_is_opened_by_url_without_async() {
    let directory = tempfile::tempdir().expect("a directory");
    let url = format!("redb://{}/agent.redb", directory.path().display());
    let error = blocking::open(format!("{url}?create=false")).expect_err("none is there");
    assert_eq!(*error.kind(), ErrorKind::NotFound);
    let store = blocking::open(&url).expect("made");
    let session = store.session("s").wait().expect("a session");
    session.save(&vec![1, 2, 3]).wait().expect("saved");
    let error = blocking::open(&url).expect_err("a second handle");
    assert_eq!(*error.kind(), ErrorKind::Locked);
    store.close().wait().expect("closed");

    let store = blocking::open(format!("{url}?mode=ro&cache=1MiB")).expect("there");
    let session = store.session("s").existing().wait().expect("there");
    let rows: Option<Vec<u32>> = session.latest_as().wait().expect("read");
    assert_eq!(rows, Some(vec![1, 2, 3]));
    let error = session.save(&1).wait().expect_err("nothing can be written");
    assert_eq!(*error.kind(), ErrorKind::Denied);
}
