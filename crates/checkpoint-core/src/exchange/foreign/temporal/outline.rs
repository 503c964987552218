//! What an export says around its checkpoints, about all of them.

use std::io::BufReader;
use std::path::Path;

use super::super::fields::time_of;
use super::super::gather::{Gatherer, open_file};
use super::super::names::shown;
use super::super::piece::Piece;
use super::super::report::{Notes, Remark};
use super::super::scan::{Place, Scanner, Span};
use crate::engine::HIGHEST;
use crate::error::{Error, Result};

/// The version of the export of one session. That of everything has none.
const VERSION: &str = "1.0";

/// The most bytes of what is said about the whole.
const SMALL: usize = 4 << 10;

/// What stands around the checkpoints.
#[derive(Debug)]
pub(super) struct Outline {
    pub(super) checkpoints: Span,
    pub(super) checkpoints_are_null: bool,
    rest: Vec<(String, Vec<u8>, Span)>,
}

impl Outline {
    /// Goes through the whole file without looking into its checkpoints: what is said about all of them may come last.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let file = BufReader::with_capacity(64 << 10, open_file(path)?);
        let mut scanner = Scanner::new(file, Place::START);
        scanner.skip_mark()?;
        scanner.open(b'{')?;
        let (mut checkpoints, mut rest, mut first) = (None, Vec::new(), true);
        while let Some(key) = scanner.member(&mut first)? {
            let place = scanner.place();
            let mut bytes = Vec::new();
            let span = scanner.value(&mut bytes, SMALL)?;
            let twice = rest.iter().any(|(name, _, _)| *name == key);
            if twice || key == "checkpoints" && checkpoints.is_some() {
                return Err(place
                    .error("a field is there twice; nobody knows which one holds")
                    .with("field", shown(&key)));
            }
            if key == "checkpoints" {
                let piece = Piece::new(&bytes, span.start);
                if !piece.is_array() && !piece.is_null() {
                    return Err(piece.wrong("an array").with("field", key));
                }
                checkpoints = Some((span, piece.is_null()));
            } else if rest.len() < SMALL {
                rest.push((key, bytes, span));
            }
        }
        scanner.end()?;
        let (checkpoints, checkpoints_are_null) = checkpoints.ok_or_else(|| {
            Error::invalid("a field is missing and must be there").with("field", "checkpoints")
        })?;
        Ok(Self {
            checkpoints,
            checkpoints_are_null,
            rest,
        })
    }

    /// A field with this name; none when it is missing or null.
    fn get(&self, name: &str) -> Option<Piece<'_>> {
        let (_, bytes, span) = self.rest.iter().find(|(key, _, _)| key == name)?;
        let piece = Piece::new(bytes, span.start);
        (!piece.is_null()).then_some(piece)
    }

    pub(super) fn text(&self, name: &'static str) -> Result<Option<String>> {
        let text = self.get(name).map(Piece::text).transpose();
        text.map_err(|error| error.with("field", name))
    }

    pub(super) fn check_version(&self) -> Result<()> {
        match self.text("version")? {
            Some(version) if version != VERSION => Err(Error::unsupported(format!(
                "the export has version {}, and {VERSION} is known",
                shown(&version)
            ))),
            _ => Ok(()),
        }
    }

    /// Looks at what is said about the whole. Answers the highest sequence that was given, 0 when it is not told.
    pub(super) fn judge(&self, gatherer: &mut Gatherer) -> u64 {
        let zone = gatherer.settings.options.zone;
        let report = &mut gatherer.report;
        for (key, bytes, span) in &self.rest {
            let piece = Piece::new(bytes, span.start);
            let usable = match key.as_str() {
                "session_id" | "version" | "global_sequence" => true,
                "exported_at" => {
                    let mut notes = Notes::default();
                    let read = time_of(piece, zone, &mut notes);
                    report.noted(key, notes);
                    read.is_ok()
                }
                _ => false,
            };
            if !usable {
                report.remark(Remark::OutlineIgnored, shown(key));
            }
        }
        let Some(newest) = self.get("global_sequence") else {
            return 0;
        };
        match newest.whole() {
            Ok(number) if number <= HIGHEST => number,
            Ok(_) => {
                let problem = newest.error(format!("must be at most {HIGHEST}"));
                report.refuse(problem.with("field", "global_sequence"));
                0
            }
            Err(error) => {
                report.refuse(error.with("field", "global_sequence"));
                0
            }
        }
    }
}
