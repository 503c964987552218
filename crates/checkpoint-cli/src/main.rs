//! The command line of checkpoint stores: look into one, save from a shell, keep it healthy.
//!
//! `args` says what can be asked for, `settings` where it is to be found, `verbs` does it, one file a verb. What all
//! verbs have in common is in rooms of their own: `reference` finds the checkpoint that a person means, `output` writes,
//! `progress` shows how far it is, `fault` says what went wrong and what to try, `interrupt` ends a verb early.

mod args;
mod context;
mod fault;
mod interrupt;
mod json;
mod output;
mod progress;
mod reference;
mod settings;
mod time;
mod verbs;
mod view;
mod whole;

use std::process::ExitCode;
use std::time::Duration;

use tokio::runtime::Runtime;

use self::args::Cli;
use self::context::Context;
use self::fault::{Exit, Fault};
use self::output::Output;
use self::settings::Settings;

/// How long what was interrupted may tidy up.
const TIDYING: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let cli = match args::parse() {
        Ok(cli) => cli,
        Err(exit) => return exit.into(),
    };
    let Cli { global, verb } = cli;
    let settings = match Settings::read(&global) {
        Ok(settings) => settings,
        Err(fault) => return Output::plain().refuse(&fault).into(),
    };
    let mut context = Context::new(settings);
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(fault) => return context.end(Err(fault)).into(),
    };
    let answer = runtime.block_on(interrupt::run(verb, &mut context));
    // What is left to write may wait for somebody to read it, and while it does the program can be ended all the same.
    let exit = context.end(answer);
    match exit {
        // What was begun beside the verb and is given up takes away what it made, such as half a backup.
        Exit::Interrupted => runtime.shutdown_timeout(TIDYING),
        // Nothing else is waited for: a read of a terminal that nobody answers never ends.
        _ => runtime.shutdown_background(),
    }
    exit.into()
}

fn runtime() -> Result<Runtime, Fault> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime
        .map_err(|error| Fault::new(Exit::Failed, "the system starts no threads").because(&error))
}
