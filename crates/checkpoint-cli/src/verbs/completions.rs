//! `completions`: what a shell needs to complete a command line.

use clap::CommandFactory;
use clap_complete::Shell;

use super::Answer;
use crate::args::Cli;
use crate::context::Context;
use crate::fault::Exit;

const EXAMPLES: &str = "\
Examples:
  $ checkpoint completions bash > checkpoint.bash
  $ checkpoint completions fish > checkpoint.fish";

/// Prints what a shell needs to complete command lines
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

impl Args {
    pub(crate) fn run(self, context: &mut Context) -> Answer {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "checkpoint", &mut script);
        context.out.bytes(&script)?;
        Ok(Exit::Done)
    }
}
