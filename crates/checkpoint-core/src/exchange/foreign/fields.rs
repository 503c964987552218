//! The members of an object of a foreign file, each read as what it must be.

use chrono::FixedOffset;
use serde_json::{Map, Value};

use super::names::{legal, shown, time};
use super::piece::Piece;
use super::report::{Notes, Remark};
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// The most members of an entry.
const MOST: usize = 1_024;

/// The members of an object, each key once.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    object: Piece<'a>,
    members: Vec<(String, Piece<'a>)>,
}

impl<'a> Fields<'a> {
    pub(super) fn read(object: Piece<'a>) -> Result<Self> {
        let mut members: Vec<(String, Piece<'a>)> = Vec::new();
        object.each_member(|key, value| {
            if members.len() >= MOST {
                return Err(value.error(format!("an entry has more than {MOST} fields")));
            }
            if members.iter().any(|(name, _)| *name == key) {
                return Err(value
                    .error("a field is there twice; nobody knows which one holds")
                    .with("field", shown(&key)));
            }
            members.push((key, value));
            Ok(())
        })?;
        Ok(Self { object, members })
    }

    /// The field with this name; none when it is missing or null.
    pub(super) fn get(&self, name: &str) -> Option<Piece<'a>> {
        let found = self.members.iter().find(|(key, _)| key == name);
        found
            .map(|(_, value)| *value)
            .filter(|value| !value.is_null())
    }

    /// Reads a field that may be missing or null.
    pub(super) fn maybe<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(Piece<'a>) -> Result<T>,
    ) -> Result<Option<T>> {
        self.get(name)
            .map(read)
            .transpose()
            .map_err(|error| error.with("field", name))
    }

    /// Reads a field that must be there.
    pub(super) fn need<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(Piece<'a>) -> Result<T>,
    ) -> Result<T> {
        self.maybe(name, read)?.ok_or_else(|| {
            let null = self.members.iter().any(|(key, _)| key == name);
            let problem = if null { "is null" } else { "is missing" };
            let object = self.object;
            object
                .error(format!("a field {problem} and must be there"))
                .with("field", name)
        })
    }

    /// Reads a field, and assumes what is told when it is missing or null.
    pub(super) fn or_assume<T>(
        &self,
        name: &'static str,
        notes: &mut Notes,
        assumed: &str,
        read: impl FnOnce(Piece<'a>) -> Result<T>,
    ) -> Result<Option<T>> {
        let read = self.maybe(name, read)?;
        if read.is_none() {
            notes.add(Remark::FieldAssumed, format_args!("{name}, {assumed}"));
        }
        Ok(read)
    }

    /// A time that must be there.
    pub(super) fn time(
        &self,
        name: &'static str,
        zone: FixedOffset,
        notes: &mut Notes,
    ) -> Result<Timestamp> {
        self.need(name, |piece| time_of(piece, zone, notes))
    }

    /// A legal id that must be there.
    pub(super) fn id(&self, name: &'static str, notes: &mut Notes) -> Result<ForeignId> {
        self.need(name, |piece| ForeignId::read(piece, notes))
    }

    /// A legal id; none when the field is missing, null or empty.
    pub(super) fn maybe_id(
        &self,
        name: &'static str,
        notes: &mut Notes,
    ) -> Result<Option<ForeignId>> {
        let text = self.maybe(name, |piece| Ok((piece, piece.text()?)))?;
        match text {
            Some((_, text)) if text.is_empty() => {
                notes.add(
                    Remark::FieldAssumed,
                    format_args!("{name} is empty, taken as none"),
                );
                Ok(None)
            }
            Some((piece, _)) => ForeignId::read(piece, notes)
                .map(Some)
                .map_err(|error| error.with("field", name)),
            None => Ok(None),
        }
    }

    /// The fields that are not among these, as data, noted.
    pub(super) fn unknown(
        &self,
        known: &[&str],
        depth: u64,
        notes: &mut Notes,
    ) -> Result<Map<String, Value>> {
        let mut unknown = Map::new();
        for (key, value) in &self.members {
            if !known.contains(&key.as_str()) {
                let data = value.data(depth);
                let data = data.map_err(|error| error.with("field", shown(key)))?;
                notes.add(Remark::FieldUnknown, shown(key));
                unknown.insert(key.clone(), data);
            }
        }
        Ok(unknown)
    }
}

pub(super) fn time_of(piece: Piece<'_>, zone: FixedOffset, notes: &mut Notes) -> Result<Timestamp> {
    let read = time(&piece.text()?, zone, notes);
    read.map_err(|error| at(piece, error))
}

/// The error with the place of a value.
pub(super) fn at(piece: Piece<'_>, error: Error) -> Error {
    error
        .with("line", piece.place.line)
        .with("column", piece.place.column())
}

/// An id that is legal here, and how it was written where that differs.
#[derive(Clone, Debug)]
pub(super) struct ForeignId {
    pub(super) legal: String,
    pub(super) written: Option<String>,
}

impl ForeignId {
    fn read(piece: Piece<'_>, notes: &mut Notes) -> Result<Self> {
        let text = piece.text()?;
        let legal = legal(&text, notes).map_err(|error| at(piece, error))?;
        let written = (legal != text).then_some(text);
        Ok(Self { legal, written })
    }
}
