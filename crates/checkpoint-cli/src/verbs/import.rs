//! `import`: checkpoints out of a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use checkpoint::{Import, ImportFormat, ImportReport, MemoryBackend, Store};
use chrono::FixedOffset;
use clap::ValueEnum;
use serde::Serialize;

use super::{Answer, moved};
use crate::context::{Access, Context};
use crate::fault::{Exit, Fault};
use crate::output::shown;
use crate::progress::Unit;

const EXAMPLES: &str = "\
All of the file is looked at before anything is written. Importing again goes on where an import was interrupted.

Examples:
  $ checkpoint export all.archive && checkpoint import all.archive --store sqlite://new.db
  $ checkpoint export --format lines - | checkpoint import - --store redb://new.redb
  $ checkpoint import --from orchestrator task.json --check -o json";

/// Brings the checkpoints of a file into the store, which is made where there is none
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The file, a directory of them for older systems, or - for standard input
    file: PathBuf,

    /// What it is
    #[arg(long, value_enum, default_value_t = From::Auto)]
    from: From,

    /// Only this session
    #[arg(long)]
    session: Option<String>,

    /// Looks at the file, names all that is wrong with it, and writes nothing
    #[arg(long)]
    check: bool,

    /// Brings what is as it must be, also when something else in the file is not
    #[arg(long, conflicts_with = "check")]
    despite_faults: bool,

    /// Makes anew what was deleted in the store
    #[arg(long)]
    revive: bool,

    /// Keeps the environment variables in a file of an older system, which may be secrets; else they are masked
    #[arg(long)]
    keep_environment: bool,

    /// Where times are from that have no zone, such as +01:00 [default: UTC]
    #[arg(long, value_name = "OFFSET", allow_hyphen_values = true)]
    zone: Option<FixedOffset>,

    /// Where standard input is kept meanwhile, since it is gone through twice [default: for temporary files]
    #[arg(long, value_name = "DIRECTORY")]
    spool: Option<PathBuf>,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum From {
    /// Told by what it holds
    Auto,
    /// As `export` makes it
    Archive,
    /// As `export --format lines` makes them
    Lines,
    /// Temporal checkpoints of a reasoning agent
    Temporal,
    /// Checkpoint files of a resumable parallel dispatcher
    Sdp,
    /// Checkpoints of orchestrated tasks, one, an array, or their directory
    Orchestrator,
}

impl From {
    const fn format(self) -> Option<ImportFormat> {
        match self {
            Self::Auto => None,
            Self::Archive => Some(ImportFormat::Archive),
            Self::Lines => Some(ImportFormat::Lines),
            Self::Temporal => Some(ImportFormat::Temporal),
            Self::Sdp => Some(ImportFormat::Dispatcher),
            Self::Orchestrator => Some(ImportFormat::Orchestrator),
        }
    }
}

#[derive(Debug, Serialize)]
struct Brought<'a> {
    file: String,
    format: &'static str,
    checked_only: bool,
    found: u64,
    left_out: u64,
    wrong: u64,
    faults: Vec<String>,
    remarks: Vec<Remarked<'a>>,
    received: moved::Moved,
}

#[derive(Debug, Serialize)]
struct Remarked<'a> {
    remark: String,
    count: u64,
    examples: &'a [String],
}

impl Args {
    pub(crate) async fn run(self, context: &mut Context) -> Answer {
        let is_in = self.file == Path::new("-");
        if !is_in {
            // No store is made for a file that is not there.
            std::fs::metadata(&self.file)
                .map_err(|error| Fault::file("read", &self.file, &error))?;
        }
        let (store, is_new) = self.target(context).await?;
        let import = if is_in {
            let spool = self.spool.clone().unwrap_or_else(std::env::temp_dir);
            store.import_reader(tokio::io::stdin(), spool)
        } else {
            store.import(&self.file)
        };
        context.progress.begin("looked at", Unit::Of("checkpoints"));
        let import = self.said(import).progress(watcher(context));
        let report = import.await.map_err(|error| {
            let fault = refused(error);
            if is_new {
                fault.hint("the store was made for it just now; remove it, or go on with it")
            } else {
                fault
            }
        })?;
        context.progress.clear();
        self.tell(&report, context)
    }

