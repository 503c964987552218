//! What all wrappers share: one place through which each request goes.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload,
    OBJECT_STORE_COALESCE_DEFAULT, ObjectMeta, ObjectStore, ObjectStoreExt, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, RenameOptions, RenameTargetMode, Result, coalesce_ranges,
};

use super::call::{Call, Kind};
use super::faulty::Twist;
use super::upload::Upload;

/// How many keys services list with one request.
pub(super) const PAGE: usize = 1_000;

/// How many deletions of one stream are under way at once, as in object_store's own default.
const DELETIONS: usize = 10;

/// Lets the store below apply a request. Called again it applies it again; not called, never.
pub(super) type Apply<T> = Arc<dyn Fn() -> BoxFuture<'static, Result<T>> + Send + Sync>;

/// What a wrapper does with requests.
pub(super) trait Layer: fmt::Debug + Send + Sync + 'static {
    /// For `Display`.
    const NAME: &'static str;

    /// Takes one request from its begin to its end.
    fn around<T: Answer>(
        &self,
        inner: &Arc<dyn ObjectStore>,
        call: &Call,
        apply: Apply<T>,
    ) -> impl Future<Output = Result<(T, Option<Twist>)>> + Send;

    /// Applies a put to the store below.
    fn put(
        inner: Arc<dyn ObjectStore>,
        location: Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> BoxFuture<'static, Result<PutResult>> {
        async move { inner.put_opts(&location, payload, options).await }.boxed()
    }

    /// What is made of the content of an object.
    fn read(&self, _: Twist, result: GetResult) -> GetResult {
        result
    }

    /// What is made of a list.
    fn list(
        &self,
        _: Twist,
        _: &Arc<dyn ObjectStore>,
        _: &Call,
        items: Vec<ObjectMeta>,
    ) -> impl Future<Output = Result<Vec<ObjectMeta>>> + Send {
        async { Ok(items) }
    }
}

/// What can be said of any answer.
pub(super) trait Answer: Send + 'static {
    /// Bytes of content that come down with it.
    fn received(&self) -> u64 {
        0
    }

    /// With how many requests a service would have given it.
    fn pages(&self) -> usize {
        1
    }
}

impl Answer for () {}
impl Answer for PutResult {}
impl Answer for Box<dyn MultipartUpload> {}

impl Answer for GetResult {
    fn received(&self) -> u64 {
        self.range.end.saturating_sub(self.range.start)
    }
}

impl Answer for Vec<ObjectMeta> {
    fn pages(&self) -> usize {
        self.len().div_ceil(PAGE).max(1)
    }
}

impl Answer for ListResult {
    fn pages(&self) -> usize {
        let keys = self.objects.len() + self.common_prefixes.len();
        keys.div_ceil(PAGE).max(1)
    }
}

/// A store, and what stands before it. Clones are the same store.
#[derive(Debug)]
pub(super) struct Layered<L> {
    pub(super) inner: Arc<dyn ObjectStore>,
    pub(super) layer: Arc<L>,
    calls: Arc<AtomicU64>,
}

impl<L> Clone for Layered<L> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            layer: Arc::clone(&self.layer),
            calls: Arc::clone(&self.calls),
        }
    }
}

impl<L: Layer> fmt::Display for Layered<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", L::NAME, self.inner)
    }
}

impl<L: Layer> Layered<L> {
    pub(super) fn new(inner: Arc<dyn ObjectStore>, layer: L) -> Self {
        Self {
            inner,
            layer: Arc::new(layer),
            calls: Arc::default(),
        }
    }

    pub(super) fn call(&self, kind: Kind, path: &Path, sent: usize) -> Call {
        Call {
            number: self.calls.fetch_add(1, Ordering::Relaxed) + 1,
            kind,
            path: path.clone(),
            sent: u64::try_from(sent).unwrap_or(u64::MAX),
        }
    }

