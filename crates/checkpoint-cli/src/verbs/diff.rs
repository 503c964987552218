//! `diff`: what differs between two states.

use checkpoint::{Checkpoint, Comparison, DiffKind};
use serde_json::json;

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
        let comparison = match store.compare(before.id(), after.id()).await {
            Err(error) if self.is_of_bytes(&error) => {
                return self.bytes(&before, &after, context).await;
            }
            comparison => comparison.map_err(not_comparable)?,
        };
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

    /// Whether what cannot be compared as JSON is to be compared as bytes.
    fn is_of_bytes(&self, error: &checkpoint::Error) -> bool {
        let is_no_json = matches!(error.kind(), checkpoint::ErrorKind::Invalid);
        is_no_json && !self.json_patch && !self.stat
    }

    async fn bytes(
        &self,
        before: &Checkpoint,
        after: &Checkpoint,
        context: &mut Context,
    ) -> Answer {
        let (one, two) = (before.bytes().await?, after.bytes().await?);
        let first = one
            .iter()
            .zip(&two)
            .take_while(|(one, two)| one == two)
            .count();
        let differ = one != two;
        let document = json!({
            "bytes_differ": differ, "first": differ.then_some(first), "lengths": [one.len(), two.len()],
        });
        if context.out.is_for_programs() {
            context.out.json(&document)?;
        } else if differ {
            let (one, two) = (one.len(), two.len());
            context.out.line(format_args!(
                "the states differ from byte {first} on; they are no JSON of which more could be said ({one} and {two} bytes)"
            ))?;
        }
        Ok(if differ && self.exit_code {
            Exit::Failed
        } else {
            Exit::Done
        })
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
