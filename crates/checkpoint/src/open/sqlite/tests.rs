use std::path::PathBuf;
use std::time::Duration;

use super::*;

fn read(url: &str) -> Result<SqliteOptions> {
    options(&StoreUrl::parse(url)?)
}

#[test]
fn what_a_url_leaves_open_is_as_the_backend_has_it() {
    let (read, own) = (read("sqlite://a.db").unwrap(), SqliteOptions::at("a.db"));
    assert_eq!(read.path, own.path);
    assert_eq!(read.create, own.create);
    assert_eq!(read.read_only, own.read_only);
    assert_eq!(read.durability, own.durability);
    assert_eq!(read.busy_timeout, own.busy_timeout);
}

#[test]
fn each_option_is_taken() {
    let url = "sqlite:///a%20b.db?create=false&mode=rw&durability=os&busy_timeout=250ms";
    let options = read(url).unwrap();
    assert_eq!(options.path, Some(PathBuf::from("/a b.db")));
    assert!(!options.create && !options.read_only);
    assert_eq!(options.durability, Durability::Os);
    assert_eq!(options.busy_timeout, Duration::from_millis(250));
    assert_eq!(read("sqlite::memory:").unwrap().path, None);
}

#[test]
fn what_is_only_read_is_not_created() {
    let options = read("sqlite://a.db?mode=ro").unwrap();
    assert!(options.read_only && !options.create);
    assert!(read("sqlite://a.db?mode=ro&create=false").is_ok());
}

#[test]
fn waits_have_a_unit_and_a_bound() {
    assert_eq!(duration("0ms"), Some(Duration::ZERO));
    assert_eq!(duration("5s"), Some(Duration::from_secs(5)));
    assert_eq!(duration("60m"), Some(Duration::from_secs(60 * 60)));
    for bad in [
        "",
        "5",
        "s",
        "-5s",
        "5 s",
        "5h",
        "61m",
        "1.5s",
        "+5s",
        "5S",
        "５s",
        "99999999999999999999s",
        "18446744073709551615m",
    ] {
        assert_eq!(duration(bad), None, "{bad}");
    }
}

#[test]
fn each_mistake_is_answered_with_what_to_write() {
    for (url, expected) in [
        ("sqlite:", "the path is empty"),
        ("sqlite://", "the path is empty"),
        ("sqlite://?create=true", "the path is empty"),
        ("sqlite:a.db", "two slashes stand before a path"),
        ("sqlite:/a.db", "two slashes stand before a path"),
        ("sqlite:memory", "two slashes stand before a path"),
        ("sqlite://:memory:", "written sqlite::memory:"),
        ("sqlite:///", "names a directory"),
        ("sqlite://dir/", "names a directory"),
        ("sqlite://.", "names a directory"),
        ("sqlite://a/..", "names a directory"),
        ("sqlite::memory:?mode=ro", "takes none"),
        (
            "sqlite://a.db?wal=true",
            "unknown option `wal`; known are create, mode, durability, busy_timeout",
        ),
        ("sqlite://a.db?Create=true", "unknown option `Create`"),
        (
            "sqlite://a.db?create=yes",
            "the option `create` cannot be `yes`; it is true or false",
        ),
        ("sqlite://a.db?create=", "the option `create` has no value"),
        ("sqlite://a.db?create", "the option `create` has no value"),
        (
            "sqlite://a.db?create=true&create=true",
            "the option `create` is given twice",
        ),
        (
            "sqlite://a.db?mode=rwc",
            "the option `mode` cannot be `rwc`; it is rw or ro",
        ),
        ("sqlite://a.db?durability=none", "it is disk or os"),
        ("sqlite://a.db?busy_timeout=5", "number with ms, s or m"),
        ("sqlite://a.db?busy_timeout=-5s", "number with ms, s or m"),
        ("sqlite://a.db?mode=ro&create=true", "exclude each other"),
    ] {
        let error = read(url).unwrap_err().to_string();
        assert!(error.contains(expected), "{url}: {error}");
    }
}

#[test]
fn the_value_of_an_unknown_option_is_not_shown() {
    let error = read("sqlite://a.db?password=hunter2").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[tokio::test]
async fn what_looks_like_an_instruction_of_the_engine_is_a_name() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| format!("sqlite://{}/{name}", directory.path().display());
    for (written, name) in [
        ("file:x", "file:x"),
        (
            "file:x%3Fmode=memory%26cache=shared",
            "file:x?mode=memory&cache=shared",
        ),
        (":memory:", ":memory:"),
        ("a%3Fb%23c%25d%40e", "a?b#c%d@e"),
        ("a%20b", "a b"),
    ] {
        let store = crate::open(at(written)).await.unwrap();
        store.close().await.unwrap();
        assert!(directory.path().join(name).is_file(), "{written}");
    }
    let error = crate::open(at("file:y?mode=memory")).await.unwrap_err();
    assert!(error.to_string().contains("it is rw or ro"), "{error}");
}