    /// A request that `ask` makes of the store below.
    async fn through<T, F>(
        &self,
        call: &Call,
        ask: impl Fn(Arc<dyn ObjectStore>) -> F + Send + Sync + 'static,
    ) -> Result<(T, Option<Twist>)>
    where
        T: Answer,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let apply: Apply<T> = Arc::new(move || ask(Arc::clone(&inner)).boxed());
        self.layer.around(&self.inner, call, apply).await
    }

    async fn delete_one(self, location: Path) -> Result<Path> {
        let call = self.call(Kind::Delete, &location, 0);
        let path = location.clone();
        let ask = move |inner: Arc<dyn ObjectStore>| {
            let path = path.clone();
            async move { inner.delete(&path).await }
        };
        self.through(&call, ask).await?;
        Ok(location)
    }

    async fn list_all(self, prefix: Option<Path>, offset: Option<Path>) -> Result<Vec<ObjectMeta>> {
        let call = self.call(Kind::List, &prefix.clone().unwrap_or_default(), 0);
        let ask = move |inner: Arc<dyn ObjectStore>| match &offset {
            Some(offset) => inner
                .list_with_offset(prefix.as_ref(), offset)
                .try_collect(),
            None => inner.list(prefix.as_ref()).try_collect(),
        };
        match self.through(&call, ask).await? {
            (items, Some(twist)) => self.layer.list(twist, &self.inner, &call, items).await,
            (items, None) => Ok(items),
        }
    }

    /// A list is asked for when it is first looked at, and then whole.
    fn listing(
        &self,
        prefix: Option<&Path>,
        offset: Option<&Path>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let items = self.clone().list_all(prefix.cloned(), offset.cloned());
        let items = items.map(|items| items.map(|items| stream::iter(items).map(Ok)));
        stream::once(items).try_flatten().boxed()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<L: Layer> ObjectStore for Layered<L> {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let kind = Kind::of_put(&options.mode);
        let call = self.call(kind, location, payload.content_length());
        let location = location.clone();
        let ask = move |inner| L::put(inner, location.clone(), payload.clone(), options.clone());
        Ok(self.through(&call, ask).await?.0)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let call = self.call(Kind::PartsBegin, location, 0);
        let path = location.clone();
        let ask = move |inner: Arc<dyn ObjectStore>| {
            let (path, options) = (path.clone(), options.clone());
            async move { inner.put_multipart_opts(&path, options).await }
        };
        let (upload, _) = self.through(&call, ask).await?;
        Ok(Box::new(Upload::new(self.clone(), location, upload)))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let call = self.call(Kind::of_get(&options), location, 0);
        let location = location.clone();
        let ask = move |inner: Arc<dyn ObjectStore>| {
            let (location, options) = (location.clone(), options.clone());
            async move { inner.get_opts(&location, options).await }
        };
        match self.through(&call, ask).await? {
            (result, Some(twist)) => Ok(self.layer.read(twist, result)),
            (result, None) => Ok(result),
        }
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        get_ranges(self, location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let deletions = locations.map(move |location| {
            let store = store.clone();
            async move { store.delete_one(location?).await }
        });
        deletions.buffered(DELETIONS).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listing(prefix, None)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listing(prefix, Some(offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let call = self.call(Kind::List, &prefix.cloned().unwrap_or_default(), 0);
        let prefix = prefix.cloned();
        let ask = move |inner: Arc<dyn ObjectStore>| {
            let prefix = prefix.clone();
            async move { inner.list_with_delimiter(prefix.as_ref()).await }
        };
        let (mut result, twist) = self.through(&call, ask).await?;
        if let Some(twist) = twist {
            let objects = std::mem::take(&mut result.objects);
            result.objects = self.layer.list(twist, &self.inner, &call, objects).await?;
        }
        Ok(result)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let call = self.call(Kind::Copy, to, 0);
        let (from, to) = (from.clone(), to.clone());
        let ask = move |inner: Arc<dyn ObjectStore>| {
            let (from, to, options) = (from.clone(), to.clone(), options.clone());
            async move { inner.copy_opts(&from, &to, options).await }
        };
        self.through(&call, ask).await.map(|((), _)| ())
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        rename(self, from, to, options).await
    }
}

/// A copy and a deletion, as clients of services do it.
pub(super) async fn rename(
    store: &impl ObjectStore,
    from: &Path,
    to: &Path,
    options: RenameOptions,
) -> Result<()> {
    let mode = match options.target_mode {
        RenameTargetMode::Overwrite => CopyMode::Overwrite,
        RenameTargetMode::Create => CopyMode::Create,
    };
    let extensions = options.extensions;
    let copied = store.copy_opts(from, to, CopyOptions { mode, extensions });
    copied.await?;
    store.delete(from).await
}

/// Asked for as clients of services do it: what lies close together with one ranged get.
pub(super) async fn get_ranges(
    store: &impl ObjectStore,
    location: &Path,
    ranges: &[Range<u64>],
) -> Result<Vec<Bytes>> {
    let fetch = |range| store.get_range(location, range);
    coalesce_ranges(ranges, fetch, OBJECT_STORE_COALESCE_DEFAULT).await
}
