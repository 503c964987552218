//! What two machines do, one turn after the other.

use std::sync::Arc;
use std::time::Duration;

use checkpoint_conformance::objects::Faulty;
use checkpoint_core::SeededIds;

use super::{Load, WRITERS};
use crate::requests::machine::Begun;
use crate::requests::op::{self, Answer, Op};
use crate::requests::plan::Plan;

/// Steps of a machine that works while the other one sleeps: more than are left alone at the end of a log.
const ALONE: usize = 80;
/// What hangs is let go at once when all comes to its end.
const SOON: Duration = Duration::from_millis(2);
/// The longest that no machine does anything, in minutes. All of a load is far from a week.
const PAUSE: u64 = 150;

impl Load {
    pub(super) async fn turn(&mut self) {
        if self.dice.below(3) == 0 {
            let minutes = 1 + self.dice.below(PAUSE);
            self.clock.advance(Duration::from_secs(60 * minutes));
        }
        for number in 0..2 {
            let faulty = &self.machines[number].faulty;
            if faulty.held() > 0 && self.dice.below(3) == 0 {
                faulty.release().await;
            }
        }
        let number = self.dice.below(2) as usize;
        let both = self.dice.below(6) == 0;
        self.begin(number);
        if both {
            self.begin(1 - number);
        }
        self.wait(number).await;
        if both {
            self.wait(1 - number).await;
        }
        self.told.seen.stalled += u64::from(self.machines[number].busy.is_some());
    }

    /// One machine does nothing while the other makes so many entries that the log behind them may go.
    pub(super) async fn one_sleeps(&mut self) {
        let machine = &self.machines[0];
        machine.faulty.schedule(None);
        self.come_to_rest(0).await;
        if self.machines[0].backend.is_none() {
            self.begin(0);
            self.come_to_rest(0).await;
        }
        for _ in 0..ALONE {
            if let Some(op) = self.step() {
                self.start(0, op);
                self.come_to_rest(0).await;
            }
        }
        self.start(0, Op::Upkeep);
        self.come_to_rest(0).await;
        self.told.seen.slept += 1;
        self.plan(Plan::Many);
    }

    /// Lets go what hangs until a machine is done.
    pub(super) async fn come_to_rest(&mut self, number: usize) {
        while self.machines[number].busy.is_some() {
            self.machines[number].faulty.release().await;
            let waited = tokio::time::timeout(SOON, self.wait(number));
            if waited.await.is_ok() && self.machines[number].busy.is_some() {
                // It stands still, or what was let go has not gone yet.
                tokio::task::yield_now().await;
            }
        }
    }

    /// Begins something by chance, if the machine does nothing.
    fn begin(&mut self, number: usize) {
        if self.machines[number].busy.is_some() {
            return;
        }
        if self.machines[number].backend.is_none() {
            return self.start(number, Op::Open);
        }
        let op = match self.dice.below(100) {
            0..10 => self.again(),
            10..14 => Some(Op::Claim),
            14..24 => Some(Op::Count {
                epoch: self.machines[number].epoch,
            }),
            24..30 => Some(Op::Look),
            30..38 => Some(Op::Upkeep),
            38..41 => Some(Op::Close),
            // As if its process was gone.
            41..43 => {
                self.machines[number].backend = None;
                Some(Op::Open)
            }
            _ => None,
        };
        if let Some(op) = op.or_else(|| self.step()) {
            self.start(number, op);
        }
    }

    /// The next step of a writer; it may be the one that the other machine is at.
    fn step(&mut self) -> Option<Op> {
        let writer = self.dice.below(WRITERS as u64) as usize;
        let step = self.told.ledger.done(writer);
        let other = self.machines.iter().find_map(|it| it.writes(writer));
        match other {
            None => Some(Op::Step { writer, step }),
            Some(op) if op == (Op::Step { writer, step }) => {
                // What one of them is told says nothing of what the other did.
                self.told.ledger.doubt(writer);
                Some(op)
            }
            Some(_) => None,
        }
    }

    /// What a writer was told last.
    fn again(&mut self) -> Option<Op> {
        let writer = self.dice.below(WRITERS as u64) as usize;
        let step = self.told.ledger.done(writer).checked_sub(1)?;
        let other = self.machines.iter().any(|it| it.writes(writer).is_some());
        (!other).then_some(Op::Again { writer, step })
    }

    pub(super) fn start(&mut self, number: usize, op: Op) {
        let begun = Begun {
            struck: self.struck(),
            highest: self.told.highest,
            epoch: self.told.epoch,
        };
        let machine = &self.machines[number];
        match machine.backend.clone() {
            Some(backend) if op != Op::Open => {
                let ids = Arc::new(SeededIds::new(
                    self.seed.of(1_000 + self.dice.below(u64::MAX)).0,
                ));
                let seed = self.told.ledger.seed();
                let work = op::perform(op, backend, seed, ids);
                self.machines[number].begin(op, begun, work);
            }
            _ => {
                let objects = Arc::new(machine.counted.clone());
                let (opening, subject) = (self.opening(objects), Arc::clone(&self.subject));
                let work = async move { op::open(&*subject, opening).await };
                self.machines[number].begin(Op::Open, begun, work);
            }
        }
    }

    pub(super) fn struck(&self) -> usize {
        let of = |faulty: &Faulty| faulty.strikes().len();
        let machines = self.machines.iter().map(|machine| of(&machine.faulty));
        machines.sum::<usize>() + of(&self.lists)
    }

    /// Waits until a machine is done with what it does, or stands still.
    async fn wait(&mut self, number: usize) {
        let Some((op, begun, came)) = self.machines[number].wait().await else {
            return;
        };
        let came = match came {
            Ok(came) => came,
            Err(error) => return self.told.wrong(format!("{op:?} panics: {error}")),
        };
        let failed = self.struck() > begun.struck;
        let machine = &mut self.machines[number];
        match &came {
            Ok(Answer::Opened(backend)) => {
                machine.backend = Some(Arc::clone(backend));
                self.told.seen.opened += 1;
            }
            Ok(Answer::Claimed(epoch)) => machine.epoch = Some(*epoch),
            _ if op == Op::Close => machine.backend = None,
            _ => {}
        }
        let refused = self.told.heard(op, begun, failed, came);
        if let Some(writer) = refused {
            // Both may be at work, and what they do may come to its end meanwhile.
            if self.machines[1 - number].busy.is_none() {
                self.look("after a refusal").await;
            }
            self.told.ledger.try_again(writer);
        }
    }
}
