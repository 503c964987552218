//! What a sealed object is bound to: bytes that open nowhere but in their place.
//!
//! Associated data is a version, the id of the store, a number for the kind of object, and the fields of that kind, each
//! with its length before it as four bytes, little endian. Ids stand in the form in which backends keep them, with a
//! letter before: `u` for the 16 bytes of a UUID, `t` for text.

use checkpoint_core::{
    Append, CheckpointId, ChunkId, Header, RawId, SessionId, Status, StoreId, Tag, Timestamp,
    Update, WorkerId,
};

/// Of this document.
const VERSION: u8 = 1;

/// Which object is sealed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Object<'a> {
    /// The description of a checkpoint, with what else its revision says.
    Description(Revision<'a>),
    /// An inline state of so many bytes.
    Inline(&'a SessionId, &'a CheckpointId, u64),
    /// A chunk, with the chunks that it refers to.
    Chunk(&'a ChunkId, &'a [ChunkId]),
    /// An attachment: checkpoint, kind and key.
    Attachment(&'a CheckpointId, &'a str, &'a str),
    /// Name and metadata of a session, at a revision.
    Session(&'a SessionId, u64),
    /// One of the store's own records.
    Record(&'a str),
    /// The ring of keys.
    Ring,
    /// What opens the ring, by the words that say how.
    Slot(&'a [u8]),
}

/// What a revision of a checkpoint says in clear, as far as its writer knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Revision<'a> {
    pub(crate) session: &'a SessionId,
    pub(crate) checkpoint: &'a CheckpointId,
    pub(crate) revision: u64,
    pub(crate) updated_at: Timestamp,
    pub(crate) status: Status,
    pub(crate) step: Option<u64>,
    pub(crate) pinned: bool,
    /// As tokens.
    pub(crate) worker: Option<&'a WorkerId>,
    /// As tokens.
    pub(crate) tags: &'a [Tag],
}

macro_rules! revision {
    ($of:ident: $($revision:tt)+) => {
        Revision {
            session: &$of.session,
            checkpoint: &$of.id,
            revision: $($revision)+,
            updated_at: $of.updated_at,
            status: $of.status,
            step: $of.step,
            pinned: $of.pinned,
            worker: $of.worker.as_ref(),
            tags: &$of.tags,
        }
    };
}

impl<'a> From<&'a Append> for Revision<'a> {
    fn from(append: &'a Append) -> Self {
        revision!(append: append.revision)
    }
}

impl<'a> From<&'a Update> for Revision<'a> {
    fn from(update: &'a Update) -> Self {
        revision!(update: update.becomes.unwrap_or(update.revision.saturating_add(1)))
    }
}

impl<'a> From<&'a Header> for Revision<'a> {
    fn from(header: &'a Header) -> Self {
        revision!(header: header.revision)
    }
}

impl Object<'_> {
    /// The associated data of this object in a store.
    pub(crate) fn bound(&self, store: &StoreId) -> Vec<u8> {
        let mut fields = Fields::begin(store, self.number());
        match *self {
            Self::Description(revision) => revision.put(&mut fields),
            Self::Inline(session, checkpoint, length) => {
                fields.id(session.raw());
                fields.id(checkpoint.raw());
                fields.number(length);
            }
            Self::Chunk(id, children) => {
                fields.bytes(id.as_bytes());
                for child in children {
                    fields.bytes(child.as_bytes());
                }
            }
            Self::Attachment(checkpoint, kind, key) => {
                fields.id(checkpoint.raw());
                fields.bytes(kind.as_bytes());
                fields.bytes(key.as_bytes());
            }
            Self::Session(session, revision) => {
                fields.id(session.raw());
                fields.number(revision);
            }
            Self::Record(name) => fields.bytes(name.as_bytes()),
            Self::Ring => {}
            Self::Slot(words) => fields.bytes(words),
        }
        fields.0
    }

    const fn number(&self) -> u8 {
        match self {
            Self::Description(_) => 1,
            Self::Inline(..) => 2,
            Self::Chunk(..) => 3,
            Self::Attachment(..) => 4,
            Self::Session(..) => 5,
            Self::Record(_) => 6,
            Self::Ring => 7,
            Self::Slot(_) => 8,
        }
    }
}

