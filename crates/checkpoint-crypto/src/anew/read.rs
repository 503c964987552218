//! What is there of that which a commit speaks of.

use checkpoint_core::{
    AttachmentQuery, Item, MetaRecord, Parts, Payload, Record, Result, Sealed, SessionQuery,
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
                let mut found = self
                    .backend
                    .get(std::slice::from_ref(id), Parts::ALL)
                    .await?;
                let Some(record) = found.pop().map(Item::into_option).transpose()?.flatten() else {
                    return Ok(None);
                };
                self.checkpoint(record, matches!(target, Sealed::Meta(_)))
            }
            Sealed::Chunk(id) => {
                let mut found = self.backend.chunks(&[*id]).await?;
                let Some(chunk) = found.pop().map(Item::into_option).transpose()?.flatten() else {
                    return Ok(None);
                };
                let (sealed, children) = (chunk.bytes.clone(), chunk.children.clone());
                Ok(Some(Known {
                    session: None,
                    plain: self.outward().chunk((*id, chunk))?.1.bytes,
                    sealed,
                    place: Place::Chunk(children),
                }))
            }
            Sealed::Attachment(checkpoint, kind, key) => {
                let query = AttachmentQuery {
                    kind: Some(kind.clone()),
                    key: Some(key.clone()),
                    limit: 1,
                    ..AttachmentQuery::of(checkpoint.clone())
                };
                let mut found = self.backend.attachments(&query).await?.items;
                let Some(found) = found.pop().map(Item::into_option).transpose()?.flatten() else {
                    return Ok(None);
                };
                let sealed = found.bytes.clone().unwrap_or_default();
                Ok(Some(Known {
                    session: None,
                    plain: self.outward().attachment(found)?.bytes.unwrap_or_default(),
                    sealed,
                    place: Place::Attachment,
                }))
            }
            Sealed::Session(id) => {
                let found = self
                    .backend
                    .sessions(&SessionQuery::one(id.clone()))
                    .await?;
                let found = found.items.into_iter().next().map(Item::into_option);
                let Some(found) = found.transpose()?.flatten() else {
                    return Ok(None);
                };
                let (sealed, revision) = (found.body.clone(), found.revision);
                Ok(Some(Known {
                    session: Some(id.clone()),
                    plain: self.outward().session(found)?.body,
                    sealed,
                    place: Place::Session(revision),
                }))
            }
            Sealed::Record(name) => {
                let found = self.backend.records(name.as_str()).await?.into_iter();
                let is_it = |item: &Item<MetaRecord>| !matches!(item, Item::Found(record) if record.name != *name);
                let found = found.filter(is_it).map(Item::into_option).next();
                let Some(record) = found.transpose()?.flatten() else {
                    return Ok(None);
                };
                let sealed = record.bytes.clone();
                Ok(Some(Known {
                    session: None,
                    plain: self.outward().named(record)?.bytes,
                    sealed,
                    place: Place::Record,
                }))
            }
            _ => Ok(None),
        }
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
