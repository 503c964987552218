//! What is attached to checkpoints.

use std::collections::HashSet;

use super::run::Run;
use crate::error::Result;
use crate::id::CheckpointId;
use crate::query::AttachmentQuery;
use crate::record::Item;

/// Checkpoints whose attachments are read at once: each step goes through those of all that are done.
const OWNERS: usize = 16;
/// Attachments that are listed in one step, without what they hold.
const NAMES: usize = 256;
/// Attachments read in one step: few, since each may be large.
const ATTACHMENTS: usize = 4;

impl Run<'_> {
    /// Reads all that is attached to checkpoints.
    pub(super) async fn attached(&mut self, checkpoints: Vec<CheckpointId>) -> Result<()> {
        let owners = self.owners(checkpoints).await?;
        for some in owners.chunks(OWNERS) {
            self.attachments(some.to_vec()).await?;
        }
        Ok(())
    }

    /// Those of the checkpoints that have attachments; all of them when that cannot be told.
    async fn owners(&self, checkpoints: Vec<CheckpointId>) -> Result<Vec<CheckpointId>> {
        let mut query = AttachmentQuery {
            checkpoints,
            content: false,
            limit: NAMES,
            ..AttachmentQuery::default()
        };
        let mut owners = HashSet::new();
        loop {
            let page = match self.reads.backend().attachments(&query).await {
                Ok(page) => page,
                Err(error) if error.is_corrupt() => return Ok(query.checkpoints),
                Err(error) => return Err(self.store.blame(error, "verify")),
            };
            for item in page.items {
                match item {
                    Item::Found(it) => drop(owners.insert(it.checkpoint)),
                    Item::Corrupt(_) => return Ok(query.checkpoints),
                    Item::Absent | Item::Deleted => {}
                }
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
        query.checkpoints.retain(|id| owners.contains(id));
        Ok(query.checkpoints)
    }

    async fn attachments(&mut self, checkpoints: Vec<CheckpointId>) -> Result<()> {
        let mut query = AttachmentQuery {
            checkpoints,
            limit: ATTACHMENTS,
            ..AttachmentQuery::default()
        };
        while !query.checkpoints.is_empty() {
            let page = match self.reads.backend().attachments(&query).await {
                Ok(page) => page,
                Err(error) => return self.damage(error),
            };
            page.items.into_iter().for_each(|item| self.beside(item));
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
        Ok(())
    }
}
