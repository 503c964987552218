//! Opening a store as a program says, whatever its URL leaves open.

use std::path::PathBuf;
use std::sync::Arc;

use checkpoint_core::{Backend, Error, Result, Store};

use super::{bare_at, sealed};
use crate::url::{Place, StoreUrl};

/// How to open a store: what a program decides, where its URL comes from a user. What is said here goes before what the
/// URL says.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> checkpoint::Result<()> {
/// use checkpoint::{ErrorKind, OpenOptions};
///
/// let error = OpenOptions::at("memory:").with_create(false).open().await.unwrap_err();
/// assert_eq!(*error.kind(), ErrorKind::NotFound);
/// let store = OpenOptions::at("memory:").with_create(true).open().await?;
/// assert_eq!(store.sequence().await?, 0);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is opened until `open`, awaited"]
pub struct OpenOptions {
    url: String,
    create: Option<bool>,
    read_only: Option<bool>,
    reading: Reading,
    key: Keyed,
}

/// What a program is going to do with what it reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Reading {
    /// It may read the same again.
    #[default]
    Again,
    /// It goes through it once.
    Once,
}

/// Where the key comes from.
#[derive(Clone, Debug)]
enum Keyed {
    Environment,
    No,
    #[cfg(feature = "crypto")]
    By(checkpoint_crypto::Key),
}

