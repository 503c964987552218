//! From a source into a file, with bounded memory.

use std::collections::HashSet;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;

use super::output::Sink;
use super::state::{Chunking, whole};
use super::worker::{Output, Piece, Worker};
use super::{ExportFormat, ExportReport};
use crate::description::Description;
use crate::error::{Error, Result};
use crate::exchange::beside::Beside;
use crate::exchange::file::{FileHeader, Totals};
use crate::exchange::lines::MAX_LINE;
use crate::exchange::receive::Watcher;
use crate::exchange::report::{Progress, Received};
use crate::exchange::source::{Arrival, ArrivingState, Source};
use crate::id::SessionId;
use crate::record::{Attachment, Item, SessionRecord};
use crate::store::Body;

/// Bytes that are encoded at once.
const BATCH: usize = 1 << 20;
/// Bytes of a state that stays in its checkpoint in an archive.
const INLINE: usize = 64 << 10;

type Encoded = (Worker, Result<()>);
/// With the memory that was written, to be used again.
type Written = (Output, Vec<u8>, Result<()>);

/// An export under way, in three stages that go on beside each other: reading, encoding, and writing.
pub(super) struct Pump<'s, 'w> {
    source: &'s dyn Source,
    format: ExportFormat,
    writer: Option<&'w mut (dyn tokio::io::AsyncWrite + Send + Unpin)>,
    /// None after an error, as everywhere here.
    encoding: Option<Beside<Encoded>>,
    writing: Option<Beside<Written>>,
    batch: Vec<Piece>,
    size: usize,
    chunking: Chunking,
    sessions: HashSet<SessionId>,
    left_out: Received,
    watcher: Option<Watcher>,
    told: Progress,
}

impl<'s, 'w> Pump<'s, 'w> {
    pub(super) fn new(
        source: &'s dyn Source,
        format: ExportFormat,
        sink: Sink<'w>,
        watcher: Option<Watcher>,
    ) -> Self {
        let (file, writer) = match sink {
            Sink::File(file) => (Some(file), None),
            Sink::Writer(writer) => (None, Some(writer)),
        };
        let worker = Worker {
            encoder: format.encoder(),
            out: Vec::new(),
            totals: Totals::default(),
            refused: Vec::new(),
        };
        let output = Output {
            file,
            digest: worker.encoder.is_digested().then(Sha256::new),
            bytes: 0,
        };
        Self {
            source,
            format,
            writer,
            encoding: Some(Beside::Done((worker, Ok(())))),
            writing: Some(Beside::Done((output, Vec::new(), Ok(())))),
            batch: Vec::new(),
            size: 0,
            chunking: Chunking::new(),
            sessions: HashSet::new(),
            left_out: Received::default(),
            watcher,
            told: Progress::default(),
        }
    }

    pub(super) async fn run(mut self, mut header: FileHeader) -> Result<ExportReport> {
        // First how far to go, then the sessions: so each checkpoint up to there finds its session among them.
        header.newest = self.source.newest().await?;
        self.told.total = self.source.total().await?;
        let mut worker = self.encoded().await?;
        worker.encoder.begin(&header, &mut worker.out)?;
        self.encoding = Some(Beside::Done((worker, Ok(()))));
        self.all_sessions().await?;
        self.all_checkpoints(header.newest).await?;
        self.finish(header.newest).await
    }

