//! Pieces into bytes, and bytes into a file, each where blocking is allowed.

use std::fs::File;
use std::io::Write as _;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::commit::NewChunk;
use crate::error::{Error, Result};
use crate::exchange::file::{Encoder, Totals};
use crate::exchange::source::{Arrival, ArrivingState};
use crate::id::{CheckpointId, SessionId};
use crate::record::{SessionRecord, StoredChunk};

/// A part of a file that is still to be encoded.
#[derive(Debug)]
pub(super) enum Piece {
    Session(SessionRecord),
    Chunk(NewChunk),
    Checkpoint(Box<Arrival>),
}

impl Piece {
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Session(session) => 64 + session.body.len(),
            Self::Chunk(chunk) => 64 + chunk.bytes.len() + 32 * chunk.children.len(),
            Self::Checkpoint(arrival) => {
                let state = match &arrival.state {
                    ArrivingState::Whole(state) => state.len(),
                    ArrivingState::Tree(_) => 32,
                };
                let beside = arrival.attachments.iter();
                let beside: usize = beside
                    .map(|it| it.bytes.as_ref().map_or(0, Bytes::len))
                    .sum();
                256 + arrival.meta.len() + state + beside
            }
        }
    }
}

/// Encodes pieces.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) encoder: Box<dyn Encoder>,
    /// What it made since somebody emptied it.
    pub(super) out: Vec<u8>,
    pub(super) totals: Totals,
    pub(super) refused: Vec<(CheckpointId, SessionId, Error)>,
}

impl Worker {
    pub(super) fn work(mut self, pieces: Vec<Piece>) -> (Self, Result<()>) {
        let done = pieces.into_iter().try_for_each(|piece| self.encode(piece));
        (self, done)
    }

    fn encode(&mut self, piece: Piece) -> Result<()> {
        match piece {
            Piece::Session(session) => {
                self.encoder.session(&session, &mut self.out)?;
                self.totals.sessions += 1;
            }
            Piece::Chunk(NewChunk {
                id,
                children,
                bytes,
            }) => {
                let chunk = StoredChunk { children, bytes };
                self.encoder.chunk(&id, &chunk, &mut self.out)?;
                self.totals.chunks += 1;
            }
            Piece::Checkpoint(arrival) => {
                // An export with what is damaged in it could not be imported again.
                let encoded = arrival.verify().and_then(|description| {
                    self.encoder
                        .checkpoint(&arrival, &description, &mut self.out)
                });
                match encoded {
                    Ok(()) => {
                        self.totals.checkpoints += 1;
                        self.totals.attachments += arrival.attachments.len() as u64;
                    }
                    Err(error) => {
                        let header = *arrival.header;
                        self.refused.push((header.id, header.session, error));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Where the bytes of a file go, counted and digested.
#[derive(Debug)]
pub(super) struct Output {
    /// None when somebody else takes them.
    pub(super) file: Option<File>,
    /// Of all bytes so far; none when the format has no use for it.
    pub(super) digest: Option<Sha256>,
    pub(super) bytes: u64,
}

impl Output {
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<()> {
        self.bytes += bytes.len() as u64;
        if let Some(digest) = &mut self.digest {
            digest.update(bytes);
        }
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let written = file.write_all(bytes);
        written.map_err(|error| Error::storage("the file could not be written").because(error))
    }

    /// The SHA-256 of all bytes so far.
    pub(super) fn sha256(&self) -> Option<[u8; 32]> {
        let digest = self.digest.as_ref()?;
        Some(digest.clone().finalize().into())
    }
}
