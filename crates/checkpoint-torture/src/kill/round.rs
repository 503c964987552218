//! One child, from its start to its end.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::Kill;
use super::child::{Job, OPENED};
use super::config::{JOB, this_program};
use crate::load::{Acknowledged, Ledger, Seed};

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

pub(super) struct Round {
    child: Child,
    /// Closed, it tells the child that its parent is gone.
    _to: Option<ChildStdin>,
    lines: Receiver<String>,
}

/// What a child said before it was killed.
#[derive(Debug, Default)]
pub(super) struct Ended {
    pub(super) opened: bool,
    pub(super) told: Vec<Acknowledged>,
    pub(super) wrong: Vec<String>,
}

impl Round {
    pub(super) fn spawn(
        subject: &str,
        kill: &Kill,
        seed: Seed,
        place: &Path,
        ledger: &Ledger,
    ) -> Result<Self, String> {
        let job = Job {
            subject: subject.to_owned(),
            control: kill.control,
            seed,
            done: (0..kill.writers)
                .map(|writer| ledger.done(writer))
                .collect(),
            place: place.display().to_string(),
        };
        let program = this_program()?;
        let mut child = Command::new(program)
            .env(JOB, job.to_text())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start this program again: {error}"))?;
        let (send, lines) = channel();
        let out = child.stdout.take().ok_or("the child has no output")?;
        std::thread::spawn(move || {
            let mut out = BufReader::new(out);
            let mut line = String::new();
            // A line without its end was cut off by the kill: nobody was told.
            while out.read_line(&mut line).is_ok() && line.ends_with('\n') {
                if send.send(line.trim_end_matches('\n').to_owned()).is_err() {
                    break;
                }
                line.clear();
            }
        });
        Ok(Self {
            _to: child.stdin.take(),
            child,
            lines,
        })
    }

    /// Waits for a moment that follows from the seed, kills, and hears what was said until then.
    pub(super) fn end(mut self, seed: &mut Seed) -> Result<Ended, String> {
        let mut ended = Ended::default();
        if seed.below(OPENERS) == 0 {
            self.linger(Duration::from_micros(seed.below(OPENING)), &mut ended)?;
        } else {
            let steps = seed.below(STEPS) as usize;
            while ended.wrong.is_empty() && !(ended.opened && ended.told.len() >= steps) {
                match self.lines.recv_timeout(PATIENCE) {
                    Ok(line) => ended.hear(&line)?,
                    Err(RecvTimeoutError::Timeout) => {
                        ended
                            .wrong
                            .push(format!("the child says nothing for {PATIENCE:?}"));
                    }
                    Err(RecvTimeoutError::Disconnected) => {
                        ended.wrong.push("the child ended by itself".to_owned());
                    }
                }
            }
            self.linger(Duration::from_micros(seed.below(LINGER)), &mut ended)?;
        }
        self.child
            .kill()
            .and_then(|()| self.child.wait())
            .map_err(|error| format!("cannot kill the child: {error}"))?;
        while let Ok(line) = self.lines.recv() {
            ended.hear(&line)?;
        }
        Ok(ended)
    }

    /// Goes on hearing for so long.
    fn linger(&self, time: Duration, ended: &mut Ended) -> Result<(), String> {
        let until = Instant::now() + time;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => ended.hear(&line)?,
                Err(_) => return Ok(()),
            }
        }
    }
}

impl Drop for Round {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
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
