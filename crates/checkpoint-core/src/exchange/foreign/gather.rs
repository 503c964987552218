//! Going through foreign entries for the first time: judging each, and remembering where it stands.

mod entry;
mod order;

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::fields::Fields;
use super::names::shown;
use super::piece::Piece;
use super::report::{ForeignReport, Notes, Remark};
use super::scan::{Span, unreadable};
use super::source::Seed;
use super::{ForeignOptions, dispatcher, orchestrator, temporal};
use crate::clock::Timestamp;
use crate::description::Description;
use crate::engine::within;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{CheckpointId, SessionId, Tag, WorkerId};
use crate::limits::Limits;
use crate::status::{Status, Trigger};

pub(super) use entry::Entry;
use entry::digest;
pub(super) use order::Foundation;

/// What holds for every entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) options: ForeignOptions,
    pub(super) limits: Limits,
}

impl Settings {
    /// The most bytes of an entry as written: white space may take more than what it stands between.
    pub(super) fn entry(&self) -> usize {
        let most = self.limits.state.saturating_mul(4);
        let most = most.saturating_add(self.limits.meta);
        usize::try_from(most).unwrap_or(usize::MAX)
    }
}

/// How an entry becomes a checkpoint.
#[derive(Clone, Debug)]
pub(super) enum Reader {
    /// With the session that the file is of, if it is of one.
    Temporal(Option<String>),
    Dispatcher,
    Orchestrator,
}

impl Reader {
    /// Whether its entries have sequences.
    pub(super) const fn is_numbered(&self) -> bool {
        matches!(self, Self::Temporal(_))
    }

    /// The field that tells an entry from others.
    const fn id_field(&self) -> &'static str {
        match self {
            Self::Temporal(_) => "id",
            Self::Dispatcher => "feature_id",
            Self::Orchestrator => "checkpoint_id",
        }
    }

    pub(super) fn read(
        &self,
        piece: Piece<'_>,
        settings: &Settings,
        notes: &mut Notes,
    ) -> Result<Parsed> {
        let parsed = match self {
            Self::Temporal(session) => temporal::read(piece, session.as_deref(), settings, notes),
            Self::Dispatcher => dispatcher::read(piece, settings, notes),
            Self::Orchestrator => orchestrator::read(piece, settings, notes),
        }?;
        parsed.check(&settings.limits)?;
        Ok(parsed)
    }
}

/// An entry as ours.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) id: CheckpointId,
    pub(super) session: SessionId,
    /// Its sequence as written; 0 when the format has none.
    pub(super) number: u64,
    pub(super) revision: u64,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) status: Status,
    pub(super) trigger: Trigger,
    pub(super) worker: Option<WorkerId>,
    pub(super) tags: Vec<Tag>,
    pub(super) step: Option<u64>,
    pub(super) enclosing: Option<CheckpointId>,
    pub(super) description: Description,
    pub(super) state: Bytes,
}

/// Room that is left in the metadata for what is only known when all entries are.
const RESERVED: u64 = 64;

impl Parsed {
    fn check(&self, limits: &Limits) -> Result<()> {
        within("state", self.state.len() as u64, limits.state)?;
        within("tags of a checkpoint", self.tags.len() as u64, limits.tags)?;
        let Description {
            message,
            title,
            step_description,
            reason,
            ..
        } = &self.description;
        for text in [message, title, step_description, reason] {
            within("message", text.len() as u64, limits.message)?;
        }
        let metadata = serde_json::to_vec(&self.description.metadata).map_err(|error| {
            Error::invalid("the metadata does not encode as JSON").because(error)
        })?;
        within(
            "metadata",
            metadata.len() as u64 + RESERVED,
            limits.metadata,
        )?;
        let meta = self.description.encode()?;
        within("description", meta.len() as u64 + RESERVED, limits.meta)
    }

