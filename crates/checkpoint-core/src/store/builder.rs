//! Settings of a handle on a store.

use std::sync::Arc;

use super::place::Placer;
use super::{Inner, Schema, Store};
use crate::backend::Backend;
use crate::clock::{Clock, IdSource};
use crate::codec::Codec;

/// Settings of a [`Store`] handle.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct StoreBuilder {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) codec: Codec,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<dyn IdSource>,
    pub(super) cache: usize,
    pub(super) schemas: Vec<Schema>,
}

impl StoreBuilder {
    /// How states are encoded when nothing else is said. Default: JSON.
    pub fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// Where the time comes from. Default: the system's clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Where ids come from. Default: UUIDs of version 7.
    pub fn ids(mut self, ids: impl IdSource) -> Self {
        self.ids = Arc::new(ids);
        self
    }

    /// Bytes of memory in which the newest states of sessions are kept, so that only what changed is cut, hashed and
    /// sent. Default: 64 MiB. Without it saves are slower and larger, and as correct.
    pub fn cache(mut self, bytes: usize) -> Self {
        self.cache = bytes;
        self
    }

    /// A shape of states that the program knows, so that states of older versions load, and newer ones are refused by
    /// name. One more; a later one replaces an earlier of the same name.
    pub fn schema(mut self, schema: Schema) -> Self {
        self.schemas.retain(|known| known.name() != schema.name());
        self.schemas.push(schema);
        self
    }

    /// The store.
    #[must_use]
    pub fn build(self) -> Store {
        let Self {
            backend,
            codec,
            clock,
            ids,
            cache,
            schemas,
        } = self;
        let placer = Placer::new(backend.info(), cache);
        Store(Arc::new(Inner {
            backend,
            codec,
            clock,
            ids,
            placer,
            schemas,
        }))
    }
}
