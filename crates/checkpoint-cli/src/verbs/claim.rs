//! `claim`: becomes the owner of a session.

use serde::Serialize;

use super::Answer;
use crate::context::{Access, Context};
use crate::fault::Exit;
use crate::reference;

const EXAMPLES: &str = "\
Examples:
  $ checkpoint claim nightly
  $ epoch=$(checkpoint claim nightly) && echo '{\"step\": 9}' | checkpoint save nightly --epoch $epoch";

/// Becomes the owner of a session: saves under an earlier epoch are refused from now on
///
/// Prints the epoch, which `save --epoch` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The session
    session: String,
}

#[derive(Debug, Serialize)]
struct Claimed<'a> {
    session: &'a str,
    epoch: u64,
}

impl Args {
    pub(crate) async fn run(self, context: &mut Context) -> Answer {
        let store = context.store(Access::Write).await?;
        let session = reference::session(&store, &self.session).await?;
        let epoch = session.claim().await?.epoch().unwrap_or_default();
        context.out.answer(
            &Claimed {
                session: &self.session,
                epoch,
            },
            epoch,
        )?;
        Ok(Exit::Done)
    }
}
