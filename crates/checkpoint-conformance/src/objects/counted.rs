//! A store that counts what it is asked.

use std::fmt;
use std::ops::{Index, Range, Sub};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
    UploadPart,
};

use super::call::Kind;
use super::layer::{self, PAGE};

/// A store that counts requests by kind, and bytes. It changes nothing: what goes in goes to the store below as it is.
///
/// A request counts when it is made, whatever becomes of it; retries of a client below are not seen. A list counts once
/// for every 1,000 keys that were taken from it, and at least once; a deletion once for each object, though a service may
/// take many with one request. Several ranges of one object count as clients of services ask for them: what lies close
/// together with one ranged get. Bytes come down as they are read.
#[derive(Clone, Debug)]
pub struct Counted {
    inner: Arc<dyn ObjectStore>,
    counts: Arc<Counts>,
}

impl Counted {
    /// Begins to count, from zero.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self {
            inner,
            counts: Arc::default(),
        }
    }

    /// What was counted so far. `after - before` is what was asked between.
    #[must_use]
    pub fn requests(&self) -> Requests {
        let Counts { by_kind, up, down } = &*self.counts;
        Requests {
            by_kind: std::array::from_fn(|place| by_kind[place].load(Ordering::Relaxed)),
            up: up.load(Ordering::Relaxed),
            down: down.load(Ordering::Relaxed),
        }
    }
}

/// Requests by kind, and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    by_kind: [u64; Kind::ALL.len()],
    /// Bytes of content that went up.
    pub up: u64,
    /// Bytes of content that came down.
    pub down: u64,
}

impl Requests {
    /// Of all kinds together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.by_kind.iter().sum()
    }

    /// Of those kinds that change the store, which cost more.
    #[must_use]
    pub fn changes(&self) -> u64 {
        let changes = Kind::ALL.into_iter().filter(|kind| kind.changes());
        changes.map(|kind| self[kind]).sum()
    }
}

impl Index<Kind> for Requests {
    type Output = u64;

    fn index(&self, kind: Kind) -> &u64 {
        &self.by_kind[kind.place()]
    }
}

impl Sub for Requests {
    type Output = Self;

    /// Never below zero.
    fn sub(self, before: Self) -> Self {
        Self {
            by_kind: std::array::from_fn(|place| {
                self.by_kind[place].saturating_sub(before.by_kind[place])
            }),
            up: self.up.saturating_sub(before.up),
            down: self.down.saturating_sub(before.down),
        }
    }
}

impl fmt::Display for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for kind in Kind::ALL {
            if self[kind] > 0 {
                write!(f, "{} × {kind}, ", self[kind])?;
            }
        }
        write!(f, "{} bytes up, {} down", self.up, self.down)
    }
}

#[derive(Debug, Default)]
struct Counts {
    by_kind: [AtomicU64; Kind::ALL.len()],
    up: AtomicU64,
    down: AtomicU64,
}

impl Counts {
    fn one(&self, kind: Kind) {
        self.by_kind[kind.place()].fetch_add(1, Ordering::Relaxed);
    }

    fn sent(&self, kind: Kind, bytes: usize) {
        self.one(kind);
        add(&self.up, bytes);
    }
}

fn add(sum: &AtomicU64, bytes: usize) {
    sum.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Counted({})", self.inner)
    }
}

impl Counted {
    /// The first page counts at once, each further one with its first key.
    fn pages(
        &self,
        items: BoxStream<'static, Result<ObjectMeta>>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.counts.one(Kind::List);
        let counts = Arc::clone(&self.counts);
        let counted = items.enumerate().map(move |(place, item)| {
            if place > 0 && place % PAGE == 0 {
                counts.one(Kind::List);
            }
            item
        });
        counted.boxed()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for Counted {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let kind = Kind::of_put(&options.mode);
        self.counts.sent(kind, payload.content_length());
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.counts.one(Kind::PartsBegin);
        let inner = self.inner.put_multipart_opts(location, options).await?;
        let counts = Arc::clone(&self.counts);
        Ok(Box::new(Upload { inner, counts }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let is_head = options.head;
        self.counts.one(Kind::of_get(&options));
        let mut result = self.inner.get_opts(location, options).await?;
        let counts = Arc::clone(&self.counts);
        result.payload = match result.payload {
            GetResultPayload::Stream(body) if !is_head => {
                let counted = body.inspect(move |bytes| {
                    if let Ok(bytes) = bytes {
                        add(&counts.down, bytes.len());
                    }
                });
                GetResultPayload::Stream(counted.boxed())
            }
            // A file is read by the caller, and no head has content.
            other => other,
        };
        Ok(result)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        layer::get_ranges(self, location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let counts = Arc::clone(&self.counts);
        let counted = locations.inspect(move |location| {
            if location.is_ok() {
                counts.one(Kind::Delete);
            }
        });
        self.inner.delete_stream(counted.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.pages(self.inner.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.pages(self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.counts.one(Kind::List);
        let result = self.inner.list_with_delimiter(prefix).await?;
        let keys = result.objects.len() + result.common_prefixes.len();
        for _ in 1..keys.div_ceil(PAGE) {
            self.counts.one(Kind::List);
        }
        Ok(result)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.counts.one(Kind::Copy);
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        layer::rename(self, from, to, options).await
    }
}

#[derive(Debug)]
struct Upload {
    inner: Box<dyn MultipartUpload>,
    counts: Arc<Counts>,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        // A part is asked for when it is waited for.
        let (counts, bytes) = (Arc::clone(&self.counts), data.content_length());
        let part = self.inner.put_part(data);
        async move {
            counts.sent(Kind::Part, bytes);
            part.await
        }
        .boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.counts.one(Kind::PartsEnd);
        self.inner.complete().await
    }

    async fn abort(&mut self) -> Result<()> {
        self.counts.one(Kind::PartsAbort);
        self.inner.abort().await
    }
}
