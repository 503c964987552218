//! `restore`: gives a state back, byte by byte.

use std::path::{Path, PathBuf};

use checkpoint::Checkpoint;
use serde_json::Value;

use super::Answer;
use crate::context::{Access, Context};
use crate::fault::{Exit, Fault, shell_word};
use crate::interrupt::aside;
use crate::output::{bytes, shown};
use crate::reference::{self, Reference};
use crate::whole::{is_stream, whole};

const EXAMPLES: &str = "\
Examples:
  $ checkpoint restore nightly@latest
  $ checkpoint restore nightly@latest~1 -O state.json
  $ checkpoint restore imports@latest --default '{\"step\": 0}'
  $ checkpoint restore @2 --no-record | head -c 100";

/// What helps where the store can be read alone.
const UNRECORDED: &str = "say --no-record where nothing can be written";

/// Gives the state of a checkpoint back, to standard output or to a file
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The checkpoint
    #[arg(value_name = "REF")]
    reference: Reference,

    /// Into this file, which has either all of it or stays as it was; - is standard output
    #[arg(short = 'O', long, value_name = "FILE")]
    to: Option<PathBuf>,

    /// One section of it, as JSON
    #[arg(long, value_name = "NAME")]
    section: Option<String>,

    /// What is given where the session has no such checkpoint yet, such as at the first run of a program
    #[arg(
        long,
        value_name = "STATE",
        conflicts_with = "section",
        allow_hyphen_values = true
    )]
    default: Option<String>,

    /// Does not record that it was restored; also for a store that cannot be written
    #[arg(long)]
    no_record: bool,
}

impl Args {
    pub(crate) async fn run(self, context: &mut Context) -> Answer {
        if self.default.is_some() && !self.reference.is_newest() {
            // What was mistyped would begin anew in silence.
            let text = shell_word(&self.reference.to_string());
            let problem = format!(
                "--default is for a session that may have no checkpoint yet, and {text} names none"
            );
            return Err(Fault::usage(problem).hint("write SESSION@latest"));
        }
        if let Some(path) = self.to.as_deref().filter(|path| *path != Path::new("-")) {
            context.spare(path)?;
        }
        let access = if self.no_record {
            Access::Read
        } else {
            Access::Write
        };
        let store = context.store(access).await;
        let store = store.map_err(|fault| match access {
            Access::Write if fault.is_of_system() => fault.hint(UNRECORDED),
            _ => fault,
        })?;
        let checkpoint = match (
            reference::find(&store, &self.reference).await,
            &self.default,
        ) {
            (Ok(checkpoint), _) => checkpoint,
            (Err(fault), Some(default)) if fault.is_absence() => {
                return self
                    .give(default.clone().into_bytes(), "the default", context)
                    .await;
            }
            (Err(fault), _) => return Err(fault),
        };
        let state = self.state(&checkpoint).await?;
        if !self.no_record {
            record(&checkpoint).await?;
        }
        self.give(state, &checkpoint.id().to_string(), context)
            .await
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
    async fn give(&self, state: Vec<u8>, what: &str, context: &mut Context) -> Answer {
        let to = self.to.clone().filter(|path| path != Path::new("-"));
        if let Some(path) = to {
            let size = bytes(state.len() as u64);
            if is_stream(&path) {
                let at = path.clone();
                aside(move || whole(&at, &state)).await??;
            } else {
                whole(&path, &state)?;
            }
            context.out.note(format_args!(
                "{size} of {} to {}",
                shown(what),
                path.display()
            ));
        } else if context.out.is_terminal() && !is_text(&state) {
            return Err(Fault::usage("the state is no text, and this is a terminal")
                .hint("add -O FILE, or send it into a pipe"));
        } else {
            context.out.bytes(&state)?;
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
    let recorded = session.restore(checkpoint.id()).await.map(drop);
    recorded.map_err(|error| Fault::from(error).hint(UNRECORDED))
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
}
