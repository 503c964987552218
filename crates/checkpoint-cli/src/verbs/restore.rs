//! `restore`: gives a state back, byte by byte.

use std::io::Write;
use std::path::{Path, PathBuf};

use checkpoint::{Checkpoint, ErrorKind};
use serde_json::Value;

use super::Answer;
use crate::context::{Access, Context};
use crate::fault::{Exit, Fault};
use crate::output::{bytes, shown};
use crate::reference::{self, Reference};

const EXAMPLES: &str = "\
Examples:
  $ checkpoint restore nightly@latest
  $ checkpoint restore nightly@latest~1 -O state.json
  $ checkpoint restore imports@latest --default '{\"step\": 0}'
  $ checkpoint restore @2 --no-record | head -c 100";

/// Gives the state of a checkpoint back, to standard output or to a file
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The checkpoint
    #[arg(value_name = "REF")]
    reference: Reference,

    /// Into this file, which has either all of it or stays as it was
    #[arg(short = 'O', long, value_name = "FILE")]
    to: Option<PathBuf>,

    /// One section of it, as JSON
    #[arg(long, value_name = "NAME")]
    section: Option<String>,

    /// What is given where there is no such checkpoint yet, such as at the first run of a program
    #[arg(long, value_name = "STATE", conflicts_with = "section")]
    default: Option<String>,

    /// Does not record that it was restored; also for a store that cannot be written
    #[arg(long)]
    no_record: bool,
}

impl Args {
    pub(crate) async fn run(self, context: &mut Context) -> Answer {
        let access = if self.no_record {
            Access::Read
        } else {
            Access::Write
        };
        let store = context.store(access).await?;
        let checkpoint = match (
            reference::find(&store, &self.reference).await,
            &self.default,
        ) {
            (Ok(checkpoint), _) => checkpoint,
            (Err(fault), Some(default)) if fault.exit() == Exit::NotFound => {
                return self.give(default.as_bytes(), "the default", context);
            }
            (Err(fault), _) => return Err(fault),
        };
        let state = self.state(&checkpoint).await?;
        if !self.no_record {
            record(&checkpoint).await?;
        }
        self.give(&state, &checkpoint.id().to_string(), context)
    }

    async fn state(&self, checkpoint: &Checkpoint) -> Result<Vec<u8>, Fault> {
        let state = match &self.section {
            Some(name) => section(checkpoint, name).await,
            None => checkpoint.bytes().await.map(Vec::from).map_err(Fault::from),
        };
        let id = checkpoint.id();
        let damaged = |fault: Fault| match fault.exit() {
            Exit::Failed => fault.hint(format!("the one before it may be good: {id}~1")),
            _ => fault,
        };
        state.map_err(damaged)
    }

    /// Gives out a state, to where it was asked for.
    fn give(&self, state: &[u8], what: &str, context: &mut Context) -> Answer {
        if let Some(path) = &self.to {
            whole(path, state)?;
            let size = bytes(state.len() as u64);
            context.out.note(format_args!(
                "{size} of {} to {}",
                shown(what),
                path.display()
            ));
        } else if context.out.is_terminal() && !is_text(state) {
            return Err(Fault::usage("the state is no text, and this is a terminal")
                .hint("add -O FILE, or send it into a pipe"));
        } else {
            context.out.bytes(state)?;
        }
        Ok(Exit::Done)
    }
}

/// Whether a terminal can show it. What moves its cursor is not text.
fn is_text(state: &[u8]) -> bool {
    let is_ruly = |text: &str| {
        text.split(['\n', '\r', '\t'])
            .all(|part| shown(part) == part)
    };
    std::str::from_utf8(state).is_ok_and(is_ruly)
}

/// Records that a checkpoint was restored, where that can be written.
async fn record(checkpoint: &Checkpoint) -> Result<(), Fault> {
    let session = checkpoint.store().session(checkpoint.session()).await?;
    match session.restore(checkpoint.id()).await {
        Ok(_) => Ok(()),
        Err(error) if *error.kind() == ErrorKind::Denied => {
            Err(Fault::from(error).hint("say --no-record where nothing can be written"))
        }
        Err(error) => Err(error.into()),
    }
}

async fn section(checkpoint: &Checkpoint, name: &str) -> Result<Vec<u8>, Fault> {
    let value: Option<Value> = checkpoint.section(name).await?;
    let Some(value) = value else {
        let names: Vec<_> = checkpoint.section_names().collect();
        let there = if names.is_empty() {
            "its state has none".to_owned()
        } else {
            format!("there is: {}", names.join(", "))
        };
        return Err(Fault::not_found(format!(
            "{} has no section {name:?}; {there}",
            checkpoint.id()
        )));
    };
    let mut bytes = serde_json::to_vec(&value)
        .map_err(|error| Fault::new(Exit::Failed, "the section does not encode").because(&error))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Writes a file as a whole: whoever opens it finds what was there before, or all of this.
pub(crate) fn whole(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let written = (|| {
        let mut file = tempfile::Builder::new()
            .prefix(".checkpoint-")
            .tempfile_in(directory)?;
        file.write_all(bytes)?;
        if let Ok(there) = std::fs::metadata(path) {
            file.as_file().set_permissions(there.permissions())?;
        }
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        // The name is on disk once its directory is.
        if cfg!(unix) {
            std::fs::File::open(directory)?.sync_all()
        } else {
            Ok(())
        }
    })();
    written.map_err(|error| Fault::file("write", path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_the_cursor_of_a_terminal_is_no_text() {
        assert!(is_text("{\"plan\":\t\"合意 é\"}\r\n".as_bytes()));
        for state in ["\u{1b}[31m", "\u{9b}31m", "\0", "\u{7f}", "\u{202e}"] {
            assert!(!is_text(state.as_bytes()), "{state:?}");
        }
        assert!(!is_text(b"\xff"));
    }

    #[test]
    fn a_file_is_written_as_a_whole_or_stays_as_it_was() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("state.json");
        whole(&path, b"1").expect("written");
        whole(&path, b"22").expect("written again");
        assert_eq!(std::fs::read(&path).expect("read"), b"22");
        let left = std::fs::read_dir(directory.path()).expect("listed").count();
        assert_eq!(left, 1, "nothing else is left");
        let fault = whole(&directory.path().join("no/such"), b"1").expect_err("no directory");
        assert_eq!(fault.exit(), Exit::NotFound);
    }
}
