//! States put together from their leaves, some at a time.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use bytes::BytesMut;
use parking_lot::{Mutex, MutexGuard};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::decode::{Decoder, leaf_length};
use super::fetch::{Fetched, Span};
use super::read::Read;
use super::stored::corrupt;
use crate::error::{Error, Result};

/// Bytes of state that a job decodes, about. A range that has no more is decoded where it is read.
const JOB: usize = 256 << 10;
/// Jobs under way at once, which bounds the memory that they take.
const JOBS: usize = 4;

/// Leaves, each with how many deltas it took.
pub(super) type Leaves = Vec<(Span, usize)>;

/// A range, and the leaves that it lies in.
#[derive(Debug)]
pub(super) struct Assembled {
    pub(super) read: Read,
    pub(super) leaves: Leaves,
}

/// Decodes leaves where blocking is allowed, while more are fetched.
///
/// All is decoded into one buffer, which is divided among the jobs and joined again.
#[derive(Debug)]
pub(super) struct Assembly {
    decoder: Decoder,
    range: Range<u64>,
    /// Where what comes next belongs.
    room: Option<BytesMut>,
    runtime: Option<Handle>,
    jobs: VecDeque<JoinHandle<Result<Leaves>>>,
    started: usize,
    joint: Arc<Mutex<Joint>>,
    leaves: Leaves,
}

/// What is done, in order.
#[derive(Debug, Default)]
struct Joint {
    done: BytesMut,
    pieces: usize,
    digest: blake3::Hasher,
    /// Pieces that came before those they follow.
    early: BTreeMap<usize, BytesMut>,
    busy: bool,
}

impl Assembly {
    pub(super) fn new(decoder: Decoder, range: Range<u64>) -> Self {
        let large = range.end.saturating_sub(range.start) > JOB as u64;
        Self {
            decoder,
            range,
            room: None,
            runtime: large.then(Handle::try_current).and_then(Result::ok),
            jobs: VecDeque::new(),
            started: 0,
            joint: Arc::default(),
            leaves: Vec::new(),
        }
    }

    /// Decodes the leaves that come next, which must have been fetched. May return before that is done. Takes memory
    /// for the whole range at its first call.
    pub(super) async fn add(&mut self, spans: &[Span], fetched: Fetched) -> Result<()> {
        let fetched = Arc::new(fetched);
        let mut rest = spans;
        while !rest.is_empty() {
            let (mut count, mut size) = (0, 0);
            while size < JOB && count < rest.len() {
                size += wanted(&rest[count], &self.range)?.len();
                count += 1;
            }
            let room = self.divide(size, &rest[0])?;
            let (now, later) = rest.split_at(count);
            rest = later;
            let job = Job {
                number: self.started,
                decoder: self.decoder.clone(),
                range: self.range.clone(),
                spans: now.to_vec(),
                fetched: Arc::clone(&fetched),
                room,
            };
            self.start(job).await?;
        }
        Ok(())
    }

    /// Takes room off the front.
    fn divide(&mut self, size: usize, first: &Span) -> Result<BytesMut> {
        let room = match &mut self.room {
            Some(room) => room,
            none => {
                let all = self.range.end.saturating_sub(self.range.start);
                let all = usize::try_from(all)
                    .map_err(|_| Error::too_large("a range", all, usize::MAX as u64))?;
                none.insert(BytesMut::with_capacity(all))
            }
        };
        if size > room.capacity() {
            return Err(corrupt(&first.id, "a leaf lies outside its state"));
        }
        let later = room.split_off(size);
        Ok(std::mem::replace(room, later))
    }

    async fn start(&mut self, job: Job) -> Result<()> {
        self.started += 1;
        let joint = Arc::clone(&self.joint);
        let Some(runtime) = &self.runtime else {
            self.leaves.extend(job.run(&joint)?);
            return Ok(());
        };
        self.jobs
            .push_back(runtime.spawn_blocking(move || job.run(&joint)));
        self.wait(JOBS - 1).await
    }

    /// Waits until no more than `left` jobs are under way. Of many errors the one that stands first in the state is
    /// answered.
    async fn wait(&mut self, left: usize) -> Result<()> {
        while self.jobs.len() > left {
            let Some(job) = self.jobs.front_mut() else {
                break;
            };
            let done = job.await;
            self.jobs.pop_front();
            let done = done.map_err(|error| {
                Error::storage("a state could not be put together").because(error)
            })?;
            self.leaves.extend(done?);
        }
        Ok(())
    }

    /// Waits for all that was added.
    pub(super) async fn done(&mut self) -> Result<()> {
        self.wait(0).await
    }

    pub(super) async fn finish(mut self) -> Result<Assembled> {
        self.done().await?;
        let mut joint = self.joint.lock();
        Ok(Assembled {
            read: Read {
                bytes: std::mem::take(&mut joint.done).freeze(),
                digest: *joint.digest.finalize().as_bytes(),
            },
            leaves: self.leaves,
        })
    }
}

/// Leaves that are decoded one after another.
struct Job {
    number: usize,
    decoder: Decoder,
    range: Range<u64>,
    spans: Vec<Span>,
    fetched: Arc<Fetched>,
    room: BytesMut,
}

impl Job {
    fn run(mut self, joint: &Mutex<Joint>) -> Result<Leaves> {
        let mut leaves = Vec::with_capacity(self.spans.len());
        for span in std::mem::take(&mut self.spans) {
            leaves.push((span, self.place(&span)?));
        }
        join(joint, self.number, self.room);
        Ok(leaves)
    }

    /// Decodes a leaf to where it belongs, by way of a buffer of its own only if a part of it is wanted. Answers how
    /// many deltas it took.
    fn place(&mut self, span: &Span) -> Result<usize> {
        let length = leaf_length(span)?;
        let wanted = wanted(span, &self.range)?;
        let at = self.room.len();
        self.room.resize(at + wanted.len(), 0);
        let room = &mut self.room[at..];
        if room.len() == length {
            return self.decoder.decode(span.id, &self.fetched, room);
        }
        let mut whole = vec![0; length];
        let depth = self.decoder.decode(span.id, &self.fetched, &mut whole)?;
        room.copy_from_slice(&whole[wanted]);
        Ok(depth)
    }
}

/// Which bytes of a leaf lie in the range.
fn wanted(span: &Span, range: &Range<u64>) -> Result<Range<usize>> {
    let length = leaf_length(span)? as u64;
    let at = |n: u64| (n.saturating_sub(span.start)).min(length) as usize;
    Ok(at(range.start)..at(range.end).max(at(range.start)))
}

/// Puts a piece behind those before it, and takes the digest of what has become whole.
///
/// Who finds somebody doing so leaves the piece there and has time for the next job.
fn join(joint: &Mutex<Joint>, number: usize, piece: BytesMut) {
    let mut joint = joint.lock();
    joint.early.insert(number, piece);
    if std::mem::replace(&mut joint.busy, true) {
        return;
    }
    let mut digest = std::mem::take(&mut joint.digest);
    loop {
        let next = joint.pieces;
        let Some(piece) = joint.early.remove(&next) else {
            break;
        };
        MutexGuard::unlocked(&mut joint, || digest.update(&piece));
        joint.done.unsplit(piece);
        joint.pieces += 1;
    }
    joint.digest = digest;
    joint.busy = false;
}
