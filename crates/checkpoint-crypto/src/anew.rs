//! Commits that replace sealed bytes, or expect some: above they speak of plain bytes, below of sealed ones.
//!
//! What is there is looked at first. If it changes before the commit is done, the commit is refused for it, and made
//! again from another look.

mod follow;
mod read;

use bytes::Bytes;
use checkpoint_core::{
    Append, Backend, Commit, Expectation, Header, NewChunk, Operation, Reseal, Result, Sealed,
    SessionId, Update,
};

use crate::bound::{Object, Revision};
use crate::description;
use crate::inward::Inward;

/// A commit as it goes down, and what it says otherwise than above.
#[derive(Debug)]
pub(crate) struct Translated {
    pub(crate) commit: Commit,
    /// Digests of sealed bytes that stand for digests of plain ones: target, as given, as sent.
    digests: Vec<(Sealed, [u8; 32], [u8; 32])>,
}

impl Translated {
    /// The digest for which one was sent that is not met, when that one is of what was looked at: it changed since.
    pub(crate) fn given(&self, unmet: &Expectation) -> Option<Expectation> {
        let Expectation::Sealed(target, digest) = unmet else {
            return None;
        };
        let mut digests = self.digests.iter();
        digests
            .find(|(it, _, sent)| it == target && sent == digest)
            .map(|(target, given, _)| Expectation::Sealed(target.clone(), *given))
    }
}

/// An object that is there.
#[derive(Clone, Debug)]
struct Known {
    session: Option<SessionId>,
    plain: Bytes,
    sealed: Bytes,
    place: Place,
}

impl Known {
    /// One that goes with no session.
    const fn of_store(plain: Bytes, sealed: Bytes, place: Place) -> Self {
        Self {
            session: None,
            plain,
            sealed,
            place,
        }
    }

    /// One that goes with a session.
    fn of(session: &SessionId, plain: Bytes, sealed: Bytes, place: Place) -> Self {
        Self {
            session: Some(session.clone()),
            ..Self::of_store(plain, sealed, place)
        }
    }
}

/// What its next bytes are bound to.
#[derive(Clone, Debug)]
enum Place {
    /// A description, as it was last written.
    Read(Box<Header>, Opened),
    Appended(Box<Append>, Opened),
    Updated(Box<Update>, Opened),
    Inline(SessionId, u64),
    Chunk(std::sync::Arc<[checkpoint_core::ChunkId]>),
    Attachment,
    Session(u64),
    Record,
}

/// What a description says besides the description: worker and tags as given.
#[derive(Clone, Debug)]
struct Opened(Option<checkpoint_core::WorkerId>, Vec<checkpoint_core::Tag>);

/// Translates a commit.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    inward: Inward<'a>,
    backend: &'a dyn Backend,
    /// Every object that the commit speaks of; none when it is not there.
    known: Vec<(Sealed, Option<Known>)>,
    digests: Vec<(Sealed, [u8; 32], [u8; 32])>,
}

/// A commit with everything sealed, after a look at what it speaks of.
pub(crate) async fn translate(
    commit: Commit,
    inward: Inward<'_>,
    backend: &dyn Backend,
) -> Result<Translated> {
    let mut look = Look {
        inward,
        backend,
        known: Vec::new(),
        digests: Vec::new(),
    };
    for expectation in &commit.expectations {
        if let Expectation::Sealed(target, _) = expectation {
            look.at(target).await?;
        }
    }
    for operation in &commit.operations {
        if let Operation::Reseal(reseal) = operation {
            look.at(&reseal.target).await?;
        }
    }
    let mut translated = commit.clone();
    for expectation in &mut translated.expectations {
        look.expectation(expectation);
    }
    translated.chunks = Vec::with_capacity(commit.chunks.len());
    for chunk in commit.chunks {
        let plain = chunk.bytes.clone();
        let sealed = inward.chunk(chunk)?;
        look.bring(&sealed, plain);
        translated.chunks.push(sealed);
    }
    translated.operations = Vec::with_capacity(commit.operations.len());
    for operation in commit.operations {
        let sealed = match operation.clone() {
            Operation::Reseal(reseal) => look.reseal(reseal)?.into(),
            other => inward.operation(other)?,
        };
        look.follow(&operation, &sealed);
        translated.operations.push(sealed);
    }
    Ok(Translated {
        commit: translated,
        digests: look.digests,
    })
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    *blake3::hash(bytes).as_bytes()
}

