//! From a URL to a store.

#[cfg(any(
    feature = "azure",
    feature = "file",
    feature = "gcs",
    feature = "redb",
    feature = "s3",
    feature = "sqlite"
))]
mod file;
#[cfg(any(feature = "azure", feature = "file", feature = "gcs", feature = "s3"))]
mod objects;
mod options;
#[cfg(feature = "redb")]
mod redb;
mod sealed;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(
    feature = "azure",
    feature = "file",
    feature = "gcs",
    feature = "redb",
    feature = "s3",
    feature = "sqlite"
))]
mod value;

use std::sync::Arc;

use checkpoint_core::{Backend, Error, MemoryBackend, Result, Store};

use crate::url::{Place, Quoted, StoreUrl};

use self::options::Reading;

pub use self::options::OpenOptions;

/// What this build can open: the forms of URLs that it has a backend for, the one in memory first.
///
/// ```
/// assert!(checkpoint::available().contains(&"memory:"));
/// ```
#[must_use]
pub const fn available() -> &'static [&'static str] {
    THERE
}

const THERE: &[&str] = &[
    "memory:",
    #[cfg(feature = "sqlite")]
    "sqlite://path",
    #[cfg(feature = "redb")]
    "redb://path",
    #[cfg(feature = "file")]
    "file://path",
    #[cfg(feature = "s3")]
    "s3://bucket/prefix",
    #[cfg(feature = "gcs")]
    "gs://bucket/prefix",
    #[cfg(feature = "azure")]
    "az://container/prefix",
];

/// Schemes whose backend is a feature that this build may lack.
const FEATURES: &[(&str, &str)] = &[
    ("sqlite", "sqlite"),
    ("redb", "redb"),
    ("file", "file"),
    ("s3", "s3"),
    ("gs", "gcs"),
    ("az", "azure"),
];

