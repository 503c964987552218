//! One load: two machines on one store, while requests fail.

mod turns;

use std::sync::Arc;
use std::time::Duration;

use checkpoint_conformance::objects::{Dated, Faulty, Requests};
use checkpoint_core::{Backend, FakeClock, Result, SeededIds};
use object_store::ObjectStore;

use super::machine::Machine;
use super::op::{self, Answer, Op};
use super::plan::{Plan, by_chance, faults, lies};
use super::service::Service;
use super::subject::{ObjectSubject, Opening};
use super::told::Told;
use crate::chain::chain;
use crate::load::Seed;

/// Who writes, through one machine or the other.
const WRITERS: usize = 4;
/// How long a load may take; a request that nobody lets go would take forever.
const PATIENCE: Duration = Duration::from_secs(180);
/// After this time what nothing leads to is old.
const LONG: Duration = Duration::from_secs(2 * 60 * 60);

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
