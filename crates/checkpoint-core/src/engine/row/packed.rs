//! What no index needs of a checkpoint, packed into one column: a list reads one value a row instead of a dozen.
//!
//! The form is described in `docs/format.md`. Numbers are varints (LEB128); what is absent takes a bit.

use super::pack::{
    corrupt, cut, put_id, put_text, put_time, take_array, take_id, take_if, take_text, take_time,
};
use crate::clock::Timestamp;
use crate::commit::{Fingerprint, Update};
use crate::engine::NewCheckpoint;
use crate::error::{Error, Result};
use crate::id::{CheckpointId, ChunkId, Tag, WorkerId};
use crate::record::Origin;
use crate::status::{Status, Trigger};
use crate::wire::{put_varint, take_varint};

const PINNED: u64 = 1;
const ASIDE: u64 = 1 << 1;
const PARENT: u64 = 1 << 2;
const ENCLOSING: u64 = 1 << 3;
const UPDATED: u64 = 1 << 4;
const STEP: u64 = 1 << 5;
const ORIGIN: u64 = 1 << 6;
const TOP: u64 = 1 << 7;
const WORKER: u64 = 1 << 8;
const KNOWN: u64 = (1 << 9) - 1;

/// The packed part of a checkpoint's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// Bytes of the encoded state.
    pub length: u64,
    /// 1 when created.
    pub revision: u64,
    /// How far before its sequence the first of its commit lies.
    pub back: u64,
    /// Revision and status as appended: `revision << 8 | status`.
    pub appended: u64,
    /// The client's clock.
    pub created: Timestamp,
    /// When it was committed.
    pub committed: Timestamp,
    /// When it was last updated, by the client's clock.
    pub updated: Timestamp,
    /// Where the work stands.
    pub status: Status,
    /// What made it.
    pub trigger: Trigger,
    /// What it was appended as.
    pub fingerprint: Fingerprint,
    /// Kept by every retention.
    pub pinned: bool,
    /// Set aside.
    pub aside: bool,
    /// Its parent.
    pub parent: Option<CheckpointId>,
    /// The checkpoint around it.
    pub enclosing: Option<CheckpointId>,
    /// The step of its program.
    pub step: Option<u64>,
    /// Where it stood before.
    pub origin: Option<Origin>,
    /// The chunk at the top of its state, none where the state lies in the row.
    pub top: Option<ChunkId>,
    /// Who saved it.
    pub worker: Option<WorkerId>,
    /// Sorted, each once.
    pub tags: Vec<Tag>,
}

impl Packed {
    /// That of a checkpoint that is about to be added.
    pub(super) fn new(new: &NewCheckpoint<'_>) -> Self {
        let append = new.append;
        Self {
            length: append.length,
            revision: append.revision,
            back: new.sequence - new.first,
            appended: append.revision << 8 | u64::from(append.status.number()),
            created: append.created_at,
            committed: new.committed_at,
            updated: append.updated_at,
            status: append.status,
            trigger: append.trigger,
            fingerprint: append.fingerprint,
            pinned: append.pinned,
            aside: false,
            parent: new.parent.cloned(),
            enclosing: append.enclosing.clone(),
            step: append.step,
            origin: new.origin,
            top: append.payload.top(),
            worker: append.worker.clone(),
            tags: append.tags.clone(),
        }
    }

    /// Takes what an update brings.
    pub fn update(&mut self, update: &Update, revision: u64) {
        self.status = update.status;
        self.worker.clone_from(&update.worker);
        self.revision = revision;
        self.updated = update.updated_at;
        self.tags.clone_from(&update.tags);
        self.step = update.step;
        self.pinned = update.pinned;
        if let Some(state) = &update.state {
            self.length = state.length;
            self.top = state.payload.top();
        }
    }

    /// Adds the packed form to what is there.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let bits = [
            (self.pinned, PINNED),
            (self.aside, ASIDE),
            (self.parent.is_some(), PARENT),
            (self.enclosing.is_some(), ENCLOSING),
            (self.updated != self.created, UPDATED),
            (self.step.is_some(), STEP),
            (self.origin.is_some(), ORIGIN),
            (self.top.is_some(), TOP),
            (self.worker.is_some(), WORKER),
        ];
        let bits = bits.into_iter().filter(|(is, _)| *is).map(|(_, bit)| bit);
        put_varint(out, bits.sum());
        for number in [self.length, self.revision, self.back, self.appended] {
            put_varint(out, number);
        }
        put_time(out, self.created);
        put_time(out, self.committed);
        if self.updated != self.created {
            put_time(out, self.updated);
        }
        out.push(self.status.number());
        out.push(self.trigger.number());
        out.extend_from_slice(&self.fingerprint.0);
        for id in [&self.parent, &self.enclosing].into_iter().flatten() {
            put_id(out, id.raw());
        }
        if let Some(step) = self.step {
            put_varint(out, step);
        }
        if let Some(origin) = self.origin {
            put_varint(out, origin.sequence);
            put_time(out, origin.committed_at);
        }
        if let Some(top) = &self.top {
            out.extend_from_slice(top.as_bytes());
        }
        if let Some(worker) = &self.worker {
            put_text(out, worker.as_str());
        }
        put_varint(out, self.tags.len() as u64);
        for tag in &self.tags {
            put_text(out, tag.as_str());
        }
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self> {
        let mut rest = bytes;
        let rest = &mut rest;
        let bits = take_varint(rest)?;
        if bits & !KNOWN != 0 {
            return Err(Error::corrupt(
                "a row has parts that nobody could have written",
            ));
        }
        let has = |bit| bits & bit != 0;
        let [length, revision, back, appended] = take_numbers(rest)?;
        let created = take_time(rest)?;
        Ok(Self {
            length,
            revision,
            back,
            appended,
            created,
            committed: take_time(rest)?,
            updated: if has(UPDATED) {
                take_time(rest)?
            } else {
                created
            },
            status: take_numbered(rest, Status::from_number)?,
            trigger: take_numbered(rest, Trigger::from_number)?,
            fingerprint: Fingerprint(take_array(rest)?),
            pinned: has(PINNED),
            aside: has(ASIDE),
            parent: take_if(has(PARENT), rest, |rest| {
                take_id(rest, CheckpointId::from_raw)
            })?,
            enclosing: take_if(has(ENCLOSING), rest, |rest| {
                take_id(rest, CheckpointId::from_raw)
            })?,
            step: take_if(has(STEP), rest, take_varint)?,
            origin: take_if(has(ORIGIN), rest, take_origin)?,
            top: take_if(has(TOP), rest, |rest| {
                take_array(rest).map(ChunkId::from_bytes)
            })?,
            worker: take_if(has(WORKER), rest, take_worker)?,
            tags: take_tags(rest)?,
        })
    }
}

