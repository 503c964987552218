//! The backend around a backend.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use checkpoint_core::engine::aside;
use checkpoint_core::{
    Attachment, AttachmentQuery, Backend, BackupDraft, Budget, CheckpointId, ChunkId, ChunkInfo,
    Commit, Error, ErrorKind, Expectation, Feed, Item, MaintainStep, MetaRecord, Meter, Page,
    Parts, Position, Query, Receipt, Record, Result, SessionQuery, SessionRecord, Stats, StoreInfo,
    StoredChunk,
};

use crate::anew::{self, Translated};
use crate::inward::{self, Inward};
use crate::keeper::{Held, Keeper};
use crate::key::Key;
use crate::outward::{Opens, Outward};
use crate::ring::{RECORD, Ring};

/// Bytes above which sealing and opening leave the calling task.
const MANY: usize = 128 << 10;
/// How often a commit is made again because what it was made from changed meanwhile.
const ATTEMPTS: usize = 32;

/// A backend whose contents are sealed before they reach the backend below.
///
/// It is a [`Backend`] like any other. `docs/encryption.md` says what is protected, from whom, and the format.
///
/// ```
/// use std::sync::Arc;
///
/// use checkpoint_core::{MemoryBackend, Store};
/// use checkpoint_crypto::{Encrypted, Key};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> checkpoint_core::Result<()> {
/// let key = Key::from_passphrase("correct horse battery staple");
/// let store = Store::new(Arc::new(Encrypted::open(MemoryBackend::new(), key).await?));
/// let session = store.session("research-42").await?;
/// session.save(&"a secret").await?;
/// # Ok(())
/// # }
/// ```
pub struct Encrypted<B> {
    pub(crate) inner: B,
    pub(crate) keeper: Keeper,
    info: StoreInfo,
}

