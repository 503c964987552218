//! `kill -9` at random moments, while several writers save and are acknowledged.
//!
//! A child process opens the store, works the [load](crate::load) on it, and says a line for each step that was
//! acknowledged. It is killed after some lines, or while it opens the store. Then the store is opened and judged; every
//! other time a copy of it is, so that the next child finds it as it was left. Steps that were under way are done again.
//! Where several processes may have a store open, two children work on it now and then, and one outlives the other.
//!
//! The child is the program itself: its `main` calls [`serve`] before anything else.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use checkpoint_torture::Subject;
//! use checkpoint_torture::kill::{Kill, run, serve};
//! use checkpoint_torture::load::Seed;
//!
//! /// All that `main` does.
//! fn torture(mine: Arc<dyn Subject>) -> Result<(), String> {
//!     serve(&[Arc::clone(&mine)]);
//!     let report = run(&mine, &Kill::new(Seed(1)).with_rounds(50), |line| println!("{line}"))?;
//!     println!("{report}");
//!     Ok(())
//! }
//! ```

mod child;
mod config;
mod process;
mod trial;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::trial::Trial;
use crate::place::runtime;
use crate::subject::Subject;

pub use self::child::serve;
pub use self::config::Kill;

/// Kills of one store, after which a fresh one is taken, so that judging takes no longer and longer.
const ROUNDS_OF_A_STORE: u64 = 20;
/// How often it is told how far a run has come.
const TELLING: Duration = Duration::from_secs(10);

/// What a run found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Children that were killed.
    pub kills: u64,
    /// Of those, such as were killed while they opened the store.
    pub while_opening: u64,
    /// Steps that were acknowledged.
    pub acknowledged: u64,
    /// Steps that were done and of which the child could not tell any more.
    pub untold: u64,
    /// Checkpoints that were there when the stores were judged, taken together.
    pub checkpoints: u64,
    /// What must not be. The run ends with the first round that finds something.
    pub wrong: Vec<String>,
    /// Where the store lies in which it was found.
    pub kept: Option<PathBuf>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} kills ({} while opening), {} steps acknowledged, {} done and not told, {} checkpoints compared, {} wrong",
            self.kills,
            self.while_opening,
            self.acknowledged,
            self.untold,
            self.checkpoints,
            self.wrong.len()
        )
    }
}

/// Kills as often as asked for, or until something is wrong.
///
/// # Errors
///
/// When it cannot be tried: no process or directory can be had, or the store does not open at all.
pub fn run(
    subject: &Arc<dyn Subject>,
    kill: &Kill,
    mut say: impl FnMut(&str),
) -> Result<Report, String> {
    let runtime = runtime()?;
    let mut report = Report::default();
    let mut told = Instant::now();
    let mut trial = None;
    for round in 0..kill.rounds {
        // What a broken backend leaves need not be what it can go on from.
        if round % ROUNDS_OF_A_STORE == 0 || kill.control.is_some() {
            trial = Some(Trial::begin(subject, kill, round, &runtime)?);
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
