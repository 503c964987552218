//! Checkpoint files of a resumable parallel dispatcher: one for each feature.

mod progress;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::ImportFormat;
use super::fields::{Fields, at, time_of};
use super::gather::{Gatherer, Parsed, Reader, Settings, is_file, open_file};
use super::imported::Imported;
use super::names::{legal, shown};
use super::piece::Piece;
use super::report::{Notes, Remark};
use super::scan::{Place, Scanner, Span, unreadable};
use super::source::Foreign;
use crate::clock::Timestamp;
use crate::description::Description;
use crate::engine::within;
use crate::error::{Error, Result};
use crate::id::{CheckpointId, SessionId};
use crate::status::Trigger;
use progress::Progress;

/// The only version of the format.
const VERSION: &str = "1.0";
/// How the names of the files end.
const SUFFIX: &str = "-checkpoint.json";
/// What is put after the name of a file for its backup.
const BACKUP: &str = ".bak";

pub(super) fn open(path: &Path, settings: Settings) -> Result<Foreign> {
    let mut gatherer = Gatherer::new(Reader::Dispatcher, settings);
    let kind = fs::metadata(path).map_err(unreadable)?;
    if kind.is_dir() {
        let mut left = Vec::new();
        let files = files(path, &mut |file| left.push(file))?;
        for file in left {
            gatherer.report.remark(Remark::FileIgnored, file);
        }
        for file in files {
            take(&file, &mut gatherer);
        }
    } else {
        take(path, &mut gatherer);
    }
    Ok(gatherer.finish(path, 0))
}

/// The checkpoint files of a directory, by name. A backup whose file is gone stands for it.
pub(super) fn files(path: &Path, left: &mut dyn FnMut(String)) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let main = name.strip_suffix(BACKUP);
        if !entry.file_type().map_err(unreadable)?.is_file() {
            // A link may lead anywhere.
            left(format!("{name}, which is no file"));
        } else if !main.unwrap_or(&name).ends_with(SUFFIX) {
            left(name);
        } else if main.is_none_or(|main| !path.join(main).exists()) {
            files.push(path.join(entry.file_name()));
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// The backup of a file, if it has one.
pub(super) fn backup_of(path: &Path) -> Option<PathBuf> {
    let mut name = path.file_name()?.to_owned();
    name.push(BACKUP);
    Some(path.with_file_name(name)).filter(|backup| is_file(backup))
}

/// Takes the file, or its backup when it is no JSON.
fn take(path: &Path, gatherer: &mut Gatherer) {
    let name = file_name(path);
    let (most, depth) = (gatherer.settings.entry(), gatherer.settings.limits.depth);
    let (taken, span, bytes) = match load(path, most, depth) {
        Ok((span, bytes)) => (path.to_owned(), span, bytes),
        Err(error) => match backup_of(path).map(|it| (load(&it, most, depth), it)) {
            Some((Ok((span, bytes)), backup)) => {
                let report = &mut gatherer.report;
                report.remark(Remark::BackupTaken, format_args!("of {name}: {error}"));
                (backup, span, bytes)
            }
            _ => return gatherer.report.refuse(error.with("entry", name)),
        },
    };
    gatherer.file(taken);
    let Some(parsed) = gatherer.take(&name, span, &bytes) else {
        return;
    };
    let feature = name.trim_end_matches(BACKUP).strip_suffix(SUFFIX);
    if feature.is_some_and(|it| *it != *parsed.session.to_string()) {
        let on = format!("{name} holds the feature {}", parsed.session);
        gatherer.report.remark(Remark::Disagreement, on);
    }
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// The one value of a file, which is sound.
fn load(path: &Path, most: usize, depth: u64) -> Result<(Span, Vec<u8>)> {
    let (span, bytes) = document(path, most)?;
    Piece::new(&bytes, span.start).sound(depth, false)?;
    Ok((span, bytes))
}

/// The one value of a file, whole.
pub(super) fn document(path: &Path, most: usize) -> Result<(Span, Vec<u8>)> {
    let file = open_file(path)?;
    let length = file.metadata().map_err(unreadable)?.len();
    within("file", length, most as u64)?;
    let mut whole = Vec::new();
    // It may have grown since.
    file.take(most as u64)
        .read_to_end(&mut whole)
        .map_err(unreadable)?;
    let mut scanner = Scanner::new(&whole[..], Place::START);
    scanner.skip_mark()?;
    let mut bytes = Vec::new();
    let span = scanner.value(&mut bytes, most)?;
    scanner.end()?;
    Ok((span, bytes))
}

/// Reads the checkpoint of a feature. Its state is all that the file holds, known or not.
pub(super) fn read(piece: Piece<'_>, settings: &Settings, notes: &mut Notes) -> Result<Parsed> {
    let fields = Fields::read(piece)?;
    fields.need("version", version)?;
    let feature = fields.id("feature_id", notes)?;
    let created_at = fields.time("timestamp", settings.options.zone, notes)?;
    if created_at == Timestamp::MIN {
        notes.add(Remark::TimeNotSet, "timestamp");
    }
    piece.sound(settings.limits.depth, false)?;
    let mut state = Vec::with_capacity(piece.bytes.len());
    piece.compact(&mut state);
    within("state", state.len() as u64, settings.limits.state)?;
    fields.maybe("circuit_breaker", |piece| breaker(piece, settings, notes))?;
    let progress = Progress::read(&fields)?;

    let mut imported = Imported::new(ImportFormat::Dispatcher);
    imported.keep_id("feature_id", Some(&feature));
    imported.keep("total_steps", progress.total());
    // A file has no id of its own. The same file is the same checkpoint, and a changed one the next.
    let digest = blake3::hash(&state).to_hex();
    let id = legal(&format!("{}-{}", feature.legal, &digest[..16]), notes)?;
    Ok(Parsed {
        id: CheckpointId::new(id)?,
        session: SessionId::new(&feature.legal)?,
        number: 0,
        revision: 1,
        created_at,
        updated_at: created_at,
        status: progress.status(),
        trigger: Trigger::Manual,
        worker: None,
        tags: Vec::new(),
        step: Some(progress.completed()),
        enclosing: None,
        description: Description {
            metadata: imported.into_metadata(serde_json::Map::new()),
            ..Description::default()
        },
        state: state.into(),
    })
}

fn version(piece: Piece<'_>) -> Result<()> {
    let version = piece.text()?;
    if version == VERSION {
        return Ok(());
    }
    let problem = format!(
        "the file has version {}, and {VERSION} is known",
        shown(&version)
    );
    Err(at(piece, Error::unsupported(problem)))
}

/// Looks at the fields of the breaker. What they say stays in the state.
fn breaker(piece: Piece<'_>, settings: &Settings, notes: &mut Notes) -> Result<()> {
    let fields = Fields::read(piece)?;
    fields.maybe("state", |piece| match piece.whole()? {
        0..=2 => Ok(()),
        other => Err(piece
            .error("must be 0 (closed), 1 (open) or 2 (half-open)")
            .with("value", other)),
    })?;
    fields.maybe("failure_count", Piece::whole)?;
    fields.maybe("success_count", Piece::whole)?;
    fields.maybe("consecutive_opens", Piece::whole)?;
    let zone = settings.options.zone;
    fields.maybe("last_failure_time", |piece| time_of(piece, zone, notes))?;
    Ok(())
}