impl<B: Backend> fmt::Debug for Encrypted<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encrypted")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<B: Backend> Encrypted<B> {
    /// Opens an encrypted store, or makes one where nothing is stored yet.
    ///
    /// # Errors
    ///
    /// `Denied` when it is not the key of the store, when the store is not encrypted or when its keys were dropped, and
    /// those of getting at the key. Nothing was written then.
    pub async fn open(inner: B, key: Key) -> Result<Self> {
        let label = Arc::clone(&inner.info().label);
        let keeper = Keeper::open(&inner, key).await;
        let keeper = keeper.map_err(|error| error.during("open").on(&label))?;
        let tokens = &keeper.held().ring.tokens;
        let info = StoreInfo {
            hasher: tokens.hasher.clone(),
            gear_seed: tokens.gear_seed,
            ..inner.info().clone()
        };
        Ok(Self {
            inner,
            keeper,
            info,
        })
    }

    /// The backend below, which knows nothing in clear.
    pub const fn inner(&self) -> &B {
        &self.inner
    }

    /// The ring to open these bytes with: another one if there is a newer that has their keys.
    pub(crate) async fn ring_for<'a>(
        &self,
        sealed: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Arc<Ring>> {
        let held = self.keeper.held();
        if sealed.into_iter().any(|bytes| held.ring.lacks_key(bytes)) {
            return Ok(self.keeper.renew(&self.inner, held.version).await?.ring);
        }
        Ok(held.ring)
    }

    /// Opens what was found, each alone.
    async fn open_all<T: Opens>(&self, items: Vec<Item<T>>) -> Result<Vec<Item<T>>> {
        let found = || items.iter().filter_map(found).flat_map(Opens::sealed);
        let many = found().map(<[u8]>::len).sum::<usize>() > MANY;
        let ring = self.ring_for(found()).await?;
        let store = *self.keeper.store();
        let open = move || {
            let outward = Outward {
                ring: &ring,
                store: &store,
            };
            let each = items.into_iter();
            let opened = each.map(|item| item.and_then(|found| found.open(&outward)));
            Ok(opened.collect())
        };
        if many { aside(open).await } else { open() }
    }

    async fn records_of(
        &self,
        items: Vec<Item<Record>>,
        parts: Parts,
    ) -> Result<Vec<Item<Record>>> {
        let mut items = self.open_all(items).await?;
        if !parts.meta {
            for item in &mut items {
                if let Item::Found(record) = item {
                    record.meta = None;
                }
            }
        }
        Ok(items)
    }

    /// A commit with everything sealed under the ring that is held.
    async fn seal(&self, commit: &Commit, held: &Held) -> Result<Sealing> {
        let expectation = held.expectation()?;
        let store = *self.keeper.store();
        if inward::needs_a_look(commit) {
            let inward = Inward {
                ring: &held.ring,
                store: &store,
            };
            let mut translated = anew::translate(commit.clone(), inward, &self.inner).await?;
            translated.commit.expectations.insert(0, expectation);
            translated.commit.sealed = true;
            return Ok(Sealing::Looked(translated));
        }
        let (ring, commit) = (Arc::clone(&held.ring), commit.clone());
        let many = inward::weight(&commit) > MANY;
        let seal = move || {
            let inward = Inward {
                ring: &ring,
                store: &store,
            };
            let mut sealed = inward.commit(commit)?;
            sealed.expectations.insert(0, expectation);
            sealed.sealed = true;
            Ok(Sealing::Plain(sealed))
        };
        if many { aside(seal).await } else { seal() }
    }

    async fn send(&self, commit: Commit) -> Result<Receipt> {
        commit.check(&self.info.limits)?;
        check_records(&commit)?;
        let mut held = self.keeper.held();
        for _ in 0..ATTEMPTS {
            let sealing = self.seal(&commit, &held).await?;
            let error = match self.inner.commit(sealing.commit().clone()).await {
                Ok(receipt) => return Ok(receipt),
                Err(error) => error,
            };
            let Some(conflict) = error.as_conflict() else {
                return Err(error);
            };
            if conflict.expected == held.expectation()? {
                held = self.keeper.renew(&self.inner, held.version).await?;
            } else if sealing.given(&conflict.expected).is_none() {
                return Err(error);
            }
        }
        Err(Error::new(
            ErrorKind::Unavailable {
                applied: checkpoint_core::Applied::No,
            },
            "what the commit speaks of was changed again and again; send it again",
        ))
    }
}

/// A commit that is sealed.
enum Sealing {
    Plain(Commit),
    Looked(Translated),
}

impl Sealing {
    const fn commit(&self) -> &Commit {
        match self {
            Self::Plain(commit) => commit,
            Self::Looked(translated) => &translated.commit,
        }
    }

    fn given(&self, unmet: &Expectation) -> Option<Expectation> {
        match self {
            Self::Plain(_) => None,
            Self::Looked(translated) => translated.given(unmet),
        }
    }
}

const fn found<T>(item: &Item<T>) -> Option<&T> {
    match item {
        Item::Found(found) => Some(found),
        _ => None,
    }
}

