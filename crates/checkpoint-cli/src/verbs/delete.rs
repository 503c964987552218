//! `delete`: checkpoints and sessions that are no longer needed.

use std::io::IsTerminal;

use checkpoint::{Checkpoint, Store};
use serde::Serialize;

use super::Answer;
use crate::context::{Access, Context};
use crate::fault::{Exit, Fault};
use crate::output::shown;
use crate::reference::{self, Reference};

const EXAMPLES: &str = "\
Examples:
  $ checkpoint delete nightly@latest~1 --yes
  $ checkpoint delete --session trial --dry-run";

/// Deletes checkpoints, or a session with all that it has
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The checkpoints; those made from them stay
    #[arg(
        value_name = "REF",
        required_unless_present = "session",
        conflicts_with = "session"
    )]
    references: Vec<Reference>,

    /// This session, with all its checkpoints; forks of it stay
    #[arg(long, value_name = "SESSION")]
    session: Option<String>,

    /// Does not ask; needed where nobody can answer
    #[arg(short, long)]
    yes: bool,

    /// Says what would be deleted, and deletes nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Serialize)]
struct Deleted {
    sessions: Vec<String>,
    checkpoints: Vec<String>,
    dry_run: bool,
}

impl Args {
    pub(crate) async fn run(self, context: &mut Context) -> Answer {
        let store = context
            .store(if self.dry_run {
                Access::Read
            } else {
                Access::Write
            })
            .await?;
        match &self.session {
            Some(name) => self.session(name, &store, context).await,
            None => self.checkpoints(&store, context).await,
        }
    }

    async fn session(&self, name: &str, store: &Store, context: &mut Context) -> Answer {
        let session = reference::session(store, name).await?;
        let what = format!("the session {} with all its checkpoints", shown(name));
        if !self.agreed(&what, context).await? {
            return Ok(Exit::Failed);
        }
        if !self.dry_run {
            store.delete_session(session.id()).await?;
        }
        let deleted = Deleted {
            sessions: vec![name.to_owned()],
            checkpoints: Vec::new(),
            dry_run: self.dry_run,
        };
        self.tell(&deleted, context)
    }

    async fn checkpoints(&self, store: &Store, context: &mut Context) -> Answer {
        // All are found before any is deleted.
        let mut found: Vec<Checkpoint> = Vec::new();
        for reference in &self.references {
            let checkpoint = reference::find(store, reference).await?;
            // One that is named twice is one.
            if found.iter().all(|there| there.id() != checkpoint.id()) {
                found.push(checkpoint);
            }
        }
        let what = match found.as_slice() {
            [only] => format!(
                "the checkpoint {} of {}",
                only.id(),
                shown(&only.session().to_string())
            ),
            many => format!("{} checkpoints", many.len()),
        };
        if !self.agreed(&what, context).await? {
            return Ok(Exit::Failed);
        }
        let mut deleted = Deleted {
            sessions: Vec::new(),
            checkpoints: Vec::new(),
            dry_run: self.dry_run,
        };
        for checkpoint in found {
            if !self.dry_run {
                let session = store.session(checkpoint.session()).await?;
                session.delete(checkpoint.id()).await?;
            }
            deleted.checkpoints.push(checkpoint.id().to_string());
        }
        self.tell(&deleted, context)
    }

    /// Whether it is to be done: somebody said so, or is asked.
    async fn agreed(&self, what: &str, context: &mut Context) -> Result<bool, Fault> {
        if self.yes || self.dry_run {
            return Ok(true);
        }
        if !std::io::stdin().is_terminal() {
            return Err(
                Fault::usage(format!("nobody can be asked whether to delete {what}"))
                    .hint("add --yes"),
            );
        }
        let agreed = context.out.ask(&format!("Delete {what}?")).await?;
        if !agreed {
            context.out.note("nothing was deleted");
        }
        Ok(agreed)
    }

    fn tell(&self, deleted: &Deleted, context: &mut Context) -> Answer {
        if context.out.is_for_programs() {
            context.out.json(deleted)?;
        } else {
            for id in deleted.sessions.iter().chain(&deleted.checkpoints) {
                context.out.line(shown(id))?;
            }
        }
        if !self.dry_run {
            context
                .out
                .note("`checkpoint maintain` gives the space back");
        }
        Ok(Exit::Done)
    }
}
