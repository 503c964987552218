//! A bucket in memory that is as far away as one of the same region.

use std::sync::Arc;

use checkpoint_benches::state::{Noise, Small, small};
use checkpoint_conformance::objects::Delayed;
use checkpoint_core::{Limits, Session, Store};
use checkpoint_s3::{ObjectBackend, ObjectOptions};
use object_store::ObjectStore;
use object_store::memory::InMemory;

/// The largest state that is restored, and some room.
const LARGEST: u64 = 128 << 20;

/// 20 ms a request, and 10 ns a byte.
pub(crate) fn far(bucket: &Arc<InMemory>) -> Arc<dyn ObjectStore> {
    Arc::new(Delayed::new(bucket.clone()))
}

/// How a store is opened there.
pub(crate) fn options(objects: Arc<dyn ObjectStore>) -> ObjectOptions {
    let limits = Limits::default().with_state(LARGEST);
    ObjectOptions::new(objects).with_limits(limits)
}

/// A machine that has the store open.
pub(crate) async fn open(options: ObjectOptions) -> Store {
    let backend = ObjectBackend::open(options).await;
    Store::new(Arc::new(backend.expect("the store opens")))
}

pub(crate) async fn session(store: &Store, name: &str) -> Session {
    store.session(name).await.expect("made")
}

/// States of about 1 KiB.
pub(crate) fn states() -> Vec<Small> {
    let mut noise = Noise::new(5);
    (0..256).map(|_| small(&mut noise)).collect()
}
