//! Packs of which little is needed any more: what is needed moves into a new one.

use std::collections::BTreeMap;

use bytes::Bytes;
use checkpoint_core::{Order, Result};
use checkpoint_rows::Table;

use crate::base::{Base, number};
use crate::draft::Tools;
use crate::error::is_gone;
use crate::id::Id;
use crate::layout::Name;
use crate::log::Appended;
use crate::place::{Place, Spot};
use crate::row::{Change, Span};
use crate::segment::Reading;

/// Bytes that one step moves.
const MOST: u64 = 8 << 20;
/// Of a pack with more than one live byte in so many, nothing is moved.
const SHARE: u64 = 2;

/// What is needed of packs: the keys of the rows that lead there, each with its part.
type Live = BTreeMap<Id, Vec<(Bytes, Spot)>>;

/// The rows that lead into packs, each its key and its part.
pub(crate) fn packed(base: &Base) -> Result<impl Iterator<Item = Result<(Bytes, Spot)>>> {
    let span = Span::table(number(Table::ChunkData));
    let rows = base.raw_rows(&span, Order::Ascending, Reading::All)?;
    Ok(rows.filter_map(|row| match row {
        Ok(Change { key, value, .. }) => match Place::decode(&value?) {
            Ok(Place::Packed(spot)) => Some(Ok((key, spot))),
            // One that is damaged leads nowhere; who reads the chunk is told.
            _ => None,
        },
        Err(error) => Some(Err(error)),
    }))
}

fn live(base: &Base) -> Result<Live> {
    let mut live = Live::new();
    for row in packed(base)? {
        let (key, spot) = row?;
        live.entry(spot.pack).or_default().push((key, spot));
    }
    Ok(live)
}

/// Moves what is left of packs that are mostly dead; answers whether there is more to move.
pub(crate) fn repack(tools: &Tools) -> Result<bool> {
    let log = &tools.log;
    let state = log.fetcher.wait(log.newest_apart())?;
    let base = tools.base(&state);
    let live = live(&base)?;
    let sizes = log.fetcher.wait(log.objects.list(Name::PACKS, None))?;
    let mut moved = Vec::new();
    let (mut bytes, mut more) = (0, false);
    // Dead bytes for which it is worth to make requests: as many as are worth a pack.
    let worth = tools.inline as u64 / 2;
    for it in sizes {
        let Name::Pack(pack) = it.name else { continue };
        let Some(rows) = live.get(&pack) else {
            continue;
        };
        let needed: u64 = rows.iter().map(|(_, spot)| spot.length).sum();
        let dead = it.bytes.saturating_sub(needed);
        if needed * SHARE > it.bytes || dead < worth {
            continue;
        }
        if bytes + needed > MOST && !moved.is_empty() {
            more = true;
            break;
        }
        bytes += needed;
        moved.extend(rows.iter().cloned());
    }
    if moved.is_empty() {
        return Ok(false);
    }
    let pack = log.new_id();
    let Some((content, changes)) = read(tools, pack, &moved)? else {
        return Ok(false);
    };
    log.fetcher
        .wait(log.objects.create_own(Name::Pack(pack), content))?;
    // The entry is judged on the state in which each chunk was where it was read. When another one is first, what was put
    // is swept.
    match tools.put(&state, changes)? {
        Appended::Won(_) => Ok(more),
        Appended::Lost(_) => Ok(true),
    }
}

/// The content of the new pack, and the rows that lead into it; none when something is gone.
fn read(tools: &Tools, pack: Id, moved: &[(Bytes, Spot)]) -> Result<Option<(Bytes, Vec<Change>)>> {
    let log = &tools.log;
    let (mut content, mut changes) = (Vec::new(), Vec::new());
    for (key, spot) in moved {
        let range = log.objects.range(Name::Pack(spot.pack), spot.range());
        let bytes = match log.fetcher.wait(range) {
            Ok(bytes) => bytes,
            Err(error) if is_gone(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let place = Place::Packed(Spot {
            pack,
            offset: content.len() as u64,
            length: spot.length,
        });
        content.extend_from_slice(&bytes);
        changes.push(Change::put(
            number(Table::ChunkData),
            key.clone(),
            place.encode(),
        ));
    }
    Ok(Some((content.into(), changes)))
}
