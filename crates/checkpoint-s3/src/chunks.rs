//! Reading many chunks: where they lie is looked up first, and what lies side by side is fetched at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use checkpoint_core::engine::aside;
use checkpoint_core::{ChunkId, Error, Item, Result, StoredChunk};
use checkpoint_rows::{Table, View};
use futures::{StreamExt, TryStreamExt};

use crate::base::{Base, Fetched, number};
use crate::cache::{self, BlockCache};
use crate::disk::Part;
use crate::error::is_gone;
use crate::layout::Name;
use crate::log::Log;
use crate::place::{Place, Spot};
use crate::shared::{AGAIN, Read, Shared, read_once};
use crate::state::State;

/// Ids in one call above which it leaves the calling task.
const MANY: usize = 256;
/// Ids in one call from which on more of the index is fetched at once than a row of it.
const SEVERAL: usize = 16;
/// Requests that are under way at once.
const AT_ONCE: usize = 12;
/// Bytes that are fetched in vain rather than making two requests.
const GAP: u64 = 64 << 10;
/// Bytes of one request.
const REQUEST: u64 = 512 << 10;

/// Chunks by their ids.
pub(crate) async fn get(shared: &Shared, ids: &[ChunkId]) -> Result<Vec<Item<StoredChunk>>> {
    let ids: Arc<[ChunkId]> = ids.into();
    let mut state = shared.recent().await?;
    let mut found = Vec::new();
    for again in 0..AGAIN {
        let (items, whole) = look(shared, &state, &ids).await?;
        found = items;
        if whole {
            break;
        }
        // Something is not there. It may be by now, or have moved, or be gone for good.
        let newer = shared.log.catch_up().await?;
        if newer.position == state.position && again > 0 {
            break;
        }
        state = newer;
    }
    Ok(found)
}

/// What a state has of the chunks, and whether it has all of them.
async fn look(
    shared: &Shared,
    state: &Arc<State>,
    ids: &Arc<[ChunkId]>,
) -> Result<(Vec<Item<StoredChunk>>, bool)> {
    let log = &shared.log;
    let large = ids.len() > MANY;
    let asked = Arc::clone(ids);
    let spots: Arc<Read<Vec<Spot>>> = Arc::new(move |view| spots(view, &asked));
    let base = || Base {
        many: ids.len() >= SEVERAL,
        ..Base::new(Arc::clone(state), log.fetcher.clone())
    };
    let spots = match read_once(base(), large, &spots).await {
        // A part of the index is gone: there is a newer one.
        Err(error) if is_gone(&error) => {
            log.reload().await?;
            return Ok((Vec::new(), false));
        }
        spots => spots?,
    };
    let mut brought = fetch(shared, spots).await?;
    let fetched = Arc::new(std::mem::take(&mut brought.fetched));
    let base = Base {
        fetched: Some(Arc::clone(&fetched)),
        ..base()
    };
    let asked = Arc::clone(ids);
    let read: Arc<Read<Vec<Item<StoredChunk>>>> = Arc::new(move |view| view.chunks(&asked));
    let items = read_once(base, large, &read).await?;
    let whole = items.iter().all(|item| matches!(item, Item::Found(_)));
    if whole {
        keep(&shared.chunks, &fetched);
    }
    settle(shared, brought, whole).await;
    Ok((items, whole))
}

/// Where those lie that are in packs.
fn spots(view: &View<Base>, ids: &[ChunkId]) -> Result<Vec<Spot>> {
    let mut spots = Vec::with_capacity(ids.len());
    for id in ids {
        // What is damaged is told by who reads it.
        let Ok(Some(no)) = hide_damage(view.chunk_number(id))? else {
            continue;
        };
        let value = view.base.raw(number(Table::ChunkData), &no.to_be_bytes())?;
        if let Some(Ok(Place::Packed(spot))) = value.map(|value| Place::decode(&value)) {
            spots.push(spot);
        }
    }
    spots.sort_unstable();
    spots.dedup();
    Ok(spots)
}

fn hide_damage<T>(found: Result<T>) -> Result<Result<T>> {
    match found {
        Err(error) if !error.is_corrupt() => Err(error),
        found => Ok(found),
    }
}

/// Stored forms, and where they came from.
#[derive(Debug, Default)]
struct Brought {
    fetched: Fetched,
    /// Those that the directory had.
    from_disk: Vec<Spot>,
    /// What was fetched for the others.
    parts: Vec<Part>,
}

/// What is whole stays in the directory; when not all is, what came from there goes.
async fn settle(shared: &Shared, brought: Brought, whole: bool) {
    let Brought {
        from_disk, parts, ..
    } = brought;
    let Some(disk) = shared.disk.clone() else {
        return;
    };
    let nothing = if whole {
        parts.is_empty()
    } else {
        from_disk.is_empty()
    };
    if nothing {
        return;
    }
    let done = aside(move || {
        if whole {
            disk.keep(&parts);
        } else {
            disk.drop_around(&from_disk);
        }
        Ok(())
    });
    // No read fails because of it.
    if let Err(error) = done.await {
        tracing::debug!(%error, "chunks were not kept in the directory");
    }
}

