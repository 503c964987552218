//! One round: machines work, some are held or killed, and others go on with what was theirs.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::account::Account;
use super::fleet::{Fleet, Heard, Member, shortly};
use super::machine::Job;
use super::title::{CONTESTED, session_of};
use super::words::Told;
use super::{LATE, Report};
use crate::load::Seed;

/// Steps that are waited for before somebody is killed, and afterwards, at most.
const STEPS: u64 = 80;
/// Microseconds waited on top of them, at most.
const LINGER: u64 = 30_000;
/// Of so many rounds in one a machine is killed while it opens the store.
const OPENERS: u64 = 5;
/// Microseconds in which a machine starts and opens the store, roughly.
const OPENING: u64 = 60_000;
/// Of so many rounds in one a machine is held for a while.
const HELD: u64 = 3;
/// Of so many rounds of more than two machines in one two of them are killed.
const TWO: u64 = 3;

pub(super) struct Round<'a> {
    pub(super) seed: Seed,
    pub(super) patience: Duration,
    pub(super) account: &'a mut Account,
    pub(super) report: &'a mut Report,
    fleet: Fleet,
    /// Killed machines that have nothing more to say.
    ended: BTreeSet<u64>,
}

impl<'a> Round<'a> {
    pub(super) fn new(
        seed: Seed,
        patience: Duration,
        account: &'a mut Account,
        report: &'a mut Report,
    ) -> Self {
        Self {
            seed,
            patience,
            account,
            report,
            fleet: Fleet::new(),
            ended: BTreeSet::new(),
        }
    }

    /// Lets these machines work, each with its share of the writers, and what has to befall them befall them.
    pub(super) fn run(&mut self, jobs: &[Job]) -> Result<(), String> {
        let writers: Vec<usize> = (0..self.account.ledger.writers()).collect();
        let mut shares = writers.chunks(writers.len().div_ceil(jobs.len()).max(1));
        for (place, job) in jobs.iter().enumerate() {
            self.fleet.start(job)?;
            self.report.machines += 1;
            let share = shares.next().unwrap_or_default();
            let ledger = &self.account.ledger;
            self.fleet.let_write(job.machine, share, ledger);
            self.fleet.let_own(job.machine, &session_of(place));
            self.fleet.let_contest(job.machine, CONTESTED);
        }
        let while_opening = self.seed.below(OPENERS) == 0;
        if while_opening {
            let until = shortly(self.seed.below(OPENING));
            self.linger(until)?;
            self.lose_some(1)?;
        }
        self.listen("all machines to open the store", |round| {
            round.fleet.members.values().all(|member| member.opened)
        })?;
        if self.seed.below(HELD) == 0 && self.fleet.members.len() > 1 {
            self.some_steps()?;
            self.hold_one()?;
        }
        if !while_opening {
            self.some_steps()?;
            let two = jobs.len() > 2 && self.seed.below(TWO) == 0;
            self.lose_some(if two { 2 } else { 1 })?;
        }
        self.some_steps()?;
        self.finish()
    }

    /// Holds a machine until another has claimed its session, and lets it try to go on.
    fn hold_one(&mut self) -> Result<(), String> {
        let Some(held) = self.any(None) else {
            return Ok(());
        };
        let Some(heir) = self.any(Some(held)) else {
            return Ok(());
        };
        let member = self.fleet.members.get_mut(&held);
        let Some(session) = member.and_then(|member| member.sessions.pop()) else {
            return Ok(());
        };
        // One that has not claimed it yet would do so when it goes on, and take it from the heir.
        self.listen("who is to be held to save", |round| {
            round.account.saved.contains(&(held, session.clone()))
        })?;
        self.fleet.hold(held)?;
        self.report.held += 1;
        self.fleet.let_own(heir, &session);
        self.listen("the heir of who is held", |round| {
            round.account.saved.contains(&(heir, session.clone()))
        })?;
        self.fleet.go_on(held)?;
        self.listen("who was held to be refused", |round| {
            round.account.refused.contains(&(held, session.clone()))
        })
    }

