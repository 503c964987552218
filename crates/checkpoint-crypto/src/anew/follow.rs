//! What the operations of a commit do to the objects of which later ones speak.

use checkpoint_core::{Append, CheckpointId, Operation, Payload, Sealed, SessionId, Update};

use super::{Known, Look, Opened, Place};

impl Look<'_> {
    /// After an operation, as given and as sealed.
    pub(super) fn follow(&mut self, plain: &Operation, sealed: &Operation) {
        if self.known.is_empty() {
            return;
        }
        match (plain, sealed) {
            (Operation::Append(plain), Operation::Append(sealed)) => self.appended(plain, sealed),
            (Operation::Update(plain), Operation::Update(sealed)) => self.updated(plain, sealed),
            (Operation::Attach(plain), Operation::Attach(sealed)) => {
                let (checkpoint, kind) = (plain.checkpoint.clone(), plain.kind.clone());
                let target = Sealed::Attachment(checkpoint, kind, plain.key.clone());
                let both = plain.bytes.clone().zip(sealed.bytes.clone());
                let known = both.map(|(bytes, sealed)| {
                    Known::of(&plain.session, bytes, sealed, Place::Attachment)
                });
                self.set(&target, known);
            }
            (Operation::CreateSession(plain), Operation::CreateSession(sealed)) => {
                let (body, place) = (plain.body.clone(), Place::Session(1));
                let known = Known::of(&plain.id, body, sealed.body.clone(), place);
                self.keep(&Sealed::Session(plain.id.clone()), known);
            }
            (Operation::PatchSession(plain), Operation::PatchSession(sealed)) => {
                let place = Place::Session(plain.revision.saturating_add(1));
                let body = plain.body.clone();
                let known = Known::of(&plain.id, body, sealed.body.clone(), place);
                self.set(&Sealed::Session(plain.id.clone()), Some(known));
            }
            (Operation::PutRecord(plain), Operation::PutRecord(sealed)) => {
                let both = plain.bytes.clone().zip(sealed.bytes.clone());
                let known =
                    both.map(|(bytes, sealed)| Known::of_store(bytes, sealed, Place::Record));
                self.set(&Sealed::Record(plain.name.clone()), known);
            }
            (Operation::Delete(plain), _) => self.forget(|target, _| is_of(target, &plain.id)),
            (Operation::DeleteSession(id), _) => {
                self.forget(|_, known| known.session.as_ref() == Some(id));
            }
            _ => {}
        }
    }

    /// One that is there answers as it did the first time, and stays.
    fn appended(&mut self, plain: &Append, sealed: &Append) {
        let said = Opened(plain.worker.clone(), plain.tags.clone());
        let place = Place::Appended(Box::new(sealed.clone()), said);
        let (meta, sealed_meta) = (plain.meta.clone(), sealed.meta.clone());
        let known = Known::of(&plain.session, meta, sealed_meta, place);
        self.keep(&Sealed::Meta(plain.id.clone()), known);
        let (length, state) = (plain.length, &plain.payload);
        if let Some(known) = inline(&plain.session, length, state, &sealed.payload) {
            self.keep(&Sealed::Inline(plain.id.clone()), known);
        }
    }

    fn updated(&mut self, plain: &Update, sealed: &Update) {
        let said = Opened(plain.worker.clone(), plain.tags.clone());
        let place = Place::Updated(Box::new(sealed.clone()), said);
        let (meta, sealed_meta) = (plain.meta.clone(), sealed.meta.clone());
        let known = Known::of(&plain.session, meta, sealed_meta, place);
        self.set(&Sealed::Meta(plain.id.clone()), Some(known));
        if let (Some(state), Some(below)) = (&plain.state, &sealed.state) {
            let known = inline(&plain.session, state.length, &state.payload, &below.payload);
            self.set(&Sealed::Inline(plain.id.clone()), known);
        }
    }

    fn set(&mut self, target: &Sealed, known: Option<Known>) {
        if let Some(slot) = self.slot(target) {
            *slot = known;
        }
    }

    fn keep(&mut self, target: &Sealed, known: Known) {
        if let Some(slot @ None) = self.slot(target) {
            *slot = Some(known);
        }
    }

    fn forget(&mut self, gone: impl Fn(&Sealed, &Known) -> bool) {
        for (target, slot) in &mut self.known {
            if slot.as_ref().is_some_and(|known| gone(target, known)) {
                *slot = None;
            }
        }
    }
}

fn is_of(target: &Sealed, id: &CheckpointId) -> bool {
    matches!(target, Sealed::Meta(it) | Sealed::Inline(it) | Sealed::Attachment(it, ..) if it == id)
}

fn inline(session: &SessionId, length: u64, plain: &Payload, sealed: &Payload) -> Option<Known> {
    let (plain, sealed) = plain.inline().zip(sealed.inline())?;
    Some(Known {
        session: Some(session.clone()),
        plain: plain.clone(),
        sealed: sealed.clone(),
        place: Place::Inline(session.clone(), length),
    })
}
