//! `copy`: brings one store into another.

use std::path::PathBuf;

use checkpoint::crypto::Key;

use super::{Answer, moved};
use crate::context::{Access, Context};
use crate::fault::Fault;
use crate::progress::Unit;
use crate::settings::flag_key;

const EXAMPLES: &str = "\
Each side takes the key that all verbs take, unless something else is said of it. Copying again brings what came since, and
goes on where a copy was interrupted.

Examples:
  $ checkpoint copy \"$CHECKPOINT_STORE\" file://copy
  $ checkpoint copy \"$CHECKPOINT_STORE\" sqlite://copy.db --session nightly
  $ checkpoint copy \"$CHECKPOINT_STORE\" sqlite://locked.db --to-key-file vault.key";

/// Copies a store, or a session of it, into another, which is made where there is none
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The store to copy
    from: String,

    /// The store to copy into
    to: String,

    /// Only this session
    #[arg(long)]
    session: Option<String>,

    /// Makes anew what was deleted in the target
    #[arg(long)]
    revive: bool,

    /// The key of the store to copy
    #[arg(long, value_name = "FILE")]
    from_key_file: Option<PathBuf>,

    /// The store to copy is not encrypted
    #[arg(long, conflicts_with = "from_key_file")]
    from_plain: bool,

    /// The key of the target, with which it is made
    #[arg(long, value_name = "FILE")]
    to_key_file: Option<PathBuf>,

    /// The target is not encrypted
    #[arg(long, conflicts_with = "to_key_file")]
    to_plain: bool,
}

impl Args {
    pub(crate) async fn run(self, context: &mut Context) -> Answer {
        let file = self.from_key_file.clone();
        let key = key("--from-key-file", file, self.from_plain, context)?;
        let from = context.store_at(&self.from, key, Access::Read).await;
        let from = from.map_err(|fault| side(fault, "--from-key-file or --from-plain"))?;
        // The target is made for what is there.
        if let Some(name) = &self.session {
            crate::reference::session(&from, name).await?;
        }
        let key = key_of_target(&self, context)?;
        let to = context.store_at(&self.to, key, Access::Create).await;
        let to = to.map_err(|fault| side(fault, "--to-key-file or --to-plain"))?;
        let mut copy = from.copy_to(&to).revive(self.revive);
        if let Some(name) = &self.session {
            copy = copy.session(name.as_str());
        }
        context.progress.begin("copied", Unit::Of("checkpoints"));
        let received = copy.progress(moved::watcher(context)).await?;
        context.progress.clear();
        let told = moved::Moved::of(&received);
        context.out.answer(&told, told.told())?;
        if !context.out.is_for_programs() {
            moved::warn(&received.refusals, context);
        }
        moved::judge(&received)
    }
}

fn key_of_target(args: &Args, context: &Context) -> Result<Option<Key>, Fault> {
    let file = args.to_key_file.clone();
    key("--to-key-file", file, args.to_plain, context)
}

/// The key of one side, for which a flag may name a file.
fn key(
    flag: &'static str,
    file: Option<PathBuf>,
    is_plain: bool,
    context: &Context,
) -> Result<Option<Key>, Fault> {
    match file {
        Some(path) => flag_key(flag, path).map(Some),
        None if is_plain => Ok(None),
        None => context.settings.key(),
    }
}

/// Says which flags are about the side that did not open.
fn side(fault: Fault, flags: &str) -> Fault {
    match fault.exit() {
        crate::fault::Exit::Refused => fault.hint(format!("say what opens this side by {flags}")),
        _ => fault,
    }
}
