//! An archive, read frame by frame.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek, SeekFrom};

use super::frame::{again, cut, first_place, take_frame};
use super::{MAGIC, MAX_ATTACHMENTS, STRIDE, checkpoint, entry, kind};
use crate::error::{Error, Result};
use crate::exchange::file::{
    At, Entry, Fault, FileHeader, Place, Reading, Totals, count, unreadable,
};
use crate::exchange::source::Arrival;
use crate::id::CheckpointId;
use crate::record::StoredChunk;

/// Bytes read at once.
const BUFFER: usize = 256 << 10;

/// Reads frames, each compared with its link.
#[derive(Debug)]
pub(crate) struct ArchiveReading {
    file: BufReader<File>,
    /// The fields of the frame that was read last.
    fields: Vec<u8>,
    last: Place,
    next: Place,
    /// The handle stands elsewhere than `next`.
    away: bool,
    header: FileHeader,
    /// What was read; none after a jump.
    seen: Option<Seen>,
}

/// What the index and the end must agree with.
#[derive(Debug, Default)]
struct Seen {
    totals: Totals,
    marks: Vec<(u64, Place)>,
    /// How many of them stood in the index already, and where it began.
    indexed: usize,
    index: Option<u64>,
}

impl ArchiveReading {
    /// Opens a file that was recognised.
    ///
    /// # Errors
    ///
    /// `Unsupported` for a version that is newer than known, `Corrupt` for a first frame that is none.
    pub(crate) fn open(file: File) -> Result<(Self, FileHeader), Fault> {
        let mut reading = Self {
            file: BufReader::with_capacity(BUFFER, file),
            fields: Vec::new(),
            last: Place::default(),
            next: first_place(),
            away: false,
            header: FileHeader::empty(),
            seen: Some(Seen::default()),
        };
        let mut magic = [0; MAGIC.len()];
        let begins = reading.file.read_exact(&mut magic);
        if begins.is_err() || magic != MAGIC {
            return Err(reading.fault(cut()).ends());
        }
        if reading.frame()? != kind::HEADER {
            let error = Error::corrupt("the first frame is no header");
            return Err(reading.fault(error).ends());
        }
        let header = entry::header(&reading.fields).map_err(|error| reading.fault(error).ends())?;
        reading.header = header.clone();
        Ok((reading, header))
    }

    fn fault(&self, error: Error) -> Fault {
        Fault {
            error,
            checkpoint: None,
            at: self.at(),
            last: false,
        }
    }

    /// Reads the next frame. One that is not what was written there is the last: nothing behind it can be trusted.
    fn frame(&mut self) -> Result<u8, Fault> {
        self.last = self.next;
        if std::mem::take(&mut self.away) {
            let found = self.file.seek(SeekFrom::Start(self.next.offset));
            found.map_err(|error| self.fault(unreadable(error)).ends())?;
        }
        let kind = take_frame(&mut self.file, &mut self.next, &mut self.fields);
        kind.map_err(|error| self.fault(error).ends())
    }

    fn entry(&mut self) -> Result<Entry, Fault> {
        loop {
            let read = match self.frame()? {
                kind::SESSION => entry::session(&self.fields).map(Entry::Session),
                kind::CHUNK => entry::chunk(&self.fields, false)
                    .map(|(id, chunk)| Entry::Chunk(id, chunk.children, self.last.offset)),
                kind::CHECKPOINT => return self.checkpoint(),
                kind::INDEX => {
                    self.index().map_err(|error| self.fault(error).ends())?;
                    continue;
                }
                kind::END => {
                    return self
                        .end()
                        .map_err(|error| self.fault(error).ends())
                        .map(Entry::End);
                }
                kind::HEADER => Err(Error::corrupt("a header stands amid the file")),
                kind::ATTACHMENT => Err(Error::corrupt("an attachment follows no checkpoint")),
                other => Err(Error::corrupt("a frame is of an unknown kind").with("kind", other)),
            };
            return read.map_err(|error| self.fault(error));
        }
    }

