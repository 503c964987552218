//! Taking away objects to which nothing leads any more: packs, segments and manifests that were replaced, or that somebody
//! put and never named.
//!
//! An entry of the log says first which objects are going to go: it *dooms* them. It is judged like any other, so when it
//! is in the log nothing that came before leads to what it dooms. Whoever had put such an object and not named it yet
//! reads that entry before it can put its own, and puts the object again under another name. So no clock decides what is
//! lost; the grace spares those who are slow the work, and readers of an older state a surprise. How old an object is, and
//! how old the entry, is asked of the store's own clock.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use checkpoint_core::{Budget, Order, Result};

use crate::base::Base;
use crate::draft::Tools;
use crate::error::nothing_done;
use crate::flaw::Flaw;
use crate::id::Id;
use crate::layout::Name;
use crate::log::{Appended, Log};
use crate::objects::Listed;
use crate::repack::packed;
use crate::row::{Change, Span};
use crate::segment::Reading;
use crate::state::State;

/// The table of what is going to be taken away: the kind and the id of an object → the position of the entry that says so.
pub(crate) const DOOMED: u8 = 64;
/// Objects that one entry dooms at most.
const MOST: usize = 1_000;
/// How long it is remembered that an object was doomed, after it was taken away: longer than anybody takes what it has put
/// to be safe.
const REMEMBERED: Duration = Duration::from_secs(4 * 60 * 60);
/// No grace is shorter: who puts an object takes it to be safe for an hour. Nor does anybody write one file for so long.
pub(crate) const SHORTEST: Duration = Duration::from_secs(60 * 60);

/// Kinds of objects in keys of the table.
const PACK: u8 = 1;
const SEGMENT: u8 = 2;
const SNAPSHOT: u8 = 3;

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Swept {
    /// Objects that were doomed, and those that were taken away.
    pub(crate) doomed: u64,
    pub(crate) removed: u64,
}

/// The key of an object in the table of what is doomed.
fn key(name: Name) -> Option<Vec<u8>> {
    match name {
        Name::Pack(id) => Some([&[PACK][..], &id.0].concat()),
        Name::Segment(id) => Some([&[SEGMENT][..], &id.0].concat()),
        Name::Snapshot(position, id) => {
            Some([&[SNAPSHOT][..], &id.0, &position.to_be_bytes()].concat())
        }
        Name::Store | Name::Log(_) | Name::Probe(_) => None,
    }
}

fn to_name(key: &[u8]) -> Option<Name> {
    let (kind, rest) = key.split_first()?;
    let (id, rest) = rest.split_first_chunk::<16>()?;
    match (*kind, rest) {
        (PACK, []) => Some(Name::Pack(Id(*id))),
        (SEGMENT, []) => Some(Name::Segment(Id(*id))),
        (SNAPSHOT, position) => {
            let position = u64::from_be_bytes(position.try_into().ok()?);
            Some(Name::Snapshot(position, Id(*id)))
        }
        _ => None,
    }
}

/// Whether an object is doomed.
pub(crate) fn is_doomed(base: &Base, name: Name) -> Result<bool> {
    match key(name) {
        Some(key) => Ok(base.raw(DOOMED, &key)?.is_some()),
        None => Ok(false),
    }
}

/// Dooms what nothing leads to, and takes away what was doomed long enough ago.
pub(crate) fn sweep(tools: &Tools, budget: &Budget, now: Moment) -> Result<Swept> {
    let grace = budget.grace.max(SHORTEST);
    sweep_left(&tools.log, now)?;
    Ok(Swept {
        removed: remove(tools, grace, now)?,
        doomed: doom(tools, grace, now)?,
    })
}

/// Takes away what was put for a moment by somebody who came to no end.
fn sweep_left(log: &Log, now: Moment) -> Result<()> {
    let left = log.fetcher.wait(log.objects.list(Name::PROBES, None))?;
    let old = |it: &&Listed| age(now, it.modified) >= SHORTEST;
    for it in left.iter().filter(old).take(MOST) {
        log.fetcher.wait(log.objects.delete(it.name))?;
    }
    Ok(())
}

/// Objects to which a state leads, by their names.
struct Needed(BTreeSet<Name>);

impl Needed {
    fn of(base: &Base) -> Result<Self> {
        let mut needed = BTreeSet::new();
        for row in packed(base)? {
            needed.insert(Name::Pack(row?.1.pack));
        }
        needed.extend(
            base.state
                .tree
                .segments
                .iter()
                .map(|it| Name::Segment(it.outline().id)),
        );
        if let Some(named) = &base.state.named {
            needed.insert(Name::Snapshot(named.position, named.manifest));
        }
        Ok(Self(needed))
    }
}

