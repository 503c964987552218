//! One load: two machines on one store, while requests fail.

use std::sync::Arc;
use std::time::Duration;

use checkpoint_conformance::objects::{Dated, Faulty, Requests};
use checkpoint_core::{Backend, FakeClock, Result, SeededIds};
use object_store::ObjectStore;

use super::machine::{Begun, Machine};
use super::op::{self, Answer, Op};
use super::plan::{Plan, by_chance, faults, lies};
use super::service::Service;
use super::subject::{ObjectSubject, Opening};
use super::told::Told;
use crate::chain::chain;
use crate::load::Seed;

/// Who writes, through one machine or the other.
const WRITERS: usize = 4;
/// Steps of a machine that works while the other one sleeps: more than are left alone at the end of a log.
const ALONE: usize = 80;
/// How long a load may take; a request that nobody lets go would take forever.
const PATIENCE: Duration = Duration::from_secs(180);
/// What hangs is let go at once when all comes to its end.
const SOON: Duration = Duration::from_millis(2);
/// After this time what nothing leads to is old.
const LONG: Duration = Duration::from_secs(2 * 60 * 60);
/// The longest that no machine does anything, in minutes. All of a load is far from a week.
const PAUSE: u64 = 150;

/// What became of a load.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) struck: u64,
    pub(super) told: u64,
    pub(super) unknown: u64,
    pub(super) stalled: u64,
    pub(super) opened: u64,
    pub(super) judged: u64,
    pub(super) slept: u64,
    pub(super) wrong: Vec<String>,
}

impl Seen {
    pub(super) fn broken(why: String) -> Self {
        Self {
            wrong: vec![why],
            ..Self::default()
        }
    }
}

/// What is tried.
pub(super) struct Trial {
    pub(super) subject: Arc<dyn ObjectSubject>,
    pub(super) seed: Seed,
    pub(super) turns: u64,
    pub(super) service: Service,
    pub(super) plan: Plan,
}

impl Trial {
    /// What both machines ask when nothing fails.
    pub(super) async fn count(self) -> std::result::Result<[Requests; 2], String> {
        let mut load = Load::new(&self).map_err(|error| chain(&error))?;
        load.run(&self).await;
        if load.told.seen.wrong.is_empty() {
            return Ok([0, 1].map(|number| load.machines[number].asked));
        }
        Err(load.told.seen.wrong.join("\n"))
    }

    pub(super) async fn run(self) -> Seen {
        let mut load = match Load::new(&self) {
            Ok(load) => load,
            Err(error) => return Seen::broken(chain(&error)),
        };
        if tokio::time::timeout(PATIENCE, load.run(&self))
            .await
            .is_err()
        {
            load.told.wrong("it does not come to an end".to_owned());
        }
        let mut seen = std::mem::take(&mut load.told.seen);
        seen.struck = load.struck() as u64;
        if !seen.wrong.is_empty() {
            let struck = load.machines.iter().map(|machine| machine.faulty.strikes());
            for (number, strikes) in struck.enumerate() {
                let last = strikes.iter().rev().take(12).rev();
                seen.wrong
                    .extend(last.map(|strike| format!("machine {number}: {strike}")));
            }
        }
        seen
    }
}

/// A load, as far as it is.
struct Load {
    subject: Arc<dyn ObjectSubject>,
    clock: FakeClock,
    /// What all reach in the end, and nobody's requests fail.
    sound: Arc<dyn ObjectStore>,
    /// What all reach first: lists may be old.
    lists: Faulty,
    machines: [Machine; 2],
    /// Sees the store as it is.
    witness: Option<Arc<dyn Backend>>,
    told: Told,
    dice: Seed,
    seed: Seed,
    openings: u64,
}

impl Load {
    fn new(trial: &Trial) -> Result<Self> {
        let clock = FakeClock::at("2026-11-20T10:00:00Z")?;
        let dated = Arc::new(Dated::new(clock.clone()));
        let lists = Faulty::new(trial.service.over(Arc::clone(&dated) as _));
        let machine = || Machine::new(Arc::new(lists.clone()));
        Ok(Self {
            subject: Arc::clone(&trial.subject),
            machines: [machine(), machine()],
            clock,
            sound: dated,
            lists,
            witness: None,
            told: Told::new(trial.seed.of(1), WRITERS),
            dice: trial.seed.of(2),
            seed: trial.seed,
            openings: 0,
        })
    }

