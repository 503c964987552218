//! `maintain`: gives space back.

use std::time::Duration;

use checkpoint::{Budget, MaintainStep};
use serde::Serialize;

use super::Answer;
use crate::context::{Access, Context};
use crate::fault::{Exit, Fault};
use crate::output::bytes;
use crate::progress::Unit;

const EXAMPLES: &str = "\
Examples:
  $ checkpoint maintain
  $ checkpoint maintain --compact --window 30days";

/// Gives back the space of what was deleted; others go on to read and write meanwhile
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Returns free space to the system too, which may rewrite much of the store
    #[arg(long)]
    compact: bool,

    /// How long changes, and what was deleted, are remembered
    #[arg(long, value_name = "TIME", default_value = "7days", value_parser = humantime::parse_duration)]
    window: Duration,

    /// How long a part of a state is kept that nothing refers to: longer than a save takes
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = humantime::parse_duration)]
    grace: Duration,

    /// How many rows one step looks at; writers wait for a step at most
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = rows)]
    rows: usize,
}

fn rows(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(0) => Err("a step looks at 1 row or more".to_owned()),
        parsed => parsed.map_err(|error| error.to_string()),
    }
}

/// All that was done.
#[derive(Debug, Default, Serialize)]
struct Done {
    steps: u64,
    purged: u64,
    trimmed: u64,
    swept: u64,
    swept_bytes: u64,
    unswept: bool,
    unpurged: bool,
}

impl Done {
    fn add(&mut self, step: &MaintainStep) {
        self.steps += 1;
        self.purged += step.purged;
        self.trimmed += step.trimmed;
        self.swept += step.swept;
        self.swept_bytes += step.swept_bytes;
        self.unswept |= step.unswept;
        self.unpurged |= step.unpurged;
    }
}

impl Args {
    pub(crate) async fn run(self, context: &mut Context) -> Answer {
        let store = context.store(Access::Write).await?;
        let budget = Budget::default()
            .with_rows(self.rows)
            .with_grace(self.grace)
            .with_window(self.window)
            .with_compact(self.compact);
        // Not all that a step does is counted in rows: in a bucket most of it is not.
        context.progress.begin("maintained", Unit::Of("steps"));
        let mut done = Done::default();
        loop {
            let step = store.maintain(&budget).await?;
            done.add(&step);
            context.progress.set(done.steps, None);
            if !step.more {
                break;
            }
        }
        context.progress.clear();
        let text = format!(
            "removed {} chunks ({}), {} rows of deleted sessions, {} old changes",
            done.swept,
            bytes(done.swept_bytes),
            done.purged,
            done.trimmed
        );
        context.out.answer(&done, text)?;
        judge(&done)
    }
}

fn judge(done: &Done) -> Answer {
    let left = match (done.unswept, done.unpurged) {
        (false, false) => return Ok(Exit::Done),
        (true, false) => {
            "no chunks were removed, since something is damaged that may need any of them"
        }
        (false, true) => "a deleted session was left, since it is damaged",
        (true, true) => {
            "no chunks were removed and a deleted session was left, since something is damaged"
        }
    };
    Err(Fault::new(Exit::Failed, left).hint(
        "`checkpoint verify` names what is damaged, `verify --quarantine` sets it aside; then maintain again",
    ))
}
