//! What can be asked for.

use std::io::Write;
use std::path::PathBuf;

use clap::builder::styling::Styles;
use clap::error::ErrorKind;
use clap::{ColorChoice, CommandFactory, FromArgMatches, Parser};

use crate::fault::{Exit, Fault};
use crate::output::{Color, Format, Output, style};
use crate::verbs::Verb;

const ABOUT: &str = "Look into a checkpoint store, save from a shell, keep it healthy.";

const REFERENCES: &str = "\
References to a checkpoint:
  0199c3a4-b1c2    an id, or a prefix of one that is unique, of 4 or more characters
  @12              the one with this sequence
  JOB@latest       the newest of a session; JOB@latest~2 is two before it, along parents
  JOB@2026-11-20T10:00:00Z, JOB@-90min
                   the newest of a session as of then

Exit codes: 0 done, 1 failed, 2 wrong usage, 10 no store, 11 locked, 12 refused (key, credentials, permissions),
13 not found, 14 conflict, 130 interrupted.

`checkpoint VERB --help` shows examples of each verb.";

/// A whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "checkpoint",
    bin_name = "checkpoint",
    version,
    about = ABOUT,
    after_help = REFERENCES,
    styles = STYLES,
    max_term_width = 110,
    arg_required_else_help = true,
    subcommand_required = true,
    disable_help_subcommand = false
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What every verb takes.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Options of every verb")]
pub(crate) struct Global {
    /// The store: sqlite://FILE, redb://FILE, file://DIRECTORY, s3://BUCKET/PREFIX, gs://…, az://…
    /// [env: CHECKPOINT_STORE] [default: sqlite://checkpoints.db]
    #[arg(short, long, global = true, value_name = "URL")]
    pub(crate) store: Option<String>,

    /// The key of an encrypted store
    /// [env: CHECKPOINT_KEY_FILE, CHECKPOINT_KEY_COMMAND or CHECKPOINT_PASSPHRASE_FILE]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,

    /// What is written to standard output [env: CHECKPOINT_OUTPUT] [default: table]
    #[arg(short, long, global = true, value_enum, value_name = "FORMAT")]
    pub(crate) output: Option<Format>,

    /// Whether there are colours [env: CHECKPOINT_COLOR, NO_COLOR] [default: auto]
    #[arg(long, global = true, value_enum, value_name = "WHEN")]
    pub(crate) color: Option<Color>,

    /// No notes, no progress, and no id of what was saved: only what was asked for, and what went wrong
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,

    /// The configuration file [env: CHECKPOINT_CONFIG]
    /// [default: checkpoint/config.toml below XDG_CONFIG_HOME or ~/.config]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

const STYLES: Styles = Styles::styled()
    .header(style::HEAD)
    .usage(style::HEAD)
    .literal(style::NAME)
    .error(style::BAD)
    .valid(style::GOOD)
    .invalid(style::WARN);

/// The command line of this process. What is wrong with it is said, and so is help.
pub(crate) fn parse() -> Result<Cli, Exit> {
    let words: Vec<_> = std::env::args_os().collect();
    let command = Cli::command().color(early_color(&words));
    let parsed = command
        .try_get_matches_from(words)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    parsed.map_err(|error| {
        let printed = error.print().and_then(|()| std::io::stdout().flush());
        match (error.kind(), printed) {
            (ErrorKind::DisplayHelp | ErrorKind::DisplayVersion, Err(error))
                // A pipe that is closed wants no more of it.
                if error.kind() != std::io::ErrorKind::BrokenPipe =>
            {
                Output::plain().refuse(&Fault::output(&error))
            }
            (ErrorKind::DisplayHelp | ErrorKind::DisplayVersion, _) => Exit::Done,
            _ => Exit::Usage,
        }
    })
}

/// What is said of colours, before anything else is understood.
fn early_color(words: &[std::ffi::OsString]) -> ColorChoice {
    let words = words.iter().filter_map(|word| word.to_str());
    let mut said = ColorChoice::Auto;
    let mut before = "";
    for word in words {
        let value = if before == "--color" {
            Some(word)
        } else {
            word.strip_prefix("--color=")
        };
        said = match value {
            Some("always") => ColorChoice::Always,
            Some("never") => ColorChoice::Never,
            _ => said,
        };
        before = word;
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn colours_are_known_before_anything_else_is() {
        let of = |words: &[&str]| {
            let words: Vec<_> = words.iter().map(std::ffi::OsString::from).collect();
            early_color(&words)
        };
        assert_eq!(of(&["checkpoint", "--color", "never"]), ColorChoice::Never);
        assert_eq!(
            of(&["checkpoint", "--color=always", "x"]),
            ColorChoice::Always
        );
        assert_eq!(of(&["checkpoint", "--colour=always"]), ColorChoice::Auto);
    }

    #[test]
    fn every_verb_shows_two_examples_or_more() {
        for verb in Cli::command().get_subcommands() {
            if verb.get_name() == "help" {
                continue;
            }
            let help = verb
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            let examples = help.lines().filter(|line| line.starts_with("  $ ")).count();
            assert!(examples >= 2, "{}: {examples}", verb.get_name());
        }
    }
}