    /// A checkpoint with the attachments that follow it.
    fn checkpoint(&mut self) -> Result<Entry, Fault> {
        let place = self.last;
        let read = checkpoint::checkpoint(&self.fields);
        let (mut arrival, count) = read.map_err(|error| Fault {
            checkpoint: checkpoint::id_of_checkpoint(&self.fields),
            ..self.fault(error)
        })?;
        if count > MAX_ATTACHMENTS {
            let error = Error::too_large("attachments of a checkpoint", count, MAX_ATTACHMENTS);
            return Err(self.blame(&arrival, error).ends());
        }
        let mut wrong = None;
        for _ in 0..count {
            if self.frame()? != kind::ATTACHMENT {
                let error = Error::corrupt("a checkpoint has fewer attachments than it says");
                return Err(self.blame(&arrival, error).ends());
            }
            match entry::attachment(&arrival.header.id, &self.fields) {
                Ok(attachment) => arrival.attachments.push(attachment),
                Err(error) => wrong = Some(self.blame(&arrival, error)),
            }
        }
        self.last = place;
        if let Some(wrong) = wrong {
            return Err(wrong);
        }
        if let Some(seen) = &mut self.seen
            && seen.totals.checkpoints.is_multiple_of(STRIDE)
        {
            seen.marks.push((arrival.header.sequence, place));
        }
        Ok(Entry::Checkpoint(Box::new(arrival)))
    }

    fn blame(&self, arrival: &Arrival, error: Error) -> Fault {
        let id: CheckpointId = arrival.header.id.clone();
        Fault {
            checkpoint: Some(id),
            ..self.fault(error)
        }
    }

    /// Compares a part of the index with what was read.
    fn index(&mut self) -> Result<()> {
        let marks = entry::marks(&self.fields)?;
        let Some(seen) = &mut self.seen else {
            return Ok(());
        };
        seen.index.get_or_insert(self.last.offset);
        let from = seen.indexed;
        seen.indexed += marks.len();
        if seen.marks.get(from..seen.indexed) != Some(&marks[..]) {
            return Err(Error::corrupt(
                "the index does not say where the checkpoints are",
            ));
        }
        Ok(())
    }

    /// Compares what the end says with what was read; answers how much was left out.
    fn end(&mut self) -> Result<u64> {
        let (says, newest, index, chain) = entry::end(&self.fields)?;
        let mut tail = [0; 16];
        self.file.read_exact(&mut tail).map_err(|_| cut())?;
        if tail[..8] != self.last.offset.to_le_bytes() || tail[8..] != MAGIC {
            return Err(Error::corrupt(
                "the last bytes do not say where the end begins",
            ));
        }
        if !self.file.fill_buf().map_err(unreadable)?.is_empty() {
            return Err(Error::corrupt("there is more behind the end"));
        }
        let Some(seen) = self.seen.take() else {
            return Ok(says.left_out);
        };
        let counted = Totals {
            left_out: says.left_out,
            ..seen.totals
        };
        if counted != says || newest != self.header.newest {
            return Err(
                Error::corrupt("the end counts otherwise than what stands before it")
                    .with("says", says)
                    .with("counted", counted),
            );
        }
        let begins = seen.index.unwrap_or(self.last.offset);
        if seen.indexed != seen.marks.len() || begins != index || chain != self.last.chain {
            return Err(Error::corrupt("the end does not fit what stands before it"));
        }
        Ok(says.left_out)
    }
}

impl Reading for ArchiveReading {
    fn next(&mut self) -> Result<Entry, Fault> {
        let entry = self.entry();
        match (&mut self.seen, &entry) {
            (Some(seen), Ok(entry)) => count(&mut seen.totals, entry),
            // What cannot be counted cannot be compared; the links still hold.
            _ => self.seen = None,
        }
        entry
    }

    fn place(&self) -> Place {
        self.next
    }

    fn go(&mut self, place: &Place) -> Result<()> {
        self.seen = None;
        self.away |= self.next != *place;
        self.next = *place;
        Ok(())
    }

    fn chunk(&mut self, offset: u64) -> Result<StoredChunk> {
        self.away = true;
        // The handle below the buffer: chunks lie all over the file, and what is read ahead would be thrown away.
        let kind = again(self.file.get_mut(), offset, &mut self.fields)?;
        if kind != kind::CHUNK {
            return Err(Error::corrupt("the file has changed while it was read"));
        }
        Ok(entry::chunk(&self.fields, true)?.1)
    }

    fn at(&self) -> At {
        At {
            line: None,
            column: None,
            offset: self.last.offset,
        }
    }
}
