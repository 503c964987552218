use std::path::PathBuf;

use super::*;

fn directory_of(url: &str) -> Result<(DirectoryOptions, Settings)> {
    directory(&StoreUrl::parse(url)?)
}

fn bucket_of(url: &str) -> Result<(Bucket, Settings)> {
    let url = StoreUrl::parse(url)?;
    let service = match url.scheme() {
        "s3" => &S3,
        "gs" => &GCS,
        _ => &AZURE,
    };
    bucket(&url, service)
}

#[test]
fn what_a_url_leaves_open_is_as_the_backend_has_it() {
    let (bucket, settings) = bucket_of("s3://b").unwrap();
    let own = Bucket::named("b");
    assert_eq!(bucket.name, own.name);
    assert_eq!(bucket.prefix, own.prefix);
    assert_eq!(bucket.endpoint, own.endpoint);
    assert_eq!(bucket.region, own.region);
    assert_eq!(bucket.account, own.account);
    assert_eq!(bucket.timeout, own.timeout);
    assert_eq!(bucket.retries, own.retries);
    assert_eq!(
        format!("{settings:?}"),
        format!("{:?}", Settings::default())
    );
    let (directory, _) = directory_of("file://dir").unwrap();
    let own = DirectoryOptions::at("dir");
    assert_eq!(directory.path, own.path);
    assert_eq!(directory.create, own.create);
    assert_eq!(directory.read_only, own.read_only);
}

#[test]
fn each_option_of_a_bucket_is_taken() {
    let url = "s3://b-1.x/some/store/?endpoint=http://127.0.0.1:9000&region=eu-central-1&timeout=250ms&retries=0\
               &create=false&mode=rw&staleness=2s&cache=1MiB&snapshot_after=3\
               &cache_dir=/var/c%20d&cache_dir_size=2GiB";
    let (bucket, settings) = bucket_of(url).unwrap();
    assert_eq!((&*bucket.name, &*bucket.prefix), ("b-1.x", "some/store/"));
    assert_eq!(bucket.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
    assert_eq!(bucket.region.as_deref(), Some("eu-central-1"));
    assert_eq!(bucket.timeout, Duration::from_millis(250));
    assert_eq!(bucket.retries, 0);
    assert_eq!(settings.create, Some(false));
    assert_eq!(settings.staleness, Some(Duration::from_secs(2)));
    assert_eq!(settings.cache, Some(1 << 20));
    assert_eq!(settings.snapshot_after, Some(3));
    assert_eq!(settings.cache_dir, Some(PathBuf::from("/var/c d")));
    assert_eq!(settings.cache_dir_size, Some(2 << 30));
    let (container, settings) = bucket_of("az://c?account=people&mode=ro").unwrap();
    assert_eq!(container.account.as_deref(), Some("people"));
    assert!(settings.read_only);
}

#[test]
fn each_option_of_a_directory_is_taken() {
    let url = "file:///a%20b/?create=false&staleness=1m&cache=4MiB&snapshot_after=1";
    let (directory, settings) = directory_of(url).unwrap();
    assert_eq!(directory.path, PathBuf::from("/a b/"));
    assert!(!directory.create && !directory.read_only);
    assert_eq!(settings.staleness, Some(Duration::from_secs(60)));
    let (directory, _) = directory_of("file://dir?mode=ro").unwrap();
    assert!(directory.read_only && !directory.create);
}

#[test]
fn each_bad_url_is_answered_with_what_would_be_right() {
    let bad = [
        ("file:", "the path is empty"),
        ("file://", "the path is empty"),
        ("file:dir", "two slashes"),
        ("file://dir?create=yes", "it is true or false"),
        ("file://dir?mode=w", "it is rw or ro"),
        ("file://dir?mode=ro&create=true", "exclude each other"),
        ("file://dir?staleness=2", "ms, s or m"),
        ("file://dir?cache=5", "KiB, MiB or GiB"),
        ("file://dir?cache_dir=", "has no value"),
        ("s3://b?cache_dir=c&cache_dir_size=5", "KiB, MiB or GiB"),
        ("s3://b?cache_dir_size=5MiB", "add `cache_dir`"),
        ("file://dir?snapshot_after=0", "from 1 to 10000"),
        (
            "file://dir?endpoint=x",
            "unknown option `endpoint`; known are create, mode, staleness, cache, cache_dir, cache_dir_size, \
             snapshot_after",
        ),
        ("s3:", "no bucket is named; write s3://bucket/prefix"),
        ("s3://", "no bucket is named"),
        ("s3:bucket", "no bucket is named"),
        ("s3:///bucket", "no bucket is named"),
        ("gs://", "write gs://bucket/prefix"),
        ("az://", "write az://container/prefix"),
        ("s3://a b", "no bucket is named so"),
        ("s3://a/b//c", "words between single `/`"),
        ("s3://a/../b", "words between single `/`"),
        ("s3://b?endpoint=host:9000", "is neither https: nor http:"),
        ("s3://b?endpoint=ftp://host", "is neither https: nor http:"),
        ("s3://b?endpoint=//host", "is no URL"),
        ("s3://b?endpoint=http://host?x%3D1", "must not carry a `?`"),
        ("s3://b?endpoint=http://u:p%40host", "a user or a password"),
        ("s3://b?region=eu/1", "it has letters, digits and `-`"),
        ("s3://b?timeout=0s", "ms, s or m"),
        ("s3://b?timeout=61m", "at most 60m"),
        ("s3://b?retries=21", "from 0 to 20"),
        ("s3://b?retries=-1", "from 0 to 20"),
        ("s3://b?mode=ro&create=true", "exclude each other"),
        (
            "s3://b?account=a",
            "unknown option `account`; known are create,",
        ),
        ("gs://b?region=a", "unknown option `region`"),
        ("az://b?region=a", "unknown option `region`"),
    ];
    for (url, expected) in bad {
        let error = match url.split_once(':') {
            Some(("file", _)) => directory_of(url).unwrap_err(),
            _ => bucket_of(url).unwrap_err(),
        };
        let text = error.to_string();
        assert!(text.contains(expected), "{url}: {text}");
        assert!(text.contains("(url: `"), "{url}: {text}");
    }
}

#[test]
fn credentials_in_a_url_are_refused_and_not_shown() {
    for url in [
        "s3://b?access_key_id=hunter2",
        "s3://b?secret_access_key=hunter2",
        "s3://b?session-token=hunter2",
        "gs://b?credentials=hunter2",
        "az://b?sig=hunter2",
        "az://b?password=hunter2",
        "s3://b?endpoint=http://me:hunter2%40host",
        "s3://b?endpoint=http://host?token%3Dhunter2",
        "s3://hunter2:hunter2@b",
        "az://b?X-Amz-Signature=hunter2",
    ] {
        let error = bucket_of(url).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
    let error = bucket_of("s3://b?secret=hunter2").unwrap_err();
    assert!(
        error.to_string().contains("set AWS_ACCESS_KEY_ID"),
        "{error}"
    );
}
