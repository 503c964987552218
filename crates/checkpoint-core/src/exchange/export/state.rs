//! States on their way into a file.

use std::collections::HashSet;

use async_trait::async_trait;
use bytes::Bytes;

use super::worker::Piece;
use crate::chunk::{self, Chunker, Chunks, Passing, StreamReader};
use crate::commit::NewChunk;
use crate::description::StateDigest;
use crate::error::{Error, Result};
use crate::exchange::source::{Naming, Source};
use crate::hasher::ContentHasher;
use crate::id::ChunkId;
use crate::record::{Item, StoredChunk};

/// Ids of chunks remembered as written. A chunk that was forgotten is written again, which costs its bytes.
const REMEMBERED: usize = 1 << 18;

/// The chunks of a source.
#[derive(Debug)]
struct ChunksOf<'a>(&'a dyn Source);

#[async_trait]
impl Chunks for ChunksOf<'_> {
    async fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<Item<StoredChunk>>> {
        self.0.chunks(ids).await
    }
}

/// Reads a whole state from chunks, each compared with its id.
pub(super) async fn whole(source: &dyn Source, top: ChunkId, length: u64) -> Result<Bytes> {
    let chunks = ChunksOf(source);
    let mut reader = StreamReader::new(hasher(source), top, length);
    let mut state = Vec::new();
    while let Some(piece) = reader.next_from(chunk::Source::Other(&chunks)).await? {
        state.extend_from_slice(&piece);
    }
    Ok(state.into())
}

fn hasher(source: &dyn Source) -> ContentHasher {
    source
        .naming()
        .map_or_else(ContentHasher::plain, |naming| naming.hasher.clone())
}

/// Takes states apart into chunks that are named and cut without a key, each given out once as far as it is known.
#[derive(Debug)]
pub(super) struct Chunking {
    chunker: Chunker,
    written: HashSet<ChunkId>,
}

impl Chunking {
    pub(super) fn new() -> Self {
        Self {
            chunker: Chunker::new(ContentHasher::plain(), 0),
            written: HashSet::new(),
        }
    }

    fn give(&mut self, chunk: NewChunk, out: &mut Vec<Piece>) {
        if self.written.len() >= REMEMBERED {
            self.written.clear();
        }
        if self.written.insert(chunk.id) {
            out.push(Piece::Chunk(chunk));
        }
    }

    /// A state that is at hand.
    pub(super) fn cut(&mut self, state: &[u8], out: &mut Vec<Piece>) -> ChunkId {
        let mut writer = self.chunker.stream();
        for piece in state.chunks(1 << 20) {
            for chunk in writer.push(piece).into_iter().flatten() {
                self.give(chunk, out);
            }
        }
        let finished = writer.finish();
        for chunk in finished.new {
            self.give(chunk, out);
        }
        finished.top
    }

    /// Begins with a state that lies in chunks of a source.
    pub(super) fn begin(&self, source: &dyn Source, top: ChunkId, length: u64) -> Moving {
        let plain = ContentHasher::plain();
        let alike = Naming {
            hasher: &plain,
            gear_seed: 0,
        };
        let reader = StreamReader::new(hasher(source), top, length);
        if source.naming() == Some(alike) {
            Moving {
                reader: reader.keeping(),
                how: How::AsStored(Vec::new()),
                top,
            }
        } else {
            Moving {
                reader,
                how: How::Anew(Some(Box::new(self.chunker.stream()))),
                top,
            }
        }
    }
}

/// A state on its way from chunks to chunks.
#[derive(Debug)]
pub(super) struct Moving {
    reader: StreamReader,
    how: How,
    top: ChunkId,
}

#[derive(Debug)]
enum How {
    /// With the nodes that were met, parents first.
    AsStored(Vec<NewChunk>),
    /// Cut once more.
    Anew(Option<Box<chunk::StreamWriter>>),
}

impl Moving {
    /// Goes on with the state, and gives out the chunks that come of it. Answers the top and the digest of the state
    /// when it is done.
    pub(super) async fn next(
        &mut self,
        source: &dyn Source,
        chunking: &mut Chunking,
        out: &mut Vec<Piece>,
    ) -> Result<Option<(ChunkId, StateDigest)>> {
        let chunks = ChunksOf(source);
        let piece = self.reader.next_from(chunk::Source::Other(&chunks)).await?;
        match &mut self.how {
            How::AsStored(nodes) => {
                if let Some(mut passing) = self.reader.passing() {
                    nodes.extend(passing.take_nodes());
                    leaves(&passing, chunking, out)?;
                }
                if piece.is_none() {
                    for node in std::mem::take(nodes).into_iter().rev() {
                        chunking.give(node, out);
                    }
                }
            }
            How::Anew(writer) => {
                if let (Some(piece), Some(writer)) = (&piece, writer.as_mut()) {
                    for chunk in writer.push(piece).into_iter().flatten() {
                        chunking.give(chunk, out);
                    }
                } else if let Some(writer) = writer.take() {
                    let finished = writer.finish();
                    self.top = finished.top;
                    for chunk in finished.new {
                        chunking.give(chunk, out);
                    }
                }
            }
        }
        let digest = StateDigest::from_blake3(self.reader.digest());
        Ok(piece.is_none().then_some((self.top, digest)))
    }
}

/// Gives out leaves, what each was written against before it.
fn leaves(passing: &Passing, chunking: &mut Chunking, out: &mut Vec<Piece>) -> Result<()> {
    for leaf in passing.leaves() {
        let mut chain = vec![leaf];
        while let Some(base) = chain.last().and_then(|id| passing.base(id)) {
            if chunking.written.contains(&base) {
                break;
            }
            if chain.contains(&base) {
                return Err(
                    Error::corrupt("a chunk was written against itself").with("chunk", base)
                );
            }
            chain.push(base);
        }
        for id in chain.iter().rev() {
            if !chunking.written.contains(id) {
                chunking.give(passing.as_stored(id)?, out);
            }
        }
    }
    Ok(())
}
