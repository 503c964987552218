//! What is attached to a checkpoint.

use super::batch::{BYTES, Ready};
use super::{Receiver, is_about_content};
use crate::commit::{Attach, Commit};
use crate::error::{Error, Result};
use crate::exchange::source::{Arrival, Source};
use crate::exchange::store_source::StoreSource;
use crate::id::CommitId;
use crate::record::Attachment;

/// Attachments that travel in the commit of their checkpoint, at most.
const TOGETHER: usize = 1_000;

impl Receiver<'_> {
    /// Attachments that the target lacks or has otherwise: as many as have room in the commit, the others later.
    pub(super) async fn attach_all(
        &mut self,
        arrival: &Arrival,
        ready: &mut Ready,
        compare: bool,
    ) -> Result<()> {
        let mut size = ready.size();
        for attachment in &arrival.attachments {
            let Some(attach) = self.attach(arrival, attachment).await? else {
                continue;
            };
            if compare && self.is_there(&attach, attachment).await? {
                continue;
            }
            size += attach.bytes.as_ref().map_or(0, |bytes| bytes.len());
            if size <= BYTES && ready.operations.len() < TOGETHER {
                ready.operations.push(attach.into());
            } else {
                ready.late.push(Attachment {
                    bytes: None,
                    ..attachment.clone()
                });
            }
        }
        Ok(())
    }

    /// An attachment with its content; none when it is gone from the source, or refused.
    pub(super) async fn attach(
        &mut self,
        arrival: &Arrival,
        attachment: &Attachment,
    ) -> Result<Option<Attach>> {
        let content = match &attachment.bytes {
            Some(bytes) => Ok(Some(bytes.clone())),
            None => self.source.attachment(attachment).await,
        };
        let content = content.map_err(|error| self.there(error));
        let checked = content.and_then(|bytes| {
            let Some(bytes) = bytes else { return Ok(None) };
            let attach = Attach {
                session: arrival.header.session.clone(),
                checkpoint: arrival.header.id.clone(),
                kind: attachment.kind.clone(),
                key: attachment.key.clone(),
                bytes: Some(bytes),
            };
            let alone = Commit::new(CommitId::from_bytes([0; 16])).with(attach.clone());
            alone.check(&self.target.info().limits)?;
            Ok(Some(attach))
        });
        match checked {
            Err(error) if is_about_content(&error) => {
                self.refuse_attachment(arrival, attachment, error);
                Ok(None)
            }
            other => other,
        }
    }

    /// Whether the target has an attachment with the same content.
    async fn is_there(&self, attach: &Attach, attachment: &Attachment) -> Result<bool> {
        let target = StoreSource::new(self.target.backend().as_ref(), None);
        match target.attachment(attachment).await {
            Ok(bytes) => Ok(bytes == attach.bytes),
            // It is put again then.
            Err(error) if error.is_corrupt() => Ok(false),
            Err(error) => Err(self.here(error)),
        }
    }

    pub(super) fn refuse_attachment(
        &mut self,
        arrival: &Arrival,
        attachment: &Attachment,
        error: Error,
    ) {
        let (id, session) = (&arrival.header.id, &arrival.header.session);
        let error = error
            .with("checkpoint", id)
            .with("kind", &attachment.kind)
            .with("key", format_args!("{:?}", attachment.key));
        self.received
            .refuse(Some(id.clone()), Some(session.clone()), error);
    }
}
