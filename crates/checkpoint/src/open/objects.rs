//! The options of the URLs of objects: `file:`, `s3:`, `gs:`, `az:`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use checkpoint_core::{Backend, Error, Result};
#[cfg(feature = "file")]
use checkpoint_s3::DirectoryOptions;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
use checkpoint_s3::client::{self, Bucket};
use checkpoint_s3::{ObjectBackend, ObjectOptions};

use super::file::{self, Common};
use super::options::Reading;
use super::value::{DURATION, SIZE, duration, size};
use crate::url::{Place, StoreUrl};

/// A service, by what its URLs may say.
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
pub(super) struct Service {
    example: &'static str,
    known: &'static [&'static str],
    /// Where its credentials come from.
    credentials: &'static str,
    client: fn(&Bucket) -> Result<ObjectOptions>,
}

#[cfg(feature = "s3")]
pub(super) const S3: Service = Service {
    example: "s3://bucket/prefix",
    known: &[
        "create",
        "mode",
        "staleness",
        "cache",
        "cache_dir",
        "cache_dir_size",
        "snapshot_after",
        "endpoint",
        "timeout",
        "retries",
        "region",
    ],
    credentials: "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    client: client::s3,
};

#[cfg(feature = "gcs")]
pub(super) const GCS: Service = Service {
    example: "gs://bucket/prefix",
    known: &[
        "create",
        "mode",
        "staleness",
        "cache",
        "cache_dir",
        "cache_dir_size",
        "snapshot_after",
        "endpoint",
        "timeout",
        "retries",
    ],
    credentials: "GOOGLE_SERVICE_ACCOUNT",
    client: client::gcs,
};

#[cfg(feature = "azure")]
pub(super) const AZURE: Service = Service {
    example: "az://container/prefix",
    known: &[
        "create",
        "mode",
        "staleness",
        "cache",
        "cache_dir",
        "cache_dir_size",
        "snapshot_after",
        "endpoint",
        "timeout",
        "retries",
        "account",
    ],
    credentials: "AZURE_STORAGE_ACCOUNT_KEY",
    client: client::azure,
};

/// What is said of the store, wherever its objects are.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    create: Option<bool>,
    read_only: bool,
    staleness: Option<Duration>,
    cache: Option<usize>,
    cache_dir: Option<PathBuf>,
    cache_dir_size: Option<u64>,
    snapshot_after: Option<u64>,
}

impl Settings {
    /// Takes an option, if it is one of these.
    fn take(&mut self, url: &StoreUrl, name: &str, value: &str) -> Result<bool> {
        let bad = |remedy: &str| Err(url.bad_value(name, value, remedy));
        match file::common(url, name, value)? {
            Some(Common::Create(create)) => self.create = Some(create),
            Some(Common::ReadOnly(read_only)) => self.read_only = read_only,
            None => match name {
                "staleness" => match duration(value) {
                    Some(staleness) => self.staleness = Some(staleness),
                    None => return bad(DURATION),
                },
                "cache" => match size(value) {
                    Some(bytes) => self.cache = usize::try_from(bytes).ok(),
                    None => return bad(SIZE),
                },
                "cache_dir" if value.is_empty() => return bad("it is the path of a directory"),
                "cache_dir" => self.cache_dir = Some(value.into()),
                "cache_dir_size" => match size(value) {
                    Some(bytes) => self.cache_dir_size = Some(bytes),
                    None => return bad(SIZE),
                },
                "snapshot_after" => match value.parse() {
                    Ok(entries @ 1..=10_000) => self.snapshot_after = Some(entries),
                    _ => return bad("it is a number from 1 to 10000"),
                },
                _ => return Ok(false),
            },
        }
        Ok(true)
    }

    fn may_create(&self, url: &StoreUrl) -> Result<bool> {
        file::may_create(url, self.create.unwrap_or(true), self.read_only)
    }

    /// Refuses options that mean nothing without another one.
    fn check(&self, url: &StoreUrl) -> Result<()> {
        if self.cache_dir_size.is_some() && self.cache_dir.is_none() {
            let problem = "`cache_dir_size` bounds a directory, and none is named; add `cache_dir`";
            return Err(url.blame(Error::invalid(problem)));
        }
        Ok(())
    }

    fn apply(
        &self,
        url: &StoreUrl,
        options: ObjectOptions,
        reading: Reading,
    ) -> Result<ObjectOptions> {
        let options = match &self.cache_dir {
            Some(path) => {
                let bytes = self.cache_dir_size.unwrap_or(options.cache_bytes);
                options.with_cache_directory(path, bytes)
            }
            None => options,
        };
        let (index, chunks) = match reading {
            Reading::Again => (options.index_cache, options.chunk_cache),
            // Chunks are found by ids without order, so that each may need any part of the index: a request in a bucket,
            // but nothing much in a directory.
            Reading::Once if url.scheme() == "file" => (8 << 20, 4 << 20),
            Reading::Once => (options.index_cache, 4 << 20),
        };
        let staleness = self.staleness.unwrap_or(options.staleness);
        let entries = self.snapshot_after.unwrap_or(options.snapshot_after);
        Ok(options
            .with_create(self.may_create(url)?)
            .with_read_only(self.read_only)
            .with_caches(self.cache.unwrap_or(index), self.cache.unwrap_or(chunks))
            .with_staleness(staleness)
            .with_snapshot_after(entries))
    }
}

