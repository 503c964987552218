//! Everything that is sealed, page by page: sessions, records, checkpoints with their attachments, chunks.

use std::collections::VecDeque;

use checkpoint_core::{
    Attachment, AttachmentQuery, Backend, ChunkId, Cursor, Error, Filter, Item, Order, Parts,
    Payload, Query, Record, Result, Sealed, SessionQuery, StoreId,
};

use super::Found;
use crate::bound::{Object, Revision};
use crate::ring::RECORD;

/// Sessions, checkpoints and attachments in a page.
const PAGE: usize = 64;
/// Chunks in a page, each of at most 1 MiB.
const CHUNKS: usize = 32;

/// Found, or why not.
type Page = Vec<Result<Found>>;

/// Goes through a store.
pub(super) struct Pages<'a, B> {
    backend: &'a B,
    store: StoreId,
    stage: Stage,
    /// Attachments of checkpoints that were passed.
    attachments: VecDeque<AttachmentQuery>,
}

enum Stage {
    Records,
    Sessions(Option<Cursor>),
    Checkpoints(Option<Cursor>),
    Chunks(Option<ChunkId>),
    Done,
}

impl<'a, B: Backend> Pages<'a, B> {
    pub(super) const fn new(backend: &'a B, store: StoreId) -> Self {
        Self {
            backend,
            store,
            stage: Stage::Records,
            attachments: VecDeque::new(),
        }
    }

    /// The next page, which may be empty; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Page>> {
        if let Some(query) = self.attachments.pop_front() {
            return self.attachments(query).await.map(Some);
        }
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Records => {
                self.stage = Stage::Sessions(None);
                self.records().await.map(Some)
            }
            Stage::Sessions(after) => self.sessions(after).await.map(Some),
            Stage::Checkpoints(after) => self.checkpoints(after).await.map(Some),
            Stage::Chunks(after) => self.chunks(after).await.map(Some),
            Stage::Done => Ok(None),
        }
    }

    fn found(&self, target: Sealed, object: &Object<'_>, sealed: bytes::Bytes) -> Found {
        Found {
            target,
            sealed,
            bound: object.bound(&self.store),
        }
    }

    async fn records(&self) -> Result<Page> {
        let items = self.backend.records("").await?.into_iter();
        let items = items.filter_map(|item| match item {
            Item::Found(record) if record.name.as_str() == RECORD => None,
            other => each(other, |record| {
                let object = Object::Record(record.name.as_str());
                let target = Sealed::Record(record.name.clone());
                vec![self.found(target, &object, record.bytes.clone())]
            }),
        });
        Ok(items.flatten().collect())
    }

    async fn sessions(&mut self, after: Option<Cursor>) -> Result<Page> {
        let query = SessionQuery {
            limit: PAGE,
            after,
            ..SessionQuery::default()
        };
        let page = self.backend.sessions(&query).await?;
        self.stage = match page.next {
            Some(next) => Stage::Sessions(Some(next)),
            None => Stage::Checkpoints(None),
        };
        let items = page.items.into_iter().filter_map(|item| {
            each(item, |session| {
                let object = Object::Session(&session.id, session.revision);
                let target = Sealed::Session(session.id.clone());
                vec![self.found(target, &object, session.body.clone())]
            })
        });
        Ok(items.flatten().collect())
    }

    async fn checkpoints(&mut self, after: Option<Cursor>) -> Result<Page> {
        let query = Query {
            order: Order::Ascending,
            filter: Filter {
                quarantined: true,
                ..Filter::default()
            },
            parts: Parts::ALL,
            limit: PAGE,
            after,
            ..Query::default()
        };
        let page = self.backend.scan(&query).await?;
        self.stage = match page.next {
            Some(next) => Stage::Checkpoints(Some(next)),
            None => Stage::Chunks(None),
        };
        let ids = page.items.iter().filter_map(|item| match item {
            Item::Found(record) => Some(record.header.id.clone()),
            _ => None,
        });
        self.attachments.push_back(AttachmentQuery {
            checkpoints: ids.collect(),
            limit: PAGE,
            ..AttachmentQuery::default()
        });
        let items = page.items.into_iter();
        let items = items.filter_map(|item| each(item, |record| self.checkpoint(&record)));
        Ok(items.flatten().collect())
    }

    fn checkpoint(&self, record: &Record) -> Vec<Found> {
        let header = &record.header;
        let mut found = Vec::with_capacity(2);
        if let Some(meta) = &record.meta {
            let object = Object::Description(Revision::from(&**header));
            found.push(self.found(Sealed::Meta(header.id.clone()), &object, meta.clone()));
        }
        if let Some(Payload::Inline(bytes)) = &record.payload {
            let object = Object::Inline(&header.session, &header.id, header.length);
            found.push(self.found(Sealed::Inline(header.id.clone()), &object, bytes.clone()));
        }
        found
    }

    async fn attachments(&mut self, query: AttachmentQuery) -> Result<Page> {
        let page = self.backend.attachments(&query).await?;
        if page.next.is_some() {
            self.attachments.push_front(AttachmentQuery {
                after: page.next,
                ..query
            });
        }
        let items = page.items.into_iter().filter_map(|item| {
            each(item, |attachment| {
                let Attachment {
                    checkpoint,
                    kind,
                    key,
                    bytes,
                } = attachment;
                let object = Object::Attachment(&checkpoint, &kind, &key);
                let target = Sealed::Attachment(checkpoint.clone(), kind.clone(), key.clone());
                vec![self.found(target, &object, bytes.unwrap_or_default())]
            })
        });
        Ok(items.flatten().collect())
    }

    async fn chunks(&mut self, after: Option<ChunkId>) -> Result<Page> {
        let infos = self.backend.scan_chunks(after, CHUNKS).await?;
        let mut ids = Vec::with_capacity(infos.len());
        let mut page = Page::new();
        let full = infos.len() >= CHUNKS;
        for info in infos {
            match info {
                Item::Found(info) => ids.push(info.id),
                Item::Corrupt(error) => page.push(Err(error)),
                Item::Absent | Item::Deleted => {}
            }
        }
        if let Some(last) = ids.last().filter(|_| full) {
            self.stage = Stage::Chunks(Some(*last));
        }
        let items = self.backend.chunks(&ids).await?;
        for (id, item) in ids.iter().zip(items) {
            let found = each(item, |chunk| {
                let object = Object::Chunk(id, &chunk.children);
                vec![self.found(Sealed::Chunk(*id), &object, chunk.bytes.clone())]
            });
            page.extend(found.into_iter().flatten());
        }
        Ok(page)
    }
}

/// What is found of an item; none when it is gone.
fn each<T>(item: Item<T>, found: impl FnOnce(T) -> Vec<Found>) -> Option<Page> {
    match item {
        Item::Found(it) => Some(found(it).into_iter().map(Ok).collect()),
        Item::Corrupt(error) => Some(vec![Err::<Found, Error>(error)]),
        Item::Absent | Item::Deleted => None,
    }
}
