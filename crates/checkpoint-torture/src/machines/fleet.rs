//! The machines of a round, as their parent sees them.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use super::config::JOB;
use super::machine::Job;
use super::words::{Order, Told};
use crate::child::Spawned;
use crate::load::Ledger;

/// Machines that run, and what there is to do for who goes on with what one of them did.
pub(super) struct Fleet {
    pub(super) members: BTreeMap<u64, Member>,
    lines: Receiver<(u64, Option<String>)>,
    send: Sender<(u64, Option<String>)>,
}

pub(super) struct Member {
    process: Spawned,
    /// Writers whose steps it does.
    pub(super) writers: Vec<usize>,
    /// Sessions that it owns, as far as one knows.
    pub(super) sessions: Vec<String>,
    pub(super) opened: bool,
    pub(super) done: bool,
}

/// What was heard.
pub(super) enum Heard {
    Told(u64, Told),
    /// There will be no more of this one.
    Ended(u64),
    /// Nothing, in all the time.
    Nothing,
}

impl Fleet {
    pub(super) fn new() -> Self {
        let (send, lines) = channel();
        Self {
            members: BTreeMap::new(),
            lines,
            send,
        }
    }

    pub(super) fn start(&mut self, job: &Job) -> Result<(), String> {
        let (send, machine) = (self.send.clone(), job.machine);
        let process = Spawned::start(JOB, &job.to_text(), move |line| {
            let _ = send.send((machine, line));
        })?;
        let member = Member {
            process,
            writers: Vec::new(),
            sessions: Vec::new(),
            opened: false,
            done: false,
        };
        self.members.insert(machine, member);
        Ok(())
    }

    /// Hears the next line, at most until then.
    pub(super) fn hear(&mut self, until: Instant) -> Result<Heard, String> {
        let left = until.saturating_duration_since(Instant::now());
        match self.lines.recv_timeout(left) {
            Ok((machine, Some(line))) => Ok(Heard::Told(machine, line.parse()?)),
            Ok((machine, None)) => Ok(Heard::Ended(machine)),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Ok(Heard::Nothing),
        }
    }

    fn tell(&mut self, machine: u64, order: &Order) {
        if let Some(member) = self.members.get_mut(&machine) {
            member.process.tell(&order.to_string());
        }
    }

    /// Lets a machine do the steps of writers, each from where it is.
    pub(super) fn let_write(&mut self, machine: u64, writers: &[usize], ledger: &Ledger) {
        for &writer in writers {
            let done = ledger.done(writer);
            self.tell(machine, &Order::Write { writer, done });
        }
        if let Some(member) = self.members.get_mut(&machine) {
            member.writers.extend(writers);
        }
    }

    /// Lets a machine claim a session.
    pub(super) fn let_own(&mut self, machine: u64, session: &str) {
        self.tell(machine, &Order::Own(session.to_owned()));
        if let Some(member) = self.members.get_mut(&machine) {
            member.sessions.push(session.to_owned());
        }
    }

    pub(super) fn let_contest(&mut self, machine: u64, session: &str) {
        self.tell(machine, &Order::Contest(session.to_owned()));
    }

    /// Lets all end by themselves.
    pub(super) fn end(&mut self) {
        let all: Vec<u64> = self.members.keys().copied().collect();
        for machine in all {
            self.tell(machine, &Order::End);
        }
    }

    /// Kills a machine, which is one no more. What it said before is heard still.
    pub(super) fn kill(&mut self, machine: u64) -> Result<Option<Member>, String> {
        let Some(mut member) = self.members.remove(&machine) else {
            return Ok(None);
        };
        member.process.kill()?;
        Ok(Some(member))
    }

    pub(super) fn hold(&self, machine: u64) -> Result<(), String> {
        let member = self.members.get(&machine);
        member.map_or(Ok(()), |member| member.process.hold())
    }

    pub(super) fn go_on(&self, machine: u64) -> Result<(), String> {
        let member = self.members.get(&machine);
        member.map_or(Ok(()), |member| member.process.go_on())
    }
}

/// So many microseconds, at most.
pub(super) fn shortly(micros: u64) -> Instant {
    Instant::now() + Duration::from_micros(micros)
}