/// The length of the state alone, which stands first.
pub(super) fn length(bytes: &[u8]) -> Result<u64> {
    let mut rest = bytes;
    take_varint(&mut rest)?;
    take_varint(&mut rest)
}

fn take_numbers<const N: usize>(rest: &mut &[u8]) -> Result<[u64; N]> {
    let mut numbers = [0; N];
    for number in &mut numbers {
        *number = take_varint(rest)?;
    }
    Ok(numbers)
}

fn take_numbered<T>(rest: &mut &[u8], of: impl FnOnce(u8) -> Option<T>) -> Result<T> {
    let [number] = take_array(rest)?;
    of(number).ok_or_else(|| Error::corrupt("unknown status or trigger").with("number", number))
}

fn take_origin(rest: &mut &[u8]) -> Result<Origin> {
    Ok(Origin {
        sequence: take_varint(rest)?,
        committed_at: take_time(rest)?,
    })
}

fn take_worker(rest: &mut &[u8]) -> Result<WorkerId> {
    let length = take_varint(rest)?;
    corrupt(WorkerId::new(take_text(rest, length)?))
}

/// How many there are, and each; nothing follows.
fn take_tags(rest: &mut &[u8]) -> Result<Vec<Tag>> {
    let count = take_varint(rest)?;
    // A tag takes two bytes at least: what claims more is not believed.
    let most = rest.len() as u64 / 2;
    if count > most {
        return Err(cut());
    }
    let mut tags = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let length = take_varint(rest)?;
        tags.push(corrupt(Tag::new(take_text(rest, length)?))?);
    }
    if rest.is_empty() {
        Ok(tags)
    } else {
        Err(Error::corrupt("a row is longer than its parts"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::RawId;

    fn time() -> impl Strategy<Value = Timestamp> {
        let micros = Timestamp::MIN.micros()..=Timestamp::MAX.micros();
        micros.prop_map(|micros| Timestamp::from_micros(micros).unwrap())
    }

    fn id() -> impl Strategy<Value = CheckpointId> {
        prop_oneof![
            any::<[u8; 16]>().prop_map(|it| CheckpointId::from_raw(RawId::Uuid(&it)).unwrap()),
            "[a-zä☃ ]{1,40}".prop_map(|it| CheckpointId::new(it).unwrap()),
        ]
    }

    prop_compose! {
        fn packed()(
            [length, revision, back, appended] in any::<[u64; 4]>(),
            (created, committed, updated) in (time(), time(), proptest::option::of(time())),
            (status, trigger) in (proptest::sample::select(Status::ALL), proptest::sample::select(Trigger::ALL)),
            worker in proptest::option::of("[a-zä☃ ]{1,40}"),
            fingerprint in any::<[u8; 16]>(),
            [pinned, aside] in any::<[bool; 2]>(),
            (parent, enclosing) in (proptest::option::of(id()), proptest::option::of(id())),
            step in any::<Option<u64>>(),
            origin in proptest::option::of((any::<u64>(), time())),
            top in any::<Option<[u8; 32]>>(),
            tags in proptest::collection::vec("[a-zä☃ ]{1,300}", 0..5),
        ) -> Packed {
            let tags = tags.into_iter().filter_map(|it| Tag::new(it).ok());
            Packed {
                length, revision, back, appended, created, committed, pinned, aside, parent, enclosing, step,
                updated: updated.unwrap_or(created),
                status,
                trigger,
                worker: worker.map(|it| WorkerId::new(it).unwrap()),
                fingerprint: Fingerprint(fingerprint),
                origin: origin.map(|(sequence, committed_at)| Origin { sequence, committed_at }),
                top: top.map(ChunkId::from_bytes),
                tags: tags.collect(),
            }
        }
    }

    proptest! {
        #[test]
        fn it_is_read_as_it_was_written(it in packed()) {
            let mut bytes = Vec::new();
            it.encode(&mut bytes);
            prop_assert_eq!(length(&bytes).unwrap(), it.length);
            prop_assert_eq!(Packed::decode(&bytes).unwrap(), it);
        }

        #[test]
        fn what_is_cut_off_is_corrupt(it in packed(), at in any::<prop::sample::Index>()) {
            let mut bytes = Vec::new();
            it.encode(&mut bytes);
            let error = Packed::decode(&bytes[..at.index(bytes.len())]).expect_err("cut off");
            prop_assert!(error.is_corrupt());
        }

        #[test]
        fn nothing_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Err(error) = Packed::decode(&bytes) {
                prop_assert!(error.is_corrupt());
            }
        }
    }
}
