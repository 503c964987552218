//! Checkpoints into frames.

use super::frame::{first_place, put_frame};
use super::{MAGIC, MARKS, STRIDE, checkpoint, entry, kind};
use crate::description::Description;
use crate::error::Result;
use crate::exchange::file::{Encoder, FileHeader, Place, Totals};
use crate::exchange::source::Arrival;
use crate::id::ChunkId;
use crate::record::{SessionRecord, StoredChunk};

/// Writes frames, and remembers where to find them.
#[derive(Debug)]
pub(crate) struct ArchiveEncoder {
    place: Place,
    marks: Vec<(u64, Place)>,
    checkpoints: u64,
    newest: u64,
}

impl ArchiveEncoder {
    pub(crate) fn new() -> Self {
        Self {
            place: first_place(),
            marks: Vec::new(),
            checkpoints: 0,
            newest: 0,
        }
    }
}

impl Encoder for ArchiveEncoder {
    fn begin(&mut self, header: &FileHeader, out: &mut Vec<u8>) -> Result<()> {
        self.newest = header.newest;
        out.extend_from_slice(&MAGIC);
        put_frame(
            out,
            &mut self.place,
            kind::HEADER,
            &entry::put_header(header),
        )
    }

    fn session(&mut self, session: &SessionRecord, out: &mut Vec<u8>) -> Result<()> {
        put_frame(
            out,
            &mut self.place,
            kind::SESSION,
            &entry::put_session(session),
        )
    }

    fn chunk(&mut self, id: &ChunkId, chunk: &StoredChunk, out: &mut Vec<u8>) -> Result<()> {
        let fields = entry::put_chunk(id, chunk);
        put_frame(out, &mut self.place, kind::CHUNK, &fields)
    }

    fn checkpoint(&mut self, arrival: &Arrival, _: &Description, out: &mut Vec<u8>) -> Result<()> {
        let (start, place) = (out.len(), self.place);
        let attachments = arrival.attachments.iter();
        let frames = std::iter::once((kind::CHECKPOINT, checkpoint::put_checkpoint(arrival)))
            .chain(attachments.map(|it| (kind::ATTACHMENT, entry::put_attachment(it))));
        for (kind, fields) in frames {
            if let Err(error) = put_frame(out, &mut self.place, kind, &fields) {
                out.truncate(start);
                self.place = place;
                return Err(error);
            }
        }
        if self.checkpoints.is_multiple_of(STRIDE) {
            self.marks.push((arrival.header.sequence, place));
        }
        self.checkpoints += 1;
        Ok(())
    }

    fn end(&mut self, totals: &Totals, _: Option<[u8; 32]>, out: &mut Vec<u8>) -> Result<()> {
        let index = self.place.offset;
        for marks in std::mem::take(&mut self.marks).chunks(MARKS) {
            put_frame(out, &mut self.place, kind::INDEX, &entry::put_marks(marks))?;
        }
        let end = self.place;
        let fields = entry::put_end(totals, self.newest, index, &end.chain);
        put_frame(out, &mut self.place, kind::END, &fields)?;
        out.extend_from_slice(&end.offset.to_le_bytes());
        out.extend_from_slice(&MAGIC);
        Ok(())
    }
}
