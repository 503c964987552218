//! `fork`: goes on from a checkpoint in a session of its own.

use serde::Serialize;

use checkpoint::SessionId;

use super::Answer;
use crate::context::{Access, Context};
use crate::fault::{Exit, Fault};
use crate::reference::{self, Reference};

const EXAMPLES: &str = "\
Examples:
  $ checkpoint fork nightly@latest~1 nightly-again
  $ checkpoint fork @2 what-if -o json";

/// Makes a session that goes on from a checkpoint; nothing is copied
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The checkpoint to go on from
    #[arg(value_name = "REF")]
    reference: Reference,

    /// The new session
    #[arg(value_name = "NEW-SESSION")]
    into: SessionId,
}

#[derive(Debug, Serialize)]
struct Forked {
    session: String,
    id: String,
    sequence: u64,
    from: String,
}

impl Args {
    pub(crate) async fn run(self, context: &mut Context) -> Answer {
        let store = context.store(Access::Write).await?;
        let point = reference::find(&store, &self.reference).await?;
        let session = store.session(point.session()).await?;
        let fork = session.fork(point.id(), &self.into).await?;
        let gone = || Fault::not_found("the new session was deleted just now");
        let first = fork.latest().await?.ok_or_else(gone)?;
        let forked = Forked {
            session: self.into.to_string(),
            id: first.id().to_string(),
            sequence: first.sequence(),
            from: point.id().to_string(),
        };
        let id = forked.id.clone();
        context.out.answer(&forked, id)?;
        Ok(Exit::Done)
    }
}