    /// The store to bring to, and whether it was made just now.
    async fn target(&self, context: &mut Context) -> Result<(Store, bool), Fault> {
        if self.check {
            // Nothing is written, so nothing need be there.
            return Ok((Store::new(Arc::new(MemoryBackend::new())), false));
        }
        match context.store(Access::Write).await {
            Err(fault) if fault.exit() == Exit::NoStore => {
                Ok((context.store(Access::Create).await?, true))
            }
            store => Ok((store?, false)),
        }
    }

    fn said(&self, import: Import) -> Import {
        let mut import = import
            .revive(self.revive)
            .keep_environment(self.keep_environment);
        if let Some(format) = self.from.format() {
            import = import.format(format);
        }
        if let Some(session) = &self.session {
            import = import.session(session.as_str());
        }
        if let Some(zone) = self.zone {
            import = import.zone(zone);
        }
        if self.check {
            import = import.check_only();
        }
        if self.despite_faults {
            import = import.despite_faults();
        }
        import
    }

    fn tell(&self, report: &ImportReport, context: &mut Context) -> Answer {
        let remarks = report.remarks.iter();
        let brought = Brought {
            file: self.file.display().to_string(),
            format: report.format.name(),
            checked_only: self.check,
            found: report.found,
            left_out: report.left_out,
            wrong: report.wrong,
            faults: report.faults.iter().map(ToString::to_string).collect(),
            remarks: remarks
                .map(|(remark, remarked)| Remarked {
                    remark: remark.to_string(),
                    count: remarked.count,
                    examples: &remarked.examples,
                })
                .collect(),
            received: moved::Moved::of(&report.received),
        };
        let found = format!("{} with {} checkpoints", brought.format, brought.found);
        let text = if self.check {
            found
        } else {
            format!("{found}: {}", brought.received.told())
        };
        context.out.answer(&brought, text)?;
        if !context.out.is_for_programs() {
            warn(&brought, context);
            moved::warn(&report.received.refusals, context);
        }
        match report.wrong {
            0 => moved::judge(&report.received),
            wrong => Err(Fault::new(
                Exit::Failed,
                format!("{wrong} in the file are not as they must be"),
            )),
        }
    }
}

/// Says how to learn more of a file with which something is wrong.
fn refused(error: checkpoint::Error) -> Fault {
    let is_of_file = error.context().any(|(name, _)| name == "imported");
    let fault = Fault::from(error);
    if is_of_file {
        // What there is to try of a store that is damaged helps no file.
        fault
            .unhinted()
            .hint("`checkpoint import --check` names all that is wrong with it, and writes nothing")
    } else {
        fault
    }
}

/// Says what a person should look at.
fn warn(brought: &Brought<'_>, context: &mut Context) {
    for remarked in &brought.remarks {
        let (count, remark) = (remarked.count, &remarked.remark);
        let examples: Vec<_> = remarked.examples.iter().map(|text| shown(text)).collect();
        let such = examples.join(", ");
        context
            .out
            .note(format_args!("{remark}: {count}, such as {such}"));
    }
    for fault in &brought.faults {
        context.out.warn(shown(fault));
    }
    if brought.left_out > 0 {
        let count = brought.left_out;
        context.out.warn(format_args!(
            "{count} were damaged in the store from which the file was made, and are not in it"
        ));
    }
}

/// What hears how far it is: the file is looked at without a total, and brought with one.
fn watcher(context: &Context) -> impl Fn(&checkpoint::Progress) + Send + Sync + use<> {
    let progress = context.progress.clone();
    let begun = std::sync::Once::new();
    move |now| {
        if now.total.is_some() || now.bytes > 0 {
            begun.call_once(|| progress.begin("imported", Unit::Of("checkpoints")));
        }
        progress.set(now.done, now.total);
    }
}