/// Opens the store at a URL, and creates it where it is not there yet, which is logged.
///
/// | URL | store | options |
/// |---|---|---|
/// | `memory:` | in memory, a new one each time, gone with its last handle | none |
/// | `sqlite://rel.db`, `sqlite:///abs.db` | a file; `%XX` for `?`, `#`, `%`, `@` | below |
/// | `sqlite::memory:` | SQLite in memory, a new one each time | none |
/// | `redb://rel.redb`, `redb:///abs.redb` | a file that one handle at a time has open; likewise | below |
/// | `file://rel`, `file:///abs` | a directory of plain files, which processes share; likewise | below |
/// | `s3://bucket/prefix` | objects in S3, or what speaks as it does, which machines share | below |
/// | `gs://bucket/prefix` | objects in Google Cloud Storage, likewise | below |
/// | `az://container/prefix` | objects in Azure Blob Storage, likewise | below |
///
/// | option of `sqlite:` | meaning | default |
/// |---|---|---|
/// | `create=true\|false` | create the file when it is not there | `true` |
/// | `mode=rw\|ro` | `ro`: nothing can be written, nothing is created | `rw` |
/// | `durability=disk\|os` | `os`: the newest saves may be lost with the power, not with the process | `disk` |
/// | `busy_timeout=5s` | how long to wait for another process that writes, in `ms`, `s` or `m`, at most `60m` | `5s` |
///
/// | option of `redb:` | meaning | default |
/// |---|---|---|
/// | `create=true\|false` | create the file when it is not there | `true` |
/// | `mode=rw\|ro` | `ro`: nothing can be written, nothing is created; refused while a handle that writes has it | `rw` |
/// | `durability=disk` | the only one that this engine has | `disk` |
/// | `cache=32MiB` | memory for pages, in `KiB`, `MiB` or `GiB`, at most `64GiB` | `32MiB` |
///
/// | option of `file:`, `s3:`, `gs:`, `az:` | meaning | default |
/// |---|---|---|
/// | `create=true\|false` | create the store when it is not there; never the bucket | `true` |
/// | `mode=rw\|ro` | `ro`: nothing can be written, nothing is created | `rw` |
/// | `staleness=2s` | how old what is read may be, so that reads need no request, at most `60m` | `0s` |
/// | `cache=64MiB` | memory for what was read of the index, and as much for chunks, at most `64GiB` | `64MiB` |
/// | `cache_dir=/var/cache/agent` | a directory for chunks, so that who opens the store again need not fetch them again; nobody but its user may have rights in it | none |
/// | `cache_dir_size=256MiB` | its bytes at most, at most 64GiB | `1GiB` |
/// | `snapshot_after=12` | commits, or groups of them, after which a snapshot is made, at most 10000 | `12` |
///
/// | option of `s3:`, `gs:`, `az:` | meaning | default |
/// |---|---|---|
/// | `endpoint=https://host:port` | where the service is; `http:` on this machine only, but with `AWS_ALLOW_HTTP=true` or `AZURE_ALLOW_HTTP=true` | of the environment, else the company's |
/// | `region=eu-central-1` | the region of the bucket; `s3:` alone | of the environment, else `us-east-1` |
/// | `account=name` | the storage account; `az:` alone | of the environment |
/// | `timeout=30s` | how long one request may take, at most `60m` | `30s` |
/// | `retries=5` | how often a request is made again that failed, after 0.1 to 5 seconds, within a minute; at most 20 | `5` |
///
/// Credentials never stand in a URL. They are read from the environment: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
/// `AWS_SESSION_TOKEN`, or what a machine or a role of Amazon has; `GOOGLE_SERVICE_ACCOUNT`, `GOOGLE_SERVICE_ACCOUNT_KEY` or
/// `GOOGLE_APPLICATION_CREDENTIALS`; `AZURE_STORAGE_ACCOUNT_KEY`, `AZURE_STORAGE_SAS_TOKEN`, or a service principal's. Files
/// such as `~/.aws/credentials` are not read.
///
/// A store that is encrypted opens with its key alone: `open_with` takes one, with the feature `crypto`. With that feature
/// the key may be named in the environment too, by `CHECKPOINT_KEY_FILE`, `CHECKPOINT_KEY_COMMAND` or
/// `CHECKPOINT_PASSPHRASE_FILE`; then every store that the program opens by URL is encrypted, and a plain one is refused.
///
/// For other settings, such as a codec or a clock, give [`Store::builder`] what [`open_backend`] answers.
///
/// # Errors
///
/// `Invalid` for what is no such URL, `Unsupported` for a backend that this build lacks, and those of the backend. Each
/// says what to write instead.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> checkpoint::Result<()> {
/// let store = checkpoint::open("memory:").await?;
/// assert_eq!(store.sequence().await?, 0);
///
/// let error = checkpoint::open("agent.db").await.unwrap_err();
/// assert!(error.to_string().contains("did you mean `sqlite://agent.db`?"));
/// # Ok(()) }
/// ```
pub async fn open(url: impl AsRef<str>) -> Result<Store> {
    Ok(Store::new(open_backend(url).await?))
}

/// Opens the backend at a URL, as [`open`] does, to build a [`Store`] with other settings or to wrap it.
///
/// # Errors
///
/// As [`open`].
pub async fn open_backend(url: impl AsRef<str>) -> Result<Arc<dyn Backend>> {
    sealed::open(bare(url.as_ref()).await?).await
}

/// Opens the encrypted store at a URL, and makes one where nothing is stored yet. What is kept is sealed with
/// AES-256-GCM; `docs/encryption.md` says what that protects.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> checkpoint::Result<()> {
/// use checkpoint::crypto::Key;
///
/// let key = Key::from_passphrase("correct horse battery staple");
/// let store = checkpoint::open_with("memory:", key).await?;
/// store.session("s").await?.save("a secret").await?;
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// As [`open`]; `Denied` when it is not the key of the store, when the store is not encrypted, or when its keys were
/// dropped; and those of getting at the key.
#[cfg(feature = "crypto")]
pub async fn open_with(url: impl AsRef<str>, key: checkpoint_crypto::Key) -> Result<Store> {
    Ok(Store::new(open_backend_with(url, key).await?))
}

/// Opens the backend of an encrypted store, as [`open_with`] does.
///
/// # Errors
///
/// As [`open_with`].
#[cfg(feature = "crypto")]
pub async fn open_backend_with(
    url: impl AsRef<str>,
    key: checkpoint_crypto::Key,
) -> Result<Arc<dyn Backend>> {
    sealed::open_with(bare(url.as_ref()).await?, key).await
}

