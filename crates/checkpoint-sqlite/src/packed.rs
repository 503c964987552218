//! What no index needs of a checkpoint, packed into one column: a list reads one value a row instead of a dozen.
//!
//! The form is described in `docs/format.md`. Numbers are varints (LEB128); what is absent takes a bit.

use checkpoint_core::engine::{put_varint, take_varint};
use checkpoint_core::{
    CheckpointId, ChunkId, Error, Fingerprint, Origin, RawId, Result, Status, Tag, Timestamp,
    Trigger, WorkerId,
};

use crate::row::corrupt;

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
pub(crate) struct Packed {
    pub(crate) length: u64,
    pub(crate) revision: u64,
    /// How far before its sequence the first of its commit lies.
    pub(crate) back: u64,
    /// Revision and status as appended: `revision << 8 | status`.
    pub(crate) appended: u64,
    pub(crate) created: Timestamp,
    pub(crate) committed: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) status: Status,
    pub(crate) trigger: Trigger,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) pinned: bool,
    /// Set aside.
    pub(crate) aside: bool,
    pub(crate) parent: Option<CheckpointId>,
    pub(crate) enclosing: Option<CheckpointId>,
    pub(crate) step: Option<u64>,
    pub(crate) origin: Option<Origin>,
    pub(crate) top: Option<ChunkId>,
    pub(crate) worker: Option<WorkerId>,
    pub(crate) tags: Vec<Tag>,
}

impl Packed {
    /// Adds the packed form to what is there.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
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
            put_id(out, id);
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

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
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
            parent: take_if(has(PARENT), rest, take_id)?,
            enclosing: take_if(has(ENCLOSING), rest, take_id)?,
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
pub(crate) fn length(bytes: &[u8]) -> Result<u64> {
    let mut rest = bytes;
    take_varint(&mut rest)?;
    take_varint(&mut rest)
}

fn put_time(out: &mut Vec<u8>, time: Timestamp) {
    out.extend_from_slice(&time.micros().to_le_bytes());
}

/// 0 and the bytes of a UUID, or the length of a text and its bytes.
fn put_id(out: &mut Vec<u8>, id: &CheckpointId) {
    match id.raw() {
        RawId::Uuid(bytes) => {
            out.push(0);
            out.extend_from_slice(bytes);
        }
        RawId::Text(text) => put_text(out, text),
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn cut() -> Error {
    Error::corrupt("a row is cut off")
}

#[inline]
fn take<'r>(rest: &mut &'r [u8], length: usize) -> Result<&'r [u8]> {
    let (taken, after) = rest.split_at_checked(length).ok_or_else(cut)?;
    *rest = after;
    Ok(taken)
}

#[inline]
fn take_array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N]> {
    let (taken, after) = rest.split_first_chunk().ok_or_else(cut)?;
    *rest = after;
    Ok(*taken)
}

fn take_numbers<const N: usize>(rest: &mut &[u8]) -> Result<[u64; N]> {
    let mut numbers = [0; N];
    for number in &mut numbers {
        *number = take_varint(rest)?;
    }
    Ok(numbers)
}

#[inline]
fn take_if<T>(
    there: bool,
    rest: &mut &[u8],
    take: impl FnOnce(&mut &[u8]) -> Result<T>,
) -> Result<Option<T>> {
    there.then(|| take(rest)).transpose()
}

#[inline]
fn take_time(rest: &mut &[u8]) -> Result<Timestamp> {
    corrupt(Timestamp::from_micros(i64::from_le_bytes(take_array(
        rest,
    )?)))
}

fn take_numbered<T>(rest: &mut &[u8], of: impl FnOnce(u8) -> Option<T>) -> Result<T> {
    let [number] = take_array(rest)?;
    of(number).ok_or_else(|| Error::corrupt("unknown status or trigger").with("number", number))
}

#[inline]
fn take_text<'r>(rest: &mut &'r [u8], length: u64) -> Result<&'r str> {
    let bytes = take(rest, usize::try_from(length).map_err(|_| cut())?)?;
    std::str::from_utf8(bytes).map_err(|_| Error::corrupt("a text in a row is not UTF-8"))
}

#[inline]
fn take_id(rest: &mut &[u8]) -> Result<CheckpointId> {
    match take_varint(rest)? {
        0 => {
            let bytes = take_array(rest)?;
            corrupt(CheckpointId::from_raw(RawId::Uuid(&bytes)))
        }
        length => corrupt(CheckpointId::from_raw(RawId::Text(take_text(
            rest, length,
        )?))),
    }
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
