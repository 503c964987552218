//! Pieces into bytes, where blocking is allowed.

use std::fs::File;
use std::io::Write as _;

use bytes::Bytes;

use crate::checksum::checksum;
use crate::commit::NewChunk;
use crate::description::{Description, StateDigest};
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

/// Encodes pieces, where blocking is allowed.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) encoder: Box<dyn Encoder>,
    /// Where the bytes go; none when somebody else takes them.
    pub(super) file: Option<File>,
    pub(super) out: Vec<u8>,
    pub(super) bytes: u64,
    pub(super) totals: Totals,
    pub(super) refused: Vec<(CheckpointId, SessionId, Error)>,
}

impl Worker {
    pub(super) fn work(mut self, pieces: Vec<Piece>) -> (Self, Result<()>) {
        let done = pieces.into_iter().try_for_each(|piece| self.encode(piece));
        let done = done.and_then(|()| self.empty());
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
                let encoded = verify(&arrival)
                    .and_then(|()| self.encoder.checkpoint(&arrival, &mut self.out));
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

    pub(super) fn empty(&mut self) -> Result<()> {
        self.bytes += self.out.len() as u64;
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let written = file.write_all(&self.out);
        self.out.clear();
        written.map_err(|error| Error::storage("the file could not be written").because(error))
    }
}

/// An export with what is damaged in it could not be imported again.
pub(super) fn verify(arrival: &Arrival) -> Result<()> {
    let description = Description::decode(&arrival.meta)?;
    if let Some(stored) = &description.checksum
        && checksum(&arrival.header, &description)? != *stored
    {
        return Err(Error::corrupt("the checksum does not match what is stored"));
    }
    match (&arrival.state, &description.digest) {
        (ArrivingState::Whole(state), Some(digest)) if StateDigest::of(state) != *digest => {
            Err(Error::corrupt("the state does not match its digest"))
        }
        (ArrivingState::Whole(state), _) if state.len() as u64 != arrival.header.length => {
            Err(Error::corrupt("the state has another length than is said"))
        }
        _ => Ok(()),
    }
}
