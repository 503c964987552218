//! Exports of temporal checkpoints: of everything, or of one session.

mod outline;

use std::io::{BufReader, Seek, SeekFrom};
use std::path::Path;

use serde_json::Value;

use super::ImportFormat;
use super::environment::masked;
use super::fields::{Fields, at};
use super::gather::{Gatherer, Parsed, Reader, Settings, open_file};
use super::imported::Imported;
use super::names::{legal, shown};
use super::piece::Piece;
use super::report::{Notes, Remark};
use super::scan::{Place, Scanner, unreadable};
use super::source::Foreign;
use crate::description::Description;
use crate::engine::HIGHEST;
use crate::error::{Error, Result};
use crate::id::{CheckpointId, SessionId, Tag};
use crate::status::{Status, Trigger};
use outline::Outline;

/// The longest checksum that is kept, in bytes.
const CHECKSUM: usize = 1 << 10;

pub(super) fn open(path: &Path, settings: Settings) -> Result<Foreign> {
    let outline = Outline::read(path)?;
    outline.check_version()?;
    let session = outline.text("session_id")?;
    let mut gatherer = Gatherer::new(Reader::Temporal(session), settings);
    gatherer.file(path.to_owned());
    let newest = outline.judge(&mut gatherer);
    if outline.checkpoints_are_null {
        gatherer
            .report
            .remark(Remark::FieldAssumed, "checkpoints, taken as none");
    } else {
        entries(path, outline.checkpoints.start, &mut gatherer)?;
    }
    Ok(gatherer.finish(path, newest))
}

/// Goes through the array of checkpoints.
fn entries(path: &Path, start: Place, gatherer: &mut Gatherer) -> Result<()> {
    let mut file = open_file(path)?;
    file.seek(SeekFrom::Start(start.offset))
        .map_err(unreadable)?;
    let mut scanner = Scanner::new(BufReader::with_capacity(64 << 10, file), start);
    let most = gatherer.settings.entry();
    let (mut first, mut n, mut last) = (true, 0_u64, 0);
    let mut bytes = Vec::new();
    scanner.open(b'[')?;
    while scanner.element(&mut first)? {
        bytes.clear();
        let span = scanner.value(&mut bytes, most)?;
        let name = format!("checkpoints[{n}]");
        if let Some(parsed) = gatherer.take(&name, span, &bytes) {
            if parsed.number < last {
                let on = format!("{name} has {} after {last}", parsed.number);
                gatherer.report.remark(Remark::OutOfOrder, on);
            }
            last = parsed.number;
        }
        n += 1;
    }
    Ok(())
}

const FIELDS: &[&str] = &[
    "id",
    "timestamp",
    "sequence_number",
    "message",
    "tags",
    "state",
    "trigger",
    "session_id",
    "checksum",
];

/// Reads one checkpoint. `of` is the session that the export is of.
pub(super) fn read(
    piece: Piece<'_>,
    of: Option<&str>,
    settings: &Settings,
    notes: &mut Notes,
) -> Result<Parsed> {
    let fields = Fields::read(piece)?;
    let depth = settings.limits.depth;
    let id = fields.id("id", notes)?;
    let session = session(&fields, of, notes)?;
    let created_at = fields.time("timestamp", settings.options.zone, notes)?;
    let number = fields.need("sequence_number", sequence)?;
    let message = fields.or_assume("message", notes, "taken as empty", Piece::text)?;
    let tags = fields.maybe("tags", |piece| tags(piece, notes))?;
    let trigger = fields.or_assume("trigger", notes, "taken as manual", trigger)?;
    let (trigger, reason) = trigger.unwrap_or((Trigger::Manual, String::new()));
    if trigger == Trigger::Custom {
        notes.add(Remark::TriggerUnknown, shown(&reason));
    }
    let state = fields.need("state", |piece| state(piece, settings, notes))?;

    let mut imported = Imported::new(ImportFormat::Temporal);
    imported.keep_id("id", Some(&id));
    imported.keep("session_id", session.1);
    imported.keep("checksum", checksum(&fields, notes));
    imported.keep_fields(fields.unknown(FIELDS, depth, notes)?);
    Ok(Parsed {
        id: CheckpointId::new(&id.legal)?,
        session: session.0,
        number,
        revision: 1,
        created_at,
        updated_at: created_at,
        status: Status::Created,
        trigger,
        worker: None,
        tags: tags.unwrap_or_default(),
        step: None,
        enclosing: None,
        description: Description {
            message: message.unwrap_or_default(),
            reason,
            metadata: imported.into_metadata(serde_json::Map::new()),
            ..Description::default()
        },
        state: state.into(),
    })
}

