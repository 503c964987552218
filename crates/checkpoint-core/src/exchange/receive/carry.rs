//! States on their way: moved chunk by chunk as they are stored where both sides name and cut alike, else read and placed
//! anew. Either way all of a state is read and compared with its digest before its checkpoint is sent.

use std::collections::HashMap;

use async_trait::async_trait;
use bytes::Bytes;

use crate::backend::Backend;
use crate::chunk::{self, Chunks, Passing, ReadError, StreamReader, StreamWriter, WRITE_DEPTH};
use crate::commit::NewChunk;
use crate::description::{Description, StateDigest};
use crate::engine::within;
use crate::error::{Error, Result};
use crate::exchange::source::{Arrival, ArrivingState, Naming, Source};
use crate::id::{ChunkId, SessionId};
use crate::record::{Header, Item, Payload, StoredChunk};
use crate::store::{Placed, Placer, Store, offload};

use super::batch::BYTES;

/// A state above this many bytes is sent ahead in pieces.
const WHOLE: u64 = 4 << 20;
/// Bytes of the newest states of sessions that are kept, so that only what changes is placed.
const KEPT: usize = 16 << 20;
/// Chunks that are known to be in the target, and states that were read. Forgetting them costs time only.
const REMEMBERED: usize = 1 << 17;
const STATES: usize = 1 << 12;
/// A chunk that was found in the target, above nobody knows how many deltas.
const FOUND: u8 = u8::MAX;

/// A state in its place.
pub(super) struct Carried {
    pub(super) payload: Payload,
    /// What the target lacks of it.
    pub(super) chunks: Vec<NewChunk>,
}

impl From<Placed> for Carried {
    fn from(placed: Placed) -> Self {
        Self {
            payload: placed.payload,
            chunks: placed.chunks,
        }
    }
}

/// Carries states from a source to a store.
pub(super) struct Carrier<'a> {
    source: OfSource<'a>,
    target: &'a Store,
    /// How the source names its chunks, and whether the target does it alike.
    naming: Option<Naming<'a>>,
    is_alike: bool,
    placer: Placer,
    /// Chunks that are in the target or on their way, each with the number of deltas that it stands on.
    known: HashMap<ChunkId, u8>,
    /// The tops of trees that were read to their end, with length and digest.
    read: HashMap<ChunkId, (u64, StateDigest)>,
}

/// The chunks of a source.
#[derive(Debug)]
struct OfSource<'a>(&'a dyn Source);

#[async_trait]
impl Chunks for OfSource<'_> {
    async fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<Item<StoredChunk>>> {
        self.0.chunks(ids).await
    }
}

/// What the target lacks of one state.
#[derive(Default)]
struct Lacking {
    chunks: Vec<NewChunk>,
    bytes: usize,
    /// Found there, so that a part sent ahead relies on them.
    there: Vec<ChunkId>,
    /// All that became known, to be forgotten should the state turn out to be damaged.
    added: Vec<ChunkId>,
}

impl Lacking {
    fn push(&mut self, chunk: NewChunk) {
        self.bytes += chunk.bytes.len() + 32 * chunk.children.len();
        self.chunks.push(chunk);
    }
}

impl<'a> Carrier<'a> {
    pub(super) fn new(source: &'a dyn Source, target: &'a Store) -> Self {
        let info = target.info();
        let here = Naming {
            hasher: &info.hasher,
            gear_seed: info.gear_seed,
        };
        let naming = source.naming();
        Self {
            source: OfSource(source),
            target,
            naming,
            is_alike: naming == Some(here),
            placer: Placer::new(info, KEPT),
            known: HashMap::new(),
            read: HashMap::new(),
        }
    }

    /// Forgets what is believed of the target.
    pub(super) fn forget(&mut self) {
        self.known.clear();
        self.read.clear();
        self.placer = Placer::new(self.target.info(), KEPT);
    }

