//! Checkpoints of orchestrated tasks: one, an array of them, or their directory.

mod index;

use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::ImportFormat;
use super::dispatcher::document;
use super::fields::{Fields, at, time_of};
use super::gather::{Gatherer, Parsed, Reader, Settings, open_file};
use super::imported::Imported;
use super::piece::Piece;
use super::report::{Notes, Remark};
use super::scan::{Place, Scanner, unreadable};
use super::source::Foreign;
use crate::clock::Timestamp;
use crate::description::Description;
use crate::engine::HIGHEST;
use crate::error::Result;
use crate::id::{CheckpointId, SessionId, WorkerId};
use crate::status::{Status, Trigger};

/// Where checkpoints lie by status; in the directory itself those that were taken out of it.
const PLACES: [(&str, &[Status]); 4] = [
    (
        "active",
        &[Status::Created, Status::Active, Status::Restored],
    ),
    ("completed", &[Status::Completed]),
    ("failed", &[Status::Failed]),
    ("", Status::ALL),
];

pub(super) fn open(path: &Path, settings: Settings) -> Result<Foreign> {
    let gatherer = Gatherer::new(Reader::Orchestrator, settings);
    let kind = fs::metadata(path).map_err(unreadable)?;
    let gatherer = if kind.is_dir() {
        directory(path, gatherer.newest_wins())?
    } else {
        one_or_many(path, gatherer)?
    };
    Ok(gatherer.finish(path, 0))
}

/// A file with one checkpoint, or an array of them.
fn one_or_many(path: &Path, mut gatherer: Gatherer) -> Result<Gatherer> {
    let most = gatherer.settings.entry();
    let file = BufReader::with_capacity(64 << 10, open_file(path)?);
    let mut scanner = Scanner::new(file, Place::START);
    gatherer.file(path.to_owned());
    scanner.skip_mark()?;
    let mut bytes = Vec::new();
    if scanner.peek()? == Some(b'[') {
        scanner.open(b'[')?;
        let (mut first, mut n) = (true, 0_u64);
        while scanner.element(&mut first)? {
            bytes.clear();
            let span = scanner.value(&mut bytes, most)?;
            gatherer.take(&format!("[{n}]"), span, &bytes);
            n += 1;
        }
    } else {
        let span = scanner.value(&mut bytes, most)?;
        gatherer.take("checkpoint", span, &bytes);
    }
    scanner.end()?;
    Ok(gatherer)
}

/// The checkpoint files of a directory, in the order of its places and then by name.
pub(super) fn files(path: &Path, left: &mut dyn FnMut(String)) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for (place, _) in PLACES {
        let directory = path.join(place);
        // A link may lead anywhere. The root was named by the user.
        let there = fs::symlink_metadata(&directory).is_ok_and(|kind| kind.is_dir());
        if !there && !place.is_empty() {
            continue;
        }
        let start = files.len();
        for entry in fs::read_dir(&directory).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type().map_err(unreadable)?;
            let named = name.starts_with("checkpoint_") && name.ends_with(".json");
            let known = place.is_empty()
                && (name == index::NAME || PLACES.iter().any(|(place, _)| *place == name));
            if named && kind.is_file() {
                files.push(directory.join(entry.file_name()));
            } else if !known || kind.is_symlink() {
                left(Path::new(place).join(name).display().to_string());
            }
        }
        files[start..].sort_unstable();
    }
    Ok(files)
}

fn directory(path: &Path, mut gatherer: Gatherer) -> Result<Gatherer> {
    let mut left = Vec::new();
    let files = files(path, &mut |file| left.push(file))?;
    for file in left {
        gatherer.report.remark(Remark::FileIgnored, file);
    }
    let mut found = index::Found::default();
    for file in files {
        let name = file.strip_prefix(path).unwrap_or(&file).to_owned();
        let shown = name.display().to_string();
        let (span, bytes) = match document(&file, gatherer.settings.entry()) {
            Ok(read) => read,
            Err(error) => {
                gatherer.report.refuse(error.with("entry", shown));
                continue;
            }
        };
        gatherer.file(file);
        let Some(parsed) = gatherer.take(&shown, span, &bytes) else {
            continue;
        };
        agrees(&name, &parsed, &mut gatherer);
        found.add(&parsed);
    }
    index::compare(path, &found, &mut gatherer);
    Ok(gatherer)
}

/// Remarks where the place of a file says something else than it holds. What it holds counts.
fn agrees(name: &Path, parsed: &Parsed, gatherer: &mut Gatherer) {
    let place = name.parent().unwrap_or(Path::new(""));
    let statuses = PLACES.iter().find(|(it, _)| Path::new(it) == place);
    let (status, shown) = (parsed.status, name.display());
    if statuses.is_some_and(|(_, statuses)| !statuses.contains(&status)) {
        let on = format!("{shown} holds one that is {status}");
        gatherer.report.remark(Remark::Disagreement, on);
    }
    let named = name.file_stem().and_then(|stem| stem.to_str());
    let named = named.and_then(|stem| stem.strip_prefix("checkpoint_"));
    if named.is_some_and(|named| *named != *parsed.id.to_string()) {
        let on = format!("{shown} holds the checkpoint {}", parsed.id);
        gatherer.report.remark(Remark::Disagreement, on);
    }
}

