//! `pin`: checkpoints that are kept.

use super::Answer;
use crate::context::{Access, Context};
use crate::fault::Exit;
use crate::output::Rows;
use crate::reference::{self, Reference};
use crate::view::CheckpointView;

const EXAMPLES: &str = "\
Examples:
  $ checkpoint pin nightly@latest
  $ checkpoint pin --remove @1 @2";

/// Has every retention policy keep checkpoints, or no longer
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The checkpoints
    #[arg(value_name = "REF", required = true)]
    references: Vec<Reference>,

    /// They need no longer be kept
    #[arg(short, long)]
    remove: bool,
}

impl Args {
    pub(crate) async fn run(self, context: &mut Context) -> Answer {
        let store = context.store(Access::Write).await?;
        // All are found before any is changed.
        let mut found = Vec::new();
        for reference in &self.references {
            found.push(reference::find(&store, reference).await?);
        }
        let mut rows = Rows::new(&[]);
        for checkpoint in found {
            let session = store.session(checkpoint.session()).await?;
            session.pin(checkpoint.id(), !self.remove).await?;
            // People see from the exit code that it was done.
            if context.out.is_for_programs() {
                let now = reference::again(&store, &checkpoint).await?;
                rows.push(&mut context.out, &CheckpointView::from(&now), Vec::new)?;
            }
        }
        rows.finish(&mut context.out)?;
        Ok(Exit::Done)
    }
}
