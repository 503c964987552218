//! From a URL to a store.

#[cfg(any(feature = "redb", feature = "sqlite"))]
mod file;
#[cfg(feature = "redb")]
mod redb;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::sync::Arc;

use checkpoint_core::{Backend, Error, MemoryBackend, Result, Store};

use crate::url::{Place, Quoted, StoreUrl};

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
];

/// Schemes whose backend is a feature that this build may lack.
const FEATURES: &[(&str, &str)] = &[("sqlite", "sqlite"), ("redb", "redb")];

/// Schemes of backends that this version does not have.
const LATER: &[&str] = &["file", "s3", "gs", "az"];

/// Opens the store at a URL, and creates it where it is not there yet, which is logged.
///
/// | URL | store | options |
/// |---|---|---|
/// | `memory:` | in memory, a new one each time, gone with its last handle | none |
/// | `sqlite://rel.db`, `sqlite:///abs.db` | a file; `%XX` for `?`, `#`, `%`, `@` | below |
/// | `sqlite::memory:` | SQLite in memory, a new one each time | none |
/// | `redb://rel.redb`, `redb:///abs.redb` | a file that one handle at a time has open; likewise | below |
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
    let url = StoreUrl::parse(url.as_ref())?;
    match url.scheme() {
        "memory" => memory(&url),
        #[cfg(feature = "sqlite")]
        "sqlite" => sqlite::open(&url).await,
        #[cfg(feature = "redb")]
        "redb" => self::redb::open(&url).await,
        _ => Err(not_there(&url)),
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
    } else if LATER.contains(&scheme) {
        Error::unsupported(format!(
            "`{scheme}:` is not in this version of `checkpoint`; there is: {there}"
        ))
    } else {
        let scheme = Quoted(scheme);
        Error::invalid(format!("unknown scheme {scheme}; there is: {there}"))
    })
}

#[cfg(test)]
mod tests;