    async fn run(&mut self, trial: &Trial) {
        if trial.service.comes_later() && !self.make().await {
            return;
        }
        self.plan(trial.plan);
        let sleeps = trial.plan == Plan::Many && self.dice.below(10) == 0;
        for turn in 0..trial.turns {
            self.turn().await;
            if sleeps && turn == trial.turns / 2 {
                self.one_sleeps().await;
            }
            if self.told.is_broken() {
                return;
            }
        }
        self.end().await;
    }

    /// A store is there before its service goes wrong.
    async fn make(&mut self) -> bool {
        let opening = self.opening(Arc::clone(&self.sound));
        match op::open(&*self.subject, opening).await {
            Ok(Answer::Opened(backend)) => backend.close().await.is_ok(),
            other => {
                self.told.wrong(format!("no store can be made: {other:?}"));
                false
            }
        }
    }

    fn plan(&self, plan: Plan) {
        match plan {
            Plan::Nothing => {}
            Plan::One {
                machine,
                kind,
                nth,
                fault,
            } => {
                let faulty = &self.machines[machine].faulty;
                faulty.plan(Plan::which(kind, nth), fault);
            }
            Plan::Many => {
                for (number, machine) in self.machines.iter().enumerate() {
                    let seed = self.seed.of(3 + number as u64);
                    machine.faulty.schedule(Some(by_chance(seed, faults())));
                }
                self.lists
                    .schedule(Some(by_chance(self.seed.of(5), lies())));
            }
        }
    }

    fn opening(&mut self, objects: Arc<dyn ObjectStore>) -> Opening {
        self.openings += 1;
        Opening {
            objects,
            clock: self.clock.clone(),
            ids: Arc::new(SeededIds::new(self.seed.of(100 + self.openings).0)),
            number: self.seed.of(6).0 % 8,
        }
    }

    async fn turn(&mut self) {
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
    async fn one_sleeps(&mut self) {
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
    async fn come_to_rest(&mut self, number: usize) {
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

    fn start(&mut self, number: usize, op: Op) {
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

    fn struck(&self) -> usize {
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

    /// No request fails any more: what is under way comes to its end, each writer does one more step, and what is there is
    /// judged, before all that is not needed was taken away and after.
    async fn end(&mut self) {
        self.lists.clear();
        for machine in &mut self.machines {
            machine.asked = machine.counted.requests();
            machine.faulty.clear();
        }
        for number in 0..2 {
            self.come_to_rest(number).await;
            self.machines[number].faulty.release().await;
            if self.machines[number].backend.is_none() {
                self.start(number, Op::Open);
                self.come_to_rest(number).await;
            }
        }
        for writer in 0..WRITERS {
            let step = self.told.ledger.done(writer);
            self.start(writer % 2, Op::Step { writer, step });
            self.come_to_rest(writer % 2).await;
        }
        self.judge_by(0, "by the first machine").await;
        for number in [1, 0] {
            self.clock.advance(LONG);
            self.start(number, Op::Upkeep);
            self.come_to_rest(number).await;
        }
        self.judge_by(1, "by the second machine, after upkeep")
            .await;
        for number in 0..2 {
            self.start(number, Op::Close);
            self.come_to_rest(number).await;
        }
        self.witness = None;
        self.look("opened again").await;
        if let Some(backend) = self.witness.take() {
            let _ = backend.close().await;
        }
    }

    async fn judge_by(&mut self, number: usize, when: &str) {
        if let Some(backend) = self.machines[number].backend.clone() {
            self.told.judge(backend, when).await;
        }
    }

    /// Judges the store as it is.
    async fn look(&mut self, when: &str) {
        if self.witness.is_none() {
            let opening = self.opening(Arc::clone(&self.sound));
            match op::open(&*self.subject, opening).await {
                Ok(Answer::Opened(backend)) => self.witness = Some(backend),
                Ok(_) => {}
                Err(error) => {
                    let why = chain(&error);
                    return self
                        .told
                        .wrong(format!("{when}: it cannot be opened: {why}"));
                }
            }
        }
        if let Some(backend) = self.witness.clone() {
            self.told.judge(backend, when).await;
        }
    }
}
