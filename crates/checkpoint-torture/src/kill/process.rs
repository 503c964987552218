//! A child as its parent sees it, from its start to its end.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::child::{Job, OPENED};
use super::config::JOB;
use crate::child::Spawned;
use crate::load::{Acknowledged, Seed};

/// Longer than any child may take to say something.
const PATIENCE: Duration = Duration::from_secs(60);
/// Steps that are waited for, at most.
const STEPS: u64 = 120;
/// Microseconds waited on top of them, at most: a few commits.
const LINGER: u64 = 3_000;
/// Of so many children one is killed while it opens the store.
const OPENERS: u64 = 8;
/// Microseconds in which a child starts and opens the store, roughly.
const OPENING: u64 = 15_000;

pub(super) struct Child {
    process: Spawned,
    lines: Receiver<String>,
    said: Said,
}

/// What a child said.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) opened: bool,
    pub(super) told: Vec<Acknowledged>,
    pub(super) wrong: Vec<String>,
}

impl Child {
    pub(super) fn spawn(job: &Job) -> Result<Self, String> {
        let (send, lines) = channel();
        let process = Spawned::start(JOB, &job.to_text(), move |line| {
            // Its last word is the end of the channel.
            let _ = line.map(|line| send.send(line));
        })?;
        Ok(Self {
            process,
            lines,
            said: Said::default(),
        })
    }

    /// Waits for a moment that follows from the seed: while it opens the store, or after some steps more.
    pub(super) fn wait(&mut self, seed: &mut Seed) -> Result<(), String> {
        if seed.below(OPENERS) == 0 {
            return self.linger(Duration::from_micros(seed.below(OPENING)));
        }
        while let Ok(line) = self.lines.try_recv() {
            self.said.hear(&line)?;
        }
        let steps = self.said.told.len() + seed.below(STEPS) as usize;
        while self.said.wrong.is_empty() && !(self.said.opened && self.said.told.len() >= steps) {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => self.said.hear(&line)?,
                Err(RecvTimeoutError::Timeout) => {
                    let silent = format!("the child says nothing for {PATIENCE:?}");
                    self.said.wrong.push(silent);
                }
                Err(RecvTimeoutError::Disconnected) => {
                    self.said.wrong.push("the child ended by itself".to_owned());
                }
            }
        }
        self.linger(Duration::from_micros(seed.below(LINGER)))
    }

    /// Kills it, and answers all that it said.
    pub(super) fn kill(mut self) -> Result<Said, String> {
        self.process.kill()?;
        while let Ok(line) = self.lines.recv() {
            self.said.hear(&line)?;
        }
        Ok(self.said)
    }

    /// Goes on hearing for so long.
    fn linger(&mut self, time: Duration) -> Result<(), String> {
        let until = Instant::now() + time;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.said.hear(&line)?,
                Err(_) => return Ok(()),
            }
        }
    }
}

impl Said {
    fn hear(&mut self, line: &str) -> Result<(), String> {
        if line == OPENED {
            self.opened = true;
        } else if let Some(why) = line.strip_prefix("! ") {
            self.wrong.push(why.to_owned());
        } else {
            self.told.push(line.parse()?);
        }
        Ok(())
    }
}