impl Look<'_> {
    fn slot(&mut self, target: &Sealed) -> Option<&mut Option<Known>> {
        let mut known = self.known.iter_mut();
        known.find(|(it, _)| it == target).map(|(_, known)| known)
    }

    fn expectation(&mut self, expectation: &mut Expectation) {
        let Expectation::Sealed(target, wanted) = expectation else {
            return;
        };
        let known = self.slot(target).and_then(|known| known.clone());
        if let Some(known) = known.filter(|known| digest(&known.plain) == *wanted) {
            let (given, sent) = (*wanted, digest(&known.sealed));
            *wanted = sent;
            self.digests.push((target.clone(), given, sent));
        }
    }

    /// Plain bytes never go down: what is not to be done is sent without any.
    fn reseal(&mut self, reseal: Reseal) -> Result<Reseal> {
        let Reseal {
            target,
            replaces,
            bytes,
        } = reseal;
        let Some(mut known) = self.slot(&target).and_then(|known| known.clone()) else {
            let bytes = Bytes::new();
            return Ok(Reseal {
                target,
                replaces,
                bytes,
            });
        };
        let sent = digest(&known.sealed);
        let is_done = known.plain == bytes;
        if !is_done && digest(&known.plain) != replaces {
            // Refused below as it would be above: sealed bytes have no digest of plain ones.
            let bytes = Bytes::new();
            return Ok(Reseal {
                target,
                replaces,
                bytes,
            });
        }
        if !is_done {
            known.sealed = self.seal(&target, &known.place, &bytes)?;
            known.plain = bytes;
        }
        let bytes = known.sealed.clone();
        self.digests.push((target.clone(), replaces, sent));
        if let Some(slot) = self.slot(&target) {
            *slot = Some(known);
        }
        Ok(Reseal {
            target,
            replaces: sent,
            bytes,
        })
    }

    fn seal(&self, target: &Sealed, place: &Place, plain: &[u8]) -> Result<Bytes> {
        let described = |revision: Revision<'_>, Opened(worker, tags): &Opened| {
            let plain = description::encode(worker.as_ref(), tags, plain);
            self.inward.seal(&Object::Description(revision), &plain)
        };
        match (place, target) {
            (Place::Read(header, said), _) => described(Revision::from(&**header), said),
            (Place::Appended(append, said), _) => described(Revision::from(&**append), said),
            (Place::Updated(update, said), _) => described(Revision::from(&**update), said),
            (Place::Inline(session, length), Sealed::Inline(id)) => self
                .inward
                .seal(&Object::Inline(session, id, *length), plain),
            (Place::Chunk(children), Sealed::Chunk(id)) => {
                self.inward.seal(&Object::Chunk(id, children), plain)
            }
            (Place::Session(revision), Sealed::Session(id)) => {
                self.inward.seal(&Object::Session(id, *revision), plain)
            }
            (Place::Record, Sealed::Record(name)) => {
                self.inward.seal(&Object::Record(name.as_str()), plain)
            }
            (_, Sealed::Attachment(checkpoint, kind, key)) => self
                .inward
                .seal(&Object::Attachment(checkpoint, kind, key), plain),
            _ => Err(checkpoint_core::Error::unsupported(
                "this object cannot be sealed; use a newer version of checkpoint-crypto",
            )),
        }
    }

    /// A chunk that the commit brings, unless it is there.
    fn bring(&mut self, sealed: &NewChunk, plain: Bytes) {
        let known = Known {
            session: None,
            plain,
            sealed: sealed.bytes.clone(),
            place: Place::Chunk(sealed.children.clone()),
        };
        if let Some(slot @ None) = self.slot(&Sealed::Chunk(sealed.id)) {
            *slot = Some(known);
        }
    }
}
