//! The objects of a store, by their names below its prefix.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use checkpoint_core::{Error, Result};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode, PutPayload};

use crate::error::{fault, gone, is_refused, is_taken, not_applied, nothing_done, unknown};
use crate::layout::Name;
use crate::requests::{Kind, Requests};

/// How often an object is put of whose put nobody knows what became of it.
const ATTEMPTS: usize = 4;

/// What became of a create-only put.
#[derive(Debug)]
pub(crate) enum Created {
    /// The object is there, and was put by this request.
    Done,
    /// Something is in the way; it may be what this request, or an earlier attempt at it, has put.
    Taken,
}

/// An object as a list shows it.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) name: Name,
    pub(crate) bytes: u64,
    /// When it was put last, by the clock of the store.
    pub(crate) modified: chrono::DateTime<chrono::Utc>,
}

/// The objects below a prefix.
pub(crate) struct Objects {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    requests: Requests,
}

/// A client may know secrets.
impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl Objects {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, prefix: Path) -> Self {
        Self {
            store,
            prefix,
            requests: Requests::default(),
        }
    }

    pub(crate) const fn requests(&self) -> &Requests {
        &self.requests
    }

    fn path(&self, name: &str) -> Path {
        self.prefix
            .parts()
            .chain(Path::from(name).parts())
            .collect()
    }

    /// An object, none when it is not there.
    pub(crate) async fn get(&self, name: Name) -> Result<Option<Bytes>> {
        self.read(name, None).await
    }

    /// A part of an object that is there.
    pub(crate) async fn range(&self, name: Name, range: Range<u64>) -> Result<Bytes> {
        let found = self.read(name, Some(range)).await?;
        found.ok_or_else(|| gone(name))
    }

    /// Reads once more what came shorter than the service said, as no client does by itself.
    async fn read(&self, name: Name, range: Option<Range<u64>>) -> Result<Option<Bytes>> {
        let first = self.read_once(name, range.clone()).await;
        if matches!(&first, Err(error) if is_short(error)) {
            return self.read_once(name, range).await;
        }
        first
    }

    async fn read_once(&self, name: Name, range: Option<Range<u64>>) -> Result<Option<Bytes>> {
        self.requests.count(Kind::Get);
        let options = GetOptions {
            range: range.clone().map(GetRange::Bounded),
            ..GetOptions::default()
        };
        let got = match self
            .store
            .get_opts(&self.path(&name.to_string()), options)
            .await
        {
            Ok(got) => got,
            Err(error) => return absent(fault(error, not_applied()), name),
        };
        let told = got.range.end - got.range.start;
        let bytes = got.bytes().await;
        let bytes = bytes.map_err(|error| short().because(error).with("object", name))?;
        let expected = range.map_or(told, |range| range.end - range.start);
        if bytes.len() as u64 == expected {
            return Ok(Some(bytes));
        }
        // The object may be shorter than the index says, or the answer was cut off: to try again tells.
        Err(short()
            .because(Short)
            .with("object", name)
            .with("expected", expected)
            .with("bytes", bytes.len()))
    }

    /// Puts an object where none may be.
    ///
    /// An error that is no refusal leaves it open whether the object is there.
    pub(crate) async fn create(&self, name: Name, bytes: Bytes) -> Result<Created> {
        self.requests.count(Kind::Put);
        let payload = PutPayload::from_bytes(bytes);
        let mode = PutMode::Create.into();
        match self
            .store
            .put_opts(&self.path(&name.to_string()), payload, mode)
            .await
        {
            Ok(_) => Ok(Created::Done),
            Err(error) if is_taken(&error) => Ok(Created::Taken),
            Err(error) => Err(fault(error, unknown()).with("object", name)),
        }
    }

    /// Puts an object under a name that nobody else has. `Taken` proves nothing: a service says so of a put that was
    /// applied before, and of one that was not applied at all. So whatever is not `Done` is looked after.
    pub(crate) async fn create_own(&self, name: Name, bytes: Bytes) -> Result<()> {
        for _ in 0..ATTEMPTS {
            match self.create(name, bytes.clone()).await {
                Ok(Created::Done) => return Ok(()),
                Ok(Created::Taken) => {}
                Err(error) if is_refused(&error) => return Err(error),
                Err(error) => tracing::debug!(%error, object = %name, "a put without an answer"),
            }
            if self.modified(name).await.map_err(nothing_done)?.is_some() {
                return Ok(());
            }
        }
        Err(Error::new(
            not_applied(),
            "the service does not tell whether it put an object; try again",
        )
        .with("object", name))
    }

    /// Puts an object, whatever is there.
    pub(crate) async fn put(&self, name: Name, bytes: Bytes) -> Result<()> {
        self.requests.count(Kind::Put);
        let put = self
            .store
            .put(&self.path(&name.to_string()), bytes.into())
            .await;
        put.map(drop)
            .map_err(|error| fault(error, unknown()).with("object", name))
    }

    /// Removes an object; that it is not there is no error.
    pub(crate) async fn delete(&self, name: Name) -> Result<()> {
        self.requests.count(Kind::Delete);
        let deleted = self.store.delete(&self.path(&name.to_string())).await;
        match deleted {
            Ok(()) => Ok(()),
            Err(error) => absent::<()>(fault(error, unknown()), name).map(drop),
        }
    }

    /// When an object was put, by the clock of the store; none when it is not there.
    pub(crate) async fn modified(
        &self,
        name: Name,
    ) -> Result<Option<chrono::DateTime<chrono::Utc>>> {
        self.requests.count(Kind::Head);
        match self.store.head(&self.path(&name.to_string())).await {
            Ok(meta) => Ok(Some(meta.last_modified)),
            Err(error) => absent(fault(error, not_applied()), name),
        }
    }

    /// The store's objects below a directory whose names come after one, sorted. A list may ignore where to begin, repeat
    /// itself, or have no order: it is filtered and sorted here again. What is none of ours is left out.
    pub(crate) async fn list(&self, directory: &str, after: Option<Name>) -> Result<Vec<Listed>> {
        self.requests.count(Kind::List);
        let below = self.path(directory);
        let stream = match after {
            Some(after) => self
                .store
                .list_with_offset(Some(&below), &self.path(&after.to_string())),
            None => self.store.list(Some(&below)),
        };
        let root = self.prefix.clone();
        let listed = stream.map(|meta| {
            let meta = meta.map_err(|error| fault(error, not_applied()))?;
            let name = meta.location.prefix_match(&root).and_then(|parts| {
                let parts: Vec<_> = parts.map(|part| part.as_ref().to_owned()).collect();
                Name::parse(&parts.join("/"))
            });
            Ok::<_, Error>(name.map(|name| Listed {
                name,
                bytes: meta.size,
                modified: meta.last_modified,
            }))
        });
        let listed: Vec<Option<Listed>> = listed.try_collect().await?;
        let mut listed: Vec<Listed> = listed.into_iter().flatten().collect();
        listed.retain(|it| after.is_none_or(|after| it.name > after));
        listed.sort_by_key(|it| it.name);
        listed.dedup_by(|one, other| one.name == other.name);
        Ok(listed)
    }
}

/// An answer that is shorter than it should be.
#[derive(Debug, thiserror::Error)]
#[error("the answer is cut off")]
struct Short;

fn short() -> Error {
    Error::new(
        not_applied(),
        "an answer of the service is not as long as it should be; try again",
    )
}

fn is_short(error: &Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<Short>())
}

/// That an object is not there is an answer; that there is no bucket is an error.
fn absent<T>(error: Error, name: Name) -> Result<Option<T>> {
    let is_object = matches!(
        std::error::Error::source(&error).and_then(|it| it.downcast_ref()),
        Some(object_store::Error::NotFound { .. })
    );
    let bucket = error.to_string().contains("no such bucket");
    if is_object && !bucket {
        Ok(None)
    } else {
        Err(error.with("object", name))
    }
}
