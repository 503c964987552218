//! States that are written and read in pieces, with bounded memory.

use std::collections::VecDeque;

use bytes::Bytes;

use super::IdMap;
use super::cut::MAX;
use super::decode::{Decoder, leaf_length};
use super::fetch::{Fetched, ReadError, Source, Span};
use super::node::{Builder, Member, Unwritten};
use super::pack::Packer;
use super::passing::Passing;
use super::stored::{Stored, corrupt, parse};
use super::write::Chunker;
use crate::backend::Backend;
use crate::commit::NewChunk;
use crate::hasher::{ContentHasher, Purpose};
use crate::id::ChunkId;

/// Stored bytes, and chunks, after which a batch is given out.
const BATCH_BYTES: usize = 4 << 20;
const BATCH_CHUNKS: usize = 4_096;
/// Ids remembered so that equal chunks are sent once; forgetting them costs bytes only.
const REMEMBERED: usize = 1 << 18;
/// Leaves decoded ahead, and nodes fetched together.
const WINDOW: usize = 64;
/// Bytes of leaves decoded ahead, unless one alone has more.
const AHEAD: u64 = 2 << 20;
const NODES: usize = 4;

/// Makes the same tree as [`Chunker::plan`] of a state that comes in pieces.
#[derive(Debug)]
pub(crate) struct StreamWriter {
    chunker: Chunker,
    buffer: Vec<u8>,
    state: Written,
}

#[derive(Debug, Default)]
struct Written {
    packer: Packer,
    builder: Builder,
    digest: blake3::Hasher,
    length: u64,
    sent: IdMap<()>,
    batch: Vec<NewChunk>,
    batch_bytes: usize,
}

/// A state that was written in pieces.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The top of its tree.
    pub(crate) top: ChunkId,
    /// Its bytes.
    pub(crate) length: u64,
    /// BLAKE3 of its bytes, without a key.
    pub(crate) digest: [u8; 32],
    /// The chunks that are not sent yet.
    pub(crate) new: Vec<NewChunk>,
}

impl StreamWriter {
    pub(super) fn new(chunker: Chunker) -> Self {
        Self {
            chunker,
            buffer: Vec::with_capacity(4 * MAX),
            state: Written::default(),
        }
    }

    /// Takes the next piece, best of at most some MiB. Answers a batch to be committed ahead when about 4 MiB have
    /// come together, children before parents; its chunks refer to each other and to earlier batches only.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Option<Vec<NewChunk>> {
        self.state.digest.update(piece);
        self.state.length += piece.len() as u64;
        // In steps, so that what is left in the buffer is moved over a short way.
        for part in piece.chunks(4 * MAX) {
            self.buffer.extend_from_slice(part);
            let mut start = 0;
            while self.buffer.len() - start >= MAX {
                start += self.leaf(start);
            }
            self.buffer.drain(..start);
        }
        let full = self.state.batch_bytes >= BATCH_BYTES || self.state.batch.len() >= BATCH_CHUNKS;
        full.then(|| self.state.take())
    }

    /// Ends the state.
    pub(crate) fn finish(mut self) -> Finished {
        let mut start = 0;
        while start < self.buffer.len() || self.state.length == 0 {
            start += self.leaf(start);
            if self.state.length == 0 {
                break;
            }
        }
        let hasher = &self.chunker.hasher;
        let builder = std::mem::take(&mut self.state.builder);
        let state = &mut self.state;
        let top = builder.finish(hasher, &mut |id, node| state.node(id, &node));
        Finished {
            top: top.unwrap_or_else(|| hasher.chunk_id(Purpose::Leaf, &[])),
            length: state.length,
            digest: *state.digest.finalize().as_bytes(),
            new: state.take(),
        }
    }

    fn leaf(&mut self, start: usize) -> usize {
        let rest = &self.buffer[start..];
        let length = self.chunker.cutter.cut(rest);
        let plain = &rest[..length];
        let hasher = &self.chunker.hasher;
        let id = hasher.chunk_id(Purpose::Leaf, plain);
        let state = &mut self.state;
        if state.is_new(id) {
            let (bytes, _) = state.packer.pack(plain, None);
            state.send(NewChunk {
                id,
                children: [].into(),
                bytes: Bytes::from(bytes),
            });
        }
        let leaf = Member {
            id,
            length: length as u64,
        };
        let mut builder = std::mem::take(&mut state.builder);
        builder.push(leaf, hasher, &mut |id, node| state.node(id, &node));
        state.builder = builder;
        length
    }
}

impl Written {
    fn is_new(&mut self, id: ChunkId) -> bool {
        if self.sent.len() >= REMEMBERED {
            self.sent.clear();
        }
        self.sent.insert(id, ()).is_none()
    }

    fn node(&mut self, id: ChunkId, node: &Unwritten<'_>) {
        if self.is_new(id) {
            self.send(node.write(id));
        }
    }

    fn send(&mut self, chunk: NewChunk) {
        self.batch_bytes += chunk.bytes.len() + chunk.children.len() * 32;
        self.batch.push(chunk);
    }

    fn take(&mut self) -> Vec<NewChunk> {
        self.batch_bytes = 0;
        std::mem::take(&mut self.batch)
    }
}

