//! A file of lines, read line by line.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, Seek, SeekFrom};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::parse::{CheckpointLine, EndLine, FormatLine, HeaderLine, SessionLine};
use super::{FORMAT, MAX_LINE, VERSION};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::exchange::file::{
    At, Entry, Fault, FileHeader, Place, Reading, Totals, count, unreadable,
};
use crate::hex::digest_from_hex;
use crate::id::{CheckpointId, SessionId, StoreId};
use crate::limits::Limits;
use crate::record::StoredChunk;

/// Bytes read at once.
const BUFFER: usize = 256 << 10;

/// Reads lines. As long as it goes from the first line to the last it digests them, to compare at the end.
#[derive(Debug)]
pub(crate) struct LinesReading {
    file: BufReader<File>,
    line: Vec<u8>,
    /// Where the line in `line` begins, and the next one.
    last: Place,
    next: Place,
    depth: usize,
    header: FileHeader,
    /// None after a jump.
    seen: Option<Sha256>,
    /// None after a jump, and after a line that cannot be counted.
    totals: Option<Totals>,
}

impl LinesReading {
    /// Opens a file that was recognised.
    ///
    /// # Errors
    ///
    /// `Unsupported` for a version that is newer than known, `Invalid` for a first line that is none.
    pub(crate) fn open(file: File, limits: &Limits) -> Result<(Self, FileHeader), Fault> {
        let mut reading = Self {
            file: BufReader::with_capacity(BUFFER, file),
            line: Vec::new(),
            last: Place::default(),
            next: Place::default(),
            depth: usize::try_from(limits.depth).unwrap_or(usize::MAX),
            header: FileHeader::empty(),
            seen: Some(Sha256::new()),
            totals: Some(Totals::default()),
        };
        reading.read_line()?;
        let header = reading.parse(header).map_err(Fault::ends)?;
        reading.digest();
        reading.header = header.clone();
        Ok((reading, header))
    }

    /// Reads the next line, without its end.
    fn read_line(&mut self) -> Result<(), Fault> {
        self.last = self.next;
        self.line.clear();
        let room = MAX_LINE as u64 + 1;
        let read = (&mut self.file)
            .take(room)
            .read_until(b'\n', &mut self.line);
        let read = read.map_err(|error| self.fault(unreadable(error)).ends())?;
        if self.line.len() > MAX_LINE {
            self.line = Vec::new();
            let error = Error::too_large("a line", room, MAX_LINE as u64);
            return Err(self.fault(error).ends());
        }
        if self.line.pop_if(|byte| *byte == b'\n').is_none() {
            let message = match read {
                0 if self.last.offset == 0 => "the file is empty",
                0 => "the file is cut off: its last line is missing",
                _ => "the file is cut off within a line",
            };
            return Err(self.fault(Error::corrupt(message)).ends());
        }
        self.next.offset += read as u64;
        self.next.number += 1;
        Ok(())
    }

    fn digest(&mut self) {
        if let Some(digest) = &mut self.seen {
            digest.update(&self.line);
            digest.update(b"\n");
        }
    }

    fn fault(&self, error: Error) -> Fault {
        Fault {
            error,
            checkpoint: None,
            at: self.at(),
            last: false,
        }
    }

    /// Reads the line as what `read` makes of it.
    fn parse<'a, T>(&'a self, read: impl FnOnce(&'a [u8]) -> Result<T, Wrong>) -> Result<T, Fault> {
        read(&self.line).map_err(|wrong| {
            let mut fault = self.fault(wrong.error);
            fault.at.column = wrong.column;
            fault.checkpoint = wrong.checkpoint;
            fault
        })
    }

    fn entry(&mut self) -> Result<Entry, Fault> {
        let kind = self.parse(kind)?;
        let depth = self.depth;
        match &*kind {
            "session" => self.parse(|line| {
                let line: SessionLine<'_> = from_json(line)?;
                Ok(Entry::Session(line.into_record()?))
            }),
            "checkpoint" => self.parse(|line| {
                let line: CheckpointLine<'_> = from_json(line)?;
                let id = CheckpointId::new(&line.id).ok();
                match line.into_arrival(depth) {
                    Ok(arrival) => Ok(Entry::Checkpoint(Box::new(arrival))),
                    Err(error) => Err(Wrong {
                        checkpoint: id,
                        ..Wrong::from(error)
                    }),
                }
            }),
            "end" => self.end().map(Entry::End).map_err(Fault::ends),
            other => {
                let error = Error::invalid("a line is a header, session, checkpoint or end").with(
                    "kind",
                    format_args!("{:?}", other.chars().take(40).collect::<String>()),
                );
                Err(self.fault(error))
            }
        }
    }