    /// Which of two copies is the newer: by revision, by the last update, by how far the work has come.
    fn rank(&self) -> Rank {
        Rank(self.revision, self.updated_at, self.status.number())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank(u64, Timestamp, u8);

/// Remembers the entries of one source.
#[derive(Debug)]
pub(super) struct Gatherer {
    reader: Reader,
    pub(super) settings: Settings,
    files: Vec<PathBuf>,
    entries: Vec<Entry>,
    /// By a digest of the id.
    ids: HashMap<u64, u32>,
    /// Of each entry, where copies in other files are legal.
    ranks: Option<Vec<Rank>>,
    sessions: Vec<Seed>,
    session_ids: HashMap<SessionId, u32>,
    pub(super) report: ForeignReport,
}

impl Gatherer {
    pub(super) fn new(reader: Reader, settings: Settings) -> Self {
        Self {
            report: ForeignReport::default(),
            reader,
            settings,
            files: Vec::new(),
            entries: Vec::new(),
            ids: HashMap::new(),
            ranks: None,
            sessions: Vec::new(),
            session_ids: HashMap::new(),
        }
    }

    /// Of several copies of a checkpoint in different files the newest is taken.
    pub(super) fn newest_wins(mut self) -> Self {
        self.ranks = Some(Vec::new());
        self
    }

    /// Another file, whose entries follow.
    pub(super) fn file(&mut self, path: PathBuf) {
        self.files.push(path);
    }

    /// Judges an entry of the last file, of which `bytes` is the start or all. Answers what it is when it is taken.
    pub(super) fn take(&mut self, name: &str, span: Span, bytes: &[u8]) -> Option<Parsed> {
        let mut notes = Notes::default();
        let piece = Piece::new(bytes, span.start);
        let read = within("entry", span.length, self.settings.entry() as u64)
            .map_err(|error| error.with("line", span.start.line))
            .and_then(|()| self.reader.read(piece, &self.settings, &mut notes))
            .and_then(|parsed| self.remember(&parsed, span, bytes, name).map(|()| parsed));
        match read {
            Ok(parsed) => {
                self.report.noted(name, notes);
                Some(parsed)
            }
            Err(reason) => {
                let id = Fields::read(piece).ok();
                let id = id.and_then(|fields| fields.get(self.reader.id_field())?.text().ok());
                let reason = reason.with("entry", name);
                self.report.refuse(match id {
                    Some(id) => reason.with("id", shown(&id)),
                    None => reason,
                });
                None
            }
        }
    }

    fn remember(&mut self, parsed: &Parsed, span: Span, bytes: &[u8], name: &str) -> Result<()> {
        let file = self.files.len().saturating_sub(1) as u32;
        let mut entry = Entry {
            id: parsed.id.clone(),
            sequence: parsed.number,
            created_at: parsed.created_at,
            step: parsed.step.unwrap_or(0),
            offset: span.start.offset,
            length: u32::try_from(span.length)
                .map_err(|_| Error::too_large("entry", span.length, u32::MAX.into()))?,
            line: u32::try_from(span.start.line).unwrap_or(u32::MAX),
            digest: digest(bytes),
            file,
            session: 0,
            parent: None,
        };
        let key = id_key(&parsed.id);
        if let Some(&taken) = self.ids.get(&key) {
            self.replaces(taken, parsed, file, name)?;
            entry.session = self.session_of(parsed);
            if let Some(rank) = self
                .ranks
                .as_mut()
                .and_then(|it| it.get_mut(taken as usize))
            {
                let new = parsed.rank();
                if *rank < new {
                    *rank = new;
                    self.entries[taken as usize] = entry;
                }
            }
            return Ok(());
        }
        let n = u32::try_from(self.entries.len())
            .map_err(|_| Error::too_large("number of entries", u64::MAX, u32::MAX.into()))?;
        entry.session = self.session_of(parsed);
        self.ids.insert(key, n);
        if let Some(ranks) = &mut self.ranks {
            ranks.push(parsed.rank());
        }
        self.entries.push(entry);
        Ok(())
    }

    /// Whether an entry may stand for one that has its id already.
    fn replaces(&mut self, taken: u32, parsed: &Parsed, file: u32, name: &str) -> Result<()> {
        let before = &self.entries[taken as usize];
        let path = self.files.get(before.file as usize);
        let path = path.map_or_else(String::new, |path| path.display().to_string());
        let twice = |problem: &str| {
            Error::new(ErrorKind::AlreadyExists, problem)
                .with("checkpoint", &parsed.id)
                .with("first in", &path)
                .with("first at line", before.line)
        };
        if self.ranks.is_none() || before.file == file {
            return Err(twice("the id is there twice; only the first is taken"));
        }
        let session = &self.sessions[before.session as usize].id;
        if *session != parsed.session {
            return Err(twice("the id is there twice, in different sessions"));
        }
        self.report.remark(
            Remark::OlderLeft,
            format_args!("{} in {path} and {name}", parsed.id),
        );
        Ok(())
    }

    fn session_of(&mut self, parsed: &Parsed) -> u32 {
        let next = self.sessions.len() as u32;
        let sessions = &mut self.sessions;
        *self
            .session_ids
            .entry(parsed.session.clone())
            .or_insert_with(|| {
                sessions.push(Seed {
                    id: parsed.session.clone(),
                    name: parsed.description.title.clone(),
                    created_at: parsed.created_at,
                });
                next
            })
    }
}

/// Short enough to keep for each entry. Two ids with the same are told as one that is there twice.
fn id_key(id: &CheckpointId) -> u64 {
    let digest = blake3::hash(id.to_string().as_bytes());
    let mut key = [0; 8];
    key.copy_from_slice(&digest.as_bytes()[..8]);
    u64::from_le_bytes(key)
}

/// Opens a file for reading.
pub(super) fn open_file(path: &Path) -> Result<File> {
    // Looked at first: opening a pipe would wait for its other end.
    if fs::metadata(path).map_err(unreadable)?.is_file() {
        File::open(path).map_err(unreadable)
    } else {
        Err(Error::invalid("this is no file"))
    }
}

/// Whether there is a file, and no link, which may lead anywhere.
pub(super) fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|kind| kind.is_file())
}
