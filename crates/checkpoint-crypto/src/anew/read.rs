//! What is there of that which a commit speaks of.

use checkpoint_core::{
    AttachmentQuery, CheckpointId, Item, MetaRecord, Parts, Payload, Record, Result, Sealed,
    SessionQuery, SessionRecord, StoredChunk,
};

use super::{Known, Look, Opened, Place};
use crate::outward::Outward;

impl Look<'_> {
    const fn outward(&self) -> Outward<'_> {
        Outward {
            ring: self.inward.ring,
            store: self.inward.store,
        }
    }

    /// Reads what is there.
    pub(super) async fn at(&mut self, target: &Sealed) -> Result<()> {
        if self.known.iter().any(|(it, _)| it == target) {
            return Ok(());
        }
        let known = self.read(target).await?;
        self.known.push((target.clone(), known));
        Ok(())
    }

    async fn read(&self, target: &Sealed) -> Result<Option<Known>> {
        match target {
            Sealed::Meta(id) | Sealed::Inline(id) => {
                let found = self.backend.get(std::slice::from_ref(id), Parts::ALL);
                match only(found.await?)? {
                    Some(record) => self.checkpoint(record, matches!(target, Sealed::Meta(_))),
                    None => Ok(None),
                }
            }
            Sealed::Chunk(id) => {
                let found = only(self.backend.chunks(&[*id]).await?)?;
                let known = |chunk: StoredChunk| {
                    let place = Place::Chunk(chunk.children.clone());
                    let sealed = chunk.bytes.clone();
                    let plain = self.outward().chunk((*id, chunk))?.1.bytes;
                    Ok(Known::of_store(plain, sealed, place))
                };
                found.map(known).transpose()
            }
            Sealed::Attachment(checkpoint, kind, key) => {
                self.attachment(checkpoint, kind, key).await
            }
            Sealed::Session(id) => {
                let query = SessionQuery::one(id.clone());
                let found = self.backend.sessions(&query);
                let known = |found: SessionRecord| {
                    let (sealed, place) = (found.body.clone(), Place::Session(found.revision));
                    let plain = self.outward().session(found)?.body;
                    Ok(Known::of(id, plain, sealed, place))
                };
                only(found.await?.items)?.map(known).transpose()
            }
            Sealed::Record(name) => {
                let mut found = self.backend.records(name.as_str()).await?;
                found.retain(|item| !matches!(item, Item::Found(it) if it.name != *name));
                let known = |record: MetaRecord| {
                    let sealed = record.bytes.clone();
                    let plain = self.outward().named(record)?.bytes;
                    Ok(Known::of_store(plain, sealed, Place::Record))
                };
                found.truncate(1);
                only(found)?.map(known).transpose()
            }
            _ => Ok(None),
        }
    }

    async fn attachment(
        &self,
        checkpoint: &CheckpointId,
        kind: &str,
        key: &str,
    ) -> Result<Option<Known>> {
        let query = AttachmentQuery {
            kind: Some(kind.to_owned()),
            key: Some(key.to_owned()),
            limit: 1,
            ..AttachmentQuery::of(checkpoint.clone())
        };
        let Some(found) = only(self.backend.attachments(&query).await?.items)? else {
            return Ok(None);
        };
        let sealed = found.bytes.clone().unwrap_or_default();
        let plain = self.outward().attachment(found)?.bytes.unwrap_or_default();
        Ok(Some(Known::of_store(plain, sealed, Place::Attachment)))
    }

    fn checkpoint(&self, record: Record, is_meta: bool) -> Result<Option<Known>> {
        let (header, meta) = (record.header.clone(), record.meta.clone());
        let payload = record.payload.clone();
        let opened = self.outward().record(record)?;
        let session = Some(header.session.clone());
        if is_meta {
            let said = Opened(opened.header.worker, opened.header.tags);
            return Ok(Some(Known {
                session,
                plain: opened.meta.unwrap_or_default(),
                sealed: meta.unwrap_or_default(),
                place: Place::Read(header, said),
            }));
        }
        let inline = |payload: Option<Payload>| payload.and_then(|it| it.inline().cloned());
        let (Some(plain), Some(sealed)) = (inline(opened.payload), inline(payload)) else {
            return Ok(None);
        };
        Ok(Some(Known {
            session,
            plain,
            sealed,
            place: Place::Inline(header.session.clone(), header.length),
        }))
    }
}

/// The one that was asked for.
fn only<T>(mut found: Vec<Item<T>>) -> Result<Option<T>> {
    let found = found.pop().map(Item::into_option).transpose()?;
    Ok(found.flatten())
}