    /// Compares what the last line says with what was read; answers how much was left out.
    fn end(&mut self) -> Result<u64, Fault> {
        let (says, newest, left_out, digest) = self.parse(|line| {
            let end: EndLine<'_> = from_json(line)?;
            let says = Totals {
                sessions: end.sessions,
                checkpoints: end.checkpoints,
                attachments: end.attachments,
                ..Totals::default()
            };
            let digest = digest_from_hex(&end.sha256)?;
            Ok((says, end.global_sequence, end.left_out, digest))
        })?;
        let more = self.file.fill_buf().map(|rest| !rest.is_empty());
        if more.map_err(|error| self.fault(unreadable(error)))? {
            let error = Error::corrupt("there is more behind the last line");
            return Err(self.fault(error));
        }
        if let Some(counted) = self.totals.take()
            && (counted != says || newest != self.header.newest)
        {
            let error = Error::corrupt("the last line counts otherwise than what stands before it");
            let error = error.with("says", says).with("counted", counted);
            return Err(self.fault(error));
        }
        if let Some(seen) = self.seen.take()
            && <[u8; 32]>::from(seen.finalize()) != digest
        {
            return Err(self.fault(Error::corrupt(
                "the lines are not those that were written: their SHA-256 is not the one of the last line",
            )));
        }
        Ok(left_out)
    }
}

impl Reading for LinesReading {
    fn next(&mut self) -> Result<Entry, Fault> {
        self.read_line()?;
        let entry = self.entry();
        self.digest();
        match (&mut self.totals, &entry) {
            (Some(totals), Ok(entry)) => count(totals, entry),
            _ => self.totals = None,
        }
        entry
    }

    fn place(&self) -> Place {
        self.next
    }

    fn go(&mut self, place: &Place) -> Result<()> {
        (self.seen, self.totals) = (None, None);
        if self.next != *place {
            self.file
                .seek(SeekFrom::Start(place.offset))
                .map_err(unreadable)?;
            self.next = *place;
        }
        Ok(())
    }

    fn chunk(&mut self, _: u64) -> Result<StoredChunk> {
        Err(Error::unsupported("a file of lines has no chunks"))
    }

    fn at(&self) -> At {
        At {
            line: Some(self.last.number + 1),
            column: None,
            offset: self.last.offset,
        }
    }
}

/// What is wrong with a line.
struct Wrong {
    error: Error,
    column: Option<u64>,
    checkpoint: Option<CheckpointId>,
}

impl From<Error> for Wrong {
    fn from(error: Error) -> Self {
        Self {
            error,
            column: None,
            checkpoint: None,
        }
    }
}

fn from_json<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Result<T, Wrong> {
    serde_json::from_slice(line).map_err(|error| {
        let column = (error.column() > 0).then_some(error.column() as u64);
        Wrong {
            column,
            ..Wrong::from(Error::invalid("a line is not as it must be").because(error))
        }
    })
}

/// What a line is. Writers say it first, and then nothing else has to be read for it.
fn kind(line: &[u8]) -> Result<Cow<'_, str>, Wrong> {
    #[derive(Deserialize)]
    struct Kind<'a> {
        #[serde(borrow)]
        kind: Cow<'a, str>,
    }
    for known in ["checkpoint", "session", "end"] {
        let rest = line.strip_prefix(b"{\"kind\":\"");
        let rest = rest.and_then(|rest| rest.strip_prefix(known.as_bytes()));
        if rest.is_some_and(|rest| rest.starts_with(b"\"")) {
            return Ok(known.into());
        }
    }
    from_json::<Kind<'_>>(line).map(|line| line.kind)
}

fn header(line: &[u8]) -> Result<FileHeader, Wrong> {
    let format: FormatLine<'_> = from_json(line)?;
    if format.format != FORMAT {
        return Err(Error::unsupported("the first line names another format")
            .with(
                "format",
                format_args!("{:?}", format.format.chars().take(40).collect::<String>()),
            )
            .into());
    }
    if format.min_reader > VERSION {
        return Err(Error::unsupported(format!(
            "the file is of version {}, which needs a program that reads version {}; this one reads version {VERSION}",
            format.version, format.min_reader
        ))
        .into());
    }
    let line: HeaderLine<'_> = from_json(line)?;
    let store = uuid::Uuid::try_parse(&line.store)
        .map_err(|error| Error::invalid("the id of the store is no UUID").because(error))?;
    Ok(FileHeader {
        store: StoreId::from_uuid(store),
        exported_at: Timestamp::parse(&line.exported_at)?,
        session: line.session.map(SessionId::new).transpose()?,
        newest: line.global_sequence,
    })
}

/// Whether a file that begins so is one of lines.
pub(crate) fn is_lines(head: &[u8]) -> bool {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    serde_json::from_slice::<FormatLine<'_>>(line).is_ok_and(|line| line.format == FORMAT)
}