/// Reads a state piece by piece, each chunk compared with its id.
#[derive(Debug)]
pub(crate) struct StreamReader {
    decoder: Decoder,
    length: u64,
    /// What is still to be read, the next last.
    stack: Vec<(Span, Option<u8>)>,
    ready: VecDeque<Bytes>,
    digest: blake3::Hasher,
    /// What was read, for those who move it on.
    kept: Option<Passing>,
}

impl StreamReader {
    /// Of the tree under `top`, which stands for `length` bytes.
    pub(crate) fn new(hasher: ContentHasher, top: ChunkId, length: u64) -> Self {
        let span = Span {
            id: top,
            start: 0,
            length,
        };
        let decoder = Decoder {
            hasher,
            verify: true,
        };
        Self {
            decoder,
            length,
            stack: vec![(span, None)],
            ready: VecDeque::new(),
            digest: blake3::Hasher::new(),
            kept: None,
        }
    }

    /// Keeping the chunks as they are stored, until they are [taken](Self::passing).
    pub(crate) fn keeping(mut self) -> Self {
        self.kept = Some(Passing::new(self.decoder.clone()));
        self
    }

    /// The chunks that were read since they were taken last.
    pub(crate) fn passing(&mut self) -> Option<Passing> {
        let empty = Passing::new(self.decoder.clone());
        self.kept
            .as_mut()
            .map(|kept| std::mem::replace(kept, empty))
    }

    /// The bytes of the whole state.
    #[cfg(test)]
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// The next piece, none at the end. After an error it answers that there is none.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the reader where it was.
    pub(crate) async fn next(&mut self, backend: &dyn Backend) -> Result<Option<Bytes>, ReadError> {
        self.next_from(Source::Backend(backend)).await
    }

    /// As [`next`](Self::next), from anywhere.
    pub(crate) async fn next_from(
        &mut self,
        source: Source<'_>,
    ) -> Result<Option<Bytes>, ReadError> {
        while self.ready.is_empty() && !self.stack.is_empty() {
            if let Err(error) = self.advance(source).await {
                self.stack.clear();
                self.ready.clear();
                return Err(error);
            }
        }
        let piece = self.ready.pop_front();
        if let Some(piece) = &piece {
            self.digest.update(piece);
        }
        Ok(piece)
    }

    /// BLAKE3 of what was given out so far, without a key: of the state, once `next` answered none.
    pub(crate) fn digest(&self) -> [u8; 32] {
        *self.digest.finalize().as_bytes()
    }

    async fn advance(&mut self, source: Source<'_>) -> Result<(), ReadError> {
        let level = self.stack.last().and_then(|(_, level)| *level);
        let window = if level == Some(0) { WINDOW } else { NODES };
        let mut bytes = 0;
        let next = self.stack.iter().rev();
        let spans: Vec<_> = next
            .take_while(|(_, at)| *at == level)
            .map(|(span, _)| *span)
            .take(window)
            .take_while(|span| {
                // The first is taken whatever its length, which is looked at where memory is taken for it.
                let fits = bytes == 0 || level != Some(0) || bytes + span.length <= AHEAD;
                bytes += span.length;
                fits
            })
            .collect();
        let mut fetched = Fetched::default();
        let below = match level {
            Some(0) => None,
            _ => self.below(source, &spans, level, &mut fetched).await?,
        };
        let ready = match below {
            Some(_) => Vec::new(),
            None => self.decoded(source, &spans, &mut fetched).await?,
        };
        if let Some(kept) = &mut self.kept {
            kept.add(&spans, fetched, below.is_some())?;
        }
        self.stack.truncate(self.stack.len() - spans.len());
        self.stack.extend(below.into_iter().flatten().rev());
        self.ready.extend(ready);
        Ok(())
    }

    /// The members of nodes; none when the top is a leaf.
    async fn below(
        &self,
        source: Source<'_>,
        spans: &[Span],
        level: Option<u8>,
        fetched: &mut Fetched,
    ) -> Result<Option<Vec<(Span, Option<u8>)>>, ReadError> {
        source
            .fetch(spans.iter().map(|span| span.id), fetched)
            .await?;
        let mut below = Vec::new();
        for span in spans {
            let chunk = fetched.get(&span.id).ok_or(ReadError::Absent(span.id))?;
            match parse(&span.id, chunk)? {
                Stored::Node(node) => {
                    let members = self.decoder.members(span, &node, level, self.length)?;
                    below.extend(members.into_iter().map(|span| (span, Some(node.level - 1))));
                }
                _ if level.is_none() => return Ok(None),
                _ => return Err(corrupt(&span.id, "a leaf stands where a node must").into()),
            }
        }
        Ok(Some(below))
    }

    async fn decoded(
        &self,
        source: Source<'_>,
        spans: &[Span],
        fetched: &mut Fetched,
    ) -> Result<Vec<Bytes>, ReadError> {
        source.leaves(spans, fetched).await?;
        let mut ready = Vec::with_capacity(spans.len());
        for span in spans {
            let mut plain = vec![0; leaf_length(span)?];
            self.decoder.decode(span.id, fetched, &mut plain)?;
            if !plain.is_empty() {
                ready.push(Bytes::from(plain));
            }
        }
        Ok(ready)
    }
}