impl OpenOptions {
    /// As [`open`](crate::open) opens it.
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            create: None,
            read_only: None,
            reading: Reading::default(),
            key: Keyed::Environment,
        }
    }

    /// Whether the store may be created. Default: as the URL says, else yes. Without it a store that is not there is
    /// `NotFound`, and so is one in memory, which never is.
    pub fn with_create(mut self, create: bool) -> Self {
        self.create = Some(create);
        self
    }

    /// Whether the store is opened so that nothing can be written, and nothing is created. Default: as the URL says, else
    /// no. A URL that says `mode=ro` is taken by its word whatever is said here.
    pub fn with_read_only(mut self, read_only: bool) -> Self {
        self.read_only = Some(read_only);
        self
    }

    /// Whether what is read is read once, as by a copy or a check, so that little of it is worth keeping in memory: 8 MiB
    /// of the pages of `redb:`, 4 MiB of the chunks of objects, 8 MiB of the index of `file:`. Default: no. A URL that
    /// says `cache` is taken by its word.
    pub fn with_one_pass(mut self, one_pass: bool) -> Self {
        self.reading = if one_pass {
            Reading::Once
        } else {
            Reading::Again
        };
        self
    }

    /// Encrypted, with this key. Default: what the environment names, if it names one.
    #[cfg(feature = "crypto")]
    pub fn with_key(mut self, key: checkpoint_crypto::Key) -> Self {
        self.key = Keyed::By(key);
        self
    }

    /// Not encrypted, whatever the environment names.
    pub fn without_key(mut self) -> Self {
        self.key = Keyed::No;
        self
    }

    /// The file or directory in which the store lies or would lie; none where it is not in the file system. Opens
    /// nothing.
    ///
    /// # Errors
    ///
    /// `Invalid` for what is no URL of a store.
    pub fn path(&self) -> Result<Option<PathBuf>> {
        let url = StoreUrl::parse(&self.url)?;
        Ok(match (url.scheme(), url.place()) {
            ("sqlite" | "redb" | "file", Place::Path(path)) => Some(path.into()),
            _ => None,
        })
    }

    /// Opens the store.
    ///
    /// # Errors
    ///
    /// As [`open`](crate::open); `NotFound` when it is not there and may not be created.
    pub async fn open(self) -> Result<Store> {
        Ok(Store::new(self.open_backend().await?))
    }

    /// Opens the backend, to build a [`Store`] with other settings or to wrap it.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn open_backend(self) -> Result<Arc<dyn Backend>> {
        let backend = bare_at(&self.settled()?, self.reading).await?;
        match self.key {
            Keyed::Environment => sealed::open(backend).await,
            Keyed::No => sealed::plain(backend).await,
            #[cfg(feature = "crypto")]
            Keyed::By(key) => sealed::open_with(backend, key).await,
        }
    }

    /// Opens the backend of an encrypted store as what it is, for the life of its keys.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and `Invalid` when no key is named.
    #[cfg(feature = "crypto")]
    pub async fn open_encrypted(self) -> Result<checkpoint_crypto::Encrypted<Arc<dyn Backend>>> {
        let url = self.settled()?;
        let key = match self.key {
            Keyed::By(key) => Some(key),
            Keyed::Environment => checkpoint_crypto::Key::from_environment()?,
            Keyed::No => None,
        };
        let key = key.ok_or_else(|| {
            Error::invalid("no key is named, and an encrypted store opens with its key alone")
        })?;
        sealed::encrypted(bare_at(&url, self.reading).await?, key).await
    }

    /// The URL, with what is said here.
    fn settled(&self) -> Result<StoreUrl> {
        let mut url = StoreUrl::parse(&self.url)?;
        // Mistakes that are the URL's alone are told as ever.
        if self.create.is_none() && self.read_only.is_none() {
            return Ok(url);
        }
        let is_said = url.options().any(|option| option == ("mode", "ro"));
        let read_only = self.read_only == Some(true) || is_said;
        let create = if read_only { Some(false) } else { self.create };
        if url.is_in_memory() {
            // It takes no options, and never is there already.
            return match create {
                Some(false) => Err(url.blame(Error::not_found(
                    "a store in memory is gone with its program; name one that is kept, such as sqlite://agent.db",
                ))),
                _ => Ok(url),
            };
        }
        if read_only {
            url.set("mode", "ro");
        }
        if let Some(create) = create {
            url.set("create", if create { "true" } else { "false" });
        }
        Ok(url)
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use checkpoint_core::ErrorKind;

    use super::*;

    fn settled(options: OpenOptions) -> Vec<(String, String)> {
        let url = options.settled().expect("a URL");
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        url.options().map(own).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(own).collect()
    }

    #[test]
    fn what_the_program_says_goes_before_the_url() {
        let at = || OpenOptions::at("sqlite://a.db?create=true&durability=os");
        let as_is = pairs(&[("create", "true"), ("durability", "os")]);
        assert_eq!(settled(at()), as_is);
        let refused = pairs(&[("durability", "os"), ("create", "false")]);
        assert_eq!(settled(at().with_create(false)), refused);
        let read = pairs(&[("durability", "os"), ("mode", "ro"), ("create", "false")]);
        assert_eq!(settled(at().with_read_only(true)), read);
        assert_eq!(settled(at().with_read_only(true).with_create(true)), read);
    }

    #[test]
    fn where_a_store_lies_is_known_without_opening_it() {
        let path = |url: &str| OpenOptions::at(url).path().expect(url);
        assert_eq!(path("sqlite://a%3Fb.db?mode=ro"), Some("a?b.db".into()));
        assert_eq!(path("redb:///var/a.redb"), Some("/var/a.redb".into()));
        assert_eq!(path("file://a"), Some("a".into()));
        for elsewhere in ["memory:", "sqlite::memory:", "s3://bucket/a"] {
            assert_eq!(path(elsewhere), None, "{elsewhere}");
        }
        assert!(OpenOptions::at("a.db").path().is_err());
    }

    #[test]
    fn a_url_that_is_read_only_stays_so() {
        let at = OpenOptions::at("sqlite://a.db?mode=ro");
        let read = pairs(&[("mode", "ro"), ("create", "false")]);
        assert_eq!(settled(at.with_create(true).with_read_only(false)), read);
    }

    #[test]
    fn mistakes_of_a_url_are_told_as_ever() {
        let options = OpenOptions::at("sqlite://a.db?mode=ro&create=true");
        let both = pairs(&[("mode", "ro"), ("create", "true")]);
        assert_eq!(settled(options), both);
        let options = OpenOptions::at("sqlite://a.db?crate=false").with_create(false);
        let error = crate::blocking::Wait::wait(options.open()).expect_err("unknown");
        assert_eq!(*error.kind(), ErrorKind::Invalid);
        assert!(
            error.to_string().contains("unknown option `crate`"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_store_in_memory_is_never_there_already() {
        for url in ["memory:", "sqlite::memory:"] {
            let error = OpenOptions::at(url).with_create(false).open().await;
            assert_eq!(
                *error.expect_err("none").kind(),
                ErrorKind::NotFound,
                "{url}"
            );
            let store = OpenOptions::at(url)
                .with_create(true)
                .without_key()
                .open()
                .await;
            assert_eq!(store.expect("made").sequence().await.expect("counted"), 0);
        }
    }

    #[tokio::test]
    async fn a_store_that_is_not_there_is_not_made() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("a.db");
        let at = || OpenOptions::at(format!("sqlite://{}", path.display())).without_key();
        for options in [at().with_create(false), at().with_read_only(true)] {
            let error = options.open().await.expect_err("none is there");
            assert_eq!(*error.kind(), ErrorKind::NotFound);
            assert!(!path.exists());
        }
        at().with_create(true)
            .open()
            .await
            .expect("made")
            .close()
            .await
            .expect("closed");
        let store = at().with_read_only(true).open().await.expect("there");
        assert!(store.info().read_only);
    }

    #[cfg(feature = "crypto")]
    #[tokio::test]
    async fn the_key_is_what_the_program_says() {
        let directory = tempfile::tempdir().expect("a directory");
        let url = format!("sqlite://{}/a.db", directory.path().display());
        let at = || OpenOptions::at(&url);
        let key = || checkpoint_crypto::Key::from_bytes(&[7; 32]);
        let made = at().with_key(key()).open().await.expect("made");
        made.close().await.expect("closed");
        let error = at().without_key().open().await.expect_err("encrypted");
        assert_eq!(*error.kind(), ErrorKind::Denied);
        let other = checkpoint_crypto::Key::from_bytes(&[8; 32]);
        let error = at().with_key(other).open().await.expect_err("another key");
        assert_eq!(*error.kind(), ErrorKind::Denied);
        let encrypted = at().with_key(key()).open_encrypted().await.expect("opened");
        assert_eq!(encrypted.keys().await.expect("listed").len(), 1);
        let error = at()
            .without_key()
            .open_encrypted()
            .await
            .expect_err("none named");
        assert_eq!(*error.kind(), ErrorKind::Invalid);
    }
}