/// What of these spots the directory has.
async fn on_disk(shared: &Shared, spots: &[Spot]) -> Vec<(Spot, Bytes)> {
    let Some(disk) = shared.disk.clone().filter(|_| !spots.is_empty()) else {
        return Vec::new();
    };
    let spots = spots.to_vec();
    let found = aside(move || Ok(disk.find(&spots))).await;
    found.unwrap_or_default()
}

/// Brings stored forms, each from a cache or by a request that it shares with its neighbours.
async fn fetch(shared: &Shared, spots: Vec<Spot>) -> Result<Brought> {
    let (log, cache) = (&shared.log, &shared.chunks);
    let mut fetched = Fetched::with_capacity(spots.len());
    let mut missing = Vec::new();
    for spot in spots {
        match cache.get((spot.pack, spot.offset)) {
            Some(cache::Item::Chunk(bytes)) if bytes.len() as u64 == spot.length => {
                fetched.insert(spot, Some(bytes));
            }
            _ => missing.push(spot),
        }
    }
    let mut from_disk = Vec::new();
    for (spot, bytes) in on_disk(shared, &missing).await {
        fetched.insert(spot, Some(bytes));
        from_disk.push(spot);
    }
    missing.retain(|spot| !fetched.contains_key(spot));
    let parts: Vec<_> = futures::stream::iter(together(&missing))
        .map(|part| part_of(Arc::clone(log), part, shared.disk.is_some()))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let mut brought = Brought {
        fetched,
        from_disk,
        parts: Vec::new(),
    };
    for (spots, part) in parts {
        brought.fetched.extend(spots);
        brought.parts.extend(part);
    }
    Ok(brought)
}

/// Sorted spots, those side by side together.
fn together(spots: &[Spot]) -> Vec<Vec<Spot>> {
    let joins = |first: &Spot, one: &Spot, next: &Spot| {
        next.pack == one.pack
            && next.offset.saturating_sub(one.range().end) <= GAP
            && next.range().end.saturating_sub(first.offset) <= REQUEST
    };
    let (mut parts, mut rest) = (Vec::new(), spots);
    while let Some(first) = rest.first() {
        let more = rest
            .windows(2)
            .take_while(|two| joins(first, &two[0], &two[1]));
        let (part, after) = rest.split_at(1 + more.count());
        parts.push(part.to_vec());
        rest = after;
    }
    parts
}

/// One request's chunks, and, if that is wanted, the whole of what it brought.
async fn part_of(
    log: Arc<Log>,
    part: Vec<Spot>,
    whole: bool,
) -> Result<(BTreeMap<Spot, Option<Bytes>>, Option<Part>)> {
    let (Some(first), Some(last)) = (part.first(), part.last()) else {
        return Ok((BTreeMap::new(), None));
    };
    let end = part.iter().map(|spot| spot.range().end).max();
    let range = first.offset..end.unwrap_or(last.range().end);
    let got = log.objects.range(Name::Pack(first.pack), range).await;
    let bytes = match got {
        Ok(bytes) => bytes,
        Err(error) if is_gone(&error) => {
            return Ok((part.iter().map(|it| (*it, None)).collect(), None));
        }
        Err(error) => return Err(error),
    };
    let cut = part.iter().map(|spot| {
        let from = (spot.offset - first.offset) as usize;
        let to = from + spot.length as usize;
        let bytes = bytes.get(from..to).ok_or_else(|| {
            Error::corrupt("a pack is shorter than the index says").with("pack", spot.pack)
        })?;
        // A copy: one chunk that is kept must not keep all that was fetched with it.
        Ok((*spot, Some(Bytes::copy_from_slice(bytes))))
    });
    let cut = cut.collect::<Result<_>>()?;
    let spot = Spot {
        length: bytes.len() as u64,
        ..*first
    };
    Ok((cut, whole.then_some(Part { spot, bytes })))
}

fn keep(cache: &BlockCache, fetched: &Fetched) {
    for (spot, bytes) in fetched {
        if let Some(bytes) = bytes {
            cache.put((spot.pack, spot.offset), cache::Item::Chunk(bytes.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;

    fn spot(pack: u8, offset: u64, length: u64) -> Spot {
        Spot {
            pack: Id([pack; 16]),
            offset,
            length,
        }
    }

    #[test]
    fn what_lies_side_by_side_is_one_request() {
        let spots = [
            spot(1, 0, 10),
            spot(1, 10, 10),
            spot(1, 20 + GAP, 5),
            spot(1, 40 + 2 * GAP, 5),
            spot(2, 0, REQUEST),
            spot(2, REQUEST, 1),
        ];
        let parts: Vec<usize> = together(&spots).iter().map(|part| part.len()).collect();
        assert_eq!(parts, [3, 1, 1, 1]);
        assert!(together(&[]).is_empty());
    }
}
