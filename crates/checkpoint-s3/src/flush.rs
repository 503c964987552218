//! A snapshot of what the log says: the rows of the entries since the last one become a segment, merged with those before
//! it that are no larger, so that few are left.

use std::iter;
use std::sync::Arc;

use bytes::Bytes;
use checkpoint_core::{Clock, Order, Result};
use checkpoint_rows::{Table, View};
use futures::future::try_join;

use crate::base::{Base, number};
use crate::draft::Tools;
use crate::entry::{Digest, SnapshotName};
use crate::id::Id;
use crate::layout::Name;
use crate::log::Log;
use crate::looked::Looked;
use crate::manifest::{Listed, Manifest};
use crate::merge::{Cursor, Merge, Removals};
use crate::place::{Place, Spot};
use crate::row::{Change, Span};
use crate::run::Run;
use crate::seal::Head;
use crate::segment::{Outline, Reading, SegmentWriter};
use crate::state::{State, Tree};
use crate::sweep::is_doomed;

/// Bytes of a pack, about.
const PACK: usize = 8 << 20;
/// Bytes of segments that are merged while commits wait.
const AT_ONCE: u64 = 4 << 20;
/// The key of the row of the store itself.
const STORE: &[u8] = b"store";
/// A segment of more bytes is merged no more.
pub(crate) const LARGEST: u64 = 64 << 20;

/// A snapshot that no entry names yet.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) name: SnapshotName,
    pub(crate) tree: Tree,
    /// Where chunks moved that lay in rows: until it counts nothing else leads there.
    packs: Vec<Id>,
    /// When its first object was put, or later.
    begun: Looked,
}

impl Pending {
    /// Whether it may be named after a state: it is newer than what counts, and nothing of it is, or may be, swept.
    pub(crate) fn is_good(&self, base: &Base, clock: &dyn Clock) -> Result<bool> {
        if self.name.position <= base.state.covered() || self.begun.is_long_ago(clock) {
            return Ok(false);
        }
        let segments = self.tree.segments.iter();
        let segments = segments.map(|it| Name::Segment(it.outline().id));
        let packs = self.packs.iter().copied().map(Name::Pack);
        let manifest = Name::Snapshot(self.name.position, self.name.manifest);
        for name in segments.chain(packs).chain([manifest]) {
            if is_doomed(base, name)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// How much is merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// As much as commits can wait for.
    Little,
    /// As much as there is.
    All,
}

/// Puts the objects of a snapshot of a state, which was set apart; none when there is nothing new.
pub(crate) fn flush(tools: &Tools, state: Arc<State>, effort: Effort) -> Result<Option<Pending>> {
    let (log, begun) = (&tools.log, Looked::now(&*tools.clock));
    let Some(below) = below(log, &state)? else {
        return Ok(None);
    };
    let merged = merged(&state, &below, effort);
    // An entry may do nothing but name the last snapshot.
    let is_new = state.runs_after(below.position).any(|run| run.len() > 0);
    if !is_new && (merged < 2 || state.position == below.position) {
        return Ok(None);
    }
    let (taken, kept) = below.segments.split_at(merged);
    let removals = if kept.is_empty() {
        Removals::Drop
    } else {
        Removals::Keep
    };
    let span = Span::all();
    let runs = state.runs_after(below.position);
    let runs: Vec<_> = iter::once(first_read(tools, &state)?)
        .chain(runs.cloned())
        .collect();
    let cursors = || {
        let runs = runs
            .iter()
            .map(|run| Cursor::from(run.cursor(&span, Order::Ascending)));
        let segments = taken.iter().map(|segment| {
            Cursor::from(segment.cursor(span.clone(), Order::Ascending, Reading::All))
        });
        Merge::new(runs.chain(segments).collect(), Order::Ascending, removals)
    };
    // Half of what an entry may have is worth a pack.
    let heavy = chunk_bytes(cursors()?)? >= tools.inline / 2;
    let (written, packs) = write(log, cursors()?, heavy)?;
    let segments = written
        .iter()
        .map(|(outline, _)| outline.clone())
        .chain(kept.iter().map(|it| it.outline().clone()));
    let segments = segments.map(|outline| Listed { tier: 0, outline });
    let manifest = Manifest {
        head: Head::default(),
        id: log.new_id(),
        position: state.position,
        last: state.digest,
        first_sequence: View::new(tools.base(&state)).counters()?.position.sequence + 1,
        segments: segments.collect(),
    };
    let name = publish(log, &manifest, written)?;
    let tree = log.tree_of(&manifest);
    Ok(Some(Pending {
        name,
        tree,
        packs,
        begun,
    }))
}

/// What everybody reads who opens the store, so that it is found in the newest segment, with one request.
fn first_read(tools: &Tools, state: &Arc<State>) -> Result<Run> {
    let table = number(Table::Store);
    let value = tools.base(state).raw(table, STORE)?;
    let row = value.map(|value| Change::put(table, STORE, value));
    Run::of(row.into_iter().collect())
}

/// The segments of the newest snapshot that counts; none when it is gone already, and who goes on learns of a newer one.
fn below(log: &Log, state: &State) -> Result<Option<Tree>> {
    match &state.named {
        Some(named) if named.position != state.tree.position => {
            let tree = log.fetcher.wait(log.tree(named))?;
            Ok(tree.map(|(tree, _)| tree))
        }
        _ => Ok(Some(Tree::clone(&state.tree))),
    }
}

/// How many of the newest segments are merged with what is new: those that are not much larger than all before them.
fn merged(state: &State, below: &Tree, effort: Effort) -> usize {
    let runs = state.runs_after(below.position);
    let mut bytes: u64 = runs.map(|run| run.bytes().len() as u64).sum();
    let mut count = 0;
    for segment in &below.segments {
        let own = segment.outline().bytes;
        let limit = match effort {
            Effort::Little => AT_ONCE,
            Effort::All => LARGEST,
        };
        if own > 2 * bytes.max(1 << 10) || bytes + own > limit {
            break;
        }
        bytes += own;
        count += 1;
    }
    count
}

/// Bytes of the chunks that lie in rows.
fn chunk_bytes(rows: Merge) -> Result<usize> {
    let mut bytes = 0;
    for change in rows {
        let change = change?;
        if let Some(inline) = inline(&change)? {
            bytes += inline.len();
        }
    }
    Ok(bytes)
}

/// The chunk that lies in a row.
fn inline(change: &Change) -> Result<Option<Bytes>> {
    let Some(value) = change
        .value
        .as_ref()
        .filter(|_| change.table == number(Table::ChunkData))
    else {
        return Ok(None);
    };
    Ok(match Place::decode(value)? {
        Place::Inline(bytes) => Some(bytes),
        Place::Packed(_) => None,
    })
}

/// A segment that is still to be put.
type Built = (Outline, Bytes);

/// Writes rows into a segment that is still to be put; with `pack` the chunks among them into packs, which it answers.
fn write(log: &Log, rows: Merge, pack: bool) -> Result<(Option<Built>, Vec<Id>)> {
    let id = log.new_id();
    let mut writer = SegmentWriter::new(id).caching(Arc::clone(&log.cache));
    let (mut out, mut packer) = (Vec::new(), Packer::new(log));
    for change in rows {
        let mut change = change?;
        if pack && let Some(bytes) = inline(&change)? {
            let spot = packer.push(&bytes)?;
            change.value = Some(Place::Packed(spot).encode());
        }
        out.extend_from_slice(&writer.push(&change)?);
    }
    let packs = packer.finish()?;
    let Some((rest, outline)) = writer.finish()? else {
        return Ok((None, packs));
    };
    out.extend_from_slice(&rest);
    Ok((Some((outline, out.into())), packs))
}

/// Puts chunks together into packs.
struct Packer<'l> {
    log: &'l Log,
    pack: Id,
    bytes: Vec<u8>,
    /// Those that were put.
    put: Vec<Id>,
}

impl<'l> Packer<'l> {
    fn new(log: &'l Log) -> Self {
        Self {
            log,
            pack: log.new_id(),
            bytes: Vec::new(),
            put: Vec::new(),
        }
    }

