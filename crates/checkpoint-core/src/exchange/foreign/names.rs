//! Ids and times that other systems wrote, as ours.

use chrono::{DateTime, FixedOffset, NaiveDateTime};

use super::report::{Notes, Remark};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::MAX_ID_BYTES;

/// Bytes that are kept of an id that is too long; a digest of the whole comes after them.
const KEPT: usize = 200;

/// The id that stands for a foreign one: the same where it is legal. Control characters become `_` and what is too long
/// is cut, and then a digest of the whole follows, so that different ids stay different and the same stays the same.
///
/// # Errors
///
/// `Invalid` when it is empty.
pub(super) fn legal(text: &str, notes: &mut Notes) -> Result<String> {
    if text.is_empty() {
        return Err(Error::invalid("an id is empty; it needs at least one byte"));
    }
    if text.len() <= MAX_ID_BYTES && !text.contains(char::is_control) {
        return Ok(text.to_owned());
    }
    let mut made: String = text
        .chars()
        .map(|c| if c.is_control() { '_' } else { c })
        .take(KEPT)
        .collect();
    while made.len() > KEPT {
        made.pop();
    }
    made.push('~');
    let digest = blake3::hash(text.as_bytes()).to_hex();
    made.push_str(&digest[..16]);
    notes.add(
        Remark::IdMadeLegal,
        format_args!("{} became {made}", shown(text)),
    );
    Ok(made)
}

/// A time as other systems write it. One without a zone is taken at `zone`.
///
/// # Errors
///
/// `Invalid` when it is no time, or one before the year 1 or after 9999.
pub(super) fn time(text: &str, zone: FixedOffset, notes: &mut Notes) -> Result<Timestamp> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Timestamp::from_micros(time.timestamp_micros());
    }
    for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, format) {
            let micros = time.and_utc().timestamp_micros();
            let east = i64::from(zone.local_minus_utc()) * 1_000_000;
            notes.add(Remark::TimeWithoutZone, format_args!("{text} at {zone}"));
            return Timestamp::from_micros(micros.saturating_sub(east));
        }
    }
    Err(Error::invalid(
        "must be a time such as 2026-11-20T10:00:00Z, between the years 0001 and 9999",
    )
    .with("value", shown(text)))
}

/// The start of a text from outside, so that it can be told.
pub(super) fn shown(text: &str) -> String {
    let start: String = text.chars().take(64).collect();
    let more = if start.len() < text.len() { "…" } else { "" };
    format!("{start:?}{more}")
}
