//! The feed out of its two halves: appends, which follow from checkpoints and tombstones, and all other changes.

use crate::error::Result;
use crate::feed::Change;
use crate::record::Position;

/// A page of the feed: about `limit` changes after a position, oldest first, no commit split.
///
/// `fetch(after, at_most)` lists changes of one half after a position, in order, at most as many; fewer means that
/// there are no more of them. The first half is appends, the second all others.
///
/// # Errors
///
/// Those of `fetch`.
pub fn feed_page(
    after: Position,
    limit: usize,
    mut appends: impl FnMut(Position, usize) -> Result<Vec<Change>>,
    mut others: impl FnMut(Position, usize) -> Result<Vec<Change>>,
) -> Result<Vec<Change>> {
    let mut page: Vec<Change> = Vec::new();
    if limit == 0 {
        return Ok(page);
    }
    // Room for the rest of most commits, so that one round mostly does.
    let batch = limit.saturating_add(64);
    let mut at = after;
    loop {
        let (left, right) = (appends(at, batch)?, others(at, batch)?);
        // Beyond the end of a half that was cut off, the other half alone would leave gaps.
        let end = |half: &[Change]| {
            if half.len() < batch {
                None
            } else {
                half.last().map(|change| change.position)
            }
        };
        let bound = [end(&left), end(&right)].into_iter().flatten().min();
        let mut merged: Vec<Change> = left.into_iter().chain(right).collect();
        merged.sort_unstable_by_key(|change| change.position);
        merged.retain(|change| bound.is_none_or(|bound| change.position <= bound));
        for change in merged {
            let begins = page.last().is_some_and(|last| last.first != change.first);
            if begins && page.len() >= limit {
                return Ok(page);
            }
            at = change.position;
            page.push(change);
        }
        if bound.is_none() {
            return Ok(page);
        }
    }
}
