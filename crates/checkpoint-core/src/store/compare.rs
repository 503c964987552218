//! Two checkpoints side by side.

use std::time::Duration;

use super::Store;
use crate::diff::Diff;
use crate::error::{Error, Result};
use crate::id::CheckpointId;

/// What lies between two checkpoints.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Comparison {
    /// The time from the creation of one to that of the other.
    pub elapsed: Duration,
    /// What differs in their states.
    pub diff: Diff,
}

impl Comparison {
    /// The difference in one paragraph.
    #[must_use]
    pub fn summary(&self) -> String {
        let seconds = self.elapsed.as_secs();
        let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        format!(
            "{hours}h {minutes:02}m {rest:02}s between them. {}",
            self.diff.summary()
        )
    }
}

impl Store {
    /// What lies between two checkpoints: time, and what was added, removed and changed in the state.
    ///
    /// # Errors
    ///
    /// `NotFound`, and `Invalid` when a state is not JSON or MessagePack.
    pub async fn compare(&self, before: &CheckpointId, after: &CheckpointId) -> Result<Comparison> {
        let absent =
            |id: &CheckpointId| Error::not_found("no such checkpoint").with("checkpoint", id);
        let first = self.get(before).await?.ok_or_else(|| absent(before))?;
        let second = self.get(after).await?.ok_or_else(|| absent(after))?;
        let diff = Diff::between(&first.value().await?, &second.value().await?);
        let (from, to) = (first.header().created_at, second.header().created_at);
        Ok(Comparison {
            elapsed: to.since(from).max(from.since(to)),
            diff,
        })
    }
}
