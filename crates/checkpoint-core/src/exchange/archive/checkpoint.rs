//! A checkpoint as the fields of a frame.

use bytes::Bytes;

use super::entry::{missing, put_time};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::exchange::source::{Arrival, ArrivingState};
use crate::id::{CheckpointId, ChunkId, SessionId, Tag, WorkerId};
use crate::record::{Header, Origin};
use crate::status::{Status, Trigger};
use crate::wire::{Field, FieldReader, Fields, unzigzag};

pub(super) fn put_checkpoint(arrival: &Arrival) -> Vec<u8> {
    let inline = match &arrival.state {
        ArrivingState::Whole(state) => state.len(),
        ArrivingState::Tree(_) => 0,
    };
    let mut fields = Fields::with_capacity(320 + arrival.meta.len() + inline);
    put_header(&mut fields, &arrival.header);
    fields.bytes(20, &arrival.meta);
    match &arrival.state {
        ArrivingState::Whole(state) => fields.present(21, state),
        ArrivingState::Tree(top) => fields.bytes(22, top.as_bytes()),
    }
    fields.number(23, arrival.attachments.len() as u64);
    fields.finish()
}

fn put_header(fields: &mut Fields, header: &Header) {
    let Header {
        id,
        session,
        parent,
        enclosing,
        sequence,
        revision,
        created_at,
        committed_at,
        updated_at,
        status,
        trigger,
        worker,
        tags,
        step,
        pinned,
        quarantined,
        length,
        origin,
    } = header;
    fields.number(1, *sequence);
    fields.id(2, id.raw());
    fields.id(3, session.raw());
    if let Some(parent) = parent {
        fields.id(4, parent.raw());
    }
    if let Some(enclosing) = enclosing {
        fields.id(5, enclosing.raw());
    }
    fields.number(6, *revision);
    put_time(fields, 7, *created_at);
    put_time(fields, 8, *committed_at);
    put_time(fields, 9, *updated_at);
    fields.number(10, u64::from(status.number()));
    fields.number(11, u64::from(trigger.number()));
    if let Some(worker) = worker {
        fields.bytes(12, worker.as_str().as_bytes());
    }
    for tag in tags {
        fields.bytes(13, tag.as_str().as_bytes());
    }
    if let Some(step) = step {
        fields.present_number(14, *step);
    }
    fields.number(15, u64::from(*pinned));
    fields.number(16, u64::from(*quarantined));
    fields.number(17, *length);
    if let Some(origin) = origin {
        fields.number(18, origin.sequence);
        put_time(fields, 19, origin.committed_at);
    }
}

/// A checkpoint without its attachments, and how many follow.
pub(super) fn checkpoint(bytes: &[u8]) -> Result<(Arrival, u64)> {
    let mut read = Read::default();
    let mut reader = FieldReader::new(bytes);
    while let Some(field) = reader.next()? {
        if field.number < 10 {
            read.who(&field)?;
        } else {
            read.what(&field)?;
        }
    }
    read.finish()
}

/// The id of a checkpoint that could not be read as a whole.
pub(super) fn id_of_checkpoint(bytes: &[u8]) -> Option<CheckpointId> {
    let mut reader = FieldReader::new(bytes);
    while let Ok(Some(field)) = reader.next() {
        if field.number == 2 {
            return CheckpointId::new(field.text().ok()?).ok();
        }
    }
    None
}

#[derive(Default)]
struct Read {
    id: Option<CheckpointId>,
    session: Option<SessionId>,
    parent: Option<CheckpointId>,
    enclosing: Option<CheckpointId>,
    sequence: u64,
    revision: u64,
    times: [i64; 3],
    status: u64,
    trigger: u64,
    worker: Option<WorkerId>,
    tags: Vec<Tag>,
    step: Option<u64>,
    pinned: bool,
    quarantined: bool,
    length: u64,
    origin: Option<(u64, i64)>,
    meta: Bytes,
    state: Option<ArrivingState>,
    attachments: u64,
}

impl Read {
    fn who(&mut self, field: &Field<'_>) -> Result<()> {
        match field.number {
            1 => self.sequence = field.number_value()?,
            2 => self.id = Some(CheckpointId::new(field.text()?)?),
            3 => self.session = Some(SessionId::new(field.text()?)?),
            4 => self.parent = Some(CheckpointId::new(field.text()?)?),
            5 => self.enclosing = Some(CheckpointId::new(field.text()?)?),
            6 => self.revision = field.number_value()?,
            7 => self.times[0] = unzigzag(field.number_value()?),
            8 => self.times[1] = unzigzag(field.number_value()?),
            9 => self.times[2] = unzigzag(field.number_value()?),
            _ => {}
        }
        Ok(())
    }

    fn what(&mut self, field: &Field<'_>) -> Result<()> {
        match field.number {
            10 => self.status = field.number_value()?,
            11 => self.trigger = field.number_value()?,
            12 => self.worker = Some(WorkerId::new(field.text()?)?),
            13 => self.tags.push(Tag::new(field.text()?)?),
            14 => self.step = Some(field.number_value()?),
            15 => self.pinned = flag(field)?,
            16 => self.quarantined = flag(field)?,
            17 => self.length = field.number_value()?,
            18 => self.origin = Some((field.number_value()?, 0)),
            19 => self.origin.get_or_insert_default().1 = unzigzag(field.number_value()?),
            20 => self.meta = Bytes::copy_from_slice(field.value),
            21 => self.state = Some(ArrivingState::Whole(Bytes::copy_from_slice(field.value))),
            22 if self.state.is_none() => {
                self.state = Some(ArrivingState::Tree(ChunkId::from_bytes(field.array()?)));
            }
            22 => return Err(Error::corrupt("a checkpoint has two states")),
            23 => self.attachments = field.number_value()?,
            _ => {}
        }
        Ok(())
    }

    fn finish(self) -> Result<(Arrival, u64)> {
        let [created_at, committed_at, updated_at] = self.times.map(Timestamp::from_micros);
        let origin = self.origin.map(|(sequence, committed_at)| {
            Ok::<_, Error>(Origin {
                sequence,
                committed_at: Timestamp::from_micros(committed_at)?,
            })
        });
        let known = |number: u64| u8::try_from(number).ok();
        let status = known(self.status).and_then(Status::from_number);
        let trigger = known(self.trigger).and_then(Trigger::from_number);
        let header = Header {
            id: self.id.ok_or_else(|| missing("id"))?,
            session: self.session.ok_or_else(|| missing("session"))?,
            parent: self.parent,
            enclosing: self.enclosing,
            sequence: self.sequence,
            revision: self.revision,
            created_at: created_at?,
            committed_at: committed_at?,
            updated_at: updated_at?,
            status: status.ok_or_else(|| unknown("status", self.status))?,
            trigger: trigger.ok_or_else(|| unknown("trigger", self.trigger))?,
            worker: self.worker,
            tags: self.tags,
            step: self.step,
            pinned: self.pinned,
            quarantined: self.quarantined,
            length: self.length,
            origin: origin.transpose()?,
        };
        let arrival = Arrival {
            header: Box::new(header),
            meta: self.meta,
            state: self.state.ok_or_else(|| missing("state"))?,
            attachments: Vec::new(),
            verified: None,
        };
        Ok((arrival, self.attachments))
    }
}

fn unknown(what: &'static str, number: u64) -> Error {
    Error::corrupt("a number stands for nothing that is known").with(what, number)
}

fn flag(field: &Field<'_>) -> Result<bool> {
    match field.number_value()? {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(Error::corrupt("a flag is 0 or 1").with("value", other)),
    }
}
