//! `tag`: tags of a checkpoint.

use checkpoint::Tag;

use super::Answer;
use crate::context::{Access, Context};
use crate::fault::Exit;
use crate::output::shown;
use crate::reference::{self, Reference};
use crate::view::CheckpointView;

const EXAMPLES: &str = "\
Examples:
  $ checkpoint tag nightly@latest good reviewed
  $ checkpoint tag nightly@latest --remove good
  $ checkpoint tag nightly@latest";

/// Adds tags to a checkpoint, removes them, or lists them
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The checkpoint
    #[arg(value_name = "REF")]
    reference: Reference,

    /// Tags to add
    #[arg(value_name = "TAG")]
    tags: Vec<Tag>,

    /// A tag to remove; may be said several times
    #[arg(short, long, value_name = "TAG")]
    remove: Vec<Tag>,
}

impl Args {
    pub(crate) async fn run(self, context: &mut Context) -> Answer {
        let changes = !self.tags.is_empty() || !self.remove.is_empty();
        let access = if changes { Access::Write } else { Access::Read };
        let store = context.store(access).await?;
        let mut checkpoint = reference::find(&store, &self.reference).await?;
        if changes {
            let session = store.session(checkpoint.session()).await?;
            let update = session.update(checkpoint.id());
            let update = self
                .tags
                .into_iter()
                .fold(update, |update, tag| update.tag(tag));
            let update = self
                .remove
                .into_iter()
                .fold(update, |update, tag| update.untag(tag));
            update.await?;
            checkpoint = reference::again(&store, &checkpoint).await?;
        }
        if context.out.is_for_programs() {
            context.out.json(&CheckpointView::from(&checkpoint))?;
        } else {
            for tag in checkpoint.tags() {
                context.out.line(shown(tag.as_str()))?;
            }
        }
        Ok(Exit::Done)
    }
}
