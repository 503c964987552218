//! How a commit is remembered: its receipt, as fields.
//!
//! Fields of a receipt: 1 first sequence, 2 first `n`, 3 last sequence, 4 last `n`, 5 an outcome, once for each in
//! order, 6 the shape of the commit. Fields of an outcome: 1 kind, 2 a number (sequence, revision, epoch or version), 3 existed, created or
//! deleted, 4 commit time (zigzag), 5 parent, 6 revision of a session.

use bytes::Bytes;

use super::shape::Shape;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{CheckpointId, CommitId};
use crate::receipt::{Appended, Outcome, Receipt};
use crate::record::Position;
use crate::status::Durability;
use crate::wire::{FieldReader, Fields, unzigzag, zigzag};

pub(super) fn encode(receipt: &Receipt, shape: &Shape) -> Vec<u8> {
    let mut fields = Fields::new();
    fields.number(1, receipt.first.sequence);
    fields.number(2, receipt.first.n);
    fields.number(3, receipt.last.sequence);
    fields.number(4, receipt.last.n);
    for outcome in &receipt.outcomes {
        fields.present(5, &encode_outcome(outcome));
    }
    fields.bytes(6, shape);
    fields.finish()
}

fn encode_outcome(outcome: &Outcome) -> Vec<u8> {
    let mut fields = Fields::new();
    let (kind, number, flag) = match outcome {
        Outcome::Appended(appended) => (1, appended.sequence, appended.deleted),
        Outcome::Updated { revision } => (2, *revision, false),
        Outcome::Deleted { existed } => (3, 0, *existed),
        Outcome::Attached { existed } => (4, 0, *existed),
        Outcome::Session { created, epoch, .. } => (5, *epoch, *created),
        Outcome::SessionPatched { revision } => (6, *revision, false),
        Outcome::Claimed { epoch } => (7, *epoch, false),
        Outcome::SessionDeleted { existed } => (8, 0, *existed),
        Outcome::Noted => (9, 0, false),
        Outcome::RecordPut { version } => (10, *version, false),
        Outcome::Resealed { existed } => (11, 0, *existed),
        Outcome::Quarantined { existed } => (12, 0, *existed),
        Outcome::Advanced { sequence } => (13, *sequence, false),
    };
    fields.number(1, kind);
    fields.number(2, number);
    fields.number(3, u64::from(flag));
    match outcome {
        Outcome::Appended(appended) => {
            fields.number(4, zigzag(appended.committed_at.micros()));
            if let Some(parent) = &appended.parent {
                fields.id(5, parent.raw());
            }
        }
        Outcome::Session { revision, .. } => fields.number(6, *revision),
        _ => {}
    }
    fields.finish()
}

/// The receipt, and the shape of the commit that it was given to.
pub(super) fn decode(
    commit: CommitId,
    bytes: Bytes,
    durability: Durability,
) -> Result<(Receipt, Shape)> {
    let mut receipt = Receipt {
        commit,
        first: Position::START,
        last: Position::START,
        durability,
        outcomes: Vec::new(),
        replayed: true,
        clock_behind: None,
    };
    let mut shape = None;
    let mut reader = FieldReader::new(&bytes);
    while let Some(field) = reader.next()? {
        match field.number {
            1 => receipt.first.sequence = field.number_value()?,
            2 => receipt.first.n = field.number_value()?,
            3 => receipt.last.sequence = field.number_value()?,
            4 => receipt.last.n = field.number_value()?,
            5 => receipt.outcomes.push(decode_outcome(field.value)?),
            6 => shape = Some(field.array()?),
            _ => {}
        }
    }
    let shape = shape.ok_or_else(|| Error::corrupt("a remembered commit has no shape"))?;
    Ok((receipt, shape))
}

fn decode_outcome(bytes: &[u8]) -> Result<Outcome> {
    let (mut kind, mut number, mut flag, mut time, mut parent, mut session_revision) =
        (0, 0, false, 0, None, 0);
    let mut reader = FieldReader::new(bytes);
    while let Some(field) = reader.next()? {
        match field.number {
            1 => kind = field.number_value()?,
            2 => number = field.number_value()?,
            3 => flag = field.number_value()? != 0,
            4 => time = unzigzag(field.number_value()?),
            5 => parent = Some(CheckpointId::new(field.text()?)?),
            6 => session_revision = field.number_value()?,
            _ => {}
        }
    }
    Ok(match kind {
        1 => Outcome::Appended(Appended {
            sequence: number,
            committed_at: Timestamp::from_micros(time)?,
            parent,
            deleted: flag,
        }),
        2 => Outcome::Updated { revision: number },
        3 => Outcome::Deleted { existed: flag },
        4 => Outcome::Attached { existed: flag },
        5 => Outcome::Session {
            created: flag,
            revision: session_revision,
            epoch: number,
        },
        6 => Outcome::SessionPatched { revision: number },
        7 => Outcome::Claimed { epoch: number },
        8 => Outcome::SessionDeleted { existed: flag },
        9 => Outcome::Noted,
        10 => Outcome::RecordPut { version: number },
        11 => Outcome::Resealed { existed: flag },
        12 => Outcome::Quarantined { existed: flag },
        13 => Outcome::Advanced { sequence: number },
        _ => {
            return Err(
                Error::corrupt("a remembered commit has an unknown outcome").with("kind", kind)
            );
        }
    })
}