/// The record of the keys is nobody's to expect anything of.
fn check_records(commit: &Commit) -> Result<()> {
    let expected = commit.expectations.iter().any(|expectation| {
        matches!(expectation, Expectation::Version(name, _) if name.as_str() == RECORD)
    });
    if expected {
        return Err(Error::invalid(
            "a record of this name holds the keys of the store; take another name",
        )
        .with("record", RECORD));
    }
    Ok(())
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<B: Backend> Backend for Encrypted<B> {
    fn info(&self) -> &StoreInfo {
        &self.info
    }

    async fn commit(&self, commit: Commit) -> Result<Receipt> {
        let sent = self.send(commit).await;
        sent.map_err(|error| error.on(&self.info.label))
    }

    async fn get(&self, ids: &[CheckpointId], parts: Parts) -> Result<Vec<Item<Record>>> {
        let items = self.inner.get(ids, with_meta(parts)).await?;
        self.records_of(items, parts).await
    }

    async fn scan(&self, query: &Query) -> Result<Page<Item<Record>>> {
        let query_below = Query {
            parts: with_meta(query.parts),
            filter: self
                .keeper
                .held()
                .ring
                .tokens
                .filter(query.filter.clone())?,
            ..query.clone()
        };
        let page = self.inner.scan(&query_below).await?;
        Ok(Page {
            items: self.records_of(page.items, query.parts).await?,
            next: page.next,
        })
    }

    async fn sessions(&self, query: &SessionQuery) -> Result<Page<Item<SessionRecord>>> {
        let page = self.inner.sessions(query).await?;
        let items = self.open_all(page.items).await?;
        Ok(Page {
            items,
            next: page.next,
        })
    }

    async fn attachments(&self, query: &AttachmentQuery) -> Result<Page<Item<Attachment>>> {
        let page = self.inner.attachments(query).await?;
        let items = self.open_all(page.items).await?;
        Ok(Page {
            items,
            next: page.next,
        })
    }

    async fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<Item<StoredChunk>>> {
        let items = self.inner.chunks(ids).await?.into_iter().zip(ids);
        let named = items.map(|(item, id)| item.and_then(|chunk| Ok((*id, chunk))));
        let opened = self.open_all(named.collect()).await?;
        let opened = opened.into_iter();
        Ok(opened
            .map(|item| item.and_then(|(_, chunk)| Ok(chunk)))
            .collect())
    }

    async fn present(&self, ids: &[ChunkId]) -> Result<Vec<bool>> {
        self.inner.present(ids).await
    }

    async fn scan_chunks(
        &self,
        after: Option<ChunkId>,
        limit: usize,
    ) -> Result<Vec<Item<ChunkInfo>>> {
        self.inner.scan_chunks(after, limit).await
    }

    async fn records(&self, prefix: &str) -> Result<Vec<Item<MetaRecord>>> {
        let mut items = self.inner.records(prefix).await?;
        items.retain(|item| !matches!(item, Item::Found(it) if it.name.as_str() == RECORD));
        self.open_all(items).await
    }

    async fn changes(&self, after: Position, limit: usize) -> Result<Feed> {
        self.inner.changes(after, limit).await
    }

    async fn changed(&self, after: Position, at_most: Duration) -> Result<Position> {
        self.inner.changed(after, at_most).await
    }

    async fn stats(&self) -> Result<Stats> {
        self.inner.stats().await
    }

    async fn check(&self) -> Result<Vec<Error>> {
        self.inner.check().await
    }

    async fn backup(&self, to: &Path, meter: &Meter) -> Result<Box<dyn BackupDraft>> {
        let draft = self.inner.backup(to, meter).await?;
        let sealed = Encrypted {
            inner: draft.backend(),
            keeper: self.keeper.of_copy(),
            info: StoreInfo {
                read_only: true,
                ..self.info.clone()
            },
        };
        Ok(Box::new(SealedDraft {
            draft,
            sealed: Arc::new(sealed),
        }))
    }

    async fn maintain(&self, budget: &Budget) -> Result<MaintainStep> {
        self.inner.maintain(budget).await
    }

    async fn flush(&self) -> Result<Receipt> {
        self.inner.flush().await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}

/// The copy of an encrypted store, which is looked at through the same keys.
#[derive(Debug)]
struct SealedDraft {
    draft: Box<dyn BackupDraft>,
    sealed: Arc<Encrypted<Arc<dyn Backend>>>,
}

#[async_trait]
impl BackupDraft for SealedDraft {
    fn backend(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.sealed) as Arc<dyn Backend>
    }

    async fn keep(self: Box<Self>) -> Result<u64> {
        self.draft.keep().await
    }
}

/// Tags and worker lie in the description.
const fn with_meta(parts: Parts) -> Parts {
    Parts {
        meta: true,
        ..parts
    }
}