    /// Brings a state to its place, all but the last of it; the inner error names a chunk that the source lacks.
    pub(super) async fn carry(
        &mut self,
        arrival: &Arrival,
        description: &Description,
    ) -> Result<Result<Carried, ChunkId>> {
        let header = &arrival.header;
        within("state", header.length, self.target.info().limits.state)?;
        let carried = match &arrival.state {
            ArrivingState::Whole(bytes) => {
                if arrival.verified.is_none() {
                    check_state(header, description, bytes)?;
                }
                return self.place(&header.session, bytes.clone()).await.map(Ok);
            }
            ArrivingState::Tree(top) if self.is_alike => self.pass(header, description, *top).await,
            ArrivingState::Tree(top) => self.read_anew(header, description, *top).await,
        };
        match carried {
            Ok(carried) => Ok(Ok(carried)),
            Err(ReadError::Absent(chunk)) => Ok(Err(chunk)),
            Err(ReadError::Failed(error)) => Err(error),
        }
    }

    /// Places a state that is here as a whole.
    async fn place(&mut self, session: &SessionId, state: Bytes) -> Result<Carried> {
        if state.len() as u64 <= WHOLE {
            let mut placed = self.placer.place(session, state, false).await?;
            if let Some(next) = placed.next.take() {
                self.placer.keep(session, next);
            }
            return Ok(placed.into());
        }
        let mut writer = self.placer.stream();
        let mut rest = state;
        while !rest.is_empty() {
            let piece = rest.split_to(rest.len().min(1 << 20));
            writer = self.write(writer, piece).await?;
        }
        self.finish(writer).await
    }

    async fn write(&self, writer: StreamWriter, piece: Bytes) -> Result<StreamWriter> {
        let push = move || {
            let mut writer = writer;
            let batch = writer.push(&piece);
            (writer, batch)
        };
        let (writer, batch) = offload(push).await?;
        if let Some(chunks) = batch {
            self.send_ahead(chunks, Vec::new()).await?;
        }
        Ok(writer)
    }

    async fn finish(&self, writer: StreamWriter) -> Result<Carried> {
        let finished = offload(move || writer.finish()).await?;
        Ok(Carried {
            payload: Payload::Tree(finished.top),
            chunks: finished.new,
        })
    }

    async fn send_ahead(&self, chunks: Vec<NewChunk>, relies_on: Vec<ChunkId>) -> Result<()> {
        let mut commit = self.target.commit_of();
        commit.chunks = chunks;
        commit.relies_on = relies_on;
        let sent = self.target.backend().commit(commit).await;
        sent.map(drop)
            .map_err(|error| self.target.blame(error, self.source.0.doing()))
    }

    /// Reads a tree whose chunks the target would name otherwise, and places the state anew.
    async fn read_anew(
        &mut self,
        header: &Header,
        description: &Description,
        top: ChunkId,
    ) -> Result<Carried, ReadError> {
        let mut reader = self.reader(header, top)?;
        if header.length <= WHOLE {
            let mut state = Vec::new();
            while let Some(piece) = self.next(&mut reader).await? {
                state.extend_from_slice(&piece);
            }
            check_digest(description, StateDigest::from_blake3(reader.digest()))?;
            return Ok(self.place(&header.session, state.into()).await?);
        }
        let mut writer = self.placer.stream();
        while let Some(piece) = self.next(&mut reader).await? {
            writer = self.write(writer, piece).await?;
        }
        check_digest(description, StateDigest::from_blake3(reader.digest()))?;
        Ok(self.finish(writer).await?)
    }

    /// Passes the chunks of a tree on as they are stored, those that the target lacks.
    async fn pass(
        &mut self,
        header: &Header,
        description: &Description,
        top: ChunkId,
    ) -> Result<Carried, ReadError> {
        let carried = |chunks| Carried {
            payload: Payload::Tree(top),
            chunks,
        };
        if let Some((length, digest)) = self.read.get(&top)
            && *length == header.length
            && self.known.contains_key(&top)
        {
            check_digest(description, *digest)?;
            return Ok(carried(Vec::new()));
        }
        let mut lacking = Lacking::default();
        match self.pass_all(header, description, top, &mut lacking).await {
            Ok(digest) => {
                if self.read.len() >= STATES {
                    self.read.clear();
                }
                self.read.insert(top, (header.length, digest));
                Ok(carried(lacking.chunks))
            }
            Err(error) => {
                for id in lacking.added {
                    self.known.remove(&id);
                }
                Err(error)
            }
        }
    }

