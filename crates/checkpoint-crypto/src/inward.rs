//! What goes down: each operation with its contents sealed.

use checkpoint_core::{
    Append, Attach, Commit, CreateSession, Error, NewChunk, NewState, Operation, PatchSession,
    Payload, PutRecord, Result, StoreId, Update,
};

use crate::bound::{Object, Revision};
use crate::description;
use crate::ring::{RECORD, Ring};

/// Revision of a session when it is made.
const FIRST: u64 = 1;

/// Seals what goes down.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inward<'a> {
    pub(crate) ring: &'a Ring,
    pub(crate) store: &'a StoreId,
}

/// Whether a commit holds what this room does not seal: sealing anew takes a look at what is there.
pub(crate) fn needs_a_look(commit: &Commit) -> bool {
    let operations = &commit.operations;
    let expects =
        |it: &checkpoint_core::Expectation| matches!(it, checkpoint_core::Expectation::Sealed(..));
    operations
        .iter()
        .any(|it| matches!(it, Operation::Reseal(_)))
        || commit.expectations.iter().any(expects)
}

/// Bytes to be sealed, about.
pub(crate) fn weight(commit: &Commit) -> usize {
    let chunks = commit
        .chunks
        .iter()
        .map(|chunk| chunk.bytes.len())
        .sum::<usize>();
    let inline = |payload: &Payload| payload.inline().map_or(0, |bytes| bytes.len());
    let operation = |operation: &Operation| match operation {
        Operation::Append(it) => 1_000 + it.meta.len() + inline(&it.payload),
        Operation::Update(it) => {
            1_000 + it.meta.len() + it.state.as_ref().map_or(0, |state| inline(&state.payload))
        }
        Operation::Attach(it) => it.bytes.as_ref().map_or(0, |bytes| bytes.len()),
        _ => 1_000,
    };
    chunks + commit.operations.iter().map(operation).sum::<usize>()
}

impl Inward<'_> {
    /// An operation, sealed. One that seals anew is not for here.
    pub(crate) fn operation(&self, operation: Operation) -> Result<Operation> {
        Ok(match operation {
            Operation::Append(append) => self.append(*append)?.into(),
            Operation::Update(update) => self.update(*update)?.into(),
            Operation::Attach(attach) => self.attach(attach)?.into(),
            Operation::CreateSession(create) => {
                let body = self.seal(&Object::Session(&create.id, FIRST), &create.body)?;
                CreateSession { body, ..create }.into()
            }
            Operation::PatchSession(patch) => {
                let revision = patch.revision.saturating_add(1);
                let body = self.seal(&Object::Session(&patch.id, revision), &patch.body)?;
                PatchSession { body, ..patch }.into()
            }
            Operation::PutRecord(put) => self.record(put)?.into(),
            clear @ (Operation::Delete(_)
            | Operation::ClaimSession(_)
            | Operation::DeleteSession(_)
            | Operation::Note(_)
            | Operation::Quarantine(_)
            | Operation::Advance(_)) => clear,
            // Nothing goes down unsealed because it was not known here.
            _ => {
                return Err(Error::unsupported(
                    "this operation cannot be sealed; use a newer version of checkpoint-crypto",
                ));
            }
        })
    }

    /// A commit that seals nothing anew.
    pub(crate) fn commit(&self, mut commit: Commit) -> Result<Commit> {
        let operations = std::mem::take(&mut commit.operations).into_iter();
        commit.operations = operations
            .map(|operation| self.operation(operation))
            .collect::<Result<_>>()?;
        let chunks = std::mem::take(&mut commit.chunks).into_iter();
        commit.chunks = chunks
            .map(|chunk| self.chunk(chunk))
            .collect::<Result<_>>()?;
        Ok(commit)
    }

    pub(crate) fn chunk(&self, chunk: NewChunk) -> Result<NewChunk> {
        let bytes = self.seal(&Object::Chunk(&chunk.id, &chunk.children), &chunk.bytes)?;
        Ok(NewChunk { bytes, ..chunk })
    }

    /// The state as it is stored.
    fn state(
        &self,
        session: &checkpoint_core::SessionId,
        id: &checkpoint_core::CheckpointId,
        length: u64,
        payload: Payload,
    ) -> Result<Payload> {
        match payload {
            Payload::Inline(bytes) => {
                let sealed = self.seal(&Object::Inline(session, id, length), &bytes)?;
                Ok(Payload::Inline(sealed))
            }
            tree @ Payload::Tree(_) => Ok(tree),
        }
    }

    fn append(&self, mut append: Append) -> Result<Append> {
        let (worker, tags) = (append.worker.take(), std::mem::take(&mut append.tags));
        append.tags = self.ring.tokens.tags(&tags)?;
        append.worker = worker
            .as_ref()
            .map(|worker| self.ring.tokens.worker(worker))
            .transpose()?;
        let described = description::encode(worker.as_ref(), &tags, &append.meta);
        append.meta = self.seal(&Object::Description(Revision::from(&append)), &described)?;
        let payload = std::mem::replace(&mut append.payload, Payload::Inline(bytes::Bytes::new()));
        append.payload = self.state(&append.session, &append.id, append.length, payload)?;
        Ok(append)
    }

    fn update(&self, mut update: Update) -> Result<Update> {
        let (worker, tags) = (update.worker.take(), std::mem::take(&mut update.tags));
        update.tags = self.ring.tokens.tags(&tags)?;
        update.worker = worker
            .as_ref()
            .map(|worker| self.ring.tokens.worker(worker))
            .transpose()?;
        let described = description::encode(worker.as_ref(), &tags, &update.meta);
        update.meta = self.seal(&Object::Description(Revision::from(&update)), &described)?;
        if let Some(NewState { length, payload }) = update.state.take() {
            let payload = self.state(&update.session, &update.id, length, payload)?;
            update.state = Some(NewState { length, payload });
        }
        Ok(update)
    }

    fn attach(&self, attach: Attach) -> Result<Attach> {
        let object = Object::Attachment(&attach.checkpoint, &attach.kind, &attach.key);
        let bytes = attach.bytes.as_ref().map(|bytes| self.seal(&object, bytes));
        let bytes = bytes.transpose()?;
        Ok(Attach { bytes, ..attach })
    }

    fn record(&self, put: PutRecord) -> Result<PutRecord> {
        if put.name.as_str() == RECORD {
            return Err(Error::invalid(
                "a record of this name holds the keys of the store; take another name",
            )
            .with("record", &put.name));
        }
        let object = Object::Record(put.name.as_str());
        let bytes = put.bytes.as_ref().map(|bytes| self.seal(&object, bytes));
        let bytes = bytes.transpose()?;
        Ok(PutRecord { bytes, ..put })
    }

    pub(crate) fn seal(&self, object: &Object<'_>, plain: &[u8]) -> Result<bytes::Bytes> {
        self.ring.seal_object(&object.bound(self.store), plain)
    }
}
