//! `export`: checkpoints into a file.

use std::error::Error as _;
use std::io;
use std::path::{Path, PathBuf};

use checkpoint::{Error, ExportFormat, ExportReport};
use clap::ValueEnum;
use serde::Serialize;

use super::{Answer, moved};
use crate::context::{Access, Context};
use crate::fault::{Exit, Fault};
use crate::output::{bytes, shown};
use crate::progress::Unit;
use crate::reference;

const EXAMPLES: &str = "\
Examples:
  $ checkpoint export all.archive
  $ checkpoint export nightly.jsonl --session nightly
  $ checkpoint export --format lines - | grep -c '\"kind\":\"checkpoint\"'";

/// Writes checkpoints into a file, from which any store can import them
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The file, or - for standard output
    file: PathBuf,

    /// How it is written [default: archive; lines into a file whose name ends in .jsonl]
    #[arg(long, value_enum)]
    format: Option<Kind>,

    /// Only this session
    #[arg(long)]
    session: Option<String>,

    /// Takes the place of a file that is there
    #[arg(long)]
    overwrite: bool,
}

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Compact, compressed, each part of a state once
    Archive,
    /// A line of JSON each, with whole states
    Lines,
}

#[derive(Debug, Serialize)]
struct Written {
    file: String,
    format: &'static str,
    sessions: u64,
    checkpoints: u64,
    attachments: u64,
    bytes: u64,
    newest: u64,
    left_out: u64,
    damaged: Vec<moved::Refusal>,
}

impl Args {
    pub(crate) async fn run(self, context: &mut Context) -> Answer {
        let format = self.format();
        let is_out = self.file == Path::new("-");
        // Lines hold what others wrote as it is, which may move a cursor.
        if is_out && context.out.is_terminal() {
            return Err(
                Fault::usage("an export is for programs, and this is a terminal")
                    .hint("name a file, or send it into a pipe; `checkpoint list` and `show` are for people"),
            );
        }
        if !is_out {
            context.spare(&self.file)?;
        }
        let store = context.store(Access::Read).await?;
        let mut export = store.export().format(format).overwrite(self.overwrite);
        if let Some(name) = &self.session {
            reference::session(&store, name).await?;
            export = export.session(name.as_str());
        }
        context.progress.begin("exported", Unit::Of("checkpoints"));
        let export = export.progress(moved::watcher(context));
        let report = if is_out {
            export.to_writer(tokio::io::stdout()).await
        } else {
            export.to_file(&self.file).await
        };
        context.progress.clear();
        let report = report.map_err(closed)?;
        self.tell(&report, format, is_out, context)
    }

    fn format(&self) -> ExportFormat {
        let is_lines = || self.file.extension().is_some_and(|end| end == "jsonl");
        match self.format {
            Some(Kind::Lines) => ExportFormat::Lines,
            None if is_lines() => ExportFormat::Lines,
            _ => ExportFormat::Archive,
        }
    }

    fn tell(
        &self,
        report: &ExportReport,
        format: ExportFormat,
        is_out: bool,
        context: &mut Context,
    ) -> Answer {
        let written = Written {
            file: self.file.display().to_string(),
            format: format.name(),
            sessions: report.sessions,
            checkpoints: report.checkpoints,
            attachments: report.attachments,
            bytes: report.bytes,
            newest: report.newest,
            left_out: report.left_out,
            damaged: report.damaged.iter().map(moved::Refusal::of).collect(),
        };
        let text = format!(
            "{} checkpoints of {} sessions to {} ({})",
            written.checkpoints,
            written.sessions,
            shown(&written.file),
            bytes(written.bytes)
        );
        // Standard output has the checkpoints themselves.
        if is_out {
            context.out.note(text);
        } else {
            context.out.answer(&written, text)?;
        }
        if is_out || !context.out.is_for_programs() {
            moved::warn(&report.damaged, context);
        }
        match report.left_out {
            0 => Ok(Exit::Done),
            count => Err(Fault::new(
                Exit::Failed,
                format!("{count} are damaged, and are not in the file"),
            )
            .hint("`checkpoint verify` names them")),
        }
    }
}

/// Who reads standard output may have had enough.
fn closed(error: Error) -> Fault {
    let mut cause = error.source();
    while let Some(deeper) = cause {
        if let Some(error) = deeper.downcast_ref::<io::Error>()
            && error.kind() == io::ErrorKind::BrokenPipe
        {
            return Fault::output(error);
        }
        cause = deeper.source();
    }
    Fault::from(error)
}
