//! States too large to be held: saved from a reader, read piece by piece.

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::draft::State;
use super::place::offload;
use super::save::Save;
use super::{Checkpoint, Session};
use crate::chunk::{StreamReader, StreamWriter};
use crate::commit::NewChunk;
use crate::description::StateDigest;
use crate::engine::within;
use crate::error::{Error, Result};
use crate::record::Payload;

/// Bytes read before they are cut and sent.
const PIECE: usize = 1 << 20;

impl Session {
    /// Saves what a reader gives, to its end, under a content type. The chunks are sent while it is read; nothing is
    /// there for others until the save that this answers is awaited. Memory stays at some 16 MiB.
    ///
    /// Give JSON as `application/json`, to be read back as a state; it is not looked into here.
    ///
    /// ```no_run
    /// # async fn example(session: checkpoint_core::Session) -> checkpoint_core::Result<()> {
    /// let reader = std::io::Cursor::new(vec![0; 50 << 20]);
    /// let saved = session.save_reader("application/octet-stream", reader).await?.message("weights").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `TooLarge` past the limit for states, `Storage` when the reader fails, and those of the storage. Chunks that were
    /// sent by then are swept after the grace time.
    pub async fn save_reader(
        &self,
        content_type: &str,
        mut reader: impl AsyncRead + Send + Unpin,
    ) -> Result<Save> {
        let store = self.store();
        let limit = store.info().limits.state;
        let blame = |error: Error| store.blame(error, "save").with("session", self.id());
        let mut writer = store.0.placer.stream();
        let mut length = 0;
        loop {
            let piece = read_piece(&mut reader).await.map_err(blame)?;
            if piece.is_empty() {
                break;
            }
            length += piece.len() as u64;
            within("state", length, limit).map_err(blame)?;
            let batch;
            (writer, batch) = push(writer, piece).await.map_err(blame)?;
            if let Some(chunks) = batch {
                self.send_ahead(chunks).await.map_err(blame)?;
            }
        }
        let finished = offload(move || writer.finish()).await.map_err(blame)?;
        let state = State::Streamed {
            top: finished.top,
            length: finished.length,
            last: finished.new,
        };
        Ok(Save::streamed(
            self.clone(),
            content_type,
            state,
            StateDigest::from_blake3(finished.digest),
        ))
    }

    async fn send_ahead(&self, chunks: Vec<NewChunk>) -> Result<()> {
        let mut commit = self.store().commit_of();
        commit.chunks = chunks;
        self.store().0.backend.commit(commit).await.map(drop)
    }
}

async fn push(
    mut writer: StreamWriter,
    piece: Vec<u8>,
) -> Result<(StreamWriter, Option<Vec<NewChunk>>)> {
    offload(move || {
        let batch = writer.push(&piece);
        (writer, batch)
    })
    .await
}

async fn read_piece(reader: &mut (impl AsyncRead + Send + Unpin)) -> Result<Vec<u8>> {
    let mut piece = Vec::with_capacity(PIECE);
    while piece.len() < PIECE {
        let room = (PIECE - piece.len()) as u64;
        let read = reader.take(room).read_buf(&mut piece).await;
        if read.map_err(|error| Error::storage("the reader of the state failed").because(error))?
            == 0
        {
            break;
        }
    }
    Ok(piece)
}

/// Reads a state piece by piece, with bounded memory.
///
/// Each chunk is verified before it is given out, and the whole state when it ends: what was given before an error is
/// right as far as it goes, but not all.
#[derive(Debug)]
pub struct StateReader {
    checkpoint: Checkpoint,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Inline(Option<Bytes>),
    Tree(Box<StreamReader>),
    Done,
}

impl Checkpoint {
    /// Reads the encoded state piece by piece.
    ///
    /// # Errors
    ///
    /// `NotFound` when the checkpoint was deleted meanwhile.
    pub async fn reader(&self) -> Result<StateReader> {
        let source = match self.payload().await? {
            Payload::Inline(_) => Source::Inline(Some(self.bytes().await?)),
            Payload::Tree(top) => {
                let hasher = self.store().info().hasher.clone();
                Source::Tree(Box::new(StreamReader::new(
                    hasher,
                    top,
                    self.header().length,
                )))
            }
        };
        Ok(StateReader {
            checkpoint: self.clone(),
            source,
        })
    }
}

impl StateReader {
    /// The next piece; none at the end.
    ///
    /// # Errors
    ///
    /// `Corrupt` when it is damaged, `NotFound` when it was deleted meanwhile.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the reader where it was.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        let reader = match &mut self.source {
            Source::Inline(bytes) => return Ok(bytes.take().filter(|bytes| !bytes.is_empty())),
            Source::Done => return Ok(None),
            Source::Tree(reader) => reader,
        };
        match reader
            .next(self.checkpoint.store().backend().as_ref())
            .await
        {
            Ok(Some(piece)) => Ok(Some(piece)),
            Ok(None) => {
                let digest = StateDigest::from_blake3(reader.digest());
                self.source = Source::Done;
                self.checkpoint.compare_digest(digest)?;
                Ok(None)
            }
            Err(error) => {
                self.source = Source::Done;
                Err(self.checkpoint.why_unreadable(error).await)
            }
        }
    }

    /// Writes the rest of the state; answers how many bytes that were.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next), and `Storage` when the writer fails.
    pub async fn copy_to(&mut self, writer: &mut (impl AsyncWrite + Unpin)) -> Result<u64> {
        let failed = |error| Error::storage("the state could not be written out").because(error);
        let mut written = 0;
        while let Some(piece) = self.next().await? {
            writer.write_all(&piece).await.map_err(failed)?;
            written += piece.len() as u64;
        }
        writer.flush().await.map_err(failed)?;
        Ok(written)
    }
}
