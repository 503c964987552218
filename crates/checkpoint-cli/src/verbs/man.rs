//! `man`: manual pages.

use std::path::PathBuf;

use clap::CommandFactory;
use clap_mangen::Man;

use super::Answer;
use super::restore::whole;
use crate::args::Cli;
use crate::context::Context;
use crate::fault::{Exit, Fault};

const EXAMPLES: &str = "\
Examples:
  $ checkpoint man > checkpoint.1
  $ checkpoint man --to .";

/// Prints the manual page, or writes the pages of all verbs
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Writes a page for each verb into this directory
    #[arg(long, value_name = "DIRECTORY")]
    to: Option<PathBuf>,
}

impl Args {
    pub(crate) fn run(self, context: &mut Context) -> Answer {
        let mut command = Cli::command();
        command.build();
        let Some(directory) = &self.to else {
            context.out.bytes(&page(command)?)?;
            return Ok(Exit::Done);
        };
        let mut pages = vec![("checkpoint.1".to_owned(), page(command.clone())?)];
        for verb in command
            .get_subcommands()
            .filter(|verb| verb.get_name() != "help")
        {
            let name = format!("checkpoint-{}", verb.get_name());
            pages.push((format!("{name}.1"), page(verb.clone().display_name(&name))?));
        }
        for (name, page) in pages {
            whole(&directory.join(&name), &page)?;
            context.out.line(name)?;
        }
        Ok(Exit::Done)
    }
}

fn page(command: clap::Command) -> Result<Vec<u8>, Fault> {
    let mut page = Vec::new();
    let rendered = Man::new(command).render(&mut page);
    rendered.map_err(|error| Fault::output(&error))?;
    Ok(page)
}