    async fn pass_all(
        &mut self,
        header: &Header,
        description: &Description,
        top: ChunkId,
        lacking: &mut Lacking,
    ) -> Result<StateDigest, ReadError> {
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        let mut reader = self.reader(header, top)?.keeping();
        let mut nodes = Vec::new();
        loop {
            let piece = self.next(&mut reader).await?;
            if let Some(mut passing) = reader.passing() {
                nodes.append(&mut passing.take_nodes());
                self.pass_leaves(&passing, lacking).await?;
            }
            if lacking.bytes >= BYTES {
                let (chunks, there) = (
                    std::mem::take(&mut lacking.chunks),
                    std::mem::take(&mut lacking.there),
                );
                lacking.bytes = 0;
                self.send_ahead(chunks, there).await?;
            }
            if piece.is_none() {
                break;
            }
        }
        let digest = StateDigest::from_blake3(reader.digest());
        check_digest(description, digest)?;
        // Members were read after the nodes that they are of.
        nodes.reverse();
        let ids: Vec<_> = nodes.iter().map(|node| node.id).collect();
        self.find(&ids, lacking).await?;
        for node in nodes {
            if !self.known.contains_key(&node.id) {
                self.know(node.id, 0, lacking);
                lacking.push(node);
            }
        }
        Ok(digest)
    }

    /// Adds those leaves that the target lacks.
    async fn pass_leaves(&mut self, passing: &Passing, lacking: &mut Lacking) -> Result<()> {
        let leaves = passing.leaves();
        self.find(&leaves, lacking).await?;
        for leaf in leaves {
            // Those that it stands on go first.
            let mut chain = Vec::new();
            let mut next = Some(leaf);
            while let Some(id) = next.filter(|id| !self.known.contains_key(id)) {
                chain.push(id);
                next = passing.base(&id);
            }
            for id in chain.into_iter().rev() {
                let below = passing.base(&id).and_then(|base| self.known.get(&base));
                let deltas = below.map_or(0, |below| below.saturating_add(1));
                // What the target has may stand on deltas itself, and chains must not grow from copy to copy.
                let (chunk, deltas) = if deltas <= WRITE_DEPTH {
                    (passing.as_stored(&id)?, deltas)
                } else {
                    (passing.alone(&id)?, 0)
                };
                self.know(id, deltas, lacking);
                lacking.push(chunk);
            }
        }
        Ok(())
    }

    /// Learns which chunks the target has.
    async fn find(&mut self, ids: &[ChunkId], lacking: &mut Lacking) -> Result<()> {
        let unknown = ids.iter().filter(|id| !self.known.contains_key(id));
        let unknown: Vec<_> = unknown.copied().collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let there = self.target.backend().present(&unknown).await;
        let there = there.map_err(|error| self.target.blame(error, self.source.0.doing()))?;
        for (id, there) in unknown.into_iter().zip(there) {
            if there {
                self.know(id, FOUND, lacking);
                lacking.there.push(id);
            }
        }
        Ok(())
    }

    fn know(&mut self, id: ChunkId, deltas: u8, lacking: &mut Lacking) {
        self.known.insert(id, deltas);
        lacking.added.push(id);
    }

    fn reader(&self, header: &Header, top: ChunkId) -> Result<StreamReader> {
        let untold = "a state comes in chunks from a source that does not say how it names them";
        let naming = self.naming.ok_or_else(|| Error::corrupt(untold))?;
        Ok(StreamReader::new(naming.hasher.clone(), top, header.length))
    }

    async fn next(&self, reader: &mut StreamReader) -> Result<Option<Bytes>, ReadError> {
        reader.next_from(chunk::Source::Other(&self.source)).await
    }
}

fn check_state(header: &Header, description: &Description, state: &Bytes) -> Result<()> {
    if state.len() as u64 != header.length {
        let problem = "the state has another length than its checkpoint says";
        return Err(Error::corrupt(problem));
    }
    if description.digest.is_some() {
        check_digest(description, StateDigest::of(state))?;
    }
    Ok(())
}

fn check_digest(description: &Description, digest: StateDigest) -> Result<()> {
    match description.digest {
        Some(stored) if stored != digest => {
            Err(Error::corrupt("the state does not match its digest"))
        }
        _ => Ok(()),
    }
}
