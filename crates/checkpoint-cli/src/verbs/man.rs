//! `man`: manual pages.

use std::path::PathBuf;

use clap::CommandFactory;
use clap_mangen::Man;

use super::Answer;
use crate::args::Cli;
use crate::context::Context;
use crate::fault::{Exit, Fault};
use crate::whole::whole;

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
        let mut pages = Vec::new();
        collect("checkpoint", &command, &mut pages)?;
        for (name, page) in pages {
            whole(&directory.join(&name), &page)?;
            context.out.line(name)?;
        }
        Ok(Exit::Done)
    }
}

/// The page of a command, and those of what stands below it.
fn collect(
    name: &str,
    command: &clap::Command,
    pages: &mut Vec<(String, Vec<u8>)>,
) -> Result<(), Fault> {
    let named = command.clone().display_name(name);
    pages.push((format!("{name}.1"), page(named)?));
    let below = command.get_subcommands();
    for verb in below.filter(|verb| verb.get_name() != "help") {
        collect(&format!("{name}-{}", verb.get_name()), verb, pages)?;
    }
    Ok(())
}

fn page(command: clap::Command) -> Result<Vec<u8>, Fault> {
    let mut page = Vec::new();
    let rendered = Man::new(command).render(&mut page);
    rendered.map_err(|error| Fault::output(&error))?;
    Ok(page)
}