impl Revision<'_> {
    fn put(&self, fields: &mut Fields) {
        fields.id(self.session.raw());
        fields.id(self.checkpoint.raw());
        fields.number(self.revision);
        fields.bytes(&self.updated_at.micros().to_le_bytes());
        fields.bytes(&[self.status.number()]);
        match self.step {
            Some(step) => fields.number(step),
            None => fields.bytes(b""),
        }
        fields.bytes(&[u8::from(self.pinned)]);
        fields.bytes(self.worker.map_or("", WorkerId::as_str).as_bytes());
        for tag in self.tags {
            fields.bytes(tag.as_str().as_bytes());
        }
    }
}

struct Fields(Vec<u8>);

impl Fields {
    fn begin(store: &StoreId, kind: u8) -> Self {
        let mut bytes = Vec::with_capacity(192);
        bytes.push(VERSION);
        bytes.extend_from_slice(store.as_bytes());
        bytes.push(kind);
        Self(bytes)
    }

    fn bytes(&mut self, value: &[u8]) {
        // What a field holds is bounded far below by the limits of the store.
        let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&length.to_le_bytes());
        self.0.extend_from_slice(value);
    }

    fn number(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    fn id(&mut self, id: RawId<'_>) {
        match id {
            RawId::Uuid(bytes) => self.bytes(&[b"u", &bytes[..]].concat()),
            RawId::Text(text) => self.bytes(&[b"t", text.as_bytes()].concat()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORE: StoreId = StoreId::from_bytes([7; 16]);

    fn id(text: &str) -> CheckpointId {
        CheckpointId::new(text).expect("an id")
    }

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros).expect("a time")
    }

    fn session(text: &str) -> SessionId {
        SessionId::new(text).expect("an id")
    }

    /// Checks that each is bound otherwise than all others, here and in another store.
    fn are_apart(objects: &[Object<'_>]) {
        let stores = [STORE, StoreId::from_bytes([8; 16])];
        let all = stores
            .iter()
            .flat_map(|store| objects.iter().map(|it| it.bound(store)));
        let mut bound: Vec<_> = all.collect();
        bound.sort();
        bound.dedup();
        assert_eq!(bound.len(), 2 * objects.len());
    }

    #[test]
    fn no_two_objects_are_bound_alike() {
        let (a, ab) = (id("a"), id("ab"));
        let (s, sa) = (session("s"), session("sa"));
        let children = [1, 2].map(|n| ChunkId::from_bytes([n; 32]));
        are_apart(&[
            Object::Inline(&s, &a, 1),
            Object::Inline(&s, &ab, 1),
            Object::Inline(&sa, &a, 1),
            Object::Inline(&s, &a, 2),
            Object::Chunk(&children[0], &[]),
            Object::Chunk(&children[1], &[]),
            Object::Chunk(&children[0], &children[..1]),
            Object::Chunk(&children[0], &children),
            Object::Attachment(&a, "k", "b"),
            Object::Attachment(&a, "kb", ""),
            Object::Attachment(&ab, "k", ""),
            Object::Session(&s, 1),
            Object::Session(&s, 2),
            Object::Session(&sa, 1),
            Object::Record("s"),
            Object::Ring,
            Object::Slot(b"s"),
            Object::Slot(b""),
        ]);
    }

    #[test]
    fn no_two_revisions_are_bound_alike() {
        let (a, ab) = (id("a"), id("ab"));
        let (s, sa) = (session("s"), session("sa"));
        let tags = ["x", "y"].map(|tag| Tag::new(tag).expect("a tag"));
        let worker = WorkerId::new("x").expect("a worker");
        let base = Revision {
            session: &s,
            checkpoint: &a,
            revision: 1,
            updated_at: at(5),
            status: Status::Active,
            step: None,
            pinned: false,
            worker: None,
            tags: &[],
        };
        let mut revisions = [base; 12];
        revisions[1].session = &sa;
        revisions[2].checkpoint = &ab;
        revisions[3].revision = 2;
        revisions[4].updated_at = at(6);
        revisions[5].status = Status::Failed;
        revisions[6].step = Some(0);
        revisions[7].step = Some(1);
        revisions[8].pinned = true;
        revisions[9].worker = Some(&worker);
        revisions[10].tags = &tags[..1];
        revisions[11].tags = &tags;
        are_apart(&revisions.map(Object::Description));
    }
}