/// Opens a backend, whatever is in it.
async fn bare(url: &str) -> Result<Arc<dyn Backend>> {
    bare_at(&StoreUrl::parse(url)?, Reading::default()).await
}

#[cfg_attr(
    not(any(
        feature = "azure",
        feature = "file",
        feature = "gcs",
        feature = "redb",
        feature = "s3"
    )),
    expect(unused_variables, reason = "the others keep nothing in memory")
)]
async fn bare_at(url: &StoreUrl, reading: Reading) -> Result<Arc<dyn Backend>> {
    match url.scheme() {
        "memory" => memory(url),
        #[cfg(feature = "sqlite")]
        "sqlite" => sqlite::open(url).await,
        #[cfg(feature = "redb")]
        "redb" => self::redb::open(url, reading).await,
        #[cfg(feature = "file")]
        "file" => objects::open_directory(url, reading).await,
        #[cfg(feature = "s3")]
        "s3" => objects::open(url, &objects::S3, reading).await,
        #[cfg(feature = "gcs")]
        "gs" => objects::open(url, &objects::GCS, reading).await,
        #[cfg(feature = "azure")]
        "az" => objects::open(url, &objects::AZURE, reading).await,
        _ => Err(not_there(url)),
    }
}

/// What a URL says, in its parts.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlParts {
    /// In small letters.
    pub scheme: String,
    /// Decoded.
    pub place: String,
    /// Decoded, in the order given.
    pub options: Vec<(String, String)>,
}

/// Judges a URL as [`open_backend`] does, and opens nothing.
///
/// Hidden, since a program has no use for it: it is for fuzzing, which must neither touch files nor be kept from all
/// that comes after the first mistake.
///
/// # Errors
///
/// Those of [`open_backend`] that need no storage.
#[doc(hidden)]
pub fn url_parts(url: impl AsRef<str>) -> Result<UrlParts> {
    let url = StoreUrl::parse(url.as_ref())?;
    match url.scheme() {
        "memory" => check_memory(&url)?,
        #[cfg(feature = "sqlite")]
        "sqlite" => drop(sqlite::options(&url)?),
        #[cfg(feature = "redb")]
        "redb" => drop(self::redb::options(&url)?),
        #[cfg(feature = "file")]
        "file" => drop(objects::directory(&url)?),
        #[cfg(feature = "s3")]
        "s3" => drop(objects::bucket(&url, &objects::S3)?),
        #[cfg(feature = "gcs")]
        "gs" => drop(objects::bucket(&url, &objects::GCS)?),
        #[cfg(feature = "azure")]
        "az" => drop(objects::bucket(&url, &objects::AZURE)?),
        _ => return Err(not_there(&url)),
    }
    let place = match url.place() {
        Place::Nothing => String::new(),
        Place::Word(place) | Place::Path(place) => place.clone(),
    };
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Ok(UrlParts {
        scheme: url.scheme().to_owned(),
        place,
        options: url.options().map(own).collect(),
    })
}

fn memory(url: &StoreUrl) -> Result<Arc<dyn Backend>> {
    check_memory(url)?;
    tracing::info!(store = "memory:", "created a store in memory");
    Ok(Arc::new(MemoryBackend::new()))
}

fn check_memory(url: &StoreUrl) -> Result<()> {
    match url.place() {
        Place::Nothing => {}
        Place::Path(path) if path.is_empty() => {}
        // Which name is not said: what stands before an `@` in it may be a password.
        Place::Word(_) | Place::Path(_) => {
            let problem = "a store in memory has no name; write `memory:`, and share the handle";
            return Err(url.blame(Error::invalid(problem)));
        }
    }
    match url.options().next() {
        Some((name, _)) => Err(url.unknown_option(name, &[])),
        None => Ok(()),
    }
}

fn not_there(url: &StoreUrl) -> Error {
    let scheme = url.scheme();
    let there = THERE.join(", ");
    let feature = FEATURES.iter().find(|(known, _)| *known == scheme);
    url.blame(if let Some((_, feature)) = feature {
        Error::unsupported(format!(
            "`{scheme}:` is not in this build; enable the feature `{feature}` of the crate `checkpoint` (there is: \
             {there})"
        ))
    } else {
        let scheme = Quoted(scheme);
        Error::invalid(format!("unknown scheme {scheme}; there is: {there}"))
    })
}

#[cfg(test)]
mod tests;