async fn backend(options: ObjectOptions) -> Result<Arc<dyn Backend>> {
    Ok(Arc::new(ObjectBackend::open(options).await?))
}

#[cfg(feature = "file")]
pub(super) async fn open_directory(url: &StoreUrl, reading: Reading) -> Result<Arc<dyn Backend>> {
    let (directory, settings) = directory(url)?;
    backend(settings.apply(url, directory.find().await?, reading)?).await
}

/// What the URL of a directory says.
#[cfg(feature = "file")]
pub(super) fn directory(url: &StoreUrl) -> Result<(DirectoryOptions, Settings)> {
    const KNOWN: &[&str] = &[
        "create",
        "mode",
        "staleness",
        "cache",
        "cache_dir",
        "cache_dir_size",
        "snapshot_after",
    ];
    let problem = match url.place() {
        Place::Path(path) if !path.is_empty() => {
            let mut settings = Settings::default();
            for (name, value) in url.options() {
                if !settings.take(url, name, value)? {
                    return Err(url.unknown_option(name, KNOWN));
                }
            }
            settings.check(url)?;
            let directory = DirectoryOptions::at(path)
                .with_create(settings.may_create(url)?)
                .with_read_only(settings.read_only);
            return Ok((directory, settings));
        }
        Place::Path(_) | Place::Nothing => {
            "the path is empty; write file://relative or file:///absolute"
        }
        Place::Word(_) => "two slashes stand before a path: file://relative, file:///absolute",
    };
    Err(url.blame(Error::invalid(problem)))
}

#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
pub(super) async fn open(
    url: &StoreUrl,
    service: &Service,
    reading: Reading,
) -> Result<Arc<dyn Backend>> {
    let (bucket, settings) = bucket(url, service)?;
    let options = (service.client)(&bucket).map_err(|error| url.blame(error))?;
    backend(settings.apply(url, options, reading)?).await
}

/// What the URL of a bucket says, without what the environment does.
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
pub(super) fn bucket(url: &StoreUrl, service: &Service) -> Result<(Bucket, Settings)> {
    let path = match url.place() {
        Place::Path(path) if !path.is_empty() && !path.starts_with('/') => path,
        _ => {
            let problem = format!("no bucket is named; write {}", service.example);
            return Err(url.blame(Error::invalid(problem)));
        }
    };
    let (name, prefix) = path.split_once('/').unwrap_or((path, ""));
    let mut bucket = Bucket::named(name).with_prefix(prefix);
    let mut settings = Settings::default();
    for (name, value) in url.options() {
        if settings.take(url, name, value)? {
            continue;
        }
        if !service.known.contains(&name) {
            return Err(unknown(url, service, name));
        }
        bucket = apply(url, bucket, name, value)?;
    }
    settings.may_create(url)?;
    settings.check(url)?;
    bucket.check().map_err(|error| url.blame(error))?;
    Ok((bucket, settings))
}

#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
fn apply(url: &StoreUrl, bucket: Bucket, name: &str, value: &str) -> Result<Bucket> {
    let bad = |remedy: &str| Err(url.bad_value(name, value, remedy));
    let word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    Ok(match name {
        // Its value is never shown: somebody may have put a password into it.
        "endpoint" => bucket.with_endpoint(value),
        "region" | "account" if !value.chars().all(word) => {
            return bad("it has letters, digits and `-`");
        }
        "region" => bucket.with_region(value),
        "account" => bucket.with_account(value),
        "timeout" => match duration(value).filter(|wait| !wait.is_zero()) {
            Some(wait) => bucket.with_timeout(wait),
            None => return bad(DURATION),
        },
        _ => match value.parse() {
            Ok(retries @ 0..=20) => bucket.with_retries(retries),
            _ => return bad("it is a number from 0 to 20"),
        },
    })
}

/// Names of options by which somebody may try to give credentials.
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
const SECRET: &[&str] = &[
    "key",
    "secret",
    "token",
    "password",
    "sig",
    "credential",
    "sas",
];

#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
fn unknown(url: &StoreUrl, service: &Service, name: &str) -> Error {
    let lower = name.to_ascii_lowercase();
    if SECRET.iter().any(|word| lower.contains(word)) {
        return url.blame(Error::invalid(format!(
            "credentials do not stand in a URL, where logs and lists of processes show them; set {} in the environment",
            service.credentials
        )));
    }
    url.unknown_option(name, service.known)
}

#[cfg(all(
    test,
    feature = "file",
    feature = "s3",
    feature = "gcs",
    feature = "azure"
))]
mod tests;