/// Dooms objects that are older than the grace and to which nothing leads. Answers how many.
fn doom(tools: &Tools, grace: Duration, now: Moment) -> Result<u64> {
    let log = &tools.log;
    let listed = log.fetcher.wait(list(log))?;
    let old = |it: &&Listed| age(now, it.modified) >= grace;
    let old: Vec<Name> = listed.iter().filter(old).map(|it| it.name).collect();
    if old.is_empty() {
        return Ok(0);
    }
    // The snapshot that counts must be known as it is, so that no segment of it, and no pack to which it leads, is taken for
    // one that nobody needs.
    let state = log.fetcher.wait(log.newest_apart())?;
    let base = tools.base(&state);
    let needed = Needed::of(&base)?;
    let mut doomed = Vec::new();
    for name in old.into_iter().filter(|name| !needed.0.contains(name)) {
        if log.flaws.has(Flaw::SweepsByAge) {
            log.fetcher.wait(log.objects.delete(name))?;
        } else if doomed.len() < MOST && !is_doomed(&base, name)? {
            doomed.extend(key(name));
        }
    }
    let count = doomed.len() as u64;
    let position = state.position + 1;
    let changes = doomed
        .into_iter()
        .map(|key| Change::put(DOOMED, key, value(position, false)));
    Ok(match put(tools, &state, changes.collect())? {
        Some(Appended::Won(_)) => count,
        // Somebody may need one of them by now: the next sweep looks again.
        Some(Appended::Lost(_)) | None => 0,
    })
}

async fn list(log: &Log) -> Result<Vec<Listed>> {
    let mut listed = Vec::new();
    for below in [Name::PACKS, Name::SEGMENTS, Name::SNAPSHOTS] {
        listed.extend(log.objects.list(below, None).await?);
    }
    Ok(listed)
}

/// Puts an entry of these changes, if there are any.
fn put(tools: &Tools, state: &Arc<State>, changes: Vec<Change>) -> Result<Option<Appended>> {
    if changes.is_empty() {
        return Ok(None);
    }
    tools.put_doom(state, changes).map(Some)
}

/// Takes away what was doomed by an entry that is older than the grace, and forgets what was taken away long ago.
fn remove(tools: &Tools, grace: Duration, now: Moment) -> Result<u64> {
    let log = &tools.log;
    let state = log.fetcher.wait(log.catch_up()).map_err(nothing_done)?;
    let base = tools.base(&state);
    let span = Span::table(DOOMED);
    let rows = base.raw_rows(&span, Order::Ascending, Reading::All)?;
    let rows: Vec<Change> = rows.take(MOST).collect::<Result<_>>()?;
    let mut ages = BTreeMap::new();
    let (mut removed, mut changes) = (0, Vec::new());
    for row in rows {
        let Some((name, (position, is_gone))) = to_name(&row.key).zip(to_value(&row)) else {
            continue;
        };
        let age = match ages.entry(position) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(unknown) => {
                let modified = log.objects.modified(Name::Log(position));
                let modified = log.fetcher.wait(modified)?;
                // An entry goes long after what it doomed.
                *unknown.insert(modified.map_or(Duration::MAX, |it| age(now, it)))
            }
        };
        if is_gone && age >= grace.saturating_add(REMEMBERED) {
            changes.push(Change::remove(DOOMED, row.key));
        } else if !is_gone && age >= grace {
            log.fetcher.wait(log.objects.delete(name))?;
            if let Name::Segment(id) = name {
                log.cache.forget(id);
            }
            removed += 1;
            changes.push(Change::put(DOOMED, row.key, value(position, true)));
        }
    }
    // Who is first meanwhile leaves it to the next sweep to say so.
    put(tools, &state, changes)?;
    Ok(removed)
}

/// The position of the entry that dooms an object, and whether the object was taken away.
fn value(position: u64, is_gone: bool) -> Vec<u8> {
    [&position.to_be_bytes()[..], &[u8::from(is_gone)]].concat()
}

fn to_value(row: &Change) -> Option<(u64, bool)> {
    let (position, rest) = row.value.as_ref()?.split_first_chunk()?;
    Some((u64::from_be_bytes(*position), *rest == [1]))
}

/// A moment of the store's own clock.
pub(crate) type Moment = chrono::DateTime<chrono::Utc>;

/// How long ago something was, by one clock.
pub(crate) fn age(now: Moment, then: Moment) -> Duration {
    (now - then).to_std().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_doomed_is_read_as_it_was_written() {
        let id = Id([7; 16]);
        for name in [Name::Pack(id), Name::Segment(id), Name::Snapshot(42, id)] {
            let key = key(name).expect("a key");
            assert_eq!(to_name(&key), Some(name));
            assert_eq!(to_name(&key[..key.len() - 1]), None);
        }
        let row = Change::put(DOOMED, &b"key"[..], value(9, true));
        assert_eq!(to_value(&row), Some((9, true)));
        assert_eq!(key(Name::Log(1)), None);
        assert_eq!(to_name(b""), None);
    }
}
