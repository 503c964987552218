//! An upload in parts, each request of which goes through its layer.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use futures::FutureExt;
use object_store::path::Path;
use object_store::{Error, MultipartUpload, PutPayload, PutResult, Result, UploadPart};
use parking_lot::Mutex as Slot;
use tokio::sync::Mutex;

use super::call::Kind;
use super::layer::{Apply, Layer, Layered};

pub(super) struct Upload<L> {
    store: Layered<L>,
    location: Path,
    inner: Arc<Mutex<Box<dyn MultipartUpload>>>,
    /// Whether a part failed: no service makes an object of what is left.
    lacks_a_part: Arc<AtomicBool>,
}

impl<L> fmt::Debug for Upload<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upload({})", self.location)
    }
}

impl<L: Layer> Upload<L> {
    pub(super) fn new(store: Layered<L>, location: &Path, inner: Box<dyn MultipartUpload>) -> Self {
        Self {
            store,
            location: location.clone(),
            inner: Arc::new(Mutex::new(inner)),
            lacks_a_part: Arc::default(),
        }
    }

    fn refused(&self, why: &str) -> Error {
        Error::Generic {
            store: L::NAME,
            source: format!("{}: {why}", self.location).into(),
        }
    }
}

/// A part is sent once, however often it is applied: a service keeps one of a number.
fn once(part: UploadPart) -> Apply<()> {
    let slot = Slot::new(Some(part));
    Arc::new(move || match slot.lock().take() {
        Some(part) => part,
        None => async { Ok(()) }.boxed(),
    })
}

#[async_trait]
impl<L: Layer> MultipartUpload for Upload<L> {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let call = self
            .store
            .call(Kind::Part, &self.location, data.content_length());
        // Held only by an end or an abort that goes on by itself after its caller was told that it failed.
        let Ok(mut inner) = self.inner.try_lock() else {
            let refusal = self.refused("the upload is being ended");
            return async { Err(refusal) }.boxed();
        };
        let apply = once(inner.put_part(data));
        drop(inner);
        let (store, lacks_a_part) = (self.store.clone(), Arc::clone(&self.lacks_a_part));
        async move {
            let sent = store.layer.around(&store.inner, &call, apply).await;
            lacks_a_part.fetch_or(sent.is_err(), Ordering::Relaxed);
            sent.map(|((), _)| ())
        }
        .boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        if self.lacks_a_part.load(Ordering::Relaxed) {
            return Err(self.refused("a part failed, so the upload cannot be ended"));
        }
        let call = self.store.call(Kind::PartsEnd, &self.location, 0);
        let inner = Arc::clone(&self.inner);
        let apply: Apply<PutResult> = Arc::new(move || {
            let inner = Arc::clone(&inner);
            async move { inner.lock().await.complete().await }.boxed()
        });
        let store = &self.store;
        Ok(store.layer.around(&store.inner, &call, apply).await?.0)
    }

    async fn abort(&mut self) -> Result<()> {
        let call = self.store.call(Kind::PartsAbort, &self.location, 0);
        let inner = Arc::clone(&self.inner);
        let apply: Apply<()> = Arc::new(move || {
            let inner = Arc::clone(&inner);
            async move { inner.lock().await.abort().await }.boxed()
        });
        let store = &self.store;
        let aborted = store.layer.around(&store.inner, &call, apply).await;
        aborted.map(|((), _)| ())
    }
}
