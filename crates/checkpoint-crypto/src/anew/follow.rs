//! What the operations of a commit do to the objects of which later ones speak.

use checkpoint_core::{CheckpointId, Operation, Payload, Sealed};

use super::{Known, Look, Opened, Place};

impl Look<'_> {
    /// After an operation, as given and as sealed.
    pub(super) fn follow(&mut self, plain: &Operation, sealed: &Operation) {
        if self.known.is_empty() {
            return;
        }
        match (plain, sealed) {
            (Operation::Append(plain), Operation::Append(sealed)) => {
                let said = Opened(plain.worker.clone(), plain.tags.clone());
                // One that is there answers as it did the first time, and stays.
                self.keep(
                    &Sealed::Meta(plain.id.clone()),
                    Known {
                        session: Some(plain.session.clone()),
                        plain: plain.meta.clone(),
                        sealed: sealed.meta.clone(),
                        place: Place::Appended(sealed.clone(), said),
                    },
                );
                if let Some(known) = inline(
                    &plain.session,
                    plain.length,
                    &plain.payload,
                    &sealed.payload,
                ) {
                    self.keep(&Sealed::Inline(plain.id.clone()), known);
                }
            }
            (Operation::Update(plain), Operation::Update(sealed)) => {
                let said = Opened(plain.worker.clone(), plain.tags.clone());
                let known = Known {
                    session: Some(plain.session.clone()),
                    plain: plain.meta.clone(),
                    sealed: sealed.meta.clone(),
                    place: Place::Updated(sealed.clone(), said),
                };
                self.set(&Sealed::Meta(plain.id.clone()), Some(known));
                if let (Some(plain_state), Some(sealed_state)) = (&plain.state, &sealed.state) {
                    let known = inline(
                        &plain.session,
                        plain_state.length,
                        &plain_state.payload,
                        &sealed_state.payload,
                    );
                    self.set(&Sealed::Inline(plain.id.clone()), known);
                }
            }
            (Operation::Attach(plain), Operation::Attach(sealed)) => {
                let target = Sealed::Attachment(
                    plain.checkpoint.clone(),
                    plain.kind.clone(),
                    plain.key.clone(),
                );
                let both = plain.bytes.clone().zip(sealed.bytes.clone());
                let known = both.map(|(bytes, sealed)| Known {
                    session: Some(plain.session.clone()),
                    plain: bytes,
                    sealed,
                    place: Place::Attachment,
                });
                self.set(&target, known);
            }
            (Operation::CreateSession(plain), Operation::CreateSession(sealed)) => {
                let known = Known {
                    session: Some(plain.id.clone()),
                    plain: plain.body.clone(),
                    sealed: sealed.body.clone(),
                    place: Place::Session(1),
                };
                self.keep(&Sealed::Session(plain.id.clone()), known);
            }
            (Operation::PatchSession(plain), Operation::PatchSession(sealed)) => {
                let known = Known {
                    session: Some(plain.id.clone()),
                    plain: plain.body.clone(),
                    sealed: sealed.body.clone(),
                    place: Place::Session(plain.revision.saturating_add(1)),
                };
                self.set(&Sealed::Session(plain.id.clone()), Some(known));
            }
            (Operation::PutRecord(plain), Operation::PutRecord(sealed)) => {
                let both = plain.bytes.clone().zip(sealed.bytes.clone());
                let known = both.map(|(bytes, sealed)| Known {
                    session: None,
                    plain: bytes,
                    sealed,
                    place: Place::Record,
                });
                self.set(&Sealed::Record(plain.name.clone()), known);
            }
            (Operation::Delete(plain), _) => self.forget(|target, _| is_of(target, &plain.id)),
            (Operation::DeleteSession(id), _) => {
                self.forget(|_, known| known.session.as_ref() == Some(id));
            }
            _ => {}
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

fn inline(
    session: &checkpoint_core::SessionId,
    length: u64,
    plain: &Payload,
    sealed: &Payload,
) -> Option<Known> {
    let (plain, sealed) = plain.inline().zip(sealed.inline())?;
    Some(Known {
        session: Some(session.clone()),
        plain: plain.clone(),
        sealed: sealed.clone(),
        place: Place::Inline(session.clone(), length),
    })
}
