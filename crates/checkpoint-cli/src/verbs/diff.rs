//! `diff`: what differs between two states.

use checkpoint::{Checkpoint, Comparison, DiffKind};

use super::Answer;
use crate::context::{Access, Context};
use crate::fault::{Exit, Fault};
use crate::output::style;
use crate::reference::{self, Reference};

const EXAMPLES: &str = "\
Examples:
  $ checkpoint diff nightly@latest~1 nightly@latest
  $ checkpoint diff @1 @2 --json-patch
  $ checkpoint diff @1 @2 --stat";

/// Shows what differs between the states of two checkpoints
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The checkpoint before
    #[arg(value_name = "REF")]
    before: Reference,

    /// The checkpoint after
    #[arg(value_name = "REF")]
    after: Reference,

    /// As a JSON Patch (RFC 6902), which makes the one state of the other
    #[arg(long, conflicts_with = "stat")]
    json_patch: bool,

    /// How much, and where, without values
    #[arg(long)]
    stat: bool,

    /// Exits with 1 when they differ
    #[arg(long)]
    exit_code: bool,
}

impl Args {
    pub(crate) async fn run(self, context: &mut Context) -> Answer {
        let store = context.store(Access::Read).await?;
        let before = reference::find(&store, &self.before).await?;
        let after = reference::find(&store, &self.after).await?;
        let comparison = store.compare(before.id(), after.id()).await;
        let comparison = comparison.map_err(not_comparable)?;
        if comparison.diff.is_empty() && before.bytes().await? != after.bytes().await? {
            context.out.note("no value differs, but the bytes differ: spaces, the order of members, or digits of numbers beyond those that are compared");
        }
        if self.json_patch {
            context.out.json(&comparison.diff.to_json_patch())?;
        } else if self.stat {
            let stat = comparison.diff.stat();
            context.out.answer(&stat, comparison.summary())?;
        } else if context.out.is_for_programs() {
            context.out.json(&comparison.diff)?;
        } else {
            readable(&before, &after, &comparison, context)?;
        }
        let differ = self.exit_code && !comparison.diff.is_empty();
        Ok(if differ { Exit::Failed } else { Exit::Done })
    }
}

/// Says what to do about states that are not JSON.
fn not_comparable(error: checkpoint::Error) -> Fault {
    let is_damage = matches!(error.kind(), checkpoint::ErrorKind::Corrupt);
    let fault = Fault::from(error);
    if is_damage {
        fault
    } else {
        fault.hint("`checkpoint restore REF -O FILE` gives each of them as a file, for `cmp`")
    }
}

fn readable(
    before: &Checkpoint,
    after: &Checkpoint,
    comparison: &Comparison,
    context: &mut Context,
) -> Result<(), Fault> {
    let paint = context.out.paint();
    if comparison.diff.is_empty() {
        return Ok(());
    }
    for (mark, checkpoint) in [("---", before), ("+++", after)] {
        let (id, sequence) = (checkpoint.id(), checkpoint.sequence());
        let line = format!(
            "{mark} @{sequence} {}",
            crate::output::shown(&id.to_string())
        );
        context.out.line(paint.with(style::HEAD, line))?;
    }
    for entry in &comparison.diff {
        let style = match entry.kind() {
            DiffKind::Added => style::GOOD,
            DiffKind::Removed => style::BAD,
            DiffKind::Changed => style::WARN,
        };
        context.out.line(paint.with(style, entry))?;
    }
    Ok(())
}