    fn push(&mut self, chunk: &[u8]) -> Result<Spot> {
        if !self.bytes.is_empty() && self.bytes.len() + chunk.len() > PACK {
            self.put()?;
        }
        let spot = Spot {
            pack: self.pack,
            offset: self.bytes.len() as u64,
            length: chunk.len() as u64,
        };
        self.bytes.extend_from_slice(chunk);
        Ok(spot)
    }

    fn put(&mut self) -> Result<()> {
        let bytes = std::mem::take(&mut self.bytes);
        let pack = std::mem::replace(&mut self.pack, self.log.new_id());
        self.put.push(pack);
        self.log
            .fetcher
            .wait(self.log.objects.create_own(Name::Pack(pack), bytes.into()))
    }

    fn finish(mut self) -> Result<Vec<Id>> {
        if !self.bytes.is_empty() {
            self.put()?;
        }
        Ok(self.put)
    }
}

/// Puts the new segment and the manifest, in one round trip: neither counts before an entry names the manifest.
fn publish(log: &Log, manifest: &Manifest, segment: Option<Built>) -> Result<SnapshotName> {
    let bytes = manifest.encode()?;
    let name = SnapshotName {
        position: manifest.position,
        manifest: manifest.id,
        digest: Digest::of(&bytes),
    };
    let object = Name::Snapshot(manifest.position, manifest.id);
    let segment = async {
        match segment {
            Some((outline, bytes)) => {
                let segment = Name::Segment(outline.id);
                log.objects.create_own(segment, bytes).await
            }
            None => Ok(()),
        }
    };
    log.fetcher
        .wait(async { try_join(segment, log.objects.create_own(object, bytes)).await })?;
    Ok(name)
}
