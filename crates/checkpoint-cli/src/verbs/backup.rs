//! `backup`: a whole copy of a store in one file, checked.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Answer;
use crate::context::{Access, Context};
use crate::fault::{Exit, Fault};
use crate::output::{bytes, shown};
use crate::progress::Unit;

const EXAMPLES: &str = "\
The backup is a store of its own, encrypted where this one is, and opens by the same kind of URL. A store of plain files or
in a bucket has none: `copy` does it there.

Examples:
  $ checkpoint backup -s sqlite://vault.db --key-file vault.key vault-backup.db
  $ checkpoint copy \"$CHECKPOINT_STORE\" sqlite://a.db && checkpoint backup -s sqlite://a.db b.db";

/// Copies the store to a file that is not there yet, while others go on, and checks the copy
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The file, which has its name once all of it was checked
    file: PathBuf,
}

#[derive(Debug, Serialize)]
struct Made {
    file: String,
    bytes: u64,
    valid: u64,
    invalid: u64,
    skipped: u64,
    clean: bool,
}

impl Args {
    pub(crate) async fn run(self, context: &mut Context) -> Answer {
        if self.file == Path::new("-") {
            let problem = "a backup is a store, and standard output is none";
            return Err(Fault::usage(problem).hint("name a file, or pipe `checkpoint export -`"));
        }
        let store = context.store(Access::Read).await?;
        let checking = context.progress.clone();
        context.progress.begin("copied", Unit::Bytes);
        let backup = store.backup(&self.file);
        let backup = backup.progress(context.progress.hears());
        let begun = std::sync::Once::new();
        let backup = backup.verifying(move |done, total| {
            begun.call_once(|| checking.begin("checked", Unit::Share));
            checking.set(done, Some(total));
        });
        let report = backup.await?;
        context.progress.clear();
        let made = Made {
            file: report.path.display().to_string(),
            bytes: report.bytes,
            valid: report.verified.valid,
            invalid: report.verified.invalid,
            skipped: report.verified.skipped,
            clean: report.verified.is_clean(),
        };
        let text = format!(
            "{} ({}, {} checkpoints good)",
            shown(&made.file),
            bytes(made.bytes),
            made.valid
        );
        context.out.answer(&made, text)?;
        if made.clean {
            return Ok(Exit::Done);
        }
        let fault = format!(
            "{} were damaged in the store, and are in its backup",
            made.invalid
        );
        Err(Fault::new(Exit::Failed, fault).hint("`checkpoint verify` names them"))
    }
}
