//! The feed out of its two halves: appends, which follow from checkpoints and tombstones, and all other changes.

use crate::error::{Error, ErrorKind, Result};
use crate::feed::{Change, Feed};
use crate::record::{Item, Position};

/// One row of the feed: where it stands, and what it tells or why it cannot.
#[derive(Clone, Debug)]
pub struct FeedRow {
    /// Where it stands, also when it is damaged.
    pub position: Position,
    /// What it tells.
    pub change: Result<Change>,
}

impl From<Change> for FeedRow {
    fn from(change: Change) -> Self {
        Self {
            position: change.position,
            change: Ok(change),
        }
    }
}

impl FeedRow {
    fn into_item(self) -> Item<Change> {
        match self.change {
            Ok(change) => Item::Found(change),
            Err(error) => Item::Corrupt(error.with("position", self.position)),
        }
    }
}

/// Checks that a feed whose changes up to `oldest` are trimmed still tells all that came after a position.
///
/// # Errors
///
/// `Truncated` when it does not. Asking for none is answered from anywhere.
pub fn reaches_back(oldest: Position, after: Position, limit: usize) -> Result<()> {
    if limit == 0 || after >= oldest {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Truncated { oldest },
        "the feed no longer reaches back that far; read the store anew from there",
    )
    .with("asked", after)
    .with("oldest", oldest))
}

/// A page of the feed: about `limit` changes after a position, oldest first, no commit split but at a damaged change.
///
/// `fetch(after, at_most)` lists changes of one half after a position, in order, at most as many; fewer means that
/// there are no more of them. The first half is appends, the second all others.
///
/// # Errors
///
/// Those of `fetch`; `Corrupt` when positions do not rise, since nobody could go on from there.
pub fn feed_page(
    after: Position,
    limit: usize,
    mut appends: impl FnMut(Position, usize) -> Result<Vec<FeedRow>>,
    mut others: impl FnMut(Position, usize) -> Result<Vec<FeedRow>>,
) -> Result<Feed> {
    let mut page = Feed::nothing(after);
    if limit == 0 {
        return Ok(page);
    }
    // Room for the rest of most commits, so that one round mostly does.
    let batch = limit.saturating_add(64);
    // The commit of the last change that could be read.
    let mut commit = None;
    loop {
        let (left, right) = (appends(page.end, batch)?, others(page.end, batch)?);
        // Beyond the end of a half that was cut off, the other half alone would leave gaps.
        let end = |half: &[FeedRow]| {
            if half.len() < batch {
                None
            } else {
                half.last().map(|row| row.position)
            }
        };
        let bound = [end(&left), end(&right)].into_iter().flatten().min();
        let mut merged: Vec<FeedRow> = left.into_iter().chain(right).collect();
        merged.sort_by_key(|row| row.position);
        merged.retain(|row| bound.is_none_or(|bound| row.position <= bound));
        for row in merged {
            let first = row.change.as_ref().ok().map(|change| change.first);
            if page.items.len() >= limit && (first.is_none() || first != commit) {
                return Ok(page);
            }
            if row.position <= page.end {
                return Err(Error::corrupt("the feed is out of order; restore a backup")
                    .with("position", row.position)
                    .with("after", page.end));
            }
            commit = first.or(commit);
            page.end = row.position;
            page.items.push(row.into_item());
        }
        if bound.is_none() {
            return Ok(page);
        }
    }
}