    /// Kills some machines at one time, and lets others go on with what was theirs.
    fn lose_some(&mut self, count: usize) -> Result<(), String> {
        let mut lost = Vec::new();
        for _ in 0..count {
            if let Some(machine) = self.any(None).filter(|_| self.fleet.members.len() > 1) {
                lost.extend(self.kill(machine)?.map(|member| (machine, member)));
            }
        }
        let mut heirs = Vec::new();
        for (machine, member) in lost {
            self.listen("what a killed machine said", |round| {
                round.ended.contains(&machine)
            })?;
            for writer in member.writers {
                if let Some(heir) = self.any(None) {
                    let ledger = &self.account.ledger;
                    self.fleet.let_write(heir, &[writer], ledger);
                }
            }
            for session in member.sessions {
                if let Some(heir) = self.any(None) {
                    self.fleet.let_own(heir, &session);
                    heirs.push((heir, session));
                }
            }
        }
        self.listen("the heirs of who was killed", |round| {
            // A claim of the dead may arrive late, and then the heir is refused.
            let Account { saved, refused, .. } = &*round.account;
            let went_on = |heir| saved.contains(heir) || refused.contains(heir);
            heirs.iter().all(went_on)
        })
    }

    /// Lets those that are left end by themselves, or kills them all.
    fn finish(&mut self) -> Result<(), String> {
        if self.seed.below(2) == 0 {
            self.fleet.end();
            self.listen("machines to end", |round| {
                round.fleet.members.values().all(|member| member.done)
            })?;
        }
        let all: Vec<u64> = self.fleet.members.keys().copied().collect();
        for machine in &all {
            self.kill(*machine)?;
        }
        // What they said is heard in any case.
        let until = Instant::now() + self.patience;
        while !all.iter().all(|machine| self.ended.contains(machine)) {
            let heard = self.fleet.hear(until)?;
            if matches!(heard, Heard::Nothing) {
                return Err("what a killed machine said does not end".to_owned());
            }
            self.take(heard)?;
        }
        Ok(())
    }

    fn kill(&mut self, machine: u64) -> Result<Option<Member>, String> {
        let member = self.fleet.kill(machine)?;
        if let Some(member) = member.as_ref().filter(|member| !member.done) {
            self.report.kills += 1;
            self.report.while_opening += u64::from(!member.opened);
        }
        Ok(member)
    }

    /// One of those that run.
    fn any(&mut self, but: Option<u64>) -> Option<u64> {
        let all = self.fleet.members.keys().copied();
        let all: Vec<u64> = all.filter(|machine| Some(*machine) != but).collect();
        self.seed.pick(all.into_iter())
    }

    /// Waits for a moment that follows from the seed.
    fn some_steps(&mut self) -> Result<(), String> {
        let steps = self.account.acknowledged() + self.seed.below(STEPS);
        self.listen("steps", |round| round.account.acknowledged() >= steps)?;
        let until = shortly(self.seed.below(LINGER));
        self.linger(until)
    }

    /// Hears until something holds. That it does not for so long is wrong.
    fn listen(&mut self, what: &str, holds: impl Fn(&Self) -> bool) -> Result<(), String> {
        let until = Instant::now() + self.patience;
        while self.account.wrong.is_empty() && !holds(self) {
            let heard = self.fleet.hear(until)?;
            if matches!(heard, Heard::Nothing) || Instant::now() > until {
                let patience = self.patience;
                let wrong = format!("{what}: {LATE} {patience:?}");
                self.account.wrong.push(wrong);
            }
            self.take(heard)?;
        }
        Ok(())
    }

    /// Goes on hearing for so long.
    fn linger(&mut self, until: Instant) -> Result<(), String> {
        loop {
            let heard = self.fleet.hear(until)?;
            if matches!(heard, Heard::Nothing) || Instant::now() > until {
                return self.take(heard);
            }
            self.take(heard)?;
        }
    }

    fn take(&mut self, heard: Heard) -> Result<(), String> {
        match heard {
            Heard::Told(machine, told) => {
                if let Some(member) = self.fleet.members.get_mut(&machine) {
                    member.opened |= told == Told::Opened;
                    member.done |= told == Told::Done;
                }
                self.account.hear(machine, told)
            }
            Heard::Ended(machine) => {
                self.ended.insert(machine);
                let member = self.fleet.members.get(&machine);
                if member.is_some_and(|member| !member.done) {
                    let wrong = format!("machine {machine} ended by itself");
                    self.account.wrong.push(wrong);
                }
                Ok(())
            }
            Heard::Nothing => Ok(()),
        }
    }
}