/// The session, and how it was written where that differs.
fn session(
    fields: &Fields<'_>,
    of: Option<&str>,
    notes: &mut Notes,
) -> Result<(SessionId, Option<String>)> {
    let own = match of {
        None => Some(fields.id("session_id", notes)?),
        Some(_) => fields.maybe_id("session_id", notes)?,
    };
    let of_file = match of {
        None => None,
        Some(of) => {
            let legal = legal(of, notes).map_err(|error| error.with("field", "session_id"))?;
            let written = (legal != of).then(|| of.to_owned());
            Some((legal, written))
        }
    };
    let (legal, written) = match (own, of_file) {
        (Some(own), Some((of, _))) if own.legal != of => {
            let problem = "an entry is of another session than the export";
            return Err(Error::invalid(problem)
                .with("session", own.legal)
                .with("export of", of));
        }
        (Some(own), _) => (own.legal, own.written),
        (None, Some(of)) => of,
        (None, None) => return Err(Error::invalid("a checkpoint has no session")),
    };
    Ok((SessionId::new(legal)?, written))
}

fn sequence(piece: Piece<'_>) -> Result<u64> {
    let number = piece.whole()?;
    if number <= HIGHEST {
        return Ok(number);
    }
    let problem = format!("a sequence must be at most {HIGHEST}");
    Err(piece.error(problem).with("value", number))
}

fn tags(piece: Piece<'_>, notes: &mut Notes) -> Result<Vec<Tag>> {
    let mut tags = Vec::new();
    piece.each_element(|n, piece| {
        let tag = Tag::new(piece.text()?).map_err(|error| at(piece, error));
        tags.push(tag.map_err(|error| error.with("tag", n))?);
        Ok(())
    })?;
    let count = tags.len();
    tags.sort_unstable();
    tags.dedup();
    if tags.len() < count {
        notes.add(
            Remark::TagTwice,
            format_args!("{} left out", count - tags.len()),
        );
    }
    Ok(tags)
}

/// `"Manual"`, `"Scheduled"`, or `{"Automatic": REASON}`.
fn trigger(piece: Piece<'_>) -> Result<(Trigger, String)> {
    if piece.is_text() {
        let name = piece.text()?;
        return Ok(match name.to_ascii_lowercase().as_str() {
            "manual" => (Trigger::Manual, String::new()),
            "scheduled" => (Trigger::Scheduled, String::new()),
            _ => (Trigger::Custom, name),
        });
    }
    let expected = "\"Manual\", \"Scheduled\" or {\"Automatic\": a reason}";
    let Some((name, reason)) = only_member(piece).map_err(|_| piece.wrong(expected))? else {
        return Err(piece.wrong(expected));
    };
    if !name.eq_ignore_ascii_case("automatic") {
        return Ok((Trigger::Custom, name));
    }
    if reason.is_text() {
        let reason = reason.text()?;
        let known = Trigger::from_name(&snake(&reason)).ok();
        let other =
            |it: &Trigger| matches!(it, Trigger::Manual | Trigger::Scheduled | Trigger::Custom);
        let known = known.filter(|it| !other(it));
        return Ok(known.map_or((Trigger::Custom, reason), |it| (it, String::new())));
    }
    // A reason of the user's own: `{"Custom": "what it is"}`.
    match only_member(reason)? {
        Some((_, text)) if text.is_text() => Ok((Trigger::Custom, text.text()?)),
        Some((name, _)) => Ok((Trigger::Custom, name)),
        None => Err(reason.wrong("a reason")),
    }
}

/// The member of an object of one.
fn only_member(piece: Piece<'_>) -> Result<Option<(String, Piece<'_>)>> {
    let (mut found, mut count) = (None, 0);
    piece.each_member(|key, value| {
        (found, count) = (Some((key, value)), count + 1);
        Ok(())
    })?;
    Ok(found.filter(|_| count == 1))
}

/// `BranchSwitch` as `branch_switch`.
fn snake(name: &str) -> String {
    let mut made = String::new();
    for (n, c) in name.char_indices().take(64) {
        if c.is_ascii_uppercase() && n > 0 {
            made.push('_');
        }
        made.push(c.to_ascii_lowercase());
    }
    made
}

fn state(piece: Piece<'_>, settings: &Settings, notes: &mut Notes) -> Result<Vec<u8>> {
    if !piece.is_object() {
        return Err(piece.wrong("an object"));
    }
    piece.sound(settings.limits.depth, false)?;
    if !settings.options.keep_environment {
        return masked(piece, notes);
    }
    let mut state = Vec::with_capacity(piece.bytes.len());
    piece.compact(&mut state);
    Ok(state)
}

/// The foreign checksum. How it was made is not known, so it can be kept and not be verified; whatever stands in its
/// place is no reason to refuse a checkpoint.
fn checksum(fields: &Fields<'_>, notes: &mut Notes) -> Option<Value> {
    let Some(piece) = fields.get("checksum") else {
        notes.add(Remark::ChecksumEmpty, "none");
        return None;
    };
    match piece.text() {
        Ok(text) if text.is_empty() => {
            notes.add(Remark::ChecksumEmpty, "empty");
            None
        }
        Ok(text) if text.len() <= CHECKSUM => {
            notes.add(Remark::ChecksumUnverifiable, shown(&text));
            Some(text.into())
        }
        _ => {
            notes.add(Remark::ChecksumUnverifiable, "not kept, since it is none");
            None
        }
    }
}