    async fn all_sessions(&mut self) -> Result<()> {
        let mut after = None;
        loop {
            let page = self.source.sessions(after.take()).await?;
            for item in page.items {
                match item {
                    Item::Found(session) => match Body::decode(&session.body) {
                        Ok(_) => {
                            self.sessions.insert(session.id.clone());
                            self.push(Piece::Session(session)).await?;
                        }
                        Err(error) => {
                            let error = error.with("session", &session.id);
                            self.left_out.refuse(None, Some(session.id), error);
                        }
                    },
                    Item::Corrupt(error) => self.left_out.refuse(None, None, error),
                    Item::Absent | Item::Deleted => {}
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    async fn all_checkpoints(&mut self, newest: u64) -> Result<()> {
        let mut after = 0;
        loop {
            let page = self.source.arrivals(after).await?;
            for item in page.items {
                match item {
                    Item::Found(arrival) if arrival.header.sequence > newest => return Ok(()),
                    Item::Found(arrival) => self.checkpoint(arrival).await?,
                    Item::Corrupt(error) => self.left_out.refuse(None, None, error),
                    Item::Absent | Item::Deleted => {}
                }
            }
            self.tell();
            match page.next {
                Some(next) if next < newest => after = next,
                _ => return Ok(()),
            }
        }
    }

    fn tell(&self) {
        if let Some(watcher) = &self.watcher {
            watcher(&self.told);
        }
    }

    async fn checkpoint(&mut self, mut arrival: Arrival) -> Result<()> {
        let (id, session) = (arrival.header.id.clone(), arrival.header.session.clone());
        self.told.done += 1;
        self.told.bytes += arrival.header.length;
        self.fill(&mut arrival.attachments).await?;
        match self.state(&mut arrival).await {
            Ok(()) => {}
            Err(error) if error.is_corrupt() || is_too_large(&error) => {
                self.left_out.refuse(Some(id), Some(session), error);
                return Ok(());
            }
            Err(error) => return Err(error.with("checkpoint", id)),
        }
        if self.sessions.insert(session.clone()) {
            // Its session cannot be read, which was told; with nothing but an id the checkpoint can be brought back.
            let bare = SessionRecord {
                id: session,
                created_at: arrival.header.created_at,
                revision: 1,
                epoch: 0,
                body: Bytes::new(),
                head: None,
            };
            self.push(Piece::Session(bare)).await?;
        }
        self.push(Piece::Checkpoint(Box::new(arrival))).await
    }

    /// Gets the contents of attachments that came without.
    async fn fill(&mut self, attachments: &mut Vec<Attachment>) -> Result<()> {
        let mut kept = Vec::with_capacity(attachments.len());
        for mut attachment in attachments.drain(..) {
            if attachment.bytes.is_none() {
                match self.source.attachment(&attachment).await {
                    Ok(bytes) => attachment.bytes = bytes,
                    Err(error) if error.is_corrupt() => {
                        let checkpoint = attachment.checkpoint.clone();
                        self.left_out.refuse(Some(checkpoint), None, error);
                    }
                    Err(error) => return Err(error),
                }
            }
            if attachment.bytes.is_some() {
                kept.push(attachment);
            }
        }
        *attachments = kept;
        Ok(())
    }

    /// Brings the state into the form of the file.
    async fn state(&mut self, arrival: &mut Arrival) -> Result<()> {
        let length = arrival.header.length;
        match (&arrival.state, self.format) {
            (ArrivingState::Whole(_), ExportFormat::Lines) => {}
            (ArrivingState::Tree(top), ExportFormat::Lines) => {
                if length > MAX_LINE as u64 {
                    let error = Error::too_large("a state in a line", length, MAX_LINE as u64);
                    return Err(error.with("instead", "export an archive"));
                }
                arrival.state = ArrivingState::Whole(whole(self.source, *top, length).await?);
            }
            (ArrivingState::Whole(state), ExportFormat::Archive) if state.len() <= INLINE => {}
            (ArrivingState::Whole(state), ExportFormat::Archive) => {
                let state = state.clone();
                arrival.verify()?;
                let mut pieces = Vec::new();
                arrival.state = ArrivingState::Tree(self.chunking.cut(&state, &mut pieces));
                self.push_all(pieces).await?;
            }
            (ArrivingState::Tree(top), ExportFormat::Archive) => {
                let digest = Description::decode(&arrival.meta)?.digest;
                let mut moving = self.chunking.begin(self.source, *top, length);
                let (top, found) = loop {
                    let mut pieces = Vec::new();
                    let step = moving.next(self.source, &mut self.chunking, &mut pieces);
                    let done = step.await?;
                    self.push_all(pieces).await?;
                    if let Some(done) = done {
                        break done;
                    }
                };
                if digest.is_some_and(|digest| digest != found) {
                    return Err(Error::corrupt("the state does not match its digest"));
                }
                arrival.state = ArrivingState::Tree(top);
            }
        }
        Ok(())
    }

    async fn push_all(&mut self, pieces: Vec<Piece>) -> Result<()> {
        for piece in pieces {
            self.push(piece).await?;
        }
        Ok(())
    }

    /// Adds a piece, and lets what has come together be encoded.
    async fn push(&mut self, piece: Piece) -> Result<()> {
        self.size += piece.size();
        self.batch.push(piece);
        if self.size < BATCH {
            return Ok(());
        }
        let worker = self.encoded().await?;
        let pieces = std::mem::take(&mut self.batch);
        self.size = 0;
        self.encoding = Some(Beside::start(move || worker.work(pieces)));
        Ok(())
    }

    /// Waits until what is under way is encoded, and lets it be written.
    async fn encoded(&mut self) -> Result<Worker> {
        let encoding = self.encoding.take().ok_or_else(stopped)?;
        let (mut worker, done) = encoding.end().await?;
        done?;
        for (id, session, error) in worker.refused.drain(..) {
            self.left_out.refuse(Some(id), Some(session), error);
        }
        if worker.out.is_empty() {
            return Ok(worker);
        }
        let (mut output, spare) = self.written().await?;
        let out = std::mem::replace(&mut worker.out, spare);
        if let Some(writer) = &mut self.writer {
            writer.write_all(&out).await.map_err(failed)?;
        }
        self.writing = Some(Beside::start(move || {
            let done = output.take(&out);
            (output, out, done)
        }));
        Ok(worker)
    }

    /// Waits until what is under way is written. Answers empty memory, too.
    async fn written(&mut self) -> Result<(Output, Vec<u8>)> {
        let writing = self.writing.take().ok_or_else(stopped)?;
        let (output, mut spare, done) = writing.end().await?;
        done?;
        spare.clear();
        // What a large state needed is not kept.
        spare.shrink_to(4 * BATCH);
        Ok((output, spare))
    }

    async fn finish(mut self, newest: u64) -> Result<ExportReport> {
        let worker = self.encoded().await?;
        let rest = worker.work(std::mem::take(&mut self.batch));
        self.encoding = Some(Beside::Done(rest));
        let mut worker = self.encoded().await?;
        let (output, spare) = self.written().await?;
        worker.totals.left_out = self.left_out.refused;
        let totals = worker.totals;
        let digest = output.sha256();
        self.writing = Some(Beside::Done((output, spare, Ok(()))));
        worker.encoder.end(&totals, digest, &mut worker.out)?;
        self.encoding = Some(Beside::Done((worker, Ok(()))));
        self.encoded().await?;
        let (output, _) = self.written().await?;
        if let Some(writer) = &mut self.writer {
            writer.flush().await.map_err(failed)?;
        }
        self.tell();
        Ok(ExportReport {
            sessions: totals.sessions,
            checkpoints: totals.checkpoints,
            attachments: totals.attachments,
            bytes: output.bytes,
            newest,
            left_out: self.left_out.refused,
            damaged: self.left_out.refusals,
        })
    }
}

fn stopped() -> Error {
    Error::storage("the export was stopped")
}

fn failed(error: std::io::Error) -> Error {
    Error::storage("the writer of the export failed").because(error)
}

fn is_too_large(error: &Error) -> bool {
    matches!(error.kind(), crate::error::ErrorKind::TooLarge { .. })
}
