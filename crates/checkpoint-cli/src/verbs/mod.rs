//! The verbs, one file each: what it takes, and what it does. A new one is a file, a line of [`Verb`] and a line of
//! [`Verb::run`].

mod annotate;
mod backup;
mod claim;
mod completions;
mod config;
mod copy;
mod delete;
mod diff;
mod doctor;
mod export;
mod filters;
mod fork;
mod import;
mod init;
mod keys;
mod list;
mod log;
mod maintain;
mod man;
mod moved;
mod pin;
mod restore;
mod run;
mod save;
mod sessions;
mod show;
mod stats;
mod tag;
mod verify;
mod watch;

use clap::Subcommand;

use crate::context::Context;
use crate::fault::{Exit, Fault};

/// How a verb ends.
pub(crate) type Answer = Result<Exit, Fault>;

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Init(init::Args),
    Save(Box<save::Args>),
    List(list::Args),
    Log(log::Args),
    Show(show::Args),
    Restore(restore::Args),
    Diff(diff::Args),
    Fork(fork::Args),
    Tag(tag::Args),
    Annotate(annotate::Args),
    Pin(pin::Args),
    Delete(delete::Args),
    Sessions(sessions::Args),
    Claim(claim::Args),
    Verify(verify::Args),
    Stats(stats::Args),
    Maintain(maintain::Args),
    Export(export::Args),
    Import(import::Args),
    Copy(copy::Args),
    Backup(backup::Args),
    Keys(keys::Args),
    Watch(watch::Args),
    Run(run::Args),
    Doctor(doctor::Args),
    Config(config::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl Verb {
    /// Does it.
    pub(crate) async fn run(self, context: &mut Context) -> Answer {
        match self {
            Self::Init(args) => args.run(context).await,
            Self::Save(args) => args.run(context).await,
            Self::List(args) => args.run(context).await,
            Self::Log(args) => args.run(context).await,
            Self::Show(args) => args.run(context).await,
            Self::Restore(args) => args.run(context).await,
            Self::Diff(args) => args.run(context).await,
            Self::Fork(args) => args.run(context).await,
            Self::Tag(args) => args.run(context).await,
            Self::Annotate(args) => args.run(context).await,
            Self::Pin(args) => args.run(context).await,
            Self::Delete(args) => args.run(context).await,
            Self::Sessions(args) => args.run(context).await,
            Self::Claim(args) => args.run(context).await,
            Self::Verify(args) => args.run(context).await,
            Self::Stats(args) => args.run(context).await,
            Self::Maintain(args) => args.run(context).await,
            Self::Export(args) => args.run(context).await,
            Self::Import(args) => args.run(context).await,
            Self::Copy(args) => args.run(context).await,
            Self::Backup(args) => args.run(context).await,
            Self::Keys(args) => args.run(context).await,
            Self::Watch(args) => args.run(context).await,
            Self::Run(args) => args.run(context).await,
            Self::Doctor(args) => args.run(context).await,
            Self::Config(args) => args.run(context),
            Self::Completions(args) => args.run(context),
            Self::Man(args) => args.run(context),
        }
    }

    /// Whether it runs another program, to which signals are passed on.
    pub(crate) const fn runs_another(&self) -> bool {
        matches!(self, Self::Run(_))
    }

    /// Whether it ends by itself when somebody interrupts it, since it has something of its own to end.
    pub(crate) const fn ends_itself(&self) -> bool {
        matches!(self, Self::Watch(_) | Self::Run(_))
    }
}
