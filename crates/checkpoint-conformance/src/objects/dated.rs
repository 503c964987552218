//! A store whose dates a test decides.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use checkpoint_core::Clock;
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
    UploadPart,
};
use parking_lot::Mutex;

use super::layer;

/// A store in memory whose objects are as old as a clock says that a test moves: what is old enough to be swept is judged
/// by the store's own dates.
///
/// Dates are whole seconds, as those of services are.
#[derive(Clone, Debug)]
pub struct Dated {
    inner: Arc<InMemory>,
    dates: Arc<Dates>,
}

impl Dated {
    /// An empty store with this clock.
    #[must_use]
    pub fn new(clock: impl Clock) -> Self {
        let dates = Dates {
            clock: Box::new(clock),
            of: Mutex::default(),
        };
        Self {
            inner: Arc::new(InMemory::new()),
            dates: Arc::new(dates),
        }
    }
}

#[derive(Debug)]
struct Dates {
    clock: Box<dyn Clock>,
    /// By key: the number of its newest version, and since when it is.
    of: Mutex<BTreeMap<Path, (u64, DateTime<Utc>)>>,
}

impl Dates {
    /// The date of a version: the one it has, or now. In memory every version has a tag of its own, a number that rises,
    /// and the first who meets it dates it, be it who wrote it or one who read it before that one could say so.
    fn of(&self, location: &Path, e_tag: Option<&String>) -> DateTime<Utc> {
        let version = e_tag.and_then(|tag| tag.trim_matches('"').parse().ok());
        let version: u64 = version.unwrap_or_default();
        let seconds = self.clock.now().micros().div_euclid(1_000_000);
        let now = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
        let mut dates = self.of.lock();
        match dates.get(location) {
            Some((known, date)) if *known == version => return *date,
            // Overwritten already: its date is of no more use.
            Some((known, _)) if *known > version => {}
            _ => drop(dates.insert(location.clone(), (version, now))),
        }
        now
    }

    fn dated(&self, mut meta: ObjectMeta) -> ObjectMeta {
        meta.last_modified = self.of(&meta.location, meta.e_tag.as_ref());
        meta
    }
}

impl fmt::Display for Dated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dated({})", self.inner)
    }
}

impl Dated {
    fn listing(
        &self,
        items: BoxStream<'static, Result<ObjectMeta>>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let dates = Arc::clone(&self.dates);
        items.map_ok(move |meta| dates.dated(meta)).boxed()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for Dated {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let result = self.inner.put_opts(location, payload, options).await?;
        self.dates.of(location, result.e_tag.as_ref());
        Ok(result)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Ok(Box::new(Upload {
            inner: self.inner.put_multipart_opts(location, options).await?,
            location: location.clone(),
            dates: Arc::clone(&self.dates),
        }))
    }

    async fn get_opts(&self, location: &Path, mut options: GetOptions) -> Result<GetResult> {
        // The store below would judge by its own dates.
        let conditions = GetOptions::new()
            .with_if_match(options.if_match.clone())
            .with_if_none_match(options.if_none_match.clone())
            .with_if_modified_since(options.if_modified_since.take())
            .with_if_unmodified_since(options.if_unmodified_since.take());
        let mut result = self.inner.get_opts(location, options).await?;
        result.meta = self.dates.dated(result.meta);
        conditions.check_preconditions(&result.meta)?;
        Ok(result)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        // The date of what is gone stays until another takes its key: one that came in between keeps its own.
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listing(self.inner.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listing(self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut result = self.inner.list_with_delimiter(prefix).await?;
        let objects = std::mem::take(&mut result.objects);
        result.objects = self
            .listing(stream::iter(objects).map(Ok).boxed())
            .try_collect()
            .await?;
        Ok(result)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await?;
        // A copy is dated when it is made, and only a look tells its tag.
        self.head(to).await.map(drop)
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        layer::rename(self, from, to, options).await
    }
}

#[derive(Debug)]
struct Upload {
    inner: Box<dyn MultipartUpload>,
    location: Path,
    dates: Arc<Dates>,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.inner.put_part(data).boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let result = self.inner.complete().await?;
        self.dates.of(&self.location, result.e_tag.as_ref());
        Ok(result)
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}
