//! Several processes on one store, some of which are killed: for backends that many processes, or machines, share.
//!
//! Each machine is a process that has the store open. Its writers work the [load](crate::load); its owners claim
//! sessions and save, tag and annotate under the epoch that they were given, and try to go on when they are refused; it
//! follows the feed; some see to upkeep all the while. Each says a line for what was acknowledged. At random moments one
//! or two are killed, now and then while they open the store; another claims their sessions and goes on with them, and
//! does again what their writers had under way, under the ids that it had. Now and then one is held, its session is
//! claimed by another, and it is let go on: it must be refused.
//!
//! Then the store is opened anew and judged. What was acknowledged is there, once, at its sequence; no sequence is
//! missing. In the feed nothing is done to a session under an epoch after the claim of a newer one, nobody works under
//! the epoch of another, and each save goes on from the one before it. What machines read of the feed while it grew is
//! its beginning. `verify` finds nothing.
//!
//! The machine is the program itself: its `main` calls [`serve`] before anything else. A [`Subject`] whose stores lie
//! elsewhere, as in a bucket, takes the name of the place for that of the store: no two places of a run have the same.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use checkpoint_torture::Subject;
//! use checkpoint_torture::load::Seed;
//! use checkpoint_torture::machines::{Machines, run, serve};
//!
//! /// All that `main` does.
//! fn torture(mine: Arc<dyn Subject>) -> Result<(), String> {
//!     serve(&[Arc::clone(&mine)]);
//!     let report = run(&mine, &Machines::new(Seed(1)), |line| println!("{line}"))?;
//!     println!("{report}");
//!     Ok(())
//! }
//! ```

mod account;
mod claims;
mod config;
mod fleet;
mod judge;
mod machine;
mod owner;
mod round;
mod seen;
mod title;
mod trial;
mod words;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use checkpoint_core::Error;
use tokio::runtime::Runtime;

use self::trial::Trial;
use crate::chain::chain;
use crate::place::{fresh, runtime};
use crate::subject::Subject;

pub use self::config::Machines;
pub use self::machine::serve;

/// Stands in what is wrong when something did not come to pass in time, which a busy machine may be the cause of too.
pub const LATE: &str = "not within";

/// Rounds of one store, after which a fresh one is taken, so that judging takes no longer and longer.
const ROUNDS_OF_A_STORE: u64 = 4;
/// How often it is told how far a run has come.
const TELLING: Duration = Duration::from_secs(10);

/// What a run found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Rounds that were judged.
    pub rounds: u64,
    /// Processes that were started.
    pub machines: u64,
    /// Of those, such as were killed.
    pub kills: u64,
    /// Of those, such as were killed while they opened the store.
    pub while_opening: u64,
    /// Machines that were held until another had claimed their session.
    pub held: u64,
    /// Steps that were acknowledged, claims included.
    pub acknowledged: u64,
    /// Claims that were acknowledged.
    pub claims: u64,
    /// Commits of owners that were refused, since the session was another's.
    pub refusals: u64,
    /// Calls of upkeep that were done meanwhile.
    pub swept: u64,
    /// Calls that failed with an error that says to try again, and were made again.
    pub again: u64,
    /// Steps that were done and of which the machine could not tell any more.
    pub untold: u64,
    /// Checkpoints that were there when the stores were judged, taken together.
    pub checkpoints: u64,
    /// Why nothing was tried.
    pub skipped: Option<String>,
    /// What must not be. The run ends with the first round that finds something.
    pub wrong: Vec<String>,
    /// The place of the store in which it was found.
    pub kept: Option<PathBuf>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} rounds, {} machines, {} killed ({} while opening), {} held; {} steps acknowledged, {} claims, {} refused \
             under an older epoch, {} done and not told, {} calls made again, {} of upkeep; {} checkpoints compared, \
             {} wrong",
            self.rounds,
            self.machines,
            self.kills,
            self.while_opening,
            self.held,
            self.acknowledged,
            self.claims,
            self.refusals,
            self.untold,
            self.again,
            self.swept,
            self.checkpoints,
            self.wrong.len()
        )
    }
}

/// As many rounds as asked for, or until something is wrong. A store that several processes cannot share is left out.
///
/// # Errors
///
/// When it cannot be tried: no process or directory can be had, or the store does not open at all.
pub fn run(
    subject: &Arc<dyn Subject>,
    machines: &Machines,
    mut say: impl FnMut(&str),
) -> Result<Report, String> {
    let runtime = runtime()?;
    let mut report = Report::default();
    if !is_shared(subject, machines, &runtime)? {
        report.skipped = Some("only one process may have it open".to_owned());
        return Ok(report);
    }
    let mut told = Instant::now();
    let mut trial = None;
    for round in 0..machines.rounds {
        if round % ROUNDS_OF_A_STORE == 0 {
            trial = Some(Trial::begin(subject, machines, round)?);
        }
        let Some(trial) = &mut trial else { break };
        trial.round(round, &runtime, &mut report)?;
        if !report.wrong.is_empty() {
            report.kept = trial.keep();
            break;
        }
        if told.elapsed() >= TELLING {
            told = Instant::now();
            say(&format!("{}: {report}", subject.name()));
        }
    }
    Ok(report)
}

fn is_shared(
    subject: &Arc<dyn Subject>,
    machines: &Machines,
    runtime: &Runtime,
) -> Result<bool, String> {
    let place = fresh(&machines.directory)?;
    let shared = runtime.block_on(async {
        let backend = subject.open(place.path()).await?;
        backend.close().await?;
        Ok(backend.info().capabilities.shared)
    });
    shared.map_err(|error: Error| format!("a fresh store cannot be made: {}", chain(&error)))
}
