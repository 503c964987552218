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
    let answer = runtime(|| interrupt::run(verb, &mut context));
    context.end(answer).into()
}

/// Runs a future on a runtime that nothing waits for at the end: a read of a terminal that nobody answers never ends.
fn runtime<F: Future<Output = verbs::Answer>>(future: impl FnOnce() -> F) -> verbs::Answer {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| {
            Fault::new(Exit::Failed, "the system starts no threads").because(&error)
        })?;
    let answer = runtime.block_on(future());
    match &answer {
        // What was begun beside the verb and is given up takes away what it made, such as half a backup.
        Err(fault) if fault.exit() == Exit::Interrupted => runtime.shutdown_timeout(TIDYING),
        _ => runtime.shutdown_background(),
    }
    answer
}
