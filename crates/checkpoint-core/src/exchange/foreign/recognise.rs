//! Which system wrote a file.

use std::fs;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use super::ImportFormat;
use super::gather::open_file;
use super::scan::{Place, Scanner, unreadable};
use super::{dispatcher, orchestrator};
use crate::error::Result;

/// Bytes that are looked at for a telling field.
const LOOK: u64 = 1 << 20;
/// Files of a directory that are looked at.
const FILES: usize = 16;

/// Tells which of the three systems wrote a file or a directory, by what it holds; none when it was none of them.
///
/// Reads at most 1 MiB of a file, and of a directory the names in it and a few files.
///
/// # Errors
///
/// `Storage` when it cannot be read.
pub(crate) fn recognise(path: &Path) -> Result<Option<ImportFormat>> {
    let kind = fs::metadata(path).map_err(unreadable);
    let kind = kind.map_err(|error| error.with("path", path.display()))?;
    if kind.is_dir() {
        return directory(path).map_err(|error| error.with("path", path.display()));
    }
    if !kind.is_file() {
        return Ok(None);
    }
    file_or_backup(path)
}

/// By a file, or by its backup when it tells nothing.
fn file_or_backup(path: &Path) -> Result<Option<ImportFormat>> {
    let told = file(path)?;
    let backup = dispatcher::backup_of(path).filter(|_| told.is_none());
    match backup.map(|backup| file(&backup)).transpose()? {
        Some(Some(ImportFormat::Dispatcher)) => Ok(Some(ImportFormat::Dispatcher)),
        _ => Ok(told),
    }
}

/// By the first files of a directory that are named as one of the formats names them.
fn directory(path: &Path) -> Result<Option<ImportFormat>> {
    let holds = |files: Vec<PathBuf>, format| {
        let mut first = files.iter().take(FILES);
        first.any(|it| file_or_backup(it).ok().flatten() == Some(format))
    };
    let mut ignore = |_| ();
    if holds(
        orchestrator::files(path, &mut ignore)?,
        ImportFormat::Orchestrator,
    ) {
        return Ok(Some(ImportFormat::Orchestrator));
    }
    let found = holds(
        dispatcher::files(path, &mut ignore)?,
        ImportFormat::Dispatcher,
    );
    Ok(found.then_some(ImportFormat::Dispatcher))
}

/// By the first field that only one of the formats has. What is no JSON by then is of none of them.
fn file(path: &Path) -> Result<Option<ImportFormat>> {
    let file = open_file(path)?.take(LOOK);
    let mut scanner = Scanner::new(BufReader::new(file), Place::START);
    Ok(look(&mut scanner).unwrap_or(None))
}

fn look(scanner: &mut Scanner<impl std::io::BufRead>) -> Result<Option<ImportFormat>> {
    scanner.skip_mark()?;
    let listed = scanner.peek()? == Some(b'[');
    if listed {
        scanner.open(b'[')?;
    }
    scanner.open(b'{')?;
    let mut first = true;
    while let Some(key) = scanner.member(&mut first)? {
        let found = match (key.as_str(), scanner.peek()?) {
            ("checkpoints", Some(b'[' | b'n')) if !listed => ImportFormat::Temporal,
            ("feature_id" | "circuit_breaker", _) if !listed => ImportFormat::Dispatcher,
            ("checkpoint_id" | "task_id", _) => ImportFormat::Orchestrator,
            _ => {
                scanner.value(&mut Vec::new(), 0)?;
                continue;
            }
        };
        return Ok(Some(found));
    }
    Ok(None)
}
