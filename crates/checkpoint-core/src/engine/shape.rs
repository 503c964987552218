//! What a commit does, digested, to tell whether another comes under its id.
//!
//! A retry may bring its chunks or rely on those that are there, may be rebuilt on a newer head or revision, and may
//! seal its bytes anew. So a shape covers the operations alone, and of each its kind, the ids that it names, and what
//! is never sealed and a retry cannot change: the fingerprint of an append, whether something is put or removed. Clocks,
//! revisions and opaque bytes are left out, as are expectations.
//!
//! It is the first 16 bytes of BLAKE3 over a field 1 for each operation, in their order. Fields of an operation: 1 kind,
//! 2 session, 3 checkpoint, 4 fingerprint, 5 a kind and 6 a key, 7 a chunk, 8 a number.

use crate::commit::{Commit, NoteKind, Operation, Sealed};
use crate::id::{CheckpointId, SessionId};
use crate::wire::Fields;

/// The digest of what a commit does.
pub(super) type Shape = [u8; 16];

/// The shape of a commit.
pub(super) fn shape(commit: &Commit) -> Shape {
    let mut all = Fields::new();
    for operation in &commit.operations {
        all.present(1, &one(operation));
    }
    let digest = blake3::hash(&all.finish());
    let mut shape = [0; 16];
    shape.copy_from_slice(&digest.as_bytes()[..16]);
    shape
}

/// What is said of one operation, before it is written as fields.
#[derive(Default)]
struct Said<'a> {
    session: Option<&'a SessionId>,
    checkpoint: Option<&'a CheckpointId>,
    fingerprint: &'a [u8],
    kind: Option<&'a str>,
    key: Option<&'a str>,
    chunk: &'a [u8],
    number: u64,
}

impl<'a> Said<'a> {
    fn of(session: &'a SessionId) -> Self {
        Self {
            session: Some(session),
            ..Self::default()
        }
    }

    fn to(session: &'a SessionId, checkpoint: &'a CheckpointId) -> Self {
        Self {
            checkpoint: Some(checkpoint),
            ..Self::of(session)
        }
    }

    fn fields(self, operation: u64) -> Vec<u8> {
        let mut fields = Fields::new();
        fields.number(1, operation);
        if let Some(id) = self.session {
            fields.id(2, id.raw());
        }
        if let Some(id) = self.checkpoint {
            fields.id(3, id.raw());
        }
        fields.bytes(4, self.fingerprint);
        for (number, text) in [(5, self.kind), (6, self.key)] {
            if let Some(text) = text {
                fields.present(number, text.as_bytes());
            }
        }
        fields.bytes(7, self.chunk);
        fields.number(8, self.number);
        fields.finish()
    }
}

fn one(operation: &Operation) -> Vec<u8> {
    match operation {
        Operation::Append(it) => Said {
            fingerprint: &it.fingerprint.0,
            ..Said::to(&it.session, &it.id)
        }
        .fields(1),
        Operation::Update(it) => Said::to(&it.session, &it.id).fields(2),
        Operation::Delete(it) => Said::to(&it.session, &it.id).fields(3),
        Operation::Attach(it) => Said {
            kind: Some(&it.kind),
            key: Some(&it.key),
            number: u64::from(it.bytes.is_some()),
            ..Said::to(&it.session, &it.checkpoint)
        }
        .fields(4),
        Operation::CreateSession(it) => Said::of(&it.id).fields(5),
        Operation::PatchSession(it) => Said::of(&it.id).fields(6),
        Operation::ClaimSession(session) => Said::of(session).fields(7),
        Operation::DeleteSession(session) => Said::of(session).fields(8),
        Operation::Note(it) => Said {
            checkpoint: it.checkpoint.as_ref(),
            number: match it.kind {
                NoteKind::Restored => 1,
                NoteKind::Compacted => 2,
            },
            ..Said::of(&it.session)
        }
        .fields(9),
        Operation::PutRecord(it) => Said {
            key: Some(it.name.as_str()),
            number: u64::from(it.bytes.is_some()),
            ..Said::default()
        }
        .fields(10),
        Operation::Reseal(it) => sealed(&it.target).fields(11),
        Operation::Quarantine(it) => Said {
            number: u64::from(it.aside),
            ..Said::to(&it.session, &it.id)
        }
        .fields(12),
        Operation::Advance(sequence) => Said {
            number: *sequence,
            ..Said::default()
        }
        .fields(13),
    }
}

fn sealed(target: &Sealed) -> Said<'_> {
    let of = |checkpoint, number| Said {
        checkpoint: Some(checkpoint),
        number,
        ..Said::default()
    };
    match target {
        Sealed::Meta(id) => of(id, 1),
        Sealed::Inline(id) => of(id, 2),
        Sealed::Chunk(id) => Said {
            chunk: id.as_bytes(),
            number: 3,
            ..Said::default()
        },
        Sealed::Attachment(id, kind, key) => Said {
            kind: Some(kind),
            key: Some(key),
            ..of(id, 4)
        },
        Sealed::Session(id) => Said {
            number: 5,
            ..Said::of(id)
        },
        Sealed::Record(name) => Said {
            number: 6,
            key: Some(name.as_str()),
            ..Said::default()
        },
    }
}