/// `revision` is not among those that the format promises, and is heeded where it stands.
const FIELDS: &[&str] = &[
    "checkpoint_id",
    "task_id",
    "task_title",
    "state",
    "step_number",
    "total_steps",
    "step_description",
    "data",
    "metadata",
    "created_at",
    "updated_at",
    "worker_id",
    "parent_checkpoint_id",
    "revision",
];

/// Reads one checkpoint. Its state is `data`.
pub(super) fn read(piece: Piece<'_>, settings: &Settings, notes: &mut Notes) -> Result<Parsed> {
    let fields = Fields::read(piece)?;
    let (zone, depth) = (settings.options.zone, settings.limits.depth);
    let id = fields.id("checkpoint_id", notes)?;
    let task = fields.id("task_id", notes)?;
    let status = fields.need("state", status)?;
    let created_at = fields.time("created_at", zone, notes)?;
    let updated_at = updated(&fields, created_at, settings, notes)?;
    let title = fields.or_assume("task_title", notes, "taken as empty", Piece::text)?;
    let message = fields.or_assume("step_description", notes, "taken as empty", Piece::text)?;
    let step = fields.or_assume("step_number", notes, "taken as none", Piece::whole)?;
    let total = fields.maybe("total_steps", Piece::whole)?;
    let worker = fields.maybe_id("worker_id", notes)?;
    let enclosing = fields.maybe_id("parent_checkpoint_id", notes)?;
    let revision = fields.maybe("revision", revision)?;
    let state = fields.or_assume("data", notes, "taken as {}", |piece| data(piece, depth))?;
    let metadata = fields.or_assume("metadata", notes, "taken as {}", |it| object(it, depth))?;
    if let Some(total) = total.filter(|total| step.is_some_and(|step| step > *total)) {
        let on = format!("step {} of {total}", step.unwrap_or_default());
        notes.add(Remark::Disagreement, on);
    }

    let mut imported = Imported::new(ImportFormat::Orchestrator);
    for (name, id) in [
        ("checkpoint_id", Some(&id)),
        ("task_id", Some(&task)),
        ("worker_id", worker.as_ref()),
        ("parent_checkpoint_id", enclosing.as_ref()),
    ] {
        imported.keep_id(name, id);
    }
    imported.keep("total_steps", total);
    imported.keep_fields(fields.unknown(FIELDS, depth, notes)?);
    Ok(Parsed {
        id: CheckpointId::new(&id.legal)?,
        session: SessionId::new(&task.legal)?,
        number: 0,
        revision: revision.unwrap_or(1),
        created_at,
        updated_at,
        status,
        trigger: Trigger::Manual,
        worker: worker.map(|id| WorkerId::new(id.legal)).transpose()?,
        tags: Vec::new(),
        step,
        enclosing: enclosing
            .map(|id| CheckpointId::new(id.legal))
            .transpose()?,
        description: Description {
            message: message.unwrap_or_default(),
            title: title.unwrap_or_default(),
            metadata: imported.into_metadata(metadata.unwrap_or_default()),
            ..Description::default()
        },
        state: state.unwrap_or_else(|| b"{}".to_vec()).into(),
    })
}

/// The time of the last update; that of the creation when there is none.
fn updated(
    fields: &Fields<'_>,
    created_at: Timestamp,
    settings: &Settings,
    notes: &mut Notes,
) -> Result<Timestamp> {
    let zone = settings.options.zone;
    let updated_at = fields.maybe("updated_at", |piece| time_of(piece, zone, notes))?;
    match updated_at {
        None => notes.add(Remark::FieldAssumed, "updated_at, taken as created_at"),
        Some(time) if time < created_at => {
            notes.add(Remark::Disagreement, "updated_at is before created_at");
        }
        Some(_) => {}
    }
    Ok(updated_at.unwrap_or(created_at))
}

fn status(piece: Piece<'_>) -> Result<Status> {
    Status::from_name(&piece.text()?).map_err(|error| at(piece, error))
}

fn revision(piece: Piece<'_>) -> Result<u64> {
    let number = piece.whole()?;
    if (1..=HIGHEST).contains(&number) {
        return Ok(number);
    }
    let problem = format!("a revision must be from 1 to {HIGHEST}");
    Err(piece.error(problem).with("value", number))
}

fn data(piece: Piece<'_>, depth: u64) -> Result<Vec<u8>> {
    if !piece.is_object() {
        return Err(piece.wrong("an object"));
    }
    piece.sound(depth, false)?;
    let mut state = Vec::with_capacity(piece.bytes.len());
    piece.compact(&mut state);
    Ok(state)
}

fn object(piece: Piece<'_>, depth: u64) -> Result<Map<String, Value>> {
    match piece.data(depth)? {
        Value::Object(object) => Ok(object),
        _ => Err(piece.wrong("an object")),
    }
}
