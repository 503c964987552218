//! What happened in a store, and waiting for more.

use std::time::Duration;

use super::Store;
use crate::error::{Error, Result};
use crate::feed::Change;
use crate::record::{Item, Position};

/// Some of the changes, and where the rest starts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Changes {
    /// Oldest first.
    pub changes: Vec<Change>,
    /// Those among them that cannot be read, each with its position.
    pub damaged: Vec<Error>,
    /// The position after which the next page starts; the one asked with when there is nothing new.
    pub end: Position,
}

impl Store {
    /// Changes after a position, oldest first: about `limit` of them, none when there are none.
    ///
    /// # Errors
    ///
    /// `Truncated` with the oldest position when they are no longer kept, `TooLarge` for a limit above that of the
    /// store.
    pub async fn changes(&self, after: Position, limit: usize) -> Result<Changes> {
        let feed = self.0.backend.changes(after, limit).await;
        let feed = feed.map_err(|error| self.blame(error, "changes"))?;
        let mut changes = Changes {
            changes: Vec::new(),
            damaged: Vec::new(),
            end: feed.end,
        };
        for item in feed.items {
            match item {
                Item::Found(change) => changes.changes.push(change),
                Item::Corrupt(error) => changes.damaged.push(error),
                Item::Absent | Item::Deleted => {}
            }
        }
        Ok(changes)
    }

    /// Waits until there is a change after a position, at most as long as told; answers the newest position.
    ///
    /// # Errors
    ///
    /// `Stopped` at once when the store is closed meanwhile, and those of the storage.
    pub async fn changed(&self, after: Position, at_most: Duration) -> Result<Position> {
        self.0
            .backend
            .changed(after, at_most)
            .await
            .map_err(|error| self.blame(error, "changed"))
    }
}
